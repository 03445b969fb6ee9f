"""Errors of a regression before true values come: learned from the reference, read off the inputs.

Direct loss estimation (DLE, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html): another
model predicts how wrong the first one is. NannyML trains gradient-boosted trees (LightGBM); here it is an additive
ridge regression on quantile bins of each feature and of the prediction, solved at once, which needs no library and
says how uncertain it is. It does not see that two features matter only together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Floats, Ints
from observability.performance.intervals import LEVEL, Estimate, quantile_of
from observability.performance.result import Performance

#: Bins of a column, beside one for missing values.
BINS = 10
#: Rows of no effect that hold each bin back: what few rows of a bin say is doubted.
PRIOR_ROWS = 5.0
#: Rows taken at once where a reference is learned from.
_ROWS = 4096


@dataclass(frozen=True)
class _Model:
    """Additive model of a positive quantity: ``coefficients`` (c,) of the bins, with their ``covariance`` (c, c)."""

    mean: float
    coefficients: Floats
    covariance: Floats
    #: Variance of ``mean``.
    mean_variance: float
    #: Variance of one row's value over the square of what is expected of it.
    relative_variance: float


@dataclass(frozen=True)
class EstimatedRegression:
    """Estimates the errors of a regression from its inputs; fitted to a labelled reference.

    ``edges`` are those of the bins of each column: the features and, last, the prediction.
    """

    edges: tuple[Floats, ...]
    absolute: _Model
    squared: _Model

    @classmethod
    def fit(cls, features: Any, y_pred: Any, y_true: Any, *, bins: int = BINS) -> EstimatedRegression:
        """Learn how large errors are from ``features`` (n, f), predictions ``y_pred`` (n,) and ``y_true`` (n,).

        A feature that is NaN is a bin of its own; a row without a prediction or true value is left out. Categories
        are given as codes.

        Raises:
            ValueError: shapes that do not fit, or fewer than 10 rows.
        """
        columns, true = _columns(features, y_pred), np.asarray(y_true, np.float64)
        if true.shape != columns.shape[:1]:
            raise ValueError(f"there are {len(columns)} predictions but true values of shape {true.shape}")
        used = ~(np.isnan(true) | np.isnan(columns[:, -1]))
        columns, true = columns[used], true[used]
        if len(true) < 10:
            raise ValueError("ten labelled rows are the fewest to learn errors from")
        edges = tuple(_edges(column, bins) for column in columns.T)
        places, width = _places(columns, edges)
        error = np.abs(true - columns[:, -1])
        return cls(edges, _fitted(places, width, error), _fitted(places, width, error**2))

    def estimate(self, features: Any, y_pred: Any, *, level: float = LEVEL) -> Performance:
        """Estimated ``mae`` and ``rmse`` of predictions ``y_pred`` (n,) from ``features`` (n, f), without true values.

        The interval is where the metric of these rows comes out once true values come: it adds the uncertainty of
        what was learned to the spread of single errors, and holds as long as errors depend on the inputs as they did
        in the reference. Rows without a prediction are counted as missing; no rows give no metrics.

        Raises:
            ValueError: shapes that do not fit the reference's.
        """
        columns = _columns(features, y_pred)
        if columns.shape[1] != len(self.edges):
            raise ValueError(f"the reference has {len(self.edges) - 1} features, not {columns.shape[1] - 1}")
        used = ~np.isnan(columns[:, -1])
        n = int(used.sum())
        if n == 0:
            return Performance.of({}, n=0, missing=len(used), averaging=None)
        places, _ = _places(columns[used], self.edges)
        z = quantile_of(level)
        value, error = _predicted(self.absolute, places)
        square, its_error = _predicted(self.squared, places)
        low, high = max(0.0, square - z * its_error), square + z * its_error
        estimates = {
            "mae": Estimate(value, max(0.0, value - z * error), value + z * error, n),
            "rmse": Estimate(math.sqrt(square), math.sqrt(low), math.sqrt(high), n),
        }
        return Performance.of(estimates, n=n, missing=len(used) - n, averaging=None)


def _columns(features: Any, y_pred: Any) -> Floats:
    predicted = np.asarray(y_pred, np.float64)
    table = np.asarray(features, np.float64)
    if predicted.ndim != 1 or table.ndim != 2 or len(table) != len(predicted):
        raise ValueError(f"features are (n, f) and predictions (n,), not {table.shape} and {predicted.shape}")
    return np.column_stack([table, predicted])


def _edges(column: Floats, bins: int) -> Floats:
    present = column[~np.isnan(column)]
    if not len(present):
        return np.array([])
    inner = np.quantile(present, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.unique(inner[inner < present.max()])


def _places(columns: Floats, edges: tuple[Floats, ...]) -> tuple[Ints, int]:
    """Which of all bins of all columns each row is in: shape (n, columns), and how many there are."""
    places, start = np.empty(columns.shape, np.int64), 0
    for number, inner in enumerate(edges):
        column = columns[:, number]
        place = np.searchsorted(inner, column, "left")
        places[:, number] = start + np.where(np.isnan(column), len(inner) + 1, place)
        start += len(inner) + 2
    return places, start


def _fitted(places: Ints, width: int, values: Floats) -> _Model:
    n, mean = len(values), float(values.mean())
    crossed, weighted = PRIOR_ROWS * np.eye(width), np.zeros(width)
    for start in range(0, n, _ROWS):
        design = _design(places[start : start + _ROWS], width)
        crossed += design.T @ design
        weighted += design.T @ (values[start : start + _ROWS] - mean)
    inverse = np.asarray(np.linalg.inv(crossed), np.float64)
    coefficients: Floats = inverse @ weighted
    expected = np.maximum(mean + coefficients[places].sum(axis=1), 0.0)
    squares = float(np.mean((values - expected) ** 2))
    typical = float(np.mean(expected**2))
    return _Model(mean, coefficients, squares * inverse, squares / n, squares / typical if typical else 0.0)


def _design(places: Ints, width: int) -> Floats:
    design = np.zeros((len(places), width))
    np.put_along_axis(design, places, 1.0, axis=1)
    return design


def _predicted(model: _Model, places: Ints) -> tuple[float, float]:
    """Expected mean over the rows, and its standard error."""
    n = len(places)
    expected = np.maximum(model.mean + model.coefficients[places].sum(axis=1), 0.0)
    shares = np.bincount(places.ravel(), minlength=len(model.coefficients)) / n
    learned = float(shares @ model.covariance @ shares)
    single = model.relative_variance * float(np.mean(expected**2)) / n
    return float(expected.mean()), math.sqrt(model.mean_variance + max(learned, 0.0) + single)
