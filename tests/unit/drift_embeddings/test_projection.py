"""Embeddings as a handful of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.decomposition import PCA

from observability.drift.projection import EmbeddingProjection


@given(rows=st.integers(6, 40), width=st.integers(2, 12), components=st.integers(1, 4), seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_components_are_those_of_scikit_learn_but_for_their_sign(
    rows: int, width: int, components: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    reference = random.normal(2, 1, (rows, width)) * 3.0 ** -np.arange(width)
    new = random.normal(size=(5, width))
    kept = min(components, width, rows - 1)
    found = EmbeddingProjection.fit(reference, components).transform(new)
    expected = PCA(kept, svd_solver="full").fit(reference).transform(new)
    assert list(found) == ["cosine", "distance", *(f"pc{number + 1}" for number in range(kept))]
    for number in range(kept):
        assert np.abs(found[f"pc{number + 1}"]) == pytest.approx(np.abs(expected[:, number]), abs=1e-6)


def test_cosine_and_distance_are_those_to_the_centroid() -> None:
    random = np.random.default_rng(1)
    reference, new = random.normal(1, 1, (50, 4)), random.normal(1, 1, (3, 4))
    centroid = reference.mean(axis=0)
    found = EmbeddingProjection.fit(reference).transform(new.astype(np.float32))
    lengths = np.linalg.norm(new, axis=1) * np.linalg.norm(centroid)
    assert found["cosine"] == pytest.approx(new @ centroid / lengths, rel=1e-5)
    assert found["distance"] == pytest.approx(np.linalg.norm(new - centroid, axis=1), rel=1e-5)


@pytest.mark.parametrize(("rows", "width"), [(50, 4), (10, 300)])
def test_components_have_length_one_and_right_angles(rows: int, width: int) -> None:
    reference = np.random.default_rng(2).normal(size=(rows, width))
    axes = EmbeddingProjection.fit(reference).components
    assert axes @ axes.T == pytest.approx(np.eye(4), abs=1e-9)


def test_the_order_of_the_reference_does_not_turn_an_axis_round() -> None:
    reference = np.random.default_rng(3).normal(size=(60, 5)) * np.array([5, 4, 3, 2, 1])
    one, other = EmbeddingProjection.fit(reference), EmbeddingProjection.fit(reference[::-1])
    assert other.components == pytest.approx(one.components, abs=1e-9)


def test_what_stands_for_no_text_is_missing_in_every_column() -> None:
    projection = EmbeddingProjection.fit(np.random.default_rng(4).normal(size=(20, 3)))
    rows = np.array([[1.0, 2, 3], [0, 0, 0], [np.nan, 1, 1], [np.inf, 1, 1]])
    for column in projection.transform(rows).values():
        assert np.isnan(column).tolist() == [False, True, True, True]
    assert np.isnan(rows[2, 0])
    assert rows[1].tolist() == [0, 0, 0]  # what is given stays


def test_no_rows_are_no_values() -> None:
    projection = EmbeddingProjection.fit(np.eye(3))
    assert [column.shape for column in projection.transform(np.empty((0, 3))).values()] == [(0,)] * 4  # two of four


def test_equal_embeddings_have_no_distance() -> None:
    found = EmbeddingProjection.fit(np.full((5, 3), 2.0)).transform(np.full((2, 3), 2.0))
    assert found["cosine"] == pytest.approx([1, 1])
    assert found["distance"].tolist() == [0, 0]


def test_dimensions_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the shape \(rows, 3\) are expected, not \(2, 4\)"):
        EmbeddingProjection.fit(np.eye(3)).transform(np.ones((2, 4)))


def test_the_state_brings_it_back() -> None:
    reference = np.random.default_rng(5).normal(size=(30, 8)).astype(np.float32)
    projection = EmbeddingProjection.fit(reference)
    state = projection.to_state()
    again = EmbeddingProjection.from_state(state)
    assert sum(array.nbytes for array in state.values()) == 8 * 8 * 5
    for one, other in zip(projection.transform(reference).values(), again.transform(reference).values(), strict=True):
        assert np.array_equal(one, other)


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks components"):
        EmbeddingProjection.from_state({"centroid": np.zeros(3)})
    with pytest.raises(ValueError, match="belong together"):
        EmbeddingProjection.from_state({"centroid": np.zeros(3), "components": np.zeros((2, 4))})


def test_rows_it_was_not_fitted_to_are_a_fair_reference_and_others_are_not() -> None:
    """128 dimensions and 400 rows: the centroid and the axes bend towards the rows they are fitted to."""
    random = np.random.default_rng(6)
    unfair, fair, rounds = 0, 0, 60
    for seed in range(rounds):
        reference, new = random.normal(size=(400, 128)), random.normal(size=(300, 128))
        inside = EmbeddingProjection.fit(reference)
        unfair += ks_2samp(inside.transform(reference)["pc1"], inside.transform(new)["pc1"]).pvalue <= 0.05
        apart, columns = EmbeddingProjection.fit_apart(reference, seed=seed)
        found = apart.transform(new)
        fair += ks_2samp(columns["pc1"], found["pc1"]).pvalue <= 0.05
        assert columns.keys() == found.keys()
        assert len(columns["pc1"]) == 200
    assert unfair / rounds > 0.5
    assert fair / rounds < 0.05 + 4 * np.sqrt(0.05 * 0.95 / rounds)
