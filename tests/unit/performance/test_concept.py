"""The rule of the error window."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.performance.concept import ConceptDriftDetector


def test_a_window_above_mean_and_k_standard_deviations_is_drift() -> None:
    reference = np.array([0.0] * 90 + [1.0] * 10)
    detector = ConceptDriftDetector(window_size=25, threshold_multiplier=2.0).fit(reference)
    expected = 0.1 + 2 * reference.std(ddof=1) * math.sqrt(1 / 25 + 1 / 100)
    assert detector.threshold == pytest.approx(expected)
    for _ in range(24):
        assert not detector.update(1.0).is_drift  # not before the window is full
    result = detector.update(1.0)
    assert result.is_drift
    assert (result.score, result.n_current, result.n_reference, result.method) == (1.0, 25, 100, "concept")
    assert result.expected == pytest.approx(0.1)
    for _ in range(25):
        result = detector.update(0.0)
    assert not result.is_drift


def test_the_std_of_single_errors_can_be_asked_for() -> None:
    reference = np.array([0.0] * 90 + [1.0] * 10)
    detector = ConceptDriftDetector(25, 2.0, deviation="single").fit(reference)
    assert detector.threshold == pytest.approx(0.1 + 2 * reference.std(ddof=1))
    assert not detector.update_many(np.repeat([1.0, 0.0], [15, 10])).size
    assert detector.update_many(np.ones(25)).size


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 200))
def test_batches_and_single_values_come_to_the_same_across_a_restart(seed: int, window: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    stream = np.where(rng.random(200) < 0.05, np.nan, rng.random(200) < 0.2)
    reference = rng.random(100) < 0.15
    reference[:2] = True, False
    whole = ConceptDriftDetector(window, 1.0).fit(reference)
    single = ConceptDriftDetector(window, 1.0).fit(reference)
    found = [place for place in range(cut) if single.update(stream[place]).is_drift and not math.isnan(stream[place])]
    restarted = ConceptDriftDetector(window, 1.0)
    restarted.from_state(json.loads(json.dumps(single.to_state())))
    found += (cut + restarted.update_many(stream[cut:])).tolist()
    assert found == whole.update_many(stream).tolist()
    assert restarted.result.score == whole.result.score


def test_a_quiet_look_alarms_as_seldom_as_k_says() -> None:
    """2.3 % of single looks at k = 2, with a finite reference of errors of 10 %."""
    rng = np.random.default_rng(51)
    fired = 0
    for _ in range(2000):
        detector = ConceptDriftDetector(500, 2.0).fit(rng.random(1000) < 0.1)
        detector.update_many(rng.random(500) < 0.1)
        fired += detector.result.is_drift
    assert 0.012 < fired / 2000 < 0.04


def test_what_is_missing_is_said() -> None:
    with pytest.raises(RuntimeError, match="call fit"):
        ConceptDriftDetector().update(1.0)
    with pytest.raises(ValueError, match="at least two errors"):
        ConceptDriftDetector().fit([1.0, math.nan])
    with pytest.raises(ValueError, match="at least one value"):
        ConceptDriftDetector(0)
    with pytest.raises(ValueError, match="not both"):
        ConceptDriftDetector(deviation="both")  # type: ignore[arg-type]
    assert math.isnan(ConceptDriftDetector().fit([0.0, 1.0]).result.score)
