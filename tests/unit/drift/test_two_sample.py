"""Exact two-sample tests, against scipy."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from observability.drift import p_values, two_sample
from observability.drift.two_sample import (
    SortedReference,
    TestResult,
    anderson_darling,
    bin_counts,
    cramer_von_mises,
    ks,
    quantile_edges,
    wasserstein1,
)

Sample = NDArray[np.float64]


@st.composite
def samples(draw: st.DrawFn, least: int = 1, most: int = 40) -> Sample:
    """Samples of values near and far, of few or many distinct ones, constants among them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(least, most))
    kind = draw(st.sampled_from(["normal", "ties", "constant", "heavy", "any"]))
    if kind == "normal":
        return rng.normal(draw(st.sampled_from([0.0, 0.3, 5.0])), 1, n)
    if kind == "ties":
        return rng.integers(-2, 4, n).astype(np.float64)
    if kind == "constant":
        return np.full(n, draw(st.sampled_from([0.0, -0.0, 1.0])))
    if kind == "heavy":
        return rng.standard_cauchy(n) * 1e3
    return np.array(draw(st.lists(st.floats(-1e9, 1e9), min_size=n, max_size=n)))


def with_infinities(sample: Sample, seed: int) -> Sample:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(sample)) < 0.2, rng.choice([-np.inf, np.inf], len(sample)), sample)


@settings(max_examples=150)
@given(samples(), samples(), st.booleans(), st.sampled_from(["auto", "exact", "asymp"]))
def test_kolmogorov_smirnov_equals_scipy(first: Sample, second: Sample, infinite: bool, method: Any) -> None:
    if infinite:
        first, second = with_infinities(first, 1), with_infinities(second, 2)
    found = ks(SortedReference.fit(first), second, method)
    if method == "asymp" and len(first) == len(second) == 1:  # scipy says NaN, and warns
        assert found.p_value == (1.0 if first == second else 0.0)
        return
    with warnings.catch_warnings():  # where its exact p-value comes out above 1, scipy takes the other, and says so
        warnings.simplefilter("ignore")
        expected = stats.ks_2samp(first, second, method=method)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)
    assert (found.n_reference, found.n_current) == (len(first), len(second))


@pytest.mark.parametrize(("n", "m"), [(10_001, 300), (300, 10_001), (2000, 1999)])
def test_kolmogorov_smirnov_of_large_samples_equals_scipy(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    for digits in (1, 15):
        first, second = rng.normal(size=n).round(digits), rng.normal(0.05, 1, m).round(digits)
        found, expected = ks(SortedReference.fit(first), second), stats.ks_2samp(first, second)
        assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
        assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)


@settings(max_examples=150)
@given(st.integers(100, 120_000), st.floats(0.02, 19))
def test_p_values_of_large_samples_equal_scipy_in_either_tail(size: int, scaled: float) -> None:
    distance = scaled / math.sqrt(size)
    # as many values in both as give `size` in the middle
    found = p_values.smirnov(distance, 2 * size, 2 * size)
    expected = stats.kstwo.sf(distance, size)
    assert found == pytest.approx(expected, rel=1e-9 if expected < 0.5 else 0, abs=1e-300 if expected < 0.5 else 1e-9)


@pytest.mark.parametrize("size", [8999, 9000, 9091, 12_000])
def test_p_values_near_one_equal_scipy(size: int) -> None:
    for distance in np.linspace(1.5 / size, (1.4 / size) ** (2 / 3) * 1.01, 60).tolist():
        assert p_values.smirnov(distance, 2 * size, 2 * size) == pytest.approx(stats.kstwo.sf(distance, size), abs=1e-9)


@settings(max_examples=200)
@given(samples(), samples())
def test_the_wasserstein_distance_equals_scipy(first: Sample, second: Sample) -> None:
    found = wasserstein1(SortedReference.fit(first), second).statistic
    size = float(np.abs(np.concatenate((first, second))).max())
    assert found == pytest.approx(stats.wasserstein_distance(first, second), rel=1e-9, abs=1e-12 * size)


@pytest.mark.parametrize("outlier", [1e12, -1e12])
def test_an_outlier_in_both_samples_costs_no_digits_of_the_rest(outlier: float) -> None:
    rng = np.random.default_rng(3)
    first = np.append(rng.normal(size=999), outlier)
    second = np.append(rng.normal(0.1, 1, 999), outlier)
    found = wasserstein1(SortedReference.fit(first), second).statistic
    assert found == pytest.approx(stats.wasserstein_distance(first, second), rel=1e-9)


@settings(max_examples=100)
@given(samples(), samples())
def test_the_wasserstein_distance_is_symmetric(first: Sample, second: Sample) -> None:
    one = wasserstein1(SortedReference.fit(first), second).statistic
    other = wasserstein1(SortedReference.fit(second), first).statistic
    assert one == pytest.approx(other, rel=1e-9, abs=1e-12 * float(np.abs(np.concatenate((first, second))).max()))


def test_infinities_on_one_side_are_infinitely_far_as_in_scipy() -> None:
    first, second = [1.0, 2.0, math.inf], [1.0, 3.0]
    assert wasserstein1(SortedReference.fit(first), second).statistic == math.inf
    assert stats.wasserstein_distance(first, second) == math.inf
    assert wasserstein1(SortedReference.fit([-math.inf]), [math.inf]).statistic == math.inf


def test_the_same_share_of_infinities_on_both_sides_costs_nothing() -> None:
    found = wasserstein1(SortedReference.fit([-math.inf, 1.0, 2.0, math.inf]), [-math.inf, 1.0, 4.0, math.inf])
    assert found.statistic == pytest.approx(0.5)
    assert wasserstein1(SortedReference.fit([math.inf]), [math.inf, math.inf]).statistic == 0.0


def test_distances_near_the_largest_float_are_found() -> None:
    found = wasserstein1(SortedReference.fit([-1e308, -1e308]), [5e307, 1e308]).statistic
    assert found == pytest.approx(1.75e308)
    assert wasserstein1(SortedReference.fit([-1.7e308]), [1.7e308]).statistic == math.inf


@settings(max_examples=120)
@given(samples(least=2, most=30), samples(least=2, most=30), st.booleans())
def test_cramer_von_mises_equals_scipy(first: Sample, second: Sample, infinite: bool) -> None:
    if infinite:
        first, second = with_infinities(first, 1), with_infinities(second, 2)
    found = cramer_von_mises(SortedReference.fit(first), second)
    expected = stats.cramervonmises_2samp(first, second)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_cramer_von_mises_of_large_samples_equals_scipy() -> None:
    rng = np.random.default_rng(5)
    for digits in (1, 15):
        first, second = rng.normal(size=20_000).round(digits), rng.normal(0.03, 1, 3000).round(digits)
        found, expected = (
            cramer_von_mises(SortedReference.fit(first), second),
            stats.cramervonmises_2samp(first, second),
        )
        assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
        assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@settings(max_examples=150)
@given(samples(), samples(), st.booleans())
def test_anderson_darling_equals_scipy(first: Sample, second: Sample, infinite: bool) -> None:
    if infinite:
        first, second = with_infinities(first, 1), with_infinities(second, 2)
    if len(first) + len(second) < 4 or len(np.unique(np.concatenate((first, second)))) < 2:
        return
    found = anderson_darling(SortedReference.fit(first), second)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.anderson_ksamp([first, second], variant="midrank")
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@settings(max_examples=100)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_averaged_ties_and_midranks_are_the_same_without_ties(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = SortedReference.fit(rng.normal(size=n)), rng.normal(size=m)
    assert cramer_von_mises(reference, current, "average") == cramer_von_mises(reference, current)


def test_averaged_ties_are_the_mean_of_ties_broken_at_random() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 4, 60).astype(float), rng.integers(0, 5, 40).astype(float)
    broken = [
        cramer_von_mises(
            SortedReference.fit(first + rng.uniform(0, 1e-6, 60)), second + rng.uniform(0, 1e-6, 40)
        ).statistic
        for _ in range(300)
    ]
    found = cramer_von_mises(SortedReference.fit(first), second, "average").statistic
    assert found == pytest.approx(np.mean(broken), abs=4 * float(np.std(broken)) / math.sqrt(len(broken)))


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 2), (2, 4)])
def test_averaged_ties_are_the_mean_over_all_orders(n: int, m: int) -> None:
    orders = [np.isin(np.arange(n + m), chosen) for chosen in itertools.combinations(range(n + m), n)]
    statistics = [stats.cramervonmises_2samp(np.flatnonzero(each), np.flatnonzero(~each)).statistic for each in orders]
    found = cramer_von_mises(SortedReference.fit(np.ones(n)), np.ones(m), "average").statistic
    assert found == pytest.approx(np.mean(statistics), abs=1e-12)


def test_scipy_and_midranks_find_that_a_constant_differs_from_itself() -> None:
    assert stats.cramervonmises_2samp(np.full(50, 7.0), np.full(9, 7.0)).pvalue < 1e-8
    assert cramer_von_mises(SortedReference.fit(np.full(50, 7.0)), np.full(9, 7.0)).p_value == pytest.approx(
        stats.cramervonmises_2samp(np.full(50, 7.0), np.full(9, 7.0)).pvalue
    )


def cramer_von_mises_of_averaged_ties(reference: SortedReference, current: Any) -> TestResult:
    return cramer_von_mises(reference, current, "average")


@pytest.mark.parametrize("test", [ks, wasserstein1, cramer_von_mises_of_averaged_ties, anderson_darling])
def test_a_constant_feature_has_no_drift(test: Any) -> None:
    found = test(SortedReference.fit(np.full(50, 7.0)), np.full(9, 7.0))
    assert found.statistic <= (1 / 6) * (1 + 1 / 59) + 1e-12  # the mean of Cramér–von Mises without drift
    assert found.p_value is None or found.p_value >= 0.25


@pytest.mark.parametrize("test", [ks, wasserstein1, cramer_von_mises, anderson_darling])
def test_missing_values_are_left_out_and_counted(test: Any) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=60), rng.normal(1, 1, 40)
    holes = np.insert(first, [0, 9, 60], np.nan)
    found = test(SortedReference.fit(holes), [*second.tolist(), None, math.nan])
    whole = test(SortedReference.fit(first), second)
    assert (found.statistic, found.p_value) == (whole.statistic, whole.p_value)
    assert (found.n_reference, found.n_current) == (60, 40)
    assert (found.missing_reference, found.missing_current) == (3, 2)


@pytest.mark.parametrize("empty", [[], [math.nan, math.nan], [None]])
def test_a_sample_without_values_is_refused(empty: list[Any]) -> None:
    with pytest.raises(ValueError, match="no values to compare"):
        SortedReference.fit(np.array(empty, object))
    with pytest.raises(ValueError, match="no values to compare"):
        ks(SortedReference.fit([1.0]), np.array(empty, object))


@pytest.mark.parametrize("strange", [["a", "b"], np.array([1, "b"], object), np.array(["2026-01-01"], "datetime64[D]")])
def test_what_is_no_number_is_refused(strange: Any) -> None:
    with pytest.raises(TypeError, match="a numeric test cannot take"):
        SortedReference.fit(strange)


def test_samples_too_small_for_a_test_are_refused() -> None:
    with pytest.raises(ValueError, match="two values in each sample"):
        cramer_von_mises(SortedReference.fit([1.0, 2.0]), [1.0])
    with pytest.raises(ValueError, match="4 values"):
        anderson_darling(SortedReference.fit([1.0, 2.0]), [1.0])
    with pytest.raises(ValueError, match="one dimension"):
        SortedReference.fit([[1.0]])


def test_a_sorted_sample_may_be_compared_as_it_is() -> None:
    rng = np.random.default_rng(2)
    reference, current = SortedReference.fit(rng.normal(size=99).round(1)), rng.normal(size=31).round(1)
    for test in (ks, wasserstein1, cramer_von_mises, anderson_darling):
        assert test(reference, SortedReference.fit(current)) == test(reference, current)


@settings(max_examples=100)
@given(samples())
def test_a_sorted_reference_keeps_the_sample(sample: Sample) -> None:
    reference = SortedReference.fit(sample)
    assert np.array_equal(reference.sample, np.sort(sample))
    assert reference.n == len(sample) == reference.counts.sum()
    assert np.all(np.diff(reference.values) > 0)
    assert reference.deviation == pytest.approx(np.std(sample), rel=1e-9, abs=1e-12 * np.abs(sample).max())


def test_the_deviation_is_that_of_finite_values() -> None:
    assert SortedReference.fit([1.0, 3.0, math.inf, -math.inf]).deviation == pytest.approx(1.0)
    assert math.isnan(SortedReference.fit([math.inf]).deviation)
    assert SortedReference.fit([-1e308, 1e308]).deviation == pytest.approx(1e308)


@settings(max_examples=150)
@given(samples(), samples(), st.integers(2, 12), st.booleans())
def test_every_value_has_one_bin(reference: Sample, current: Sample, bins: int, infinite: bool) -> None:
    if infinite:
        reference, current = with_infinities(reference, 1), with_infinities(current, 2)
    fitted = SortedReference.fit(reference)
    edges = quantile_edges(fitted, bins)
    assert np.all(np.diff(edges) > 0)
    for sample in (reference, current):
        place = np.searchsorted(edges, sample, "left")  # bins are closed on the right
        expected = np.bincount(place, minlength=len(edges) + 1)
        assert np.array_equal(bin_counts(edges, sample), expected)
        assert np.array_equal(bin_counts(edges, SortedReference.fit(sample)), expected)


def test_bins_of_a_continuous_reference_hold_the_same_number_each() -> None:
    reference = SortedReference.fit(np.random.default_rng(0).normal(size=1000))
    assert bin_counts(quantile_edges(reference), reference).tolist() == [100] * 10


def test_a_value_of_large_mass_has_a_bin_of_its_own() -> None:
    rng = np.random.default_rng(0)
    sample = np.concatenate((np.zeros(500), rng.exponential(size=500)))
    reference = SortedReference.fit(sample)
    counts = bin_counts(quantile_edges(reference), reference)
    assert counts.tolist() == [0, 500, 100, 100, 100, 100, 100]
    assert bin_counts(quantile_edges(reference), np.array([-1e-9, 0.0, 1e-9])).tolist()[:3] == [1, 1, 1]


def test_a_value_has_a_bin_of_its_own_from_the_share_of_one_bin_on() -> None:
    values = np.concatenate((np.zeros(100), np.linspace(-1, 1, 900)))
    edges = quantile_edges(SortedReference.fit(values))
    assert bin_counts(edges, np.array([-1e-12, 0.0, 1e-12])).tolist().count(1) == 3
    fewer = quantile_edges(SortedReference.fit(values[1:]))
    assert bin_counts(fewer, np.array([-1e-12, 0.0])).max() == 2


def test_an_outlier_moves_no_bin() -> None:
    sample = np.random.default_rng(0).normal(size=1000)
    edges = quantile_edges(SortedReference.fit(sample))
    sample[np.argmax(sample)] = 1e12
    assert np.array_equal(quantile_edges(SortedReference.fit(sample)), edges)


def test_missing_values_lie_in_no_bin() -> None:
    assert bin_counts(np.array([0.0]), np.array([math.nan, -1.0, 0.0, math.inf])).tolist() == [2, 1]


def test_one_bin_is_no_distribution() -> None:
    with pytest.raises(ValueError, match="two bins"):
        quantile_edges(SortedReference.fit([1.0]), 1)


def test_the_module_takes_nothing_of_scipy_until_it_is_asked_for_a_p_value() -> None:
    assert not any(name.startswith("scipy") for name in vars(two_sample))
