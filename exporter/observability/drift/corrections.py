"""Many tests at once: which of them still count as rejections.

Fifty features that are each tested at 5 % give an alarm in 92 % of all quiet looks. A NaN is no test, and counts as
none: its adjusted value is NaN and it is never rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from observability.columns import Bools, Floats

Correction: TypeAlias = Literal["bonferroni", "holm", "benjamini_hochberg", "none"]


class Corrected(NamedTuple):
    """``rejected`` (n,), and ``adjusted`` (n,): the least α at which each test would be rejected."""

    rejected: Bools
    adjusted: Floats


def bonferroni(p_values: ArrayLike, alpha: float = 0.05) -> Corrected:
    """min(1, n·p): no false rejection at all with probability 1 − α, however the tests depend on each other."""
    values, known = _checked(p_values, alpha)
    return _judged(values, known, np.minimum(values[known] * np.count_nonzero(known), 1.0), alpha)


def holm(p_values: ArrayLike, alpha: float = 0.05) -> Corrected:
    """As Bonferroni, and never weaker: the i-th least p-value times n − i + 1 (Holm 1979, "A Simple Sequentially
    Rejective Multiple Test Procedure")."""
    values, known = _checked(p_values, alpha)
    tests = values[known]
    order = np.argsort(tests, kind="stable")
    stepped = np.maximum.accumulate(tests[order] * np.arange(len(tests), 0, -1))
    return _judged(values, known, np.minimum(_unsorted(stepped, order), 1.0), alpha)


def benjamini_hochberg(p_values: ArrayLike, alpha: float = 0.05) -> Corrected:
    """Of the rejections α are false at most, on average (Benjamini & Hochberg 1995, "Controlling the False Discovery
    Rate"), where tests are independent or positively dependent. Equal to ``scipy.stats.false_discovery_control``."""
    values, known = _checked(p_values, alpha)
    tests = values[known]
    order = np.argsort(tests, kind="stable")
    stepped = tests[order] * len(tests) / np.arange(1, len(tests) + 1)
    stepped = np.minimum.accumulate(stepped[::-1])[::-1]
    return _judged(values, known, np.minimum(_unsorted(stepped, order), 1.0), alpha)


def none(p_values: ArrayLike, alpha: float = 0.05) -> Corrected:
    """Each test for itself."""
    values, known = _checked(p_values, alpha)
    return _judged(values, known, values[known], alpha)


def e_benjamini_hochberg(e_values: ArrayLike, alpha: float = 0.05) -> Corrected:
    """Benjamini–Hochberg of e-values (Wang & Ramdas 2022, "False Discovery Rate Control with E-values"): the k largest
    are rejected for the largest k whose k-th largest e-value is n / (αk) or more.

    Holds however the tests depend on each other, and at whatever time they are looked at where the e-values come from
    e-processes. ``adjusted`` is on the scale of p-values. Raises ValueError for a negative e-value.
    """
    values = np.asarray(e_values, np.float64)
    if np.any(values < 0):
        raise ValueError("an e-value is 0 or more")
    return benjamini_hochberg(1 / np.maximum(values, 1.0), alpha)


BY_NAME: Mapping[Correction, Callable[[ArrayLike, float], Corrected]] = {
    "bonferroni": bonferroni,
    "holm": holm,
    "benjamini_hochberg": benjamini_hochberg,
    "none": none,
}


def _checked(p_values: ArrayLike, alpha: float) -> tuple[Floats, Bools]:
    values = np.asarray(p_values, np.float64)
    if values.ndim != 1:
        raise ValueError(f"p-values have one dimension, not {values.ndim}")
    if not 0 < alpha < 1:
        raise ValueError(f"a level lies between 0 and 1, not {alpha}")
    known = ~np.isnan(values)
    if np.any((values[known] < 0) | (values[known] > 1)):
        raise ValueError("a p-value lies between 0 and 1")
    return values, known


def _unsorted(values: Floats, order: np.typing.NDArray[np.intp]) -> Floats:
    result = np.empty_like(values)
    result[order] = values
    return result


def _judged(values: Floats, known: Bools, adjusted: Floats, alpha: float) -> Corrected:
    everything = np.full(len(values), np.nan)
    everything[known] = adjusted
    return Corrected(known & (np.where(known, everything, 1.0) <= alpha), everything)
