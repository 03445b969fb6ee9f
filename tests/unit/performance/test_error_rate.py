"""The e-detector of error rates: what it promises, computed and simulated."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from observability.performance.error_rate import _STAKES, ErrorRateEDetector


def expected_sums(rate: float, baseline_n: int, steps: int) -> NDArray[np.float64]:
    """E[M] after each step at this error rate, over baselines and streams, by summing over all counts of errors."""
    errors = np.arange(baseline_n + steps + 1)
    mass = np.zeros(len(errors))
    mass[: baseline_n + 1] = stats.binom.pmf(errors[: baseline_n + 1], baseline_n, rate)
    sums = np.zeros((len(_STAKES), len(errors)))
    found = []
    for step in range(steps):
        q = (errors + 1) / (baseline_n + 1 + step)
        bets = (sums + mass) / (1 + q * _STAKES[:, None])
        sums = bets * (1 - rate)
        sums[:, 1:] += (bets * rate * (1 + _STAKES[:, None]))[:, :-1]
        moved = mass * (1 - rate)
        moved[1:] += mass[:-1] * rate
        mass = moved
        found.append(float(sums.sum(axis=1).mean()))
    return np.array(found)


@pytest.mark.parametrize("baseline_n", [1, 20, 300])
@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.3, 0.6, 0.95])
def test_the_sum_of_bets_grows_by_one_a_step_at_most_on_average(rate: float, baseline_n: int) -> None:
    """Exactly, whatever the error rate, and however small the baseline that it is known from."""
    found = expected_sums(rate, baseline_n, 400)
    assert (found <= np.arange(1, 401) * (1 + 1e-9)).all()


def test_the_sum_of_bets_is_what_its_definition_says() -> None:
    rng = np.random.default_rng(40)
    stream = rng.random(300) * (rng.random(300) < 0.3)
    detector = ErrorRateEDetector(7.5, 40)
    detector.update_many(stream)
    q = (7.5 + 1 + np.cumsum(np.concatenate([[0.0], stream[:-1]]))) / (40 + 1 + np.arange(300))
    factors = (1 + np.multiply.outer(_STAKES, stream)) / (1 + np.multiply.outer(_STAKES, q))
    began = sum(factors[:, start:].prod(axis=1) for start in range(300))
    assert detector.e_value == pytest.approx(np.mean(began), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.booleans())
def test_batches_and_single_values_come_to_the_same_across_a_restart(seed: int, cut: int, bounded: bool) -> None:
    rng = np.random.default_rng(seed)
    stream = (rng.random(600) < np.repeat([0.1, 0.7, 0.02], 200)) * (rng.random(600) if bounded else 1.0)
    whole = ErrorRateEDetector(20, 200, 1000, recovery_window=50)
    single = ErrorRateEDetector(20, 200, 1000, recovery_window=50)
    begun = [place for place in range(cut) if single.update(stream[place])]
    restarted = ErrorRateEDetector(20, 200, 1000, recovery_window=50)
    restarted.from_state(json.loads(json.dumps(single.to_state())))
    begun += (cut + restarted.update_many(stream[cut:])).tolist()
    assert begun == whole.update_many(stream).tolist()
    assert restarted.alarm == whole.alarm
    assert restarted.e_value == pytest.approx(whole.e_value, rel=1e-9)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
def test_false_alarms_are_as_rare_as_promised(rate: float) -> None:
    """T / A is 20 % here; the error of 500 runs is 1.8 %."""
    rng = np.random.default_rng(41)
    alarms = 0
    for _ in range(500):
        detector = ErrorRateEDetector(int((rng.random(300) < rate).sum()), 300, 10_000)
        alarms += detector.update_many((rng.random(2000) < rate).astype(float)).size > 0
    assert alarms / 500 < 0.2


def test_false_alarms_of_losses_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(42)
    alarms = 0
    for _ in range(300):
        detector = ErrorRateEDetector(float(rng.beta(0.5, 2.0, 300).sum()), 300, 10_000)
        alarms += detector.update_many(rng.beta(0.5, 2.0, 2000)).size > 0
    assert alarms / 300 < 0.2


def test_a_shift_is_found_soon() -> None:
    rng = np.random.default_rng(43)
    delays = []
    for _ in range(40):
        detector = ErrorRateEDetector(200, 2000)
        assert not detector.update_many((rng.random(1000) < 0.1).astype(float)).size
        found = detector.update_many((rng.random(3000) < 0.2).astype(float))
        delays.append(found[0] if found.size else 3000)
    assert np.median(delays) < 300


def test_an_alarm_stays_until_errors_are_as_rare_as_before() -> None:
    rng = np.random.default_rng(44)
    detector = ErrorRateEDetector(100, 1000, 10_000, recovery_window=100)
    assert detector.update_many((rng.random(1000) < 0.5).astype(float)).size == 1
    assert detector.alarm
    assert detector.e_value >= 10_000
    detector.update_many((rng.random(2000) < 0.05).astype(float))
    assert not detector.alarm
    assert detector.e_value < 10_000
    assert detector.update_many((rng.random(1000) < 0.5).astype(float)).size == 1
    detector.reset()
    assert (detector.alarm, detector.e_value) == (False, 0.0)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0/0"):
        ErrorRateEDetector(0, 0)
    with pytest.raises(ValueError, match="not 5/4"):
        ErrorRateEDetector(5, 4)
    with pytest.raises(ValueError, match="at least 2"):
        ErrorRateEDetector(1, 4, 1)
    with pytest.raises(ValueError, match="at least one value"):
        ErrorRateEDetector(1, 4, recovery_window=0)
    for value in (1.5, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            ErrorRateEDetector(1, 4).update(value)
