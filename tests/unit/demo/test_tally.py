"""Counting, and events that are due at a share."""

from __future__ import annotations

import pytest

from demo.tally import Evenly, Tally


def test_a_block_that_raises_counts_as_an_error_and_still_raises() -> None:
    tally = Tally()
    with tally.outcome("tool", "search"):
        pass
    with pytest.raises(KeyError), tally.outcome("tool", "search"):
        raise KeyError("gone")
    tally.add("guardrail", "policy", "passed", amount=2)
    assert tally.as_json() == [
        ["guardrail", "policy", "passed", 2],
        ["tool", "search", "error", 1],
        ["tool", "search", "success", 1],
    ]


@pytest.mark.parametrize(("share", "first"), [(0.1, 5), (0.5, 1), (1.0, 1), (0.06, 9)])
def test_the_share_is_met_from_the_middle_of_the_first_period_on(share: float, first: int) -> None:
    events = Evenly(share)
    due = [events.due() for _ in range(1000)]
    assert due.index(True) + 1 == first
    for events_so_far in range(1, 1001):
        assert abs(sum(due[:events_so_far]) - share * events_so_far) <= 0.5 + 1e-6


def test_a_share_of_nothing_is_never_due() -> None:
    events = Evenly(0.0)
    assert not any(events.due() for _ in range(1000))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_beyond_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Evenly(share)
