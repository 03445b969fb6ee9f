"""Token types are disjoint, whatever a provider reports."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from observability.records import TokenUsage

COUNT = st.integers(min_value=0, max_value=10**9)
MAYBE = st.none() | COUNT


@settings(deadline=None)
@given(COUNT, COUNT, COUNT, COUNT, COUNT)
def test_disjoint_types_sum_up_to_the_reported_totals_where_the_parts_are_inside(
    fresh: int, read: int, write: int, said: int, thought: int
) -> None:
    usage = TokenUsage.from_totals(fresh + read + write, read, write, said + thought, thought)
    assert usage == TokenUsage(fresh, read, write, said, thought)
    assert sum(usage.by_type().values()) == fresh + read + write + said + thought
    assert (usage.input_total, usage.output_total) == (fresh + read + write, said + thought)


@settings(deadline=None)
@given(MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
def test_no_type_is_negative_and_no_type_is_made_up(
    total_in: int | None, read: int | None, write: int | None, total_out: int | None, thought: int | None
) -> None:
    usage = TokenUsage.from_totals(total_in, read, write, total_out, thought)
    reported = [total_in, read, write, total_out, thought]
    if usage is None:
        assert reported == [None] * 5
        return
    assert [usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning].count(
        None
    ) == reported.count(None)
    assert all(count >= 0 for count in usage.by_type().values())
    # At least the reported totals, at most totals and parts: nothing is subtracted twice, nothing counted twice.
    assert usage.input_total >= max(total_in or 0, (read or 0) + (write or 0))
    assert usage.input_total <= (total_in or 0) + (read or 0) + (write or 0)


def test_cache_that_is_larger_than_the_input_stands_outside_it() -> None:
    # Anthropic's own numbers: 89 fresh tokens beside 4099 read and 1187 written.
    assert TokenUsage.from_totals(89, 4099, 1187, 233, None) == TokenUsage(89, 4099, 1187, 233)


def test_absent_is_not_zero() -> None:
    assert TokenUsage.from_totals(None, None, None, None, None) is None
    assert TokenUsage.from_totals(0, None, None, 0, None) == TokenUsage(input=0, output=0)
