"""The domain classifier: its AUC, its p-value and which columns it names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from observability.drift.domain import _auc, domain_classifier


@given(
    scores=st.lists(st.lists(st.integers(-3, 3), min_size=12, max_size=12), min_size=1, max_size=4),
    positives=st.integers(1, 11),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_the_area_under_the_curve_is_that_of_scikit_learn(scores: list[list[int]], positives: int, seed: int) -> None:
    labels = np.array([np.random.default_rng(seed).permutation(12) < positives] * len(scores))
    found = _auc(np.array(scores, np.float64), labels)
    assert found == pytest.approx([roc_auc_score(y, s) for y, s in zip(labels, scores, strict=True)])


def test_the_direction_is_that_of_a_linear_discriminant() -> None:
    random = np.random.default_rng(1)
    mixing = random.normal(size=(5, 5))
    x, y = (
        random.normal(size=(2000, 5)) @ mixing,
        (random.normal(size=(2000, 5)) + np.array([0.5, 0, 0, -0.3, 0])) @ mixing,
    )
    found = domain_classifier(x, y, 1).coefficients / np.concatenate([x, y]).std(axis=0)
    peer = LinearDiscriminantAnalysis(solver="lsqr").fit(np.concatenate([x, y]), np.repeat([0, 1], 2000)).coef_[0]
    assert found @ peer / (np.linalg.norm(found) * np.linalg.norm(peer)) > 0.999


def test_the_auc_of_a_shift_is_that_of_theory() -> None:
    random = np.random.default_rng(2)
    found = domain_classifier(random.normal(size=(4000, 4)), random.normal(size=(4000, 4)) + np.array([1, 0, 0, 0]), 9)
    assert found.value == pytest.approx(0.7602, abs=0.015)  # Φ(1/√2)
    assert found.p_value == 0.1


def test_samples_that_a_line_divides_have_an_auc_of_one() -> None:
    random = np.random.default_rng(3)
    found = domain_classifier(random.normal(size=(40, 3)), random.normal(20, 1, (30, 3)), 99)
    assert (found.value, found.p_value) == (1, 0.01)


def test_the_columns_that_moved_are_named() -> None:
    random = np.random.default_rng(4)
    x, y = random.normal(size=(800, 6)), random.normal(size=(800, 6)) + np.array([0, 0.8, 0, 0, -0.4, 0])
    found = domain_classifier(x, y, 99)
    names = ["age", "income", "tenure", "visits", "basket", "score"]
    assert [name for name, _ in found.top(names, 2)] == ["income", "basket"]
    assert dict(found.top(names))["income"] == pytest.approx(0.8, abs=0.05)  # 0.64 / (0.64 + 0.16)
    assert found.shares.sum() == pytest.approx(1)
    assert found.coefficients[1] > 0 > found.coefficients[4]


def test_columns_that_say_the_same_share_what_they_say() -> None:
    random = np.random.default_rng(5)
    x, y = random.normal(size=(500, 3)), random.normal(size=(500, 3)) + np.array([1, 0, 0])
    found = domain_classifier(x[:, [0, 0, 1, 2]], y[:, [0, 0, 1, 2]], 9)
    assert found.shares[0] == pytest.approx(found.shares[1], rel=1e-6)
    assert found.shares[0] > 0.45


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_of_columns_do_not_matter(factor: float) -> None:
    random = np.random.default_rng(6)
    x, y = random.normal(size=(100, 4)), random.normal(0.3, 1, (80, 4))
    units = np.array([1, factor, 1, 1])
    one, other = domain_classifier(x, y, 99), domain_classifier(x * units, y * units, 99)
    assert other.value == pytest.approx(one.value)
    assert other.p_value == one.p_value
    assert other.shares == pytest.approx(one.shares, rel=1e-6)


def test_more_columns_than_rows_are_no_trouble() -> None:
    random = np.random.default_rng(7)
    x, y = random.normal(size=(40, 200)), random.normal(0.4, 1, (40, 200))
    assert domain_classifier(x, y, 99).p_value == 0.01
    assert domain_classifier(x, random.normal(size=(40, 200)), 99).p_value > 0.05


def test_constant_columns_tell_nothing() -> None:
    random = np.random.default_rng(8)
    x, y = np.full((50, 3), 0.1), np.full((40, 3), 0.1)
    found = domain_classifier(x, y, 99)
    assert (found.value, found.p_value, found.z, found.shares.tolist()) == (0.5, 1, 0, [0, 0, 0])
    x[:, 1], y[:, 1] = random.normal(size=50), random.normal(3, 1, 40)
    assert domain_classifier(x, y, 99).shares == pytest.approx([0, 1, 0])


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 50), (3, 7), (50, 4)])
def test_few_rows_still_have_a_p_value(n: int, m: int) -> None:
    random = np.random.default_rng(n)
    found = domain_classifier(random.normal(size=(n, 3)), random.normal(size=(m, 3)), 50)
    assert 0 <= found.value <= 1
    assert 1 / 51 <= found.p_value <= 1


def test_one_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="two folds or more"):
        domain_classifier(np.zeros((4, 1)), np.ones((4, 1)), folds=1)


def test_names_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="1 names for 2 columns"):
        domain_classifier(np.zeros((4, 2)), np.ones((4, 2)), 9).top(["only"])
