"""Intervals: within which bounds the value of a metric lies, given how many rows it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit, ndtri

from observability.columns import Floats

#: Probability that an interval holds the true value, where nobody asked for another.
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A metric's ``value`` from ``n`` rows, and the interval that holds the true one.

    ``lower`` and ``upper`` are NaN where so few rows say nothing of their spread (a mean of one value, say).
    """

    value: float
    lower: float
    upper: float
    n: int

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside the interval; never where there is none."""
        return value < self.lower or value > self.upper

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; bounds that are unknown or infinite are ``None``."""
        bounds = {"lower": self.lower, "upper": self.upper}
        return {
            "value": self.value,
            **{name: bound if math.isfinite(bound) else None for name, bound in bounds.items()},
            "n": self.n,
        }


def quantile_of(level: float) -> float:
    """How many standard errors a two-sided interval reaches: 1.96 for ``level`` 0.95.

    Raises:
        ValueError: ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, not at {level}")
    return float(ndtri((1 + level) / 2))


def wilson_bounds(successes: Any, trials: Any, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Wilson's score interval of shares (Wilson 1927), for numbers or arrays that broadcast together.

    Returns the lower and the upper bounds, NaN where ``trials`` is 0. Coverage is near ``level`` down to some ten
    trials (Brown, Cai & DasGupta 2001), which that of the normal approximation is not.
    """
    successes, trials = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    z = quantile_of(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = successes / trials
        centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
        half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    lower, upper = np.where(successes == 0, 0.0, centre - half), np.where(successes == trials, 1.0, centre + half)
    return np.where(trials > 0, lower, np.nan), np.where(trials > 0, upper, np.nan)


def share(successes: float, trials: int, level: float = LEVEL) -> Estimate | None:
    """The share of ``successes`` with Wilson's interval; none of no trials."""
    if trials == 0:
        return None
    lower, upper = wilson_bounds(successes, trials, level)
    return Estimate(float(successes / trials), float(lower), float(upper), int(trials))


def f1_score(hits: int, misses: int, level: float = LEVEL) -> Estimate | None:
    """F1 of ``hits`` (true positives) and ``misses`` (false positives and false negatives).

    F1 = 2J / (1 + J), where J is the share of hits among both. As J is a share of independent rows, Wilson's interval
    of it holds for F1 once carried over; no variance is approximated.
    """
    overlap = share(hits, hits + misses, level)
    if overlap is None:
        return None
    lower, upper = (2 * bound / (1 + bound) for bound in (overlap.lower, overlap.upper))
    return Estimate(2 * hits / (2 * hits + misses), lower, upper, overlap.n)


def mean(values: Floats, level: float = LEVEL, *, least: float = -math.inf, most: float = math.inf) -> Estimate | None:
    """The mean of independent ``values`` (n,) by the central limit theorem, cut to what it can be."""
    n = len(values)
    if n == 0:
        return None
    value = float(np.mean(values))
    if n == 1 or not math.isfinite(value):
        return Estimate(value, math.nan, math.nan, n)
    half = quantile_of(level) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(value, max(least, value - half), min(most, value + half), n)


def ratio_of_means(
    numerators: Floats, denominators: Floats | None, level: float = LEVEL
) -> tuple[float, float, float] | None:
    """Mean of ``numerators`` over mean of ``denominators`` (or 1), both positive, with an interval: delta method on
    the logarithm, whose distribution is the less skewed one.

    Returns value, lower and upper; ``None`` where the ratio is undefined.
    """
    n = len(numerators)
    top = float(np.mean(numerators)) if n else math.nan
    bottom = 1.0 if denominators is None else float(np.mean(denominators)) if n else math.nan
    if n == 0 or bottom == 0:
        return None
    if top == 0 or n == 1:
        return top / bottom, math.nan, math.nan
    influence = numerators / top - (1.0 if denominators is None else denominators / bottom)
    half = quantile_of(level) * float(np.std(influence, ddof=1)) / math.sqrt(n)
    return top / bottom, top / bottom * math.exp(-half), top / bottom * math.exp(half)


def between_0_and_1(value: float, variance: float, n: int, level: float = LEVEL) -> Estimate:
    """A metric in [0, 1] with the ``variance`` of its estimate: delta method on the log odds, cut to Wilson's interval
    of ``n`` trials where the value is 0 or 1 and the variance says nothing."""
    if 0 < value < 1 and variance > 0:
        half = quantile_of(level) * math.sqrt(variance) / (value * (1 - value))
        return Estimate(value, float(expit(logit(value) - half)), float(expit(logit(value) + half)), n)
    lower, upper = wilson_bounds(value * n, n, level)
    return Estimate(value, float(lower), float(upper), n)
