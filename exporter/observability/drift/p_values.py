"""p-values of rank statistics, of the same distributions as in scipy's two-sample tests."""

from __future__ import annotations

import functools
import math

import numpy as np

from observability.columns import Floats

#: Up to so many values, the logarithms of Smirnov's sum keep 9 digits and more, in less time than scipy takes.
_LARGEST_SUM = 100_000
#: From so many values on, the corrected limit is within 1e-9 of the exact distribution where p is nearly 1.
_LEAST_LIMIT = 9_000

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
    that gives NaN for one value against one, where this takes a sample of one. The tails are computed
    here, in less time and within 1e-9 of scipy's: where p is small of its size, where it is nearly 1 absolutely.
    """
    size = int(max(1.0, np.round(float(n) * float(m) / (float(n) + float(m)))))
    square = size * distance * distance
    if 140 < size <= _LARGEST_SUM and 2.2 <= square < 340 and distance < 0.5:
        return _upper_tail(distance, size)
    if size >= _LEAST_LIMIT and size * distance**1.5 <= 1.4:
        from scipy.special import kolmogorov

        # Vrbik 2018, "Small-Sample Corrections to Kolmogorov–Smirnov Test Statistic"
        root = math.sqrt(size)
        return float(kolmogorov(distance * root + 1 / (6 * root) + (distance * root - 1) / (4 * size)))
    from scipy.stats import kstwo

    return float(np.clip(kstwo.sf(distance, size), 0.0, 1.0))


def _upper_tail(distance: float, size: int) -> float:
    """Twice Smirnov's sum Σ C(n, j) d (d + j/n)^(j−1) (1 − d − j/n)^(n−j) for j up to n(1 − d)."""
    j = np.arange(math.floor(size * (1 - distance)) + 1)
    above = distance + j / size
    # 1 − above is 0 at most in the last term, whose factor is then 0⁰ or 0
    rest = np.maximum(1 - above, 1e-300)
    logarithms = (j - 1) * np.log(above) + (size - j) * np.log(rest) + _log_binomials(size)[: len(j)]
    return min(1.0, 2 * distance * float(np.exp(logarithms).sum()))


@functools.lru_cache(maxsize=4)
def _log_binomials(size: int) -> Floats:
    from scipy.special import gammaln

    factorials = gammaln(np.arange(size + 1) + 1.0)
    return np.asarray(factorials[-1] - factorials - factorials[::-1])


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
