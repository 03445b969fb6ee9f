"""Metrics of classifiers, against scikit-learn."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference

from observability.performance.classification import evaluate_classification
from observability.performance.result import Performance


@st.composite
def binary(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Labels, predictions and probabilities of which many tie."""
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    true = (rng.random(n) < draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))).astype(int)
    predicted = (rng.random(n) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))).astype(int)
    return true, predicted, np.round(rng.random(n), draw(st.integers(0, 3)))


def expect(performance: Performance, name: str, value: float) -> None:
    if math.isnan(value):
        assert name not in performance
    else:
        assert performance[name].value == pytest.approx(value, abs=1e-12, rel=1e-12)
        assert not performance[name].excludes(performance[name].value)


@settings(max_examples=150)
@given(binary())
def test_binary_metrics_equal_those_of_scikit_learn(data: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
    true, predicted, probability = data
    found = evaluate_classification(true, predicted, probability, positive=1)
    options: dict[str, Any] = {"zero_division": math.nan, "pos_label": 1}
    expect(found, "accuracy", reference.accuracy_score(true, predicted))
    expect(found, "precision", reference.precision_score(true, predicted, **options))
    expect(found, "recall", reference.recall_score(true, predicted, **options))
    expect(found, "f1", reference.f1_score(true, predicted, **options))
    one_class = len(set(true.tolist())) == 1
    expect(found, "auc", math.nan if one_class else reference.roc_auc_score(true, probability))
    both = np.column_stack([1 - probability, probability])
    expect(found, "log_loss", reference.log_loss(true, both, labels=[0, 1]))
    expect(found, "brier", reference.brier_score_loss(true, probability, pos_label=1))
    assert found.averaging == "binary"


@settings(max_examples=150)
@given(st.integers(1, 60), st.integers(3, 6), st.integers(0, 2**32 - 1))
def test_metrics_of_many_classes_equal_those_of_scikit_learn(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = np.array([f"class {code}" for code in range(k)])
    true, predicted = names[rng.integers(0, k, n)], names[rng.integers(0, k, n)]
    table = rng.dirichlet(np.ones(k), n)
    found = evaluate_classification(true, predicted, table, classes=list(names))
    options: dict[str, Any] = {"average": "macro", "zero_division": math.nan, "labels": names}
    with warnings.catch_warnings():  # of classes that nobody has
        warnings.simplefilter("ignore")
        expect(found, "precision", reference.precision_score(true, predicted, **options))
        expect(found, "recall", reference.recall_score(true, predicted, **options))
        expect(found, "f1", reference.f1_score(true, predicted, **options))
    expect(found, "accuracy", reference.accuracy_score(true, predicted))
    expect(found, "log_loss", reference.log_loss(true, table, labels=names))
    expect(found, "brier", reference.brier_score_loss(true, table, labels=names))
    if set(true) == set(names):
        auc = reference.roc_auc_score(true, table, multi_class="ovr", average="macro", labels=names)
        expect(found, "auc", auc)
    assert found.averaging == "macro"


def test_what_is_undefined_is_absent() -> None:
    nobody = evaluate_classification([0, 0], [0, 0], [0.1, 0.2], positive=1)
    assert set(nobody) == {"accuracy", "log_loss", "brier", "ece"}
    assert "recall" in evaluate_classification([1, 0], [0, 0], positive=1)
    assert "precision" not in evaluate_classification([1, 0], [0, 0], positive=1)
    nothing = evaluate_classification(np.array([]), np.array([]), np.array([]), positive=1)
    assert dict(nothing) == {}
    assert nothing.n == 0


def test_rows_without_label_or_prediction_are_counted_as_missing() -> None:
    found = evaluate_classification(["a", None, "b", "b"], ["a", "a", math.nan, "a"], classes=["a", "b"])
    assert (found.n, found.missing) == (2, 2)
    assert found["accuracy"].value == 0.5
    numbers = evaluate_classification(np.array([0.0, np.nan, 1.0]), np.array([0.0, 1.0, 1.0]))
    assert (numbers.n, numbers.missing) == (2, 1)
    assert numbers.averaging == "binary"


def test_a_row_whose_probability_is_missing_counts_for_its_label_only() -> None:
    found = evaluate_classification([0, 1, 1], [0, 1, 0], [0.2, np.nan, 0.4], positive=1)
    assert found["accuracy"].n == 3
    assert found["brier"].n == 2
    assert found["brier"].value == pytest.approx((0.2**2 + 0.6**2) / 2)


def test_a_label_that_is_none_of_the_classes_counts_as_an_error_only() -> None:
    table = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]
    found = evaluate_classification(["a", "b", "new"], ["a", "b", "c"], table, classes=["a", "b", "c"])
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["log_loss"].n == 2


def test_the_second_of_two_classes_is_the_positive_one() -> None:
    true, predicted = ["no", "yes", "yes"], ["no", "yes", "no"]
    table = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]
    found = evaluate_classification(true, predicted, table, classes=["no", "yes"])
    assert found["recall"].value == 0.5
    assert found["brier"].value == pytest.approx((0.1**2 + 0.2**2 + 0.6**2) / 3)
    other = evaluate_classification(true, predicted, table, classes=["no", "yes"], positive="no")
    assert other["recall"].value == 1.0
    assert other["brier"].value == pytest.approx(found["brier"].value)
    assert other["auc"].value == pytest.approx(found["auc"].value)


def test_labels_of_several_types_do_not_meet() -> None:
    found = evaluate_classification([1, "1", True], ["1", "1", True])
    assert found["accuracy"].value == pytest.approx(2 / 3)


def test_shapes_and_probabilities_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="not \\(2,\\) and \\(1,\\)"):
        evaluate_classification([0, 1], [0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        evaluate_classification([0, 1], [0, 1], [0.5, 1.5])
    with pytest.raises(ValueError, match="2 labels but 3 rows"):
        evaluate_classification([0, 1], [0, 1], [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="`classes` says of which"):
        evaluate_classification([0, 2], [0, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match="with k `classes`"):
        evaluate_classification([0, 2], [0, 1], [[0.5, 0.3, 0.2]] * 2)


def test_the_calibration_error_is_that_of_guo_et_al() -> None:
    """Two bins of fifteen: (6.67 %, 13.3 %] holds 0.1 three times, (86.7 %, 93.3 %] holds 0.9 once."""
    found = evaluate_classification([0, 0, 1, 1], [0, 0, 0, 1], [0.1, 0.1, 0.1, 0.9])
    assert found["ece"].value == pytest.approx(0.75 * abs(1 / 3 - 0.1) + 0.25 * 0.1)
    table = [[0.6, 0.3, 0.1], [0.2, 0.6, 0.2]]
    top = evaluate_classification([0, 2], [0, 1], table, classes=[0, 1, 2])
    assert top["ece"].value == pytest.approx(abs(0.5 - 0.6))


def test_a_result_becomes_json() -> None:
    found = evaluate_classification([1], [1], [0.9]).to_dict()
    assert found["metrics"]["brier"] == {"value": pytest.approx(0.01), "lower": None, "upper": None, "n": 1}
    assert found["averaging"] == "binary"
    assert found["missing"] == 0
