"""Estimates of classifiers before labels come: against NannyML, and against what labels say later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from observability.performance.classification import evaluate_classification
from observability.performance.estimated import EstimatedClassification
from tests.unit.performance import estimation_data as source

#: NannyML's names of metrics, and ours.
NAMES = {"roc_auc": "auc", "f1": "f1", "precision": "precision", "recall": "recall", "accuracy": "accuracy"}
RECORDED = json.loads((Path(__file__).parent / "data" / "nannyml.json").read_text())


def compare(estimator: EstimatedClassification, data: dict[str, Any], table: NDArray[Any], recorded: Any) -> None:
    for chunk in range(source.CHUNKS):
        rows = slice(chunk * source.CHUNK, (chunk + 1) * source.CHUNK)
        found = estimator.estimate(data["y_pred"][rows], table[rows])
        for theirs, ours in NAMES.items():
            # NannyML rounds the steps of the ROC curve to five digits, hence the area differs in the seventh.
            exactness = 1e-6 if theirs == "roc_auc" else 1e-12
            assert found[ours].value == pytest.approx(recorded["estimates"][theirs][chunk], abs=exactness), ours


@pytest.mark.parametrize("recorded", RECORDED["binary"], ids=lambda each: f"sureness {each['sureness']}")
def test_binary_estimates_equal_those_of_nannyml(recorded: dict[str, Any]) -> None:
    data = source.binary(recorded["sureness"], recorded["seed"])
    reference = data["reference"]
    estimator = EstimatedClassification.fit(
        reference["y_true"], reference["y_pred_proba"], calibrate=recorded["calibrated"]
    )
    compare(estimator, data["analysis"], data["analysis"]["y_pred_proba"], recorded)
    if recorded["sureness"] != 1:  # of probabilities that are right already the two may think differently
        itself = EstimatedClassification.fit(reference["y_true"], reference["y_pred_proba"])
        assert (itself.curves[1] is not None) == recorded["calibrated"]


@pytest.mark.parametrize("recorded", RECORDED["three_classes"], ids=lambda each: f"sureness {each['sureness']}")
def test_estimates_of_many_classes_equal_those_of_nannyml(recorded: dict[str, Any]) -> None:
    data = source.three_classes(recorded["sureness"], recorded["seed"])
    tables = {
        period: np.column_stack([columns[f"proba_{code}"] for code in range(3)]) for period, columns in data.items()
    }
    assert recorded["calibrated"] == [True] * 3
    estimator = EstimatedClassification.fit(
        data["reference"]["y_true"], tables["reference"], classes=[0, 1, 2], calibrate=True
    )
    compare(estimator, data["analysis"], tables["analysis"], recorded)


@pytest.mark.parametrize("sureness", [1.0, 2.0])
def test_labels_that_come_later_lie_in_the_interval(sureness: float) -> None:
    """Calibration is learned from 40,000 rows, so that little is left but the labels' own chance."""
    rng = np.random.default_rng(21)

    def draw(n: int, centre: float) -> tuple[NDArray[Any], NDArray[Any]]:
        log_odds = 1.5 * rng.normal(centre, 1.0, n) - 0.5
        return rng.random(n) < 1 / (1 + np.exp(-log_odds)), 1 / (1 + np.exp(-sureness * log_odds))

    estimator = EstimatedClassification.fit(*draw(40_000, 0.3), classes=[False, True])
    held = []
    for _ in range(400):
        true, probability = draw(300, 0.8)
        estimated = estimator.estimate(probability > 0.5, probability)
        realised = evaluate_classification(true, probability > 0.5, probability, positive=True)
        names = ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier")
        held.append([not estimated[name].excludes(realised[name].value) for name in names])
    shares = np.mean(held, axis=0)
    assert (shares > 0.92).all(), shares
    assert (shares < 0.985).all(), shares


def test_macro_estimates_lie_as_near_to_later_labels_as_they_say() -> None:
    rng = np.random.default_rng(22)

    def draw(n: int) -> tuple[NDArray[Any], NDArray[Any]]:
        table = rng.dirichlet([2.0, 1.0, 0.5], n)
        return (rng.random(n)[:, None] > table.cumsum(axis=1)[:, :2]).sum(axis=1), table

    estimator = EstimatedClassification.fit(*draw(5000), classes=[0, 1, 2], calibrate=False)
    held = []
    for _ in range(400):
        true, table = draw(300)
        estimated = estimator.estimate(table.argmax(axis=1), table)
        realised = evaluate_classification(true, table.argmax(axis=1), table, classes=[0, 1, 2])
        held.append([not estimated[name].excludes(realised[name].value) for name in estimated])
    shares = np.mean(held, axis=0)
    assert (shares > 0.92).all(), shares
    assert (shares < 0.985).all(), shares


def test_the_estimate_sees_nothing_of_concept_drift() -> None:
    """Where labels no longer follow the probabilities, the estimate stays and the truth falls: why labels matter."""
    rng = np.random.default_rng(23)
    probability = rng.random(5000)
    true = rng.random(5000) < probability
    estimator = EstimatedClassification.fit(true.astype(int), probability)
    estimated = estimator.estimate((probability > 0.5).astype(int), probability)["accuracy"]
    turned = evaluate_classification(~true, probability > 0.5)["accuracy"]
    assert not estimated.excludes(0.75)
    assert turned.value < 0.3


def test_what_cannot_be_estimated_is_absent() -> None:
    estimator = EstimatedClassification.fit([0, 1, 0, 1], [0.2, 0.7, 0.4, 0.6], calibrate=False)
    nobody = estimator.estimate([0, 0], [0.1, 0.3])
    assert "precision" not in nobody
    assert nobody["recall"].value == 0.0
    assert dict(estimator.estimate([], [])) == {}
    certain = estimator.estimate([0, 0], [0.0, 0.0])
    assert "recall" not in certain
    assert "auc" not in certain
    assert certain["accuracy"].value == 1.0


def test_rows_that_miss_a_value_are_counted() -> None:
    estimator = EstimatedClassification.fit([0, 1, 0, 1], [0.2, 0.7, 0.4, 0.6], calibrate=False)
    found = estimator.estimate([1, None, 1, 7], [0.9, 0.9, np.nan, 0.9])
    assert (found.n, found.missing) == (1, 3)
    assert found["accuracy"].value == pytest.approx(0.9)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two classes"):
        EstimatedClassification.fit([0], [0.1], classes=[0])
    with pytest.raises(ValueError, match="rows with a label"):
        EstimatedClassification.fit([None], [0.1])
    with pytest.raises(ValueError, match="2 labels but 1 rows"):
        EstimatedClassification.fit([0, 1], [0.1])
    with pytest.raises(ValueError, match="or \\(n, 3\\)"):
        EstimatedClassification.fit([0, 1], [0.1, 0.2], classes=[0, 1, 2])
    estimator = EstimatedClassification.fit([0, 1], [0.1, 0.9], calibrate=False)
    with pytest.raises(ValueError, match="between 0 and 1"):
        estimator.estimate([0], [1.2])
    with pytest.raises(ValueError, match="1 predictions but 2 rows"):
        estimator.estimate([0], [0.2, 0.3])
