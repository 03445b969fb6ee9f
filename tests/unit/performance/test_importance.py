"""Importance of features by mutual information, and its drift."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import mutual_info_score, ndcg_score

from observability.performance.importance import importance_drift, importances


def table(feature: NDArray[np.int64], prediction: NDArray[np.int64], bins: int, classes: int) -> NDArray[np.int64]:
    return np.bincount(feature * classes + prediction, minlength=bins * classes).reshape(bins, classes)


def test_importance_is_mutual_information_less_its_bias() -> None:
    rng = np.random.default_rng(1)
    prediction = rng.integers(0, 3, 2000)
    feature = np.where(rng.random(2000) < 0.5, prediction, rng.integers(0, 5, 2000))
    plain = mutual_info_score(feature, prediction)
    share = np.bincount(prediction) / 2000
    entropy = -(share * np.log(share)).sum() + 2 / 4000
    corrected = plain + (4 + 2 - 14) / 4000
    assert importances(table(feature, prediction, 5, 3)) == pytest.approx(corrected / entropy)


def test_a_feature_of_many_bins_that_means_nothing_has_no_importance() -> None:
    rng = np.random.default_rng(2)
    found = [importances(table(rng.integers(0, 30, 3000), rng.integers(0, 8, 3000), 30, 8)) for _ in range(50)]
    assert np.mean(found) < 0.005  # the uncorrected one is 0.016
    assert np.max(found) < 0.02


def test_the_prediction_itself_is_all_important_and_no_rows_say_nothing() -> None:
    same = np.diag([5, 9, 4])
    assert importances(same) == pytest.approx(1.0)
    assert np.isnan(importances(np.zeros((3, 2))))
    assert np.isnan(importances([[5, 0], [7, 0]]))
    assert importances(np.stack([same, np.full((3, 3), 10)])) == pytest.approx([1.0, 0.0])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_the_ranking_is_compared_as_by_scikit_learn(seed: int, features: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 50, (features, 4, 3)) * rng.integers(1, 4, (features, 1, 1))
    after = rng.integers(0, 50, (features, 4, 3))
    found = importance_drift(before, after, [f"f{number}" for number in range(features)])
    gain, order = np.nan_to_num(found.baseline), np.nan_to_num(found.current)
    if gain.sum() > 0 and len(set(order.tolist())) == features:
        assert found.ndcg == pytest.approx(ndcg_score([gain], [order]))
    assert found.change.sum() == pytest.approx(0.0, abs=1e-9) or gain.sum() == 0 or order.sum() == 0


def test_what_changed_is_said_by_feature() -> None:
    rng = np.random.default_rng(3)
    prediction = rng.integers(0, 4, 5000)

    def tied(strength: float) -> NDArray[np.int64]:
        return table(np.where(rng.random(5000) < strength, prediction, rng.integers(0, 4, 5000)), prediction, 4, 4)

    names = ["income", "age", "city"]
    quiet = importance_drift([tied(0.8), tied(0.5), tied(0.0)], [tied(0.8), tied(0.5), tied(0.0)], names)
    assert quiet.ndcg > 0.99
    assert not quiet.is_drift
    moved = importance_drift([tied(0.8), tied(0.5), tied(0.0)], [tied(0.0), tied(0.5), tied(0.8)], names)
    assert moved.is_drift
    assert moved.change[0] < -0.5
    assert moved.change[2] > 0.5
    assert json.loads(json.dumps(moved.to_dict()))["features"]["city"]["change"] == moved.change[2]


def test_importances_of_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match="2 names"):
        importance_drift(np.ones((3, 2, 2)), np.ones((3, 2, 2)), ["a", "b"])
    nothing = importance_drift(np.zeros((1, 2, 2)), np.ones((1, 2, 2)), ["a"])
    assert np.isnan(nothing.ndcg)
    assert not nothing.is_drift
    assert nothing.to_dict()["ndcg"] is None
