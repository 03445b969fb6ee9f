"""Metrics of regressions, against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from observability.performance.regression import evaluate_regression

VALUES = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))


@settings(max_examples=200)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=40))
def test_metrics_equal_those_of_scikit_learn(rows: list[tuple[float, float]]) -> None:
    true, predicted = np.array(rows).T
    found = evaluate_regression(true, predicted)
    assert found["mae"].value == pytest.approx(reference.mean_absolute_error(true, predicted), abs=1e-12, rel=1e-12)
    assert found["rmse"].value == pytest.approx(
        reference.root_mean_squared_error(true, predicted), abs=1e-12, rel=1e-12
    )
    if np.ptp(true) == 0:
        assert "r2" not in found
    else:
        assert found["r2"].value == pytest.approx(reference.r2_score(true, predicted), abs=1e-12, rel=1e-11)
    for estimate in found.values():
        assert not estimate.excludes(estimate.value)


def test_what_is_undefined_is_absent() -> None:
    assert dict(evaluate_regression([], [])) == {}
    assert set(evaluate_regression([1.0], [2.0])) == {"mae", "rmse"}
    assert math.isnan(evaluate_regression([1.0], [2.0])["mae"].lower)
    assert "r2" not in evaluate_regression([3.0, 3.0], [2.0, 4.0])


def test_missing_values_are_counted() -> None:
    found = evaluate_regression([1.0, math.nan, 3.0, 5.0], [1.5, 2.0, math.nan, 5.5])
    assert (found.n, found.missing) == (2, 2)
    assert found["mae"].value == 0.5


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="not \\(1,\\) and \\(2,\\)"):
        evaluate_regression([1.0], [1.0, 2.0])
