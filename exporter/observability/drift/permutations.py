"""Permutation tests: what a statistic of two samples would be, had their rows been dealt out otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from observability.columns import Bools, Floats
from observability.drift.vectors import Vectors

#: Relative error that sums in float32 and float64 stay within.
_ROUNDING = {4: 1e-6, 8: 1e-11}

Side: TypeAlias = Literal["greater", "both"]


@dataclass(frozen=True)
class PermutationResult:
    """A statistic of two samples against those of the same rows dealt out at random.

    ``value`` is the statistic, ``expected`` its mean without drift and ``z`` how many standard deviations (of no drift)
    it lies above that. ``p_value`` is (1 + permutations that are as extreme) / (1 + ``permutations``): at a level α
    that many tests of samples from one distribution, or fewer, are below α, whatever the distribution is and however
    small the samples are (Phipson & Smyth 2010, doi:10.2202/1544-6115.1585).
    """

    value: float
    expected: float
    z: float
    p_value: float
    permutations: int
    n_reference: int
    n_current: int


def labellings(
    n_reference: int, n_current: int, permutations: int, *, seed: int, strata: NDArray[np.integer] | None = None
) -> Bools:
    """Which of the n + m rows count as reference, shape (1 + permutations, n + m): as they are, then at random.

    With ``strata`` (n + m,) rows change places only with rows of the same stratum. Raises ValueError for less than
    one permutation.
    """
    if permutations < 1:
        raise ValueError(f"a permutation test needs one permutation or more, not {permutations}")
    random = np.random.default_rng(seed)
    own = np.arange(n_reference + n_current) < n_reference
    labels = np.tile(own, (1 + permutations, 1))
    if strata is None:
        random.permuted(labels[1:], axis=1, out=labels[1:])
        return labels
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        labels[1:, rows] = random.permuted(labels[1:, rows], axis=1)
    return labels


def summed(labels: Bools, rows: Vectors) -> Floats:
    """Sum of the reference rows of each labelling, shape (p, d), from ``rows`` (n + m, d), added up in their type."""
    return np.asarray(np.dot(labels.astype(rows.dtype), rows), np.float64)


def rounding(kind: np.dtype[Any], size: float) -> float:
    """Differences of statistics below this are those of rounding, where they come from sums in ``kind`` of numbers
    whose mean is about ``size``."""
    return _ROUNDING[kind.itemsize] * size


def judged(values: Floats, side: Side, tolerance: float) -> tuple[float, float, float, float]:
    """(value, expected, z, p_value) of :class:`PermutationResult` from the statistic of each labelling, shape
    (1 + permutations,), the true one first.

    ``side`` says whether only large values speak of drift, or those far from the mean of all. Statistics that differ
    by ``tolerance`` or less are ties.
    """
    value, dealt = float(values[0]), values[1:]
    expected, deviation = float(dealt.mean()), float(dealt.std())
    # the mean of all, the true labelling among them: a statistic that treats every labelling alike
    extreme = values if side == "greater" else np.abs(values - values.mean())
    p_value = (1 + int(np.count_nonzero(extreme[1:] >= extreme[0] - tolerance))) / len(values)
    if abs(value - expected) <= tolerance:
        z = 0.0
    else:
        z = (value - expected) / deviation if deviation > 0 else math.copysign(math.inf, value - expected)
    return value, expected, z, p_value
