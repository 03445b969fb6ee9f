"""Exact tests of two samples of numbers, one of them (the reference) sorted once and compared many times."""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from observability.columns import Floats, Ints
from observability.drift import p_values

#: scipy's ``method="auto"``: the exact distribution of KS up to so many values in the larger sample.
_EXACT_KS = 10_000
#: scipy's ``method="auto"``: the exact distribution of Cramér–von Mises up to so many values in the larger sample.
_EXACT_CVM = 20
#: Beyond this, sums of distances may overflow; scaling by a power of two keeps every digit.
_SHRINK = 2.0**-64


@dataclass(frozen=True)
class TestResult:
    """``p_value`` is ``None`` where the statistic is a distance. Sizes count the values that were used, missing ones
    (NaN, ``None``) are counted apart."""

    statistic: float
    p_value: float | None
    n_reference: int
    n_current: int
    missing_reference: int = 0
    missing_current: int = 0

    __test__ = False  # no test class, whatever its name begins with


@dataclass(frozen=True, eq=False)
class SortedReference:
    """A sample as its distribution function: what every test here needs of it.

    ``values`` has shape (k,), distinct and ascending; ``cumulative`` shape (k + 1,): how many of the sample lie below
    each value, then all of them. ``missing`` counts NaN. −0.0 and 0.0 are one value.
    """

    values: Floats
    cumulative: Ints
    missing: int = 0

    @classmethod
    def fit(cls, values: Any) -> SortedReference:
        """Sort ``values``, shape (n,): numbers, booleans, NaN or ``None``. O(n log n), once.

        Integers beyond 2⁵³ are rounded as float64 rounds them. Raises TypeError for what is not a number, ValueError
        for another shape or where no value is left.
        """
        numbers = as_numbers(values)
        ordered = np.sort(numbers)
        # NaN sorts last
        present = int(np.searchsorted(ordered, np.nan))
        if not present:
            raise ValueError(f"no values to compare: {len(ordered)} given, all of them missing")
        missing, ordered = len(ordered) - present, ordered[:present]
        last = ordered[1:] != ordered[:-1]
        if last.all():
            return cls(ordered, np.arange(present + 1), missing)
        ends = np.append(np.flatnonzero(last), present - 1)
        return cls(ordered[ends], np.append(0, ends + 1), missing)

    @property
    def n(self) -> int:
        """Values without the missing ones."""
        return int(self.cumulative[-1])

    @property
    def counts(self) -> Ints:
        """How often each of ``values`` occurs, shape (k,)."""
        return np.diff(self.cumulative)

    def counts_of(self, values: Floats) -> Ints:
        """How often each of ``values`` (k,), distinct and ascending, occurs, shape (k,)."""
        below, at = _below(self, values)
        return at - below

    @property
    def sample(self) -> Floats:
        """The sorted sample, shape (n,)."""
        return self.values if len(self.values) == self.n else np.repeat(self.values, self.counts)

    @functools.cached_property
    def deviation(self) -> float:
        """Standard deviation (of a population) of the finite values, 0 where all are equal; NaN where there is none."""
        if len(self.values) == 1 and math.isfinite(self.values[0]):
            return 0.0
        finite = np.isfinite(self.values)
        if not finite.any():
            return math.nan
        counts, values = self.counts[finite], self.values[finite]
        largest = float(np.abs(values).max()) or 1.0  # squares of the values themselves may overflow
        values = values / largest
        mean = np.average(values, weights=counts)
        return float(np.sqrt(np.average((values - mean) ** 2, weights=counts))) * largest

    @functools.cached_property
    def _area(self) -> Floats:
        """∫ F from the middle of the finite values to each of them.

        Added up outwards, so that an outlier costs no digits of what happens near the middle.
        """
        finite = slice(*_finite(self))
        values = self.values[finite]
        share = self.cumulative[1:][finite][:-1] / self.n
        middle = int(np.searchsorted(self.cumulative[1:][finite], self.n / 2))
        middle = min(middle, len(values) - 1)
        steps = np.diff(values) * share
        area = np.zeros(len(values))
        np.cumsum(steps[middle:], out=area[middle + 1 :])
        area[:middle] = -np.cumsum(steps[:middle][::-1])[::-1]
        return area


def as_numbers(values: Any) -> Floats:
    """``values`` as float64, shape (n,), with NaN for ``None``.

    Raises TypeError for texts, times and other things that are no numbers, ValueError for another shape.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"a sample has one dimension, not {array.ndim}")
    if array.dtype.kind == "O":
        numbers = int | float | np.number | np.bool_ | None
        strange = next((each for each in array if not isinstance(each, numbers)), None)
        if strange is not None:
            raise TypeError(f"a numeric test cannot take {strange!r} ({type(strange).__name__})")
    elif array.dtype.kind not in "fiub":
        raise TypeError(f"a numeric test cannot take values of type {array.dtype}")
    return array.astype(np.float64, copy=False)


def quantile_edges(reference: SortedReference, bins: int = 10) -> Floats:
    """Edges e₁ < e₂ < … of the bins (−∞, e₁], (e₁, e₂], …, (eₖ, ∞): quantiles of the reference, k is ``bins`` or so.

    A value that makes up 1/``bins`` of the reference or more has a bin of its own, and the others share the rest
    equally: so no quantile falls on another, and a reference of few values has a bin for each. Neither least nor
    greatest value plays a part, so that an outlier moves nothing. Bins between two such values hold nothing of the
    reference, and count what is new. Raises ValueError for fewer than two bins.
    """
    if bins < 2:
        raise ValueError(f"a distribution needs two bins or more, not {bins}")
    counts = reference.counts
    heavy = counts * bins >= reference.n
    rest, rest_counts = reference.values[~heavy], counts[~heavy]
    edges = [np.nextafter(reference.values[heavy], -np.inf), reference.values[heavy]]
    left = int(rest_counts.sum())
    parts = round(bins * left / reference.n)
    if parts > 1:
        ranks = np.ceil(np.arange(1, parts) * left / parts)
        edges.append(rest[np.searchsorted(np.cumsum(rest_counts), ranks)])
    distinct = np.unique(np.concatenate(edges))
    return distinct[distinct < np.inf]


def bin_counts(edges: Floats, values: SortedReference | Floats) -> Ints:
    """How many of ``values`` (n,) lie in each of the bins of :func:`quantile_edges`, shape (len(edges) + 1,).

    NaN lies in none. Unsorted values are compared with one edge after another, which is quicker than to sort them.
    """
    if isinstance(values, SortedReference):
        below = values.cumulative[np.searchsorted(values.values, edges, "right")]
        return np.diff(np.concatenate(([0], below, [values.n])))
    present = len(values) - np.count_nonzero(np.isnan(values))
    return np.diff([0, *(np.count_nonzero(values <= edge) for edge in edges), present])


def _sorted(values: SortedReference | Any) -> SortedReference:
    return values if isinstance(values, SortedReference) else SortedReference.fit(values)


def _result(statistic: float, p_value: float | None, first: SortedReference, second: SortedReference) -> TestResult:
    return TestResult(statistic, p_value, first.n, second.n, first.missing, second.missing)


def _below(reference: SortedReference, points: Floats) -> tuple[Ints, Ints]:
    """How many of the reference lie below each of the sorted ``points``, and how many below or at it."""
    position = np.searchsorted(reference.values, points, "right")
    tied = reference.values[position - 1] == points  # none below all of them equals the last one
    return reference.cumulative[position - tied], reference.cumulative[position]


def ks(reference: SortedReference, current: Any, method: Literal["auto", "exact", "asymp"] = "auto") -> TestResult:
    """Two-sample Kolmogorov–Smirnov test, two-sided: D = sup |F − G|, as ``scipy.stats.ks_2samp``.

    Between two neighbouring values of ``current`` G is constant and F grows, so that the supremum lies at a value of
    ``current`` or just before it: only those are looked up, in O(m log m + m log n) for m current values.

    ``method="auto"`` takes the exact distribution of D up to 10 000 values in the larger sample, else :func:`smirnov's
    <observability.drift.p_values.smirnov>`; so does "exact" where the exact one cannot be computed. With ties the
    p-value is too large, never too small. Raises as :meth:`SortedReference.fit`.
    """
    current = _sorted(current)
    n, m = reference.n, current.n
    below, at = _below(reference, current.values)
    gap = max(
        np.abs(at * m - current.cumulative[1:] * n).max(),
        np.abs(below * m - current.cumulative[:-1] * n).max(),
    )
    distance = int(gap) / (n * m)
    if method == "exact" or (method == "auto" and max(n, m) <= _EXACT_KS):
        return _result(distance, _exact_ks(reference, current), reference, current)
    return _result(distance, p_values.smirnov(distance, n, m), reference, current)


def _exact_ks(reference: SortedReference, current: SortedReference) -> float:
    from scipy.stats import ks_2samp

    with warnings.catch_warnings():
        # scipy says so where it falls back to the asymptotic distribution, which is what is wanted then
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(ks_2samp(reference.sample, current.sample, method="exact").pvalue)


def wasserstein1(reference: SortedReference, current: Any) -> TestResult:
    """Wasserstein distance of order 1, ∫ |F(x) − G(x)| dx, in the unit of the values, as
    ``scipy.stats.wasserstein_distance``.

    On each interval between neighbouring current values G is constant, and F crosses it once at most: at a quantile
    of the reference. With the integral of F kept for each reference value, the interval costs O(log n).

    ±inf: where both samples have the same share of −inf and of +inf, these cost nothing to move and the distance is
    that of the rest; otherwise it is inf. No p-value: see :func:`observability.drift.nulls.wasserstein_null`.
    Raises as :meth:`SortedReference.fit`.
    """
    current = _sorted(current)
    n, m = reference.n, current.n
    first, second = _finite(reference), _finite(current)
    if not all(
        int(reference.cumulative[a]) * m == int(current.cumulative[b]) * n for a, b in zip(first, second, strict=True)
    ):
        return _result(math.inf, None, reference, current)
    if first[0] == first[1]:
        return _result(0.0, None, reference, current)
    with np.errstate(over="ignore", invalid="ignore"):
        distance = _crossings(reference, slice(*first), current, slice(*second))
        if not math.isfinite(distance):
            distance = _merged(reference, slice(*first), current, slice(*second))
    return _result(distance, None, reference, current)


def _finite(sample: SortedReference) -> tuple[int, int]:
    """Where the finite values of ``sample`` begin and end."""
    return int(sample.values[0] == -np.inf), len(sample.values) - int(sample.values[-1] == np.inf)


def _crossings(reference: SortedReference, first: slice, current: SortedReference, second: slice) -> float:
    n, m = reference.n, current.n
    area, values = reference._area, reference.values[first]
    begins, ends = reference.cumulative[first], reference.cumulative[1:][first]
    points = current.values[second]
    # one interval more at either end, up to where both distributions have no finite value left
    points = np.concatenate(([min(points[0], values[0])], points, [max(points[-1], values[-1])]))
    counts = current.cumulative[second.start : second.stop + 1]

    last = np.searchsorted(values, points, "right") - 1  # of the reference, up to each point
    share = np.where(last < 0, begins[0], ends[np.maximum(last, 0)])
    before, after = last[:-1], last[1:]
    # up to the next value of the reference, and from the last one of the interval, F is constant
    none = before == after
    first_inside = np.minimum(before + 1, len(values) - 1)
    last_inside = np.where(none, first_inside, after)
    edge = np.where(none, points[1:], values[first_inside])
    parts = np.abs(share[:-1] * m - counts * n) * (edge - points[:-1])
    parts += np.where(none, 0.0, np.abs(share[1:] * m - counts * n) * (points[1:] - values[last_inside]))

    needed = -(-counts * n // m)  # the least count at which F is no longer below G
    crossing = needed - 1 if len(values) == n else np.searchsorted(ends, needed)
    crossing = np.clip(crossing, first_inside, last_inside)
    at = values[crossing]
    inside = area[last_inside] + area[first_inside] - 2 * area[crossing]
    inside += counts / m * ((at - values[first_inside]) - (values[last_inside] - at))
    return abs(float(parts.sum()) / (n * m) + float(inside.sum()))  # a sum of rounding may lie below 0


def _merged(reference: SortedReference, first: slice, current: SortedReference, second: slice) -> float:
    """The same from all values of both samples, where differences of values are too large for a float."""
    values = np.union1d(reference.values[first], current.values[second])
    share = _below(reference, values)[1] / reference.n - _below(current, values)[1] / current.n
    return float(np.sum(np.abs(share[:-1]) * np.diff(values * _SHRINK)) / _SHRINK)


def cramer_von_mises(
    reference: SortedReference, current: Any, ties: Literal["midrank", "average"] = "midrank"
) -> TestResult:
    """Two-sample Cramér–von Mises test: the statistic T of Anderson 1962 (equations 9 and 10).

    With midranks it is ``scipy.stats.cramervonmises_2samp``. That one takes ties for differences: two samples of one
    and the same value are found to differ. ``ties="average"`` takes T as it is on average over all orders that the
    tied values could have; its p-value is too large rather than too small. Without ties both are the same.

    Ranks of the reference change only at current values, so that its sum is taken over the gaps between those. The
    p-value is exact up to 20 values in the larger sample (with averaged ties, only where there are none), else
    that of :func:`observability.drift.p_values.cramer_von_mises`. Raises as :meth:`SortedReference.fit`, and
    ValueError for a sample of one value.
    """
    current = _sorted(current)
    n, m = reference.n, current.n
    if min(n, m) < 2:
        raise ValueError(f"the Cramér–von Mises test needs two values in each sample, not {n} and {m}")
    below, at = _below(reference, current.values)
    tied, own = (at - below).astype(np.float64), current.counts.astype(np.float64)
    passed = current.cumulative.astype(np.float64)
    between = np.diff(np.concatenate(([0], np.column_stack((below, at)).ravel(), [n])))[::2]
    of_reference = np.sum(between * passed**2) + np.sum(tied * (passed[:-1] + own / 2) ** 2)
    of_current = np.sum(own * (below + tied / 2) ** 2)
    if ties == "midrank":
        of_reference += _from_midranks(reference)
        of_current += _from_midranks(current)
    else:
        # with a of the reference and b of current tied, Σ (Lc + a share of b)² averages a·Lc² + ab·Lc + ab(2b + 1)/6
        of_reference += np.sum(tied * own * (own + 2)) / 12
        of_current += np.sum(tied * own * (tied + 2)) / 12
    product, total = n * m, n + m
    statistic = float((n * of_reference + m * of_current) / (product * total) - (4 * product - 1) / (6 * total))
    distinct = len(reference.values) == n and len(current.values) == m and not tied.any()
    if max(n, m) > _EXACT_CVM or (ties == "average" and not distinct):
        return _result(statistic, p_values.cramer_von_mises(statistic, n, m), reference, current)
    from scipy.stats import cramervonmises_2samp

    exact = cramervonmises_2samp(reference.sample, current.sample, method="exact")
    return _result(statistic, float(exact.pvalue), reference, current)


def _from_midranks(sample: SortedReference) -> float:
    """Σ (midrank − rank)² of a sample by itself: 0 without ties."""
    if len(sample.values) == sample.n:
        return 0.0
    ties = sample.counts.astype(np.float64)
    return float(np.sum(ties * (ties**2 - 1))) / 12


def anderson_darling(reference: SortedReference, current: Any) -> TestResult:
    """Two-sample Anderson–Darling test on midranks, as ``scipy.stats.anderson_ksamp``: the standardised A² (equation 7
    of Scholz & Stephens 1987), which weighs the tails as much as the middle.

    The p-value lies between 0.001 and 0.25, the ends of the published table. Two samples of one and the same value
    have A² = 0 before it is standardised (scipy raises there). O(n + m log m). Raises as :meth:`SortedReference.fit`,
    and ValueError for fewer than four values in all.
    """
    current = _sorted(current)
    n, m = reference.n, current.n
    total = n + m
    deviation = p_values.anderson_darling_deviation(n, m)
    values = np.union1d(reference.values, current.values)
    if len(values) == 1:
        return _result(-1 / deviation, p_values.anderson_darling(-1 / deviation), reference, current)
    counts = [_below(sample, values) for sample in (reference, current)]
    below = (counts[0][0] + counts[1][0]).astype(np.float64)
    ties = counts[0][1] + counts[1][1] - below
    rank = below + ties / 2
    weight = ties / total / (rank * (total - rank) - total * ties / 4)
    squares = 0.0
    for (less, at), size in zip(counts, (n, m), strict=True):
        squares += float(np.sum(weight * (total * (less + at) / 2.0 - rank * size) ** 2)) / size
    statistic = (squares * (total - 1.0) / total - 1) / deviation
    return _result(statistic, p_values.anderson_darling(statistic), reference, current)
