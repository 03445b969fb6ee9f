"""Calibration curves and isotonic calibration, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve as reference_curve
from sklearn.isotonic import IsotonicRegression

from observability.performance.calibration import Isotonic, calibration_curve, calibration_error, needs_calibration


@settings(max_examples=100)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_curve_equals_that_of_scikit_learn(n: int, bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.random(n)
    outcome = rng.random(n) < probability
    found = calibration_curve(outcome, probability, bins)
    observed, predicted = reference_curve(outcome.astype(int), probability, n_bins=bins)
    filled = found.n > 0
    assert found.observed[filled] == pytest.approx(observed, abs=1e-12)
    assert found.mean_predicted[filled] == pytest.approx(predicted, abs=1e-12)
    assert np.isnan(found.observed[~filled]).all()
    assert np.isnan(found.lower[~filled]).all()
    assert found.n.sum() == n


@settings(max_examples=100)
@given(st.integers(2, 60), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_isotonic_calibration_equals_that_of_scikit_learn(n: int, digits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(n), digits)
    outcome = rng.random(n) < scores
    queries = np.linspace(-0.5, 1.5, 201)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, outcome)
    assert Isotonic.fit(scores, outcome)(queries) == pytest.approx(theirs.predict(queries), abs=1e-12)


def test_quantile_bins_hold_as_many_rows_each() -> None:
    probability = np.random.default_rng(1).random(1000) ** 4
    found = calibration_curve(probability > 0.5, probability, 10, strategy="quantile")
    assert set(found.n.tolist()) == {100}
    repeated = calibration_curve([0, 1, 1, 1], [0.0, 0.0, 0.0, 0.5], 10, strategy="quantile")
    assert repeated.n.sum() == 4


def test_missing_rows_are_left_out_and_impossible_ones_refused() -> None:
    assert calibration_curve([1, 0, np.nan], [0.2, np.nan, 0.4], 5).n.sum() == 1
    assert calibration_error([], []) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration_curve([1], [1.1])
    with pytest.raises(ValueError, match="not \\(1,\\) and \\(2,\\)"):
        calibration_curve([1], [0.1, 0.2])
    with pytest.raises(ValueError, match="at least one bin"):
        calibration_curve([1], [0.1], 0)


def test_only_scores_that_are_no_probabilities_need_calibration() -> None:
    rng = np.random.default_rng(2)
    probability = rng.random(4000)
    outcome = rng.random(4000) < probability
    assert needs_calibration(outcome, probability**3)
    assert needs_calibration(outcome, 0.3 + 0.4 * probability)
    assert not needs_calibration(np.ones(50, bool), rng.random(50))
    assert not needs_calibration(outcome[:10], probability[:10])
