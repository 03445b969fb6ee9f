"""Statistics of binned counts, against scipy and by their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from observability.drift import counts

Counts = NDArray[np.int64]
STATISTICS = [
    counts.psi,
    counts.kl,
    counts.jensen_shannon,
    counts.hellinger,
    counts.total_variation,
    counts.l_infinity,
    counts.ks_bound,
]


@st.composite
def tables(draw: st.DrawFn, most: int = 60) -> tuple[Counts, Counts]:
    """Two rows of counts over the same bins, with something in each."""
    width = draw(st.integers(2, 8))
    rows = hnp.arrays(np.int64, width, elements=st.integers(0, most)).filter(lambda row: row.sum() > 0)
    return draw(rows), draw(rows)


def test_ratios_are_smoothed_by_half_a_count() -> None:
    assert counts.ratios([0, 3]).tolist() == [0.5 / 4, 3.5 / 4]
    assert np.isnan(counts.ratios([0, 0])).all()


@settings(max_examples=150)
@given(tables())
def test_statistics_equal_their_definitions(table: tuple[Counts, Counts]) -> None:
    reference, current = table
    p, q = counts.ratios(reference), counts.ratios(current)
    assert p.sum() == pytest.approx(1)
    assert counts.jensen_shannon(reference, current) == pytest.approx(distance.jensenshannon(p, q, base=2), abs=1e-9)
    assert counts.kl(reference, current) == pytest.approx(stats.entropy(q, p), abs=1e-12)
    both = counts.kl(reference, current) + counts.kl(current, reference)
    assert counts.psi(reference, current) == pytest.approx(both, abs=1e-12)
    p, q = reference / reference.sum(), current / current.sum()
    assert counts.hellinger(reference, current) == pytest.approx(
        np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2), abs=1e-12
    )
    assert counts.total_variation(reference, current) == pytest.approx(np.maximum(q - p, 0).sum(), abs=1e-12)
    assert counts.l_infinity(reference, current) == np.abs(p - q).max()


@settings(max_examples=100)
@given(tables())
def test_distances_on_the_order_of_bins_equal_scipy_for_values_at_their_positions(table: tuple[Counts, Counts]) -> None:
    reference, current = table
    positions = np.cumsum(np.arange(1, len(reference) + 1)) / 7
    first, second = np.repeat(positions, reference), np.repeat(positions, current)
    found = counts.wasserstein_bins(reference, current, positions)
    assert found == pytest.approx(stats.wasserstein_distance(first, second), abs=1e-9)
    assert counts.ks_bound(reference, current) == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-9)


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 200))
def test_the_bound_of_bins_is_never_more_than_kolmogorov_smirnov(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=n), rng.normal(0.3, 1, m)
    edges = [-np.inf, -1, 0, 0.5, 1, np.inf]
    bound = counts.ks_bound(np.histogram(first, edges)[0], np.histogram(second, edges)[0])
    assert bound <= stats.ks_2samp(first, second).statistic + 1e-12


@settings(max_examples=150)
@given(tables())
def test_contingency_tests_equal_scipy(table: tuple[Counts, Counts]) -> None:
    reference, current = table
    used = (reference + current) > 0
    kept = np.stack((reference, current))[:, used]
    for test, lambda_ in ((counts.chi2_contingency, None), (counts.g_test, "log-likelihood")):
        found = test(reference, current)
        expected = stats.chi2_contingency(kept, correction=False, lambda_=lambda_)
        assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
        assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-12)
        assert found.freedom == expected.dof
    assert counts.least_expected(reference, current) == pytest.approx(stats.contingency.expected_freq(kept).min())


@pytest.mark.parametrize("statistic", STATISTICS)
@settings(max_examples=30)
@given(data=st.data())
def test_many_rows_are_compared_as_each_by_itself(statistic: Any, data: st.DataObject) -> None:
    reference = np.array([[3, 0, 9], [1, 1, 1], [0, 0, 7]])
    current = data.draw(hnp.arrays(np.int64, (4, 3, 3), elements=st.integers(0, 9)))
    found = statistic(reference, current)
    assert found.shape == (4, 3)
    for index in np.ndindex(4, 3):
        one = statistic(reference[index[1]], current[index])
        assert found[index] == pytest.approx(float(one), nan_ok=True)
        assert np.isnan(one) == (current[index].sum() == 0)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_equal_shares_are_no_distance(statistic: Any) -> None:
    assert statistic([50, 50], [50, 50]) == 0
    assert statistic(np.full(4, 10), np.full(4, 10)) == 0


@pytest.mark.parametrize("statistic", STATISTICS)
def test_no_data_is_neither_drift_nor_its_absence(statistic: Any) -> None:
    assert np.isnan(statistic([5, 5], [0, 0]))
    assert np.isnan(statistic([0, 0], [5, 5]))


def test_contingency_tests_of_no_data_are_absent() -> None:
    found = counts.chi2_contingency([[5, 5], [5, 5], [5, 0]], [[0, 0], [4, 6], [9, 0]])
    assert np.isnan(found.p_value).tolist() == [True, False, False]
    assert found.statistic[2] == 0
    assert found.p_value[2] == 1.0
    assert np.isnan(counts.wasserstein_bins([5, 5], [0, 0], [0, 1]))
    assert math.isnan(counts.permutation_p_value([5, 5], [0, 0]))


def test_positions_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="ascend"):
        counts.wasserstein_bins([1, 1], [1, 1], [1, 0])
    with pytest.raises(ValueError, match="ascend"):
        counts.wasserstein_bins([1, 1], [1, 1], [0, math.inf])


def test_the_permutation_test_agrees_with_fisher_where_that_applies() -> None:
    reference, current = np.array([8, 2]), np.array([1, 5])
    expected = stats.fisher_exact([reference, current]).pvalue
    assert counts.permutation_p_value(reference, current, 9999) == pytest.approx(expected, abs=0.006)


def test_the_permutation_test_keeps_its_level_where_counts_are_small() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.7, 0.1, 0.1, 0.05, 0.05])
    rejected = [
        counts.permutation_p_value(rng.multinomial(200, shares), rng.multinomial(12, shares), 199) <= 0.05
        for _ in range(400)
    ]
    assert np.mean(rejected) <= 0.08


def test_the_permutation_test_takes_one_table_of_whole_numbers() -> None:
    with pytest.raises(ValueError, match="two rows"):
        counts.permutation_p_value([[1, 2]], [[1, 2]])
    with pytest.raises(ValueError, match="whole numbers"):
        counts.permutation_p_value([1.5, 2], [1, 2])
