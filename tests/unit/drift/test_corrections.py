"""Corrections for many tests, against scipy and by what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from observability.drift import corrections
from observability.drift.corrections import benjamini_hochberg, bonferroni, e_benjamini_hochberg, holm

P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0])), max_size=30)


@settings(max_examples=150)
@given(P_VALUES)
def test_benjamini_hochberg_equals_scipy(p_values: list[float]) -> None:
    found = benjamini_hochberg(p_values)
    if p_values:
        assert found.adjusted == pytest.approx(stats.false_discovery_control(p_values), abs=1e-12)
    assert np.array_equal(found.rejected, found.adjusted <= 0.05)


@settings(max_examples=150)
@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.3]))
def test_holm_rejects_step_by_step(p_values: list[float], alpha: float) -> None:
    found = holm(p_values, alpha)
    for step, index in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[index] * (len(p_values) - step) > alpha:
            assert not found.rejected[np.argsort(p_values, kind="stable")[step:]].any()
            break
        assert found.rejected[index]


@settings(max_examples=100)
@given(P_VALUES)
def test_the_stricter_correction_rejects_no_more(p_values: list[float]) -> None:
    single, step_down, discovery = bonferroni(p_values), holm(p_values), benjamini_hochberg(p_values)
    assert np.all(single.adjusted >= step_down.adjusted)
    assert np.all(step_down.adjusted >= discovery.adjusted - 1e-15)
    assert single.adjusted == pytest.approx(np.minimum(np.array(p_values) * len(p_values), 1))


@pytest.mark.parametrize("name", sorted(corrections.BY_NAME))
def test_what_was_not_tested_does_not_count(name: corrections.Correction) -> None:
    correct = corrections.BY_NAME[name]
    whole = correct([0.01, 0.02, 0.9], 0.05)
    holes = correct([np.nan, 0.01, np.nan, 0.02, 0.9], 0.05)
    assert holes.rejected.tolist() == [False, whole.rejected[0], False, *whole.rejected[1:]]
    assert holes.adjusted[[1, 3, 4]].tolist() == whole.adjusted.tolist()
    assert np.isnan(holes.adjusted[[0, 2]]).all()
    assert correct([np.nan], 0.05).rejected.tolist() == [False]


def test_without_correction_each_test_stands_for_itself() -> None:
    assert corrections.none([0.04, 0.06]).rejected.tolist() == [True, False]


@settings(max_examples=150)
@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=20), st.sampled_from([0.05, 0.2]))
def test_e_values_are_rejected_where_enough_are_large(e_values: list[float], alpha: float) -> None:
    ordered = sorted(e_values, reverse=True)
    n = len(ordered)
    enough = [k for k in range(1, n + 1) if ordered[k - 1] * k * alpha >= n * (1 + 1e-12)]
    near = any(abs(ordered[k - 1] * k * alpha / n - 1) < 1e-9 for k in range(1, n + 1))
    found = e_benjamini_hochberg(e_values, alpha)
    if not near:
        limit = ordered[max(enough) - 1] if enough else np.inf
        assert found.rejected.tolist() == [e >= limit for e in e_values]


def test_an_infinite_e_value_is_rejected_and_an_absent_one_is_no_test() -> None:
    assert e_benjamini_hochberg([np.inf, 0.0, np.nan]).rejected.tolist() == [True, False, False]


def test_impossible_values_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.2])
    with pytest.raises(ValueError, match="level"):
        holm([0.2], 0.0)
    with pytest.raises(ValueError, match="0 or more"):
        e_benjamini_hochberg([-1.0])
    with pytest.raises(ValueError, match="one dimension"):
        bonferroni([[0.1]])
