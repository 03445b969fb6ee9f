"""What statistics are without drift: expectations and thresholds against simulations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from observability.drift import counts, nulls
from observability.drift.two_sample import SortedReference, ks, wasserstein1

DRAWS = 4000
EVEN = np.full(10, 0.1)
UNEVEN = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
DIVERGENCES = [
    (counts.psi, nulls.psi_null),
    (counts.kl, nulls.kl_null),
    (counts.jensen_shannon, nulls.jensen_shannon_null),
    (counts.hellinger, nulls.hellinger_null),
]


def drawn(n: int, m: int, shares: NDArray[np.float64]) -> tuple[Any, Any]:
    rng = np.random.default_rng(n + m)
    return rng.multinomial(n, shares, DRAWS), rng.multinomial(m, shares, DRAWS)


@pytest.mark.parametrize(("statistic", "null"), DIVERGENCES)
@pytest.mark.parametrize(("n", "m", "shares"), [(10_000, 400, EVEN), (1000, 1000, EVEN), (5000, 500, UNEVEN)])
def test_divergences_exceed_their_threshold_as_often_as_it_says(
    statistic: Any, null: Any, n: int, m: int, shares: NDArray[np.float64]
) -> None:
    values = statistic(*drawn(n, m, shares))
    expected = null(n, m, len(shares))
    assert 0.03 <= np.mean(values > expected.threshold) <= 0.07
    assert values.mean() == pytest.approx(float(expected.expectation), rel=0.05)


@pytest.mark.parametrize("m", [50, 100])
def test_smoothed_divergences_of_five_values_a_bin_exceed_it_less_often(m: int) -> None:
    reference, current = drawn(10_000, m, EVEN)
    for statistic, null in DIVERGENCES[:3]:
        assert np.mean(statistic(reference, current) > null(10_000, m, 10).threshold) <= 0.07
    # that one is not smoothed
    assert np.mean(counts.hellinger(reference, current) > nulls.hellinger_null(10_000, m, 10).threshold) <= 0.13


@pytest.mark.parametrize(("n", "m", "shares"), [(10_000, 50, EVEN), (1000, 1000, EVEN), (5000, 100, UNEVEN)])
def test_total_variation_exceeds_its_threshold_as_often_as_it_says(n: int, m: int, shares: NDArray[np.float64]) -> None:
    reference, current = drawn(n, m, shares)
    values, expected = counts.total_variation(reference, current), nulls.total_variation_null(shares, n, m)
    assert 0.03 <= np.mean(values > expected.threshold) <= 0.07
    assert values.mean() == pytest.approx(float(expected.expectation), rel=0.05)


@pytest.mark.parametrize(("n", "m", "shares"), [(10_000, 400, EVEN), (1000, 1000, EVEN), (5000, 500, UNEVEN)])
def test_the_largest_difference_exceeds_its_threshold_no_more_often_than_it_says(
    n: int, m: int, shares: NDArray[np.float64]
) -> None:
    reference, current = drawn(n, m, shares)
    values, expected = counts.l_infinity(reference, current), nulls.l_infinity_null(shares, n, m)
    assert 0.01 <= np.mean(values > expected.threshold) <= 0.07
    assert values.mean() == pytest.approx(float(expected.expectation), rel=0.15)


def test_kolmogorov_smirnov_exceeds_its_threshold_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    values = np.array(
        [ks(SortedReference.fit(rng.random(2000)), rng.random(300), "asymp").statistic for _ in range(600)]
    )
    expected = nulls.ks_null(2000, 300)
    assert 0.03 <= np.mean(values > expected.threshold) <= 0.07
    assert values.mean() == pytest.approx(float(expected.expectation), rel=0.06)
    assert expected.threshold == pytest.approx(stats.kstwobign.isf(0.05) * np.sqrt(1 / 2000 + 1 / 300), rel=1e-3)


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, int], NDArray[Any]]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "integers": lambda rng, n: rng.poisson(2, n).astype(float),
}


@pytest.mark.parametrize("name", list(DISTRIBUTIONS))
@pytest.mark.parametrize(("n", "m"), [(1000, 50), (2000, 1000)])
def test_the_wasserstein_distance_exceeds_its_threshold_as_often_as_it_says(name: str, n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    exceeded, relative, p_values = [], [], []
    for _ in range(500):
        reference = SortedReference.fit(DISTRIBUTIONS[name](rng, n))
        chance = nulls.WassersteinNull.of(reference)
        found = wasserstein1(reference, DISTRIBUTIONS[name](rng, m)).statistic
        null = chance.null(m)
        exceeded.append(found > null.threshold)
        relative.append(found / null.expectation)
        p_values.append(chance.p_value(found, m))
        assert exceeded[-1] == (p_values[-1] < 0.05)
    assert 0.025 <= np.mean(exceeded) <= 0.08
    assert np.mean(relative) == pytest.approx(1, abs=0.06)


def test_the_threshold_falls_with_the_sizes() -> None:
    thresholds = nulls.psi_null(10_000, np.array([50, 500, 5000, 0]), 10).threshold
    assert np.all(np.diff(thresholds[:3]) < 0)
    assert np.isnan(thresholds[3])
    assert thresholds[0] == pytest.approx((1 / 50 + 1 / 10_000) * stats.chi2.isf(0.05, 9))
    assert nulls.psi_null(10_000, 50, 10).expectation == pytest.approx(9 * (1 / 50 + 1 / 10_000))


def test_one_bin_or_a_constant_differs_by_nothing() -> None:
    constant = SortedReference.fit([3.0, 3.0])
    for null in (
        nulls.psi_null(100, 100, 1),
        nulls.jensen_shannon_null(100, 100, 1),
        nulls.total_variation_null([9, 0], 100, 100),
        nulls.l_infinity_null([9, 0], 100, 100),
        nulls.wasserstein_null(constant, 100),
    ):
        assert (float(null.expectation), float(null.threshold)) == (0.0, 0.0)
    assert nulls.WassersteinNull.of(constant).p_value(0.0, 5) == 1.0
    assert nulls.WassersteinNull.of(constant).p_value(0.1, 5) == 0.0


def test_thresholds_of_differences_come_for_many_rows_at_once() -> None:
    pooled = np.array([[5, 5, 0], [9, 1, 2]])
    for null in (nulls.total_variation_null, nulls.l_infinity_null):
        both = null(pooled, np.array([100, 200]), np.array([10, 20]))
        for row, (n, m) in enumerate([(100, 10), (200, 20)]):
            assert both.threshold[row] == pytest.approx(float(null(pooled[row], n, m).threshold))
            assert both.expectation[row] == pytest.approx(float(null(pooled[row], n, m).expectation))
