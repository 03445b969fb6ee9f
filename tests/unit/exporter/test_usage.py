"""Token types are disjoint, whatever a provider reports."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.columns import Ints
from observability.translate import answers, usage
from observability.vocabulary import fields

COUNT = st.integers(min_value=0, max_value=10**9)
MAYBE = st.none() | COUNT
SMALL = st.integers(min_value=0, max_value=6)


def split(**reported: int | None) -> list[int]:
    """Input, cache_read, cache_write, output, reasoning; -1 where nobody said."""
    return table(**reported)[0, :5].tolist()  # type: ignore[no-any-return]


def table(**reported: int | None) -> Ints:
    said = {name: reported.get(name) for name in fields.NUMBERS}
    return usage.table({name: np.array([np.nan if value is None else value]) for name, value in said.items()}, 1)


@settings(deadline=None)
@given(COUNT, COUNT, COUNT, COUNT, COUNT)
def test_disjoint_types_sum_up_to_the_reported_totals_where_the_parts_are_inside(
    fresh: int, read: int, write: int, said: int, thought: int
) -> None:
    found = split(
        input=fresh + read + write, cache_read=read, cache_write=write, output=said + thought, reasoning=thought
    )
    everything = [fresh, read, write, said, thought]
    assert found == (everything if any(everything) else [-1] * 5)


@settings(deadline=None)
@given(MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
def test_no_type_is_made_up_and_nothing_is_counted_twice(
    given_: int | None, read: int | None, write: int | None, out: int | None, thought: int | None
) -> None:
    found = split(input=given_, cache_read=read, cache_write=write, output=out, reasoning=thought)
    reported = [given_, read, write, out, thought]
    if not any(reported):
        assert found == [-1] * 5
        return
    assert [count == -1 for count in found] == [count is None for count in reported]
    total = sum(max(count, 0) for count in found[:3])
    assert max(given_ or 0, (read or 0) + (write or 0)) <= total <= (given_ or 0) + (read or 0) + (write or 0)


def test_cache_that_is_larger_than_the_input_stands_outside_it() -> None:
    # Anthropic's own numbers: 89 fresh tokens beside 4099 read and 1187 written.
    assert split(input=89, cache_read=4099, cache_write=1187, output=233) == [89, 4099, 1187, 233, -1]


@pytest.mark.parametrize(("total", "fresh"), [(1233, 900), (1333, 1000)])
def test_a_reported_total_tells_whether_the_cache_is_inside(total: int, fresh: int) -> None:
    assert split(input=1000, cache_read=100, output=233, total=total)[0] == fresh


def test_a_reported_total_tells_that_reasoning_is_beside_the_output() -> None:
    assert split(input=100, output=200, reasoning=50, total=350) == [100, -1, -1, 200, 50]
    assert split(input=100, output=200, reasoning=50, total=300) == [100, -1, -1, 150, 50]


@settings(deadline=None, max_examples=400)
@given(SMALL, SMALL, SMALL, SMALL, st.booleans(), st.booleans())
def test_the_types_sum_up_to_a_reported_total_wherever_their_parts_stand(
    fresh: int, cached: int, said: int, thought: int, cache_inside: bool, thought_inside: bool
) -> None:
    total = fresh + cached + said + thought
    found = split(
        input=fresh + cached * cache_inside, cache_read=cached, output=said + thought * thought_inside,
        reasoning=thought, total=total,
    )  # fmt: skip
    assert sum(count for count in found if count > 0) == total


def test_absent_is_not_zero_and_all_zeros_are_absent() -> None:
    assert split() == [-1] * 5
    assert split(input=0, output=0) == [-1] * 5
    assert split(input=5, output=0) == [5, -1, -1, 0, -1]


def test_parts_with_prices_of_their_own_never_exceed_their_whole() -> None:
    found = table(input=100, cache_write=40, cache_write_5m=30, cache_write_1h=10, input_audio=500, output=20)
    assert found[0, 5:7].tolist() == [10, 60]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}}, {"input": 5, "cache_read": 3}),
        ({"input_tokens": 7, "cache_creation": {"ephemeral_1h_input_tokens": 2}}, {"input": 7, "cache_write_1h": 2}),
        ({"promptTokenCount": 4, "thoughtsTokenCount": 2}, {"input": 4, "reasoning": 2}),
        ({"prompt_tokens": 0, "completion_tokens": 0}, {}),
        ({"prompt_tokens": True, "nested": {"deep": "text"}}, {}),
        ("no document", {}),
    ],
)
def test_a_usage_document_is_read_in_any_spelling(document: object, found: dict[str, float]) -> None:
    assert usage.from_document(document) == found


def test_an_answer_tells_its_id_model_and_usage_wherever_a_framework_put_it() -> None:
    inner = {"id": "chatcmpl-1", "model_name": "gpt-4o", "token_usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    document = {"generations": [[{"message": {"kwargs": {"id": "lc_run-1", "response_metadata": inner}}}]]}
    found = answers.read(document)
    assert (found.response_id, found.model, found.usage) == ("chatcmpl-1", "gpt-4o", {"input": 5.0, "output": 2.0})
