"""The benchmark of drift detectors: what it promises of them, and that its runs mean what the page says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from bench.alarms import ours, page, runs, streams
from bench.alarms.__main__ import RESULTS
from bench.alarms.watching import Bound, Looks, Watcher, follow, median, windows

OURS = {each.name for each in (*ours.CLASSIC, ours.SEQUENTIAL, *ours.CONCEPT)} | {"EmbeddingDriftDetector"}


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def test_the_page_is_what_was_measured(results: dict[str, Any]) -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(results)


def test_every_detector_of_ours_was_measured_and_keeps_what_it_promises_by_default(results: dict[str, Any]) -> None:
    rows = [row for part in ("features", "concept", "embeddings") for row in results[part]]
    kept = {row["detector"]: row["within"] for row in rows}

    assert kept.keys() >= OURS
    assert {name for name in OURS if kept[name] is False} == set()


def test_the_sequential_test_kept_its_promise_at_each_run_length_and_for_features_together(
    results: dict[str, Any],
) -> None:
    for row in (*results["run_lengths"], *results["together"]):
        assert row["found"] - 2 * row["error"] <= row["promised"], row


def test_streams_repeat_and_change_where_they_say() -> None:
    first, again, other = (streams.changed("1.0 σ", number) for number in (0, 0, 1))

    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)
    assert first.change == streams.BEFORE
    assert abs(first.values[: streams.BEFORE].mean()) < 0.1
    assert abs(first.values[streams.BEFORE :].mean() - 1) < 0.1


def test_windows_hold_the_newest_values_and_step_on() -> None:
    stream = streams.quiet("normal", 0)
    looks = list(windows(stream, 0))

    assert len(looks) == streams.LOOKS
    assert looks[0][0] == streams.WINDOW
    assert looks[-1][0] == len(stream.values)
    assert np.array_equal(looks[1][1], stream.values[streams.STEP : streams.STEP + streams.WINDOW])
    assert next(windows(stream, 5010))[0] == 5050


def test_a_delay_counts_from_the_change_and_an_alarm_before_it_does_not() -> None:
    def watch(stream: streams.Stream, begin: int) -> Looks:
        yield streams.BEFORE - 50, 1
        yield streams.BEFORE, 1
        yield streams.BEFORE + 50, 0
        yield streams.BEFORE + 100, 1

    assert follow(Watcher("any", watch), streams.changed("0.1 σ", 0)) == {"quiet": False, "delay": 100}


def test_a_median_delay_is_infinite_where_most_were_never_found() -> None:
    assert median([100.0, None, 300.0]) == 300
    assert median([100.0, None, None]) == float("inf")


@pytest.mark.parametrize(
    ("bound", "alarms", "kept"),
    [
        (Bound(share=0.05), 40, True),
        (Bound(share=0.05), 200, False),
        (Bound(run_length=1e4), 2, True),
        (Bound(run_length=1e4), 20, False),
        (Bound(), 1000, None),
    ],
)
def test_a_promise_is_kept_or_not(bound: Bound, alarms: int, kept: bool | None) -> None:
    rows = [{"alarms": alarms + at % 2, "looks": 1000, "values": 50_000, "first": 100} for at in range(20)]

    assert runs.within(rows, {"share": bound.share, "run_length": bound.run_length}, 1.0) is kept


def test_more_streams_with_an_alarm_than_the_run_length_allows_are_told() -> None:
    rows: list[dict[str, Any]] = [{"alarms": 1, "looks": 1000, "values": 50_000, "first": 100}] * 20
    rows += [{"alarms": 0, "looks": 1000, "values": 50_000, "first": None}] * 80

    assert runs.within(rows, {"share": None, "run_length": 1e6}, 1.0) is False
    assert runs.within(rows, {"share": None, "run_length": 1e5}, 1.0) is True


@pytest.mark.parametrize("watcher", [*ours.CLASSIC, ours.SEQUENTIAL], ids=lambda each: each.name)
def test_each_detector_sees_a_large_change(watcher: Watcher) -> None:
    assert 0 < follow(watcher, streams.changed("1.0 σ", 0))["delay"] <= 1000
