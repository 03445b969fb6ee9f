"""MMD against its definition, and its permutation test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.columns import Floats
from observability.drift.mmd import median_distance, mmd


def by_definition(reference: Floats, current: Floats, bandwidth: float) -> float:
    """Equation 3 of Gretton et al. 2012, pair by pair."""

    def kernel(one: Floats, other: Floats) -> float:
        return float(np.exp(-np.sum((one - other) ** 2) / (2 * bandwidth**2)))

    def inside(rows: Floats) -> float:
        pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j]
        return sum(kernel(rows[i], rows[j]) for i, j in pairs) / len(pairs)

    between = sum(kernel(one, other) for one in reference for other in current) / (len(reference) * len(current))
    return inside(reference) + inside(current) - 2 * between


@given(
    n=st.integers(2, 12),
    m=st.integers(2, 12),
    width=st.integers(1, 5),
    bandwidth=st.floats(0.05, 20),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_mmd_is_that_of_its_definition(n: int, m: int, width: int, bandwidth: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(3, 2, (n, width)), random.normal(2, 1, (m, width))
    expected = by_definition(x, y, bandwidth)
    assert mmd(x, y, 1, bandwidth=bandwidth, single=False).value == pytest.approx(expected, abs=1e-9)
    assert mmd(x, y, 1, bandwidth=bandwidth).value == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(("n", "m"), [(256, 256), (300, 257), (90, 700), (1000, 1000)])
def test_blocks_of_the_kernel_add_up_to_the_whole(n: int, m: int) -> None:
    random = np.random.default_rng(n)
    x, y = random.normal(size=(n, 6)), random.normal(0.2, 1, (m, 6))
    both = np.concatenate([x, y])
    kernel = np.exp(-((both[:, None] - both) ** 2).sum(axis=2) / 8)
    np.fill_diagonal(kernel, 0)
    expected = kernel[:n, :n].sum() / (n * (n - 1)) + kernel[n:, n:].sum() / (m * (m - 1)) - 2 * kernel[:n, n:].mean()
    assert mmd(x, y, 1, bandwidth=2, single=False).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.03, 0.1])
def test_single_precision_comes_to_the_same_p_value(shift: float) -> None:
    random = np.random.default_rng(5)
    x = random.normal(10, 1, (400, 64)).astype(np.float32)
    y = (random.normal(10, 1, (300, 64)) + shift).astype(np.float32)
    exact, fast = mmd(x, y, 199, single=False), mmd(x, y, 199)
    assert fast.value == pytest.approx(exact.value, abs=1e-6)
    assert fast.p_value == exact.p_value
    assert fast.z == pytest.approx(exact.z, abs=1e-2)


def test_the_p_value_is_that_of_permutations_one_by_one() -> None:
    random = np.random.default_rng(2)
    x, y = random.normal(size=(9, 3)), random.normal(0.5, 1, (7, 3))
    found = mmd(x, y, 400, bandwidth=1.5, single=False)
    both = np.concatenate([x, y])
    others = [random.permutation(both) for _ in range(400)]
    dealt = [by_definition(rows[:9], rows[9:], 1.5) for rows in others]
    assert np.mean(np.array(dealt) >= found.value) == pytest.approx(found.p_value, abs=0.08)
    assert found.expected == pytest.approx(np.mean(dealt), abs=0.01)


def test_order_within_a_sample_does_not_matter_to_the_statistic() -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=(40, 5)), random.normal(0.5, 2, (30, 5))
    one, other = mmd(x, y, 99, single=False), mmd(x[::-1], random.permutation(y), 99, single=False)
    assert other.value == pytest.approx(one.value, abs=1e-12)
    assert other.bandwidth == pytest.approx(one.bandwidth, rel=1e-12)


def test_the_unit_of_the_embeddings_does_not_matter() -> None:
    random = np.random.default_rng(4)
    x, y = random.normal(size=(50, 5)), random.normal(0.3, 1, (60, 5))
    one, other = mmd(x, y, 99, single=False), mmd(x * 1000 + 7, y * 1000 + 7, 99, single=False)
    assert other.value == pytest.approx(one.value, abs=1e-9)
    assert other.p_value == one.p_value
    assert other.bandwidth == pytest.approx(1000 * one.bandwidth)


def test_both_samples_are_treated_alike() -> None:
    random = np.random.default_rng(6)
    x, y = random.normal(size=(20, 3)), random.normal(1, 1, (35, 3))
    assert mmd(y, x, 9, bandwidth=1, single=False).value == pytest.approx(
        mmd(x, y, 9, bandwidth=1, single=False).value, abs=1e-12
    )


def test_equal_embeddings_have_no_drift() -> None:
    same = np.full((30, 8), 3.3, np.float32)
    found = mmd(same, same[:20], 99)
    assert abs(found.value) < 1e-6
    assert (found.z, found.p_value, found.bandwidth) == (0, 1, 1)


def test_two_different_constants_are_told_apart() -> None:
    found = mmd(np.zeros((20, 4)), np.ones((20, 4)), 99)
    assert found.p_value == 0.01
    assert found.value == pytest.approx(2 - 2 * np.exp(-0.5), abs=1e-6)  # the bandwidth is their distance


@pytest.mark.parametrize("far", [1e3, 1e9])
def test_far_outliers_spoil_nothing(far: float) -> None:
    random = np.random.default_rng(7)
    x, y, moved = random.normal(size=(200, 4)), random.normal(size=(200, 4)), random.normal(0.5, 1, (200, 4))
    x[0] = x[1] = far
    assert abs(mmd(x, y, 99).value) < 0.005
    assert mmd(x, y, 99).bandwidth == pytest.approx(mmd(x[2:], y, 99).bandwidth, rel=0.1)
    assert mmd(x, moved, 99).p_value == 0.01


def test_rows_that_are_far_away_together_are_alike() -> None:
    far = 1e7 * np.random.default_rng(10).normal(size=(1, 512))
    near = np.random.default_rng(11).normal(size=(40, 512))
    value = mmd(np.repeat(far, 2, axis=0), near, 9, bandwidth=1).value
    assert value == pytest.approx(1, abs=1e-4)  # nothing near is like anything else


def test_a_change_of_spread_is_seen() -> None:
    random = np.random.default_rng(8)
    found = mmd(random.normal(size=(200, 8)), random.normal(0, 1.5, (200, 8)), 199)
    assert found.p_value == 1 / 200
    assert found.z > 5


def test_the_median_distance_is_that_of_all_pairs_where_these_are_few() -> None:
    rows = np.random.default_rng(9).normal(size=(60, 3))
    pairs = [np.linalg.norm(rows[i] - rows[j]) for i in range(60) for j in range(i)]
    assert median_distance(rows) == pytest.approx(np.median(pairs), rel=1e-9)
    assert median_distance(np.repeat(rows[:2], [50, 1], axis=0)) == pytest.approx(np.linalg.norm(rows[0] - rows[1]))
    assert median_distance(np.ones((3, 2))) == 1


@pytest.mark.parametrize("bandwidth", [0, -1, np.nan, np.inf])
def test_a_bandwidth_that_is_none_is_refused(bandwidth: float) -> None:
    with pytest.raises(ValueError, match="a bandwidth is a positive number"):
        mmd(np.zeros((3, 2)), np.ones((3, 2)), bandwidth=bandwidth)


def test_no_permutations_are_refused() -> None:
    with pytest.raises(ValueError, match="one permutation or more, not 0"):
        mmd(np.zeros((3, 2)), np.ones((3, 2)), 0)
