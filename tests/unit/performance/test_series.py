"""Anomalies and regressions of a metric over time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from observability.performance.series import decision_limit, find_anomalies, find_regression


def test_scores_are_distances_from_the_median_before_in_median_deviations() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=120)
    values[rng.random(120) < 0.1] = np.nan
    found = find_anomalies(values, window=30, minimum=10)
    for place in range(120):
        past = values[max(0, place - 30) : place]
        past = past[~np.isnan(past)]
        if len(past) < 10:
            assert math.isnan(found.score[place])
            assert not found.is_anomaly[place]
            continue
        assert found.expected[place] == pytest.approx(np.median(past))
        deviation = stats.median_abs_deviation(past, scale="normal")
        assert found.score[place] == pytest.approx((values[place] - np.median(past)) / deviation, nan_ok=True)


def test_a_spike_is_found_and_does_not_hide_the_next() -> None:
    values = 100 + np.random.default_rng(2).normal(size=300)
    values[[150, 160, 161]] += 50
    found = np.flatnonzero(find_anomalies(values).is_anomaly)
    assert set(found) == {150, 160, 161}


def test_a_rhythm_is_no_anomaly_where_its_period_is_known() -> None:
    rng = np.random.default_rng(3)
    hours = np.arange(24 * 30)
    values = np.where(hours % 24 == 3, 100.0, 10.0) + rng.normal(size=len(hours))
    assert find_anomalies(values, window=48).is_anomaly.sum() > 20
    seasonal = find_anomalies(values, window=14, period=24, minimum=7)
    assert seasonal.is_anomaly.sum() <= 5
    values[24 * 20 + 4] = 100.0  # the peak of another hour
    assert find_anomalies(values, window=14, period=24, minimum=7).is_anomaly[24 * 20 + 4]


def test_values_that_never_moved_need_a_floor() -> None:
    values = np.array([5.0] * 30 + [5.1])
    assert find_anomalies(values).is_anomaly[-1]
    assert find_anomalies(values).score[29] == 0.0
    assert not find_anomalies(values, floor=0.1).is_anomaly[-1]


def test_a_lasting_rise_is_a_regression_and_where_it_began_is_said() -> None:
    rng = np.random.default_rng(4)
    baseline = 200 + 10 * rng.normal(size=200)
    values = 200 + 10 * rng.normal(size=300)
    assert find_regression(values, baseline) is None
    values[180:] += 15
    found = find_regression(values, baseline)
    assert found is not None
    assert 170 <= found.start <= 185
    assert 180 < found.found < 200
    assert found.after - found.before > 8
    assert find_regression(-values, -baseline) is None
    down = find_regression(-values, -baseline, worse="down")
    assert down is not None
    assert (down.start, down.found) == (found.start, found.found)
    values[100] = np.nan
    gap = find_regression(values, baseline)
    assert gap is not None
    assert gap.found == found.found


def test_one_outlier_is_no_regression() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=100)
    values[50] = 1000.0
    assert find_regression(values, rng.normal(size=200)) is None


@pytest.mark.parametrize("length", [100, 1000])
def test_regressions_of_quiet_values_are_as_rare_as_asked_for(length: int) -> None:
    rng = np.random.default_rng(6)
    baseline = rng.normal(size=100_000)
    runs = []
    for _ in range(150):
        found = find_regression(rng.normal(size=length * 12), baseline, average_run_length=length)
        runs.append(length * 12 if found is None else found.found + 1)
    assert np.mean(runs) == pytest.approx(length, rel=0.3)


def test_the_limit_is_that_of_tables() -> None:
    """A one-sided CUSUM with k = ½ and h = 4 or 5 has run lengths of 336 and 930 (Montgomery, table 9.4, doubled)."""
    assert decision_limit(0.5, 336) == pytest.approx(4.0, abs=0.02)
    assert decision_limit(0.5, 930) == pytest.approx(5.0, abs=0.02)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="not \\(2, 2\\)"):
        find_anomalies(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="at least 1"):
        find_anomalies([1.0], period=0)
    with pytest.raises(ValueError, match="at least 10"):
        find_regression([1.0], [1.0] * 9)
    with pytest.raises(ValueError, match="equal values"):
        find_regression([1.0], [1.0] * 10)
    with pytest.raises(ValueError, match="slack"):
        decision_limit(0.0, 100)
