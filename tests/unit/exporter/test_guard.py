"""The guard: who is shown, who is folded, and how a value that is used more takes the place of one used less."""

from __future__ import annotations

import numpy as np
import pytest

from observability import catalogue
from observability.catalogue import EXPORTER_FOLDED
from observability.metrics.guard import CLOSED_LABELS, LEAVE_SECONDS, OTHER, SUMMARY, Guard, open_labels
from observability.settings import Label

HOUR = 3600.0
IDLE = 6 * HOUR


def full(places: int) -> Guard:
    """A guard whose places for models are taken by ``kept-0``…, each used once."""
    guard = Guard(places, 128)
    assert guard.fold_many("model", [f"kept-{number}" for number in range(places)]) == [
        f"kept-{number}" for number in range(places)
    ]
    return guard


def leaving(guard: Guard, now: float) -> set[str]:
    """Models that lost their places at ``now`` or before, and have left the page since."""
    guard.tend(now, IDLE)
    return guard.tend(now + LEAVE_SECONDS, IDLE).get("model", set())


def test_every_label_of_the_catalogue_is_closed_or_known_to_come_from_the_wire() -> None:
    labels = {label for family in catalogue.EXPOSED for label in family.labels}
    assert labels - CLOSED_LABELS == {
        "service", "provider", "model", "value", "tool", "agent", "workflow", "guardrail", "method", "retriever",
        "reranker", "evaluation", "label", "attribute", "severity", "version", "prompt", "class", "feature", "baseline",
        "segment", "range", "other",
    }  # fmt: skip
    assert open_labels(catalogue.LLM_REQUESTS) == (0, 1, 2)
    assert open_labels(EXPORTER_FOLDED) == ()


def test_first_come_are_shown_until_the_label_is_full() -> None:
    guard = full(2)
    assert guard.fold("model", "late") == OTHER
    assert guard.fold("model", "kept-1") == "kept-1"
    assert guard.fold("service", "late") == "late"


def test_a_closed_label_is_never_folded() -> None:
    guard = Guard(1, 4)
    assert guard.fold_many("status", ["success", "error"]) == ["success", "error"]
    assert guard.fold("operation", "chat") == "chat"


def test_a_long_value_is_cut_and_an_empty_one_is_unknown_and_takes_no_place() -> None:
    guard = Guard(1, 4)
    assert guard.fold("model", "abcdefgh") == "abcd"
    assert guard.fold("model", "abcd") == "abcd"
    assert guard.fold("model", "") == "unknown"
    assert guard.fold("model", OTHER) == OTHER
    assert guard.fold("model", "next") == OTHER


def test_values_that_the_settings_allow_are_shown_besides_the_others() -> None:
    guard = Guard(5, 16, {"model": Label(allow=("ours", "a-very-long-name-of-a-model"), values=1)})
    assert guard.fold_many("model", ["first", "second", "ours", "a-very-long-name-of-a-model"]) == [
        "first",
        OTHER,
        "ours",
        "a-very-long-name",
    ]


def test_a_label_with_no_places_shows_its_allow_list_alone() -> None:
    guard = Guard(5, 16, {"value": Label(allow=("search",), values=0)})
    assert guard.fold_many("value", ["search", "ads"], [1, 10_000]) == ["search", OTHER]
    assert guard.tend(10, IDLE) == guard.tend(100, IDLE) == {}
    assert guard.fold("value", "ads") == OTHER


def test_a_name_reserved_after_it_came_gives_its_place_back() -> None:
    guard = full(2)
    guard.reserve("model", ["kept-0"])
    assert guard.fold_many("model", ["late", "later"]) == ["late", OTHER]


def test_a_heavy_folded_value_takes_the_place_of_the_least_used_one() -> None:
    guard = full(3)
    guard.fold_many("model", ["kept-0", "kept-2"], [500, 500])
    guard.fold("model", "heavy", 400)
    assert guard.tend(5, IDLE) == {}
    assert leaving(guard, 10) == {"kept-1"}
    assert guard.fold_many("model", ["kept-1", "heavy"]) == [OTHER, OTHER]  # until the series of kept-1 are gone
    guard.left("model", {"kept-1"})
    assert guard.fold_many("model", ["kept-0", "kept-1", "kept-2", "heavy"]) == ["kept-0", OTHER, "kept-2", "heavy"]


def test_a_place_is_kept_for_the_value_that_won_it() -> None:
    guard = full(1)
    guard.fold("model", "heavy", 400)
    assert leaving(guard, 5) == {"kept-0"}
    assert guard.fold("model", "somebody") == OTHER
    guard.left("model", {"kept-0"})
    assert guard.fold_many("model", ["somebody", "heavy"]) == [OTHER, "heavy"]


def test_a_value_used_a_little_more_takes_no_place() -> None:
    guard = full(1)
    guard.fold("model", "kept-0", 100)
    guard.fold("model", "rival", 190)
    assert leaving(guard, 5) == set()
    guard.fold("model", "rival", 60)
    assert leaving(guard, 100) == {"kept-0"}


def test_two_values_of_equal_use_do_not_take_turns() -> None:
    guard = full(1)
    for now in range(5, 20_000, 5):
        guard.fold_many("model", ["kept-0", "rival"], [3, 3])
        assert guard.tend(float(now), IDLE) == {}


def test_old_uses_weigh_less() -> None:
    guard = full(1)
    guard.tend(0, IDLE)
    guard.fold("model", "kept-0", 1000)
    guard.tend(5 * HOUR, IDLE)  # 1000 samples of five hours ago weigh as much as 31 now
    guard.fold("model", "kept-0", 1)
    guard.fold("model", "rival", 100)
    assert leaving(guard, 5 * HOUR + 5) == {"kept-0"}


def test_uses_are_comparable_after_weeks() -> None:
    guard = full(1)
    for hour in range(0, 24 * 21):
        guard.fold_many("model", ["kept-0", "rival"], [100, 90])
        assert guard.tend(hour * HOUR, IDLE) == {}
    guard.fold("model", "rival", 1000)
    assert leaving(guard, 24 * 21 * HOUR) == {"kept-0"}


def test_an_idle_value_gives_its_place_back() -> None:
    guard = full(2)
    guard.tend(HOUR, IDLE)
    guard.fold("model", "kept-1")
    guard.tend(6.5 * HOUR, IDLE)
    assert guard.fold_many("model", ["late", "later", "kept-1"]) == ["late", OTHER, "kept-1"]


def test_a_value_that_found_a_free_place_does_not_take_a_second_one() -> None:
    guard = full(2)
    guard.tend(1 * HOUR, IDLE)
    guard.fold("model", "heavy", 400)
    assert leaving(guard, 1 * HOUR + 5) == {"kept-0"}
    guard.tend(7 * HOUR, IDLE)  # kept-1 is idle by now
    assert guard.fold("model", "heavy") == "heavy"
    guard.left("model", {"kept-0"})
    assert guard.fold_many("model", ["a", "b"]) == ["a", OTHER]


def test_a_leaving_value_is_not_shown_again_while_a_place_is_free() -> None:
    guard = full(2)
    guard.tend(1 * HOUR, IDLE)
    guard.fold("model", "heavy", 400)
    assert leaving(guard, 1 * HOUR + 5) == {"kept-0"}
    guard.tend(7 * HOUR, IDLE)  # kept-1 is idle by now
    assert guard.fold("model", "kept-0") == OTHER


def test_few_values_leave_at_a_time() -> None:
    guard = full(100)
    guard.fold_many("model", [f"heavy-{number}" for number in range(50)], [1000] * 50)
    first = leaving(guard, 5)
    assert len(first) == 5
    assert leaving(guard, 100) == first  # their series are still shown
    guard.left("model", first)
    assert len(leaving(guard, 200)) == 5


@pytest.mark.parametrize("share", [0.004, 0.02])
def test_a_heavy_value_among_ever_new_ones_is_found(share: float) -> None:
    """More than 1/(SUMMARY + 1) of the folded samples is enough to stay in the summary."""
    assert share > 1 / (SUMMARY + 1)
    guard = full(10)
    random = np.random.default_rng(1)
    for batch in range(100):
        names = [f"once-{batch}-{number}" for number in range(2000)]
        guard.fold_many("model", names)
        guard.fold("model", "heavy", random.binomial(2000, share))
    gone = leaving(guard, 5)
    assert len(gone) == 1  # the one-time values are not heavy
    guard.left("model", gone)
    assert guard.fold("model", "heavy") == "heavy"


def test_values_that_were_heavy_once_do_not_keep_a_new_one_out_of_the_summary() -> None:
    guard = full(1)
    guard.fold("model", "kept-0", 200)
    decoys = range(SUMMARY + 1)
    guard.fold_many("model", [f"once-heavy-{number}" for number in decoys], [50 + number / 20 for number in decoys])
    for batch in range(60):
        guard.fold("model", "heavy", 30)
        guard.fold_many("model", [f"once-{batch}-{number}" for number in range(3 * SUMMARY)])
    assert leaving(guard, 5) == {"kept-0"}
    guard.left("model", {"kept-0"})
    assert guard.fold("model", "heavy") == "heavy"


def test_a_value_leaves_after_two_scrapes_at_least() -> None:
    assert LEAVE_SECONDS >= 2 * 15
