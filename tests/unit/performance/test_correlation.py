"""Correlation of models' series over time."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from observability.performance.correlation import correlate, groups


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(10, 60), st.integers(0, 3))
def test_rho_equals_that_of_scipy_over_common_buckets(seed: int, n: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = np.round(rng.random((2, n)), digits)
    first[rng.random(n) < 0.2], second[rng.random(n) < 0.2] = np.nan, np.nan
    both = ~(np.isnan(first) | np.isnan(second))
    found = correlate({"a": first, "b": second}, minimum=3)
    if both.sum() < 3 or np.ptp(first[both]) == 0 or np.ptp(second[both]) == 0:
        assert found == []
        return
    assert found[0].n == both.sum()
    assert found[0].rho == pytest.approx(stats.spearmanr(first[both], second[both]).statistic, abs=1e-12)
    assert 0 < found[0].n_effective <= found[0].n


def test_independent_series_correlate_as_seldom_as_alpha_says_however_slowly_they_drift() -> None:
    """Autoregressive series with 0.8 of the value before: the plain test rejects in far more than 5 %."""
    rng = np.random.default_rng(4)
    rejected = plain = 0
    for _ in range(400):
        noise = rng.normal(size=(2, 200))
        for step in range(1, 200):
            noise[:, step] += 0.8 * noise[:, step - 1]
        found = correlate({"a": noise[0], "b": noise[1]})[0]
        rejected += found.p_value < 0.05
        plain += stats.spearmanr(noise[0], noise[1]).pvalue < 0.05
    assert plain / 400 > 0.2
    assert rejected / 400 < 0.09


def test_models_that_share_a_cause_are_a_group() -> None:
    rng = np.random.default_rng(5)
    cause = rng.normal(size=120)
    series = {name: cause + 0.5 * rng.normal(size=120) for name in ("fraud", "credit")}
    series |= {"search": rng.normal(size=120), "against": -cause + 0.5 * rng.normal(size=120)}
    series["credit"][3:9] = np.nan
    found = correlate(series)
    assert len(found) == 6
    assert groups(found) == [["credit", "fraud"]]
    assert abs(found[0].rho) >= abs(found[-1].rho)
    strongest = next(each for each in found if {each.first, each.second} == {"fraud", "credit"})
    assert (strongest.n, strongest.together) == (114, True)
    assert strongest.lower < strongest.rho < strongest.upper
    assert strongest.adjusted_p_value >= strongest.p_value
    opposed = next(each for each in found if each.first == "fraud" and each.second == "against")
    assert opposed.rho < -0.5
    assert not opposed.together


def test_groups_join_by_way_of_others() -> None:
    rng = np.random.default_rng(6)
    base = rng.normal(size=(2, 200))
    series = {"a": base[0], "b": base[0] + base[1], "c": base[1], "d": rng.normal(size=200)}
    assert groups(correlate(series)) == [["a", "b", "c"]]


def test_too_little_says_nothing() -> None:
    assert correlate({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]}) == []
    assert correlate({"a": np.arange(20.0), "b": np.ones(20)}) == []
    assert correlate({}) == []
    trend = correlate({"a": np.arange(40.0), "b": np.arange(40.0)})[0]
    assert trend.n_effective < 10
    line = correlate({"a": np.arange(10.0), "b": np.arange(10.0)})[0]
    assert math.isnan(line.p_value) or line.p_value > 0
    assert json.dumps(line.to_dict())
    with pytest.raises(ValueError, match="of one length"):
        correlate({"a": [1.0], "b": [1.0, 2.0]})
