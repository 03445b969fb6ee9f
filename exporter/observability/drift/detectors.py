"""Drift detectors of one feature: a reference that is fitted once, against windows of current values.

A detector is made to be looked at once for each window. For a stream that is looked at all the time, a sequential test
is needed: a p-value that is read a thousand times alarms by chance alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from observability.columns import Floats, Ints
from observability.drift import counts, nulls, tied, two_sample
from observability.drift.detector import DriftDetector, DriftResult, Measured, MeasuringDetector
from observability.drift.features import Bins, Categories, Intervals, as_array, is_numeric
from observability.drift.nulls import Null, WassersteinNull
from observability.drift.two_sample import SortedReference, TestResult

__all__ = [
    "BY_NAME",
    "AndersonDarlingDriftDetector",
    "BinnedDetector",
    "Chi2DriftDetector",
    "CramerVonMisesDriftDetector",
    "DriftDetector",
    "DriftResult",
    "GTestDriftDetector",
    "HellingerDriftDetector",
    "JensenShannonDriftDetector",
    "KLDriftDetector",
    "KSTestDriftDetector",
    "LInfinityDriftDetector",
    "PSIDriftDetector",
    "TotalVariationDriftDetector",
    "WassersteinDriftDetector",
]

#: Least expected count of a cell for which the χ² distribution gives the p-value (Cochran 1954).
_COCHRAN = 5
#: p-value of Anderson and Darling's table that is no sign of drift, whatever it really is.
_ENOUGH = 0.25


class _RankTest(MeasuringDetector):
    """A rank test of numbers, of which ``threshold`` is the level."""

    is_test = True
    _test: ClassVar[staticmethod[..., TestResult]]

    def __init__(self, threshold: float = 0.05, *, feature: str | None = None) -> None:
        super().__init__(threshold, None, feature)

    def _fit(self, reference: Any) -> None:
        self._reference = SortedReference.fit(as_array(reference))

    def _measure(self, current: Any) -> Measured:
        found = type(self)._test(self._reference, as_array(current))
        return Measured(found.statistic, found.p_value, found.n_reference, found.n_current, self._null(found))

    def _null(self, found: TestResult) -> Null | None:  # noqa: ARG002
        return None


class KSTestDriftDetector(_RankTest):
    """Two-sample Kolmogorov–Smirnov test of numbers: drift where its p-value is at most ``threshold``."""

    method = "ks"
    _test = staticmethod(two_sample.ks)

    def _null(self, found: TestResult) -> Null:
        return nulls.ks_null(found.n_reference, found.n_current, self.threshold)


class CramerVonMisesDriftDetector(_RankTest):
    """Two-sample Cramér–von Mises test of numbers, with ties averaged; both samples need two values."""

    method = "cramer_von_mises"
    _test = staticmethod(functools.partial(two_sample.cramer_von_mises, ties="average"))

    def _null(self, found: TestResult) -> Null:
        # Anderson 1962, equation 11
        return Null(np.asarray((1 + 1 / (found.n_reference + found.n_current)) / 6), np.asarray(np.nan))


class AndersonDarlingDriftDetector(_RankTest):
    """Two-sample Anderson–Darling test of numbers. Its p-value is never below 0.001: a smaller ``threshold`` is never
    reached. Where a tenth of the values are equal to others or more, it is that of 999 permutations, unless the table
    says 0.25 or more already."""

    method = "anderson_darling"
    _test = staticmethod(two_sample.anderson_darling)

    def _measure(self, current: Any) -> Measured:
        reference, window = self._reference, SortedReference.fit(as_array(current))
        found = two_sample.anderson_darling(reference, window)
        p_value, values = found.p_value, np.union1d(reference.values, window.values)
        doubtful = p_value is not None and p_value < _ENOUGH
        if doubtful and 1 < len(values) < (1 - tied.MANY) * (reference.n + window.n):
            p_value = tied.anderson_darling_p_value(reference.counts_of(values), window.counts_of(values))
        return Measured(found.statistic, p_value, found.n_reference, found.n_current, None)


class WassersteinDriftDetector(MeasuringDetector):
    """Wasserstein distance of order 1 of numbers, in standard deviations of the reference.

    A constant reference has none: the score is 0 where nothing else occurs, else inf.
    """

    method = "wasserstein"
    is_test = False

    def __init__(
        self, threshold: float = 0.1, *, significance: float | None = 0.05, feature: str | None = None
    ) -> None:
        super().__init__(threshold, significance, feature)

    def _fit(self, reference: Any) -> None:
        self._reference = SortedReference.fit(as_array(reference))
        self._chance = WassersteinNull.of(self._reference)

    def _measure(self, current: Any) -> Measured:
        found = two_sample.wasserstein1(self._reference, as_array(current))
        deviation = self._reference.deviation
        p_value = self._chance.p_value(found.statistic, found.n_current)
        if not deviation > 0:
            score = 0.0 if found.statistic == 0 else math.inf
            return Measured(score, p_value, found.n_reference, found.n_current)
        null = self._chance.null(found.n_current, 0.05 if self.significance is None else self.significance)
        scaled = Null(null.expectation / deviation, null.threshold / deviation)
        return Measured(found.statistic / deviation, p_value, found.n_reference, found.n_current, scaled)


class BinnedDetector(MeasuringDetector):
    """A statistic of counts over the bins of numbers, or of categories."""

    def __init__(
        self,
        threshold: float,
        significance: float | None,
        bins: int,
        categorical: bool | None,
        feature: str | None,
    ) -> None:
        super().__init__(threshold, significance, feature)
        if bins < 2:
            raise ValueError(f"a distribution needs two bins or more, not {bins}")
        self.bins = bins
        self.categorical = categorical

    def _fit(self, reference: Any) -> None:
        values = as_array(reference)
        categorical = not is_numeric(values) if self.categorical is None else self.categorical
        self._bins: Bins = Categories.fit(values) if categorical else Intervals.fit(values, self.bins)

    def _measure(self, current: Any) -> Measured:
        reference, counted = self._bins.reference, self._bins.count(as_array(current))
        if not counted.sum():
            raise ValueError("no values to compare: all of them are missing")
        used = (reference + counted) > 0  # smoothing would tell empty bins apart where sizes differ
        score, p_value, null = self._statistic(reference[used], counted[used])
        return Measured(float(score), p_value, int(reference.sum()), int(counted.sum()), null)

    def _statistic(self, reference: Ints, counted: Ints) -> tuple[Floats, float, Null | None]:
        raise NotImplementedError


def _contingency_p_value(reference: Ints, counted: Ints, found: counts.Contingency) -> float:
    if counts.least_expected(reference, counted) < _COCHRAN:
        return counts.permutation_p_value(reference, counted)
    return float(found.p_value)


class Chi2DriftDetector(BinnedDetector):
    """χ² test of the table of both samples' counts, of categories, booleans or binned numbers: drift where its p-value
    is at most ``threshold``.

    Where a cell is expected to hold less than 5, the p-value is that of 999 permutations, and never below 0.001.
    ``bins`` is for numbers; ``categorical`` takes numbers as codes of categories, by default their type decides.
    """

    method = "chi2"
    is_test = True
    _test: ClassVar[staticmethod[..., counts.Contingency]] = staticmethod(counts.chi2_contingency)

    def __init__(
        self,
        threshold: float = 0.05,
        *,
        bins: int = 10,
        categorical: bool | None = None,
        feature: str | None = None,
    ) -> None:
        super().__init__(threshold, None, bins, categorical, feature)

    def _statistic(self, reference: Ints, counted: Ints) -> tuple[Floats, float, Null | None]:
        found = type(self)._test(reference, counted)
        null = Null(found.freedom, np.asarray(np.nan))
        return found.statistic, _contingency_p_value(reference, counted, found), null


class GTestDriftDetector(Chi2DriftDetector):
    """G-test (likelihood ratio) of the table of both samples' counts, else as :class:`Chi2DriftDetector`: where counts
    are small, that one's permutations give the p-value."""

    method = "g_test"
    _test = staticmethod(counts.g_test)


class _BinnedDistance(BinnedDetector):
    """A distance of counts. Its p-value is that of χ² on the same counts, to which all these distances are equal to
    leading order, and which keeps its level where counts are small."""

    is_test = False
    default: ClassVar[float] = 0.1
    _distance: ClassVar[staticmethod[..., Floats]]

    def __init__(
        self,
        threshold: float | None = None,
        bins: int = 10,
        *,
        significance: float | None = 0.05,
        categorical: bool | None = None,
        feature: str | None = None,
    ) -> None:
        super().__init__(self.default if threshold is None else threshold, significance, bins, categorical, feature)

    def _statistic(self, reference: Ints, counted: Ints) -> tuple[Floats, float, Null | None]:
        found = counts.chi2_contingency(reference, counted)
        null = self._null(reference, counted, 0.05 if self.significance is None else self.significance)
        return type(self)._distance(reference, counted), _contingency_p_value(reference, counted, found), null

    def _null(self, reference: Ints, counted: Ints, alpha: float) -> Null:
        raise NotImplementedError


class _Divergence(_BinnedDistance):
    """Its null depends on sizes and the number of bins that are not empty."""

    _chance: ClassVar[staticmethod[..., Null]]

    def _null(self, reference: Ints, counted: Ints, alpha: float) -> Null:
        return type(self)._chance(reference.sum(), counted.sum(), np.count_nonzero(reference), alpha)


class PSIDriftDetector(_Divergence):
    """Population stability index of numbers in ``bins`` quantile bins, or of categories."""

    method = "psi"
    default = 0.25
    _distance = staticmethod(counts.psi)
    _chance = staticmethod(nulls.psi_null)


class KLDriftDetector(_Divergence):
    """Kullback–Leibler divergence of the current counts from the reference."""

    method = "kl"
    _distance = staticmethod(counts.kl)
    _chance = staticmethod(nulls.kl_null)


class JensenShannonDriftDetector(_Divergence):
    """Jensen–Shannon distance to base 2."""

    method = "jensen_shannon"
    _distance = staticmethod(counts.jensen_shannon)
    _chance = staticmethod(nulls.jensen_shannon_null)


class HellingerDriftDetector(_Divergence):
    """Hellinger distance."""

    method = "hellinger"
    _distance = staticmethod(counts.hellinger)
    _chance = staticmethod(nulls.hellinger_null)


class _Difference(_BinnedDistance):
    """Its null depends on the shares of the bins too."""

    _chance: ClassVar[staticmethod[..., Null]]

    def _null(self, reference: Ints, counted: Ints, alpha: float) -> Null:
        return type(self)._chance(reference + counted, reference.sum(), counted.sum(), alpha)


class TotalVariationDriftDetector(_Difference):
    """Total variation distance: the share of rows that would have to move to another bin."""

    method = "total_variation"
    _distance = staticmethod(counts.total_variation)
    _chance = staticmethod(nulls.total_variation_null)


class LInfinityDriftDetector(_Difference):
    """Largest change of the share of one bin."""

    method = "l_infinity"
    _distance = staticmethod(counts.l_infinity)
    _chance = staticmethod(nulls.l_infinity_null)


#: Detectors by the name of their statistic, as :func:`observability.drift.choice.choose` gives it.
BY_NAME: Mapping[str, Callable[..., MeasuringDetector]] = {
    each.method: each
    for each in (
        KSTestDriftDetector,
        CramerVonMisesDriftDetector,
        AndersonDarlingDriftDetector,
        WassersteinDriftDetector,
        Chi2DriftDetector,
        GTestDriftDetector,
        PSIDriftDetector,
        KLDriftDetector,
        JensenShannonDriftDetector,
        HellingerDriftDetector,
        TotalVariationDriftDetector,
        LInfinityDriftDetector,
    )
}
