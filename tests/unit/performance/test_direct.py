"""Errors of regressions before true values come, under drift of the inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from observability.performance.direct import EstimatedRegression
from observability.performance.regression import evaluate_regression


def draw(rng: np.random.Generator, n: int, centre: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Three features, predictions, true values; noise grows with the first feature, the model is off in the second."""
    features = rng.normal(size=(n, 3)) + np.array([centre, 0.0, 0.0])
    predicted = features.sum(axis=1)
    noise = rng.normal(size=n) * (0.5 + 0.5 / (1 + np.exp(-2 * features[:, 0])))
    true = predicted + noise + 0.3 * np.maximum(features[:, 1], 0)
    return features, predicted, true


def fitted(rng: np.random.Generator, n: int = 8000) -> EstimatedRegression:
    return EstimatedRegression.fit(*draw(rng, n, 0.0))


@pytest.mark.parametrize("centre", [-0.8, 0.0, 0.8])
def test_true_errors_lie_in_the_interval_under_drift_of_the_inputs(centre: float) -> None:
    rng = np.random.default_rng(31)
    estimator = fitted(rng)
    held = []
    for _ in range(200):
        features, predicted, true = draw(rng, 300, centre)
        estimated = estimator.estimate(features, predicted)
        realised = evaluate_regression(true, predicted)
        held.append([not estimated[name].excludes(realised[name].value) for name in ("mae", "rmse")])
    shares = np.mean(held, axis=0)
    assert (shares > 0.9).all()


def test_the_interval_knows_how_little_a_small_reference_says() -> None:
    rng = np.random.default_rng(36)
    held = []
    for _ in range(150):
        features, predicted, true = draw(rng, 3000, 0.0)
        estimated = fitted(rng, 300).estimate(features, predicted)
        realised = evaluate_regression(true, predicted)
        held.append([not estimated[name].excludes(realised[name].value) for name in ("mae", "rmse")])
    shares = np.mean(held, axis=0)
    assert (shares > 0.93).all(), shares


def test_the_estimate_follows_the_error_where_the_reference_alone_does_not() -> None:
    rng = np.random.default_rng(32)
    estimator = fitted(rng)
    before = evaluate_regression(*draw(rng, 20_000, 0.0)[:0:-1])["mae"].value
    features, predicted, true = draw(rng, 20_000, 1.0)
    realised = evaluate_regression(true, predicted)["mae"].value
    estimated = estimator.estimate(features, predicted)["mae"].value
    assert abs(realised - before) > 0.08
    assert abs(estimated - realised) < 0.25 * abs(realised - before)


def test_missing_features_have_an_effect_of_their_own() -> None:
    rng = np.random.default_rng(33)
    features, predicted, true = draw(rng, 8000, 0.0)
    gone = rng.random(8000) < 0.2
    features[gone, 2] = np.nan
    true = np.where(gone, true + rng.normal(scale=4, size=8000), true)
    estimator = EstimatedRegression.fit(features, predicted, true)
    worse = estimator.estimate(features[gone], predicted[gone])["mae"].value
    better = estimator.estimate(features[~gone], predicted[~gone])["mae"].value
    assert worse > 3 * better


def test_rows_without_a_prediction_are_counted() -> None:
    rng = np.random.default_rng(34)
    estimator = fitted(rng, 500)
    features, predicted, _ = draw(rng, 4, 0.0)
    predicted[1] = np.nan
    found = estimator.estimate(features, predicted)
    assert (found.n, found.missing) == (3, 1)
    assert dict(estimator.estimate(features[:0], predicted[:0])) == {}


def test_a_model_that_is_always_right_is_expected_to_stay_so() -> None:
    features = np.arange(40.0)[:, None]
    estimator = EstimatedRegression.fit(features, features[:, 0], features[:, 0])
    found = estimator.estimate(features, features[:, 0])
    assert found["mae"].value == found["rmse"].value == 0.0


def test_shapes_that_do_not_fit_are_refused() -> None:
    features = np.zeros((20, 2))
    with pytest.raises(ValueError, match="features are \\(n, f\\)"):
        EstimatedRegression.fit(features[:, 0], np.zeros(20), np.zeros(20))
    with pytest.raises(ValueError, match="20 predictions but true values of shape \\(19,\\)"):
        EstimatedRegression.fit(features, np.zeros(20), np.zeros(19))
    with pytest.raises(ValueError, match="fewest"):
        EstimatedRegression.fit(features[:5], np.zeros(5), np.zeros(5))
    with pytest.raises(ValueError, match="has 2 features, not 1"):
        EstimatedRegression.fit(features, np.zeros(20), np.zeros(20)).estimate(features[:, :1], np.zeros(20))
