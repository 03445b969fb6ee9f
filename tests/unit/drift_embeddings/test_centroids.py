"""Centroid and cosine shift against what they are defined by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from observability.columns import Floats
from observability.drift.centroids import centroid_shift, cosine_shift
from observability.drift.permutations import PermutationResult


@given(n=st.integers(1, 30), m=st.integers(1, 30), width=st.integers(1, 6), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_shifts_are_those_of_their_definitions(n: int, m: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(1, 2, (n, width)), random.normal(0, 1, (m, width))
    centroid = x.mean(axis=0)
    assert centroid_shift(x, y, 1).value == pytest.approx(np.linalg.norm(centroid - y.mean(axis=0)), abs=1e-9)

    def similarity(rows: Floats) -> float:
        cosines = rows @ centroid / (np.linalg.norm(rows, axis=1) * np.linalg.norm(centroid))
        return float(cosines.mean())

    assert cosine_shift(x, y, 1).value == pytest.approx(similarity(y) - similarity(x), abs=1e-9)


def test_the_expected_distance_is_that_of_theory() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(300, 20)), random.normal(size=(100, 20))
    both = np.concatenate([x, y])
    theory = np.sqrt((1 / 300 + 1 / 100) * both.var(axis=0, ddof=1).sum())
    found = centroid_shift(x, y, 2000)
    assert found.expected == pytest.approx(theory, rel=0.03)
    assert abs(found.z) < 3


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_scale_and_rotation_do_not_matter_to_the_centroid_test(kind: DTypeLike) -> None:
    random = np.random.default_rng(2)
    x, y = np.asarray(random.normal(5, 1, (80, 6)), kind), np.asarray(random.normal(5.1, 1, (90, 6)), kind)
    turn = np.asarray(np.linalg.qr(random.normal(size=(6, 6)))[0], kind)
    one, other = centroid_shift(x, y), centroid_shift(100 * (x @ turn), 100 * (y @ turn))
    assert other.value == pytest.approx(100 * one.value, rel=1e-4)
    assert other.z == pytest.approx(one.z, rel=1e-3)
    assert other.p_value == one.p_value


def test_scale_does_not_matter_to_the_cosine() -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(1, 1, (80, 6)), random.normal(1, 1.3, (90, 6))
    one, other = cosine_shift(x, y), cosine_shift(1000 * x, 1000 * y)
    assert other.value == pytest.approx(one.value)
    assert other.p_value == one.p_value


def test_more_spread_around_the_same_centre_moves_the_cosine_alone() -> None:
    random = np.random.default_rng(4)
    x, y = random.normal(1, 0.5, (300, 16)), random.normal(1, 1, (300, 16))
    y += x.mean(axis=0) - y.mean(axis=0)
    found = cosine_shift(x, y)
    assert (found.value < 0, found.p_value) == (True, 1 / 200)
    assert centroid_shift(x, y).p_value > 0.5


def test_embeddings_that_come_closer_count_as_well() -> None:
    random = np.random.default_rng(5)
    x, y = random.normal(1, 1, (300, 16)), random.normal(1, 0.5, (300, 16))
    found = cosine_shift(x, y)
    assert (found.value > 0, found.p_value) == (True, 1 / 200)


def test_the_order_of_rows_does_not_matter_to_the_statistics() -> None:
    random = np.random.default_rng(6)
    x, y = random.normal(1, 1, (30, 4)), random.normal(1, 1, (20, 4))
    for shift in (centroid_shift, cosine_shift):
        assert shift(x[::-1], random.permutation(y)).value == pytest.approx(shift(x, y).value, abs=1e-12)


@pytest.mark.parametrize("shift", [centroid_shift, cosine_shift])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_equal_embeddings_have_no_shift(shift: Callable[..., PermutationResult], kind: DTypeLike) -> None:
    same = np.asarray(np.full((30, 8), 3.3), kind)
    found = shift(same, same[:20], 99)
    assert abs(found.value) < 1e-6
    assert (found.z, found.p_value) == (0, 1)


def test_zero_vectors_are_like_nothing() -> None:
    ones, zeros = np.ones((20, 4)), np.zeros((20, 4))
    assert cosine_shift(ones, zeros, 99).value == pytest.approx(-1)
    assert cosine_shift(zeros, ones, 99).value == 0


def test_samples_of_one_row_are_compared_without_ado() -> None:
    found = centroid_shift([[0.0, 0.0]], [[3.0, 4.0]], 9)
    assert (found.value, found.p_value, found.z) == (5, 1, 0)
