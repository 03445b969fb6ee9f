"""The tracker of the last predictions."""

from __future__ import annotations

import json
import math
import threading

import numpy as np
import pytest

from observability.performance.tracker import PerformanceTracker


def test_metrics_are_those_of_the_window() -> None:
    tracker = PerformanceTracker(window_size=4)
    for latency, confidence, correct in [(9.0, 0.1, False), (1.0, 0.9, True), (2.0, 0.4, None), (3.0, 0.6, False)]:
        tracker.record(latency, confidence, correct)
    tracker.record(4.0, None)
    found = tracker.compute_metrics()
    assert (found.n, found.n_labelled) == (4, 2)
    assert found.latency_mean == 2.5
    assert found.latency_p50 == 2.5
    assert found.latency_p99 == pytest.approx(np.quantile([1, 2, 3, 4], 0.99))
    assert found.mean_confidence == pytest.approx(1.9 / 3)
    assert found.low_confidence_rate == pytest.approx(1 / 3)
    assert found.accuracy == 0.5


def test_nothing_is_known_of_no_predictions() -> None:
    found = PerformanceTracker().compute_metrics().to_dict()
    assert found.pop("n") == found.pop("n_labelled") == 0
    assert set(found.values()) == {None}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("sizes", [[3, 3, 3], [1, 12, 2], [25], [0, 5]])
def test_many_at_once_come_to_the_same_as_one_by_one(sizes: list[int]) -> None:
    rng = np.random.default_rng(1)
    whole, single = PerformanceTracker(7, low_confidence=0.3), PerformanceTracker(7, low_confidence=0.3)
    for size in sizes:
        latency, confidence, correct = rng.random(size), rng.random(size), rng.random(size) < 0.5
        whole.record_many(latency, confidence, correct)
        for row in zip(latency.tolist(), confidence.tolist(), correct.tolist(), strict=True):
            single.record(*row)
    assert whole.compute_metrics() == single.compute_metrics()


def test_labels_may_be_unknown_in_a_batch() -> None:
    tracker = PerformanceTracker()
    tracker.record_many([1.0, 2.0], [0.5, math.nan])
    tracker.record_many([3.0], [0.5], [None])
    found = tracker.compute_metrics()
    assert (found.n, found.n_labelled, found.accuracy) == (3, 0, None)
    assert found.mean_confidence == 0.5


def test_no_record_of_several_threads_is_lost() -> None:
    tracker = PerformanceTracker(window_size=4000)

    def record() -> None:
        for _ in range(1000):
            tracker.record(1.0, 0.5, True)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tracker.compute_metrics().n_labelled == 4000


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one prediction"):
        PerformanceTracker(0)
    with pytest.raises(ValueError, match="0 or more"):
        PerformanceTracker().record(-1.0, 0.5)
    with pytest.raises(ValueError, match="0 or more"):
        PerformanceTracker().record_many([1.0, -1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match="not \\(2,\\), \\(1,\\), \\(2,\\)"):
        PerformanceTracker().record_many([1.0, 1.0], [0.5])
