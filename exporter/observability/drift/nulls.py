"""What statistics of drift are without any drift: their expectation, and the threshold that chance seldom exceeds.

Two samples of one distribution differ by chance, the more the smaller they are. With s = 1/n + 1/m for n reference and
m current values, the statistics of binned counts are functions of X = Σ (q − p)² / p to leading order, and X / s is χ²
with B − 1 degrees of freedom. How well these hold for samples of which size is measured in docs/drift-tests.md. Sizes
may be arrays, which are broadcast.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from observability.columns import Floats
from observability.drift.counts import shares
from observability.drift.two_sample import SortedReference

#: Cells that the spread of the Wasserstein distance is computed on.
_CELLS = 128
#: Mean of the Kolmogorov distribution, √(π/2) ln 2.
_KOLMOGOROV_MEAN = math.sqrt(math.pi / 2) * math.log(2)


class Null(NamedTuple):
    """``expectation`` of a statistic without drift, and the ``threshold`` that it exceeds with probability α then."""

    expectation: Floats
    threshold: Floats


def _spread(reference_n: ArrayLike, current_n: ArrayLike) -> Floats:
    """1/n + 1/m; NaN where a sample is empty."""
    sizes = np.asarray(reference_n, np.float64), np.asarray(current_n, np.float64)
    first, second = (np.where(each > 0, each, np.nan) for each in sizes)
    return np.asarray(1 / first + 1 / second)


def _chi2(bins: ArrayLike, alpha: float) -> tuple[Floats, Floats]:
    """Degrees of freedom of ``bins`` bins, and what χ² exceeds with probability ``alpha``."""
    from scipy.special import chdtri

    freedom = np.asarray(bins, np.float64) - 1
    return freedom, np.where(freedom > 0, chdtri(np.maximum(freedom, 1), alpha), 0.0)


def _divergence(factor: float, reference_n: ArrayLike, current_n: ArrayLike, bins: ArrayLike, alpha: float) -> Null:
    """Of a statistic that is ``factor``·X."""
    spread = _spread(reference_n, current_n)
    freedom, limit = _chi2(bins, alpha)
    return Null(factor * spread * freedom, factor * spread * limit)


def _distance(factor: float, reference_n: ArrayLike, current_n: ArrayLike, bins: ArrayLike, alpha: float) -> Null:
    """Of a statistic that is √(``factor``·X): the mean of √χ² is √2 Γ((k+1)/2) / Γ(k/2)."""
    from scipy.special import gammaln

    spread = _spread(reference_n, current_n)
    freedom, limit = _chi2(bins, alpha)
    known = np.maximum(freedom, 1)
    mean = np.where(freedom > 0, math.sqrt(2) * np.exp(gammaln((known + 1) / 2) - gammaln(known / 2)), 0.0)
    return Null(np.sqrt(factor * spread) * mean, np.sqrt(factor * spread * limit))


def psi_null(reference_n: ArrayLike, current_n: ArrayLike, bins: ArrayLike, alpha: float = 0.05) -> Null:
    """PSI ≈ s·χ²(B−1) (Yurdakul & Naranjo 2020, "Statistical Properties of the Population Stability Index", Journal of
    Risk Model Validation 14): the expectation is (B − 1)(1/n + 1/m)."""
    return _divergence(1.0, reference_n, current_n, bins, alpha)


def kl_null(reference_n: ArrayLike, current_n: ArrayLike, bins: ArrayLike, alpha: float = 0.05) -> Null:
    """KL ≈ ½ s·χ²(B−1)."""
    return _divergence(0.5, reference_n, current_n, bins, alpha)


def jensen_shannon_null(reference_n: ArrayLike, current_n: ArrayLike, bins: ArrayLike, alpha: float = 0.05) -> Null:
    """The squared distance to base 2 is ≈ s·χ²(B−1) / (8 ln 2) (Menéndez et al. 1997, "The Jensen–Shannon
    Divergence")."""
    return _distance(1 / (8 * math.log(2)), reference_n, current_n, bins, alpha)


def hellinger_null(reference_n: ArrayLike, current_n: ArrayLike, bins: ArrayLike, alpha: float = 0.05) -> Null:
    """The squared distance is ≈ s·χ²(B−1) / 8."""
    return _distance(1 / 8, reference_n, current_n, bins, alpha)


def ks_null(reference_n: ArrayLike, current_n: ArrayLike, alpha: float = 0.05) -> Null:
    """D ≈ √s·K with Kolmogorov's K: threshold √(−ln(α/2) s / 2) (Smirnov 1948), expectation √s·√(π/2) ln 2."""
    root = np.sqrt(_spread(reference_n, current_n))
    return Null(root * _KOLMOGOROV_MEAN, root * math.sqrt(-math.log(alpha / 2) / 2))


def total_variation_null(pooled: ArrayLike, reference_n: ArrayLike, current_n: ArrayLike, alpha: float = 0.05) -> Null:
    """Total variation, from counts ``pooled`` (..., B) that tell the shares p of the bins.

    The differences q − p are ≈ normal with variances s·p(1 − p) and covariances −s·pᵢpⱼ, which gives mean and variance
    of ½ Σ |q − p|; the threshold is that of a gamma distribution with these two.
    """
    p = shares(pooled)
    deviation = np.sqrt(p * (1 - p))
    product = deviation[..., :, None] * deviation[..., None, :]
    overlap = -p[..., :, None] * p[..., None, :]
    correlation = np.where(product > 0, overlap / np.where(product > 0, product, 1.0), 0.0)
    index = np.arange(p.shape[-1])
    correlation[..., index, index] = 1.0
    root = np.sqrt(_spread(reference_n, current_n))
    mean = 0.5 * math.sqrt(2 / math.pi) * deviation.sum(axis=-1)
    variance = 0.25 * np.sum(product * _folded(correlation), axis=(-2, -1))
    return Null(root * mean, root * _gamma_limit(mean, variance, alpha))


def l_infinity_null(pooled: ArrayLike, reference_n: ArrayLike, current_n: ArrayLike, alpha: float = 0.05) -> Null:
    """Largest difference of a share, from counts ``pooled`` (..., B): of normal differences as if independent.

    That threshold is never exceeded more often than α says (Šidák 1967), and less often for few bins.
    """
    from scipy.special import ndtr

    p = shares(pooled)
    deviation = np.sqrt(p * (1 - p))
    widest = np.max(deviation, axis=-1, keepdims=True)
    grid = np.linspace(0.0, 8.0, 801)
    scaled = np.where(deviation > 0, deviation, np.nan)
    with np.errstate(invalid="ignore"):
        below = 2 * ndtr(grid * (widest / scaled)[..., None]) - 1
    below = np.prod(np.where(np.isnan(below), 1.0, below), axis=-2)
    mean = np.sum((1 - below[..., 1:] + 1 - below[..., :-1]) / 2, axis=-1) * grid[1]
    reached = np.argmax(below >= 1 - alpha, axis=-1)
    root = np.sqrt(_spread(reference_n, current_n)) * widest[..., 0]
    return Null(root * mean, root * grid[reached])


def wasserstein_null(reference: SortedReference, current_n: ArrayLike, alpha: float = 0.05) -> Null:
    """Wasserstein distance of order 1 from ``reference``: :class:`WassersteinNull` for one use."""
    return WassersteinNull.of(reference).null(current_n, alpha)


class WassersteinNull(NamedTuple):
    """Wasserstein distance of order 1 from one reference of ``n`` values, in its unit, without drift.

    W₁ ≈ √s ∫ |B(F(x))| dx with a Brownian bridge B (del Barrio, Giné & Matrán 1999, "Central Limit Theorems for the
    Wasserstein Distance"). Its ``mean`` √(2/π) ∫ √(F(1 − F)) dx is taken over all finite values of the reference, the
    ``variance`` over 128 cells of it; both are to be multiplied by √s and s. Thresholds and p-values are those of a
    gamma distribution with these two. It needs tails that are not so heavy that the variance of the values is
    infinite.
    """

    n: int
    mean: float
    variance: float

    @classmethod
    def of(cls, reference: SortedReference) -> WassersteinNull:
        """Of ``reference``; O(n), once."""
        values, share = reference.values, reference.cumulative[1:] / reference.n
        finite = np.isfinite(values)
        values, share = values[finite], share[finite][:-1]
        if len(values) < 2:
            return cls(reference.n, 0.0, 0.0)
        deviation = np.sqrt(share * (1 - share))
        weight = deviation * np.diff(values)
        cells = np.unique(np.searchsorted(share, np.arange(_CELLS) / _CELLS))
        cells = cells[cells < len(share)]
        weights = np.add.reduceat(weight, cells)
        levels = np.add.reduceat(share * weight, cells)
        levels, weights = levels[weights > 0] / weights[weights > 0], weights[weights > 0]
        low, high = np.minimum(levels[:, None], levels), np.maximum(levels[:, None], levels)
        correlation = np.sqrt(low * (1 - high) / (high * (1 - low)))
        mean = math.sqrt(2 / math.pi) * float(weights.sum())
        return cls(reference.n, mean, float(np.sum(weights[:, None] * weights * _folded(correlation))))

    def null(self, current_n: ArrayLike, alpha: float = 0.05) -> Null:
        """Expectation and threshold for ``current_n`` values."""
        root = np.sqrt(_spread(self.n, current_n))
        return Null(root * self.mean, root * _gamma_limit(self.mean, self.variance, alpha))

    def p_value(self, distance: float, current_n: int) -> float:
        """Probability that ``current_n`` values have at least this ``distance`` without drift."""
        from scipy.special import gammaincc

        if self.variance <= 0:
            return 1.0 if distance <= 0 else 0.0
        scaled = distance / float(np.sqrt(_spread(self.n, current_n)))
        return float(gammaincc(self.mean**2 / self.variance, scaled * self.mean / self.variance))


def _folded(correlation: Floats) -> Floats:
    """Covariance of |U| and |V| for standard normal U, V of ``correlation``."""
    r = np.clip(correlation, -1.0, 1.0)
    return np.asarray((2 / math.pi) * (r * np.arcsin(r) + np.sqrt(1 - r**2) - 1))


def _gamma_limit(mean: ArrayLike, variance: ArrayLike, alpha: float) -> Floats:
    """What a gamma distribution of ``mean`` and ``variance`` exceeds with probability ``alpha``; 0 where both are 0."""
    from scipy.special import gammainccinv

    mean, variance = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    spread = variance > 0
    scale = np.where(spread, variance / np.where(spread, mean, 1.0), 1.0)
    shape = np.where(spread, mean / scale, 1.0)
    return np.where(spread, scale * gammainccinv(shape, alpha), 0.0)
