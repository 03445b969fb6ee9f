"""Metrics of a regression whose true values have come."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from observability.columns import Floats
from observability.performance.intervals import LEVEL, Estimate, mean, ratio_of_means
from observability.performance.result import Performance


def evaluate_regression(y_true: Any, y_pred: Any, *, level: float = LEVEL) -> Performance:
    """Mean absolute error, root of the mean squared error and R² of predictions ``y_pred`` (n,) of ``y_true`` (n,).

    A row in which either is NaN is not counted. What is undefined is absent: all three without a row, R² where all
    true values are equal or there are fewer than two. Intervals: ``mae`` by the central limit theorem, ``rmse`` and
    ``r2`` by the delta method on the logarithm of the mean squared error and of 1 - R².

    Raises:
        ValueError: the shapes differ or are not (n,).
    """
    true, predicted = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    if true.ndim != 1 or true.shape != predicted.shape:
        raise ValueError(f"true values and predictions are (n,), not {true.shape} and {predicted.shape}")
    used = ~(np.isnan(true) | np.isnan(predicted))
    true, predicted = true[used], predicted[used]
    error = true - predicted
    estimates = {
        "mae": mean(np.abs(error), level, least=0.0),
        "rmse": _rmse(error, level),
        "r2": _r2(true, error, level),
    }
    return Performance.of(estimates, n=len(true), missing=len(used) - len(true), averaging=None)


def _rmse(error: Floats, level: float) -> Estimate | None:
    squares = ratio_of_means(error**2, None, level)
    if squares is None:
        return None
    value, lower, upper = (math.sqrt(bound) for bound in squares)
    return Estimate(value, lower, upper, len(error))


def _r2(true: Floats, error: Floats, level: float) -> Estimate | None:
    if len(true) < 2 or np.ptp(true) == 0:
        return None
    unexplained = ratio_of_means(error**2, (true - np.mean(true)) ** 2, level)
    if unexplained is None:
        return None
    value, lower, upper = unexplained
    return Estimate(1 - value, 1 - upper, 1 - lower, len(true))
