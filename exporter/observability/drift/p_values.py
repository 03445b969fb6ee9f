"""p-values of rank statistics, of the same distributions as in scipy's two-sample tests."""

from __future__ import annotations

import functools
import math

import numpy as np

#: Table 2 of Scholz & Stephens 1987 for two samples (m = 1): b0 + b1 + b2, by significance level.
_ANDERSON_LEVELS = np.array([0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001])
_ANDERSON_CRITICAL = (
    np.array([0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085])
    + np.array([-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615])
    + np.array([-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154])
)


def smirnov(distance: float, n: int, m: int) -> float:
    """P(D ≥ ``distance``) of the two-sample Kolmogorov–Smirnov statistic for large samples of ``n`` and ``m`` values.

    The exact distribution of the one-sample statistic (Simard & L'Ecuyer 2011, "Computing the Two-Sided
    Kolmogorov–Smirnov Distribution", J. Stat. Software 39) for nm/(n + m) values, as in scipy's ``method="asymp"``;
    that gives NaN for one value against one, where this takes a sample of one.
    """
    from scipy.stats import kstwo

    size = max(1.0, np.round(float(n) * float(m) / (float(n) + float(m))))
    return float(np.clip(kstwo.sf(distance, size), 0.0, 1.0))


def cramer_von_mises(statistic: float, n: int, m: int) -> float:
    """P(T ≥ ``statistic``) of the two-sample Cramér–von Mises statistic for more than 20 values in either sample.

    T is shifted and scaled to the mean and variance of its limit (Anderson 1962, "On the Distribution of the
    Two-Sample Cramér–von Mises Criterion", equations 11, 14 and 15), whose distribution function is equation 1.2 of
    Csörgő & Faraway 1996.
    """
    product, total = n * m, n + m
    mean = (1 + 1 / total) / 6
    variance = (total + 1) * (4 * product * total - 3 * (n**2 + m**2) - 2 * product) / (45 * total**2 * 4 * product)
    scaled = 1 / 6 + (statistic - mean) / math.sqrt(45 * variance)
    return max(0.0, 1.0 - _limit_of_cramer_von_mises(scaled)) if scaled >= 0.003 else 1.0


def _limit_of_cramer_von_mises(value: float) -> float:
    from scipy.special import gammaln, kv

    total, k = 0.0, 0
    while True:
        y = 4 * k + 1
        q = y**2 / (16 * value)
        factor = math.exp(gammaln(k + 0.5) - gammaln(k + 1)) / (math.pi**1.5 * math.sqrt(value))
        term = float(factor * math.sqrt(y) * math.exp(-q) * kv(0.25, q))
        total += term
        k += 1
        if term < 1e-7:
            return total


def anderson_darling(statistic: float) -> float:
    """P(A² ≥ ``statistic``) of the standardised two-sample Anderson–Darling statistic, between 0.001 and 0.25.

    A parabola through the logarithms of the seven levels that Scholz & Stephens 1987 ("K-Sample Anderson–Darling
    Tests", JASA 82) tabulated. Beyond the table it says the outermost level: 0.25 is "at least 0.25", 0.001 "at most
    0.001".
    """
    if statistic < _ANDERSON_CRITICAL.min():
        return float(_ANDERSON_LEVELS.max())
    if statistic > _ANDERSON_CRITICAL.max():
        return float(_ANDERSON_LEVELS.min())
    return math.exp(np.polyval(_anderson_parabola(), statistic))


@functools.cache
def _anderson_parabola() -> tuple[float, ...]:
    return tuple(np.polyfit(_ANDERSON_CRITICAL, np.log(_ANDERSON_LEVELS), 2).tolist())


def anderson_darling_deviation(n: int, m: int) -> float:
    """Standard deviation of A² without drift (Scholz & Stephens 1987, equation 4, for two samples of n and m values).

    Raises ValueError for fewer than four values in all.
    """
    total = n + m
    if total < 4:
        raise ValueError(f"the Anderson–Darling test needs 4 values in both samples together, not {total}")
    inverse = 1 / n + 1 / m
    partial = (1.0 / np.arange(total - 1, 1, -1)).cumsum()
    h = partial[-1] + 1
    g = (partial / np.arange(2, total)).sum()
    k = 2
    a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * inverse
    b = (2 * g - 4) * k**2 + 8 * h * k + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * k**2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * inverse + 4 * h
    d = (2 * h + 6) * k**2 - 4 * h * k
    cubic = a * float(total) ** 3 + b * float(total) ** 2 + c * total + d
    return math.sqrt(cubic / ((total - 1.0) * (total - 2.0) * (total - 3.0)))
