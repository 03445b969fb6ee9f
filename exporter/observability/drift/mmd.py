"""Maximum mean discrepancy: whether two samples of embeddings differ in any way that a kernel sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Bools, Floats
from observability.drift.permutations import PermutationResult, judged, labellings, rounding
from observability.drift.vectors import Vectors, as_samples, as_vectors, sample

#: Rows of the kernel matrix at a time: they stay in the cache, and the whole matrix is never held.
_BLOCK = 256
#: Rows that the median distance is taken from.
_MEDIAN_ROWS = 256
#: Squared distances from the mean, in bandwidths, up to which float32 gives exponents to 1e-3.
_NEAR = 4096.0
#: Coordinates beyond this many bandwidths are as far away as can be; float64 still gives exponents to 1e-5.
_FAR = 1e4


@dataclass(frozen=True)
class MMDResult(PermutationResult):
    """``value`` is the unbiased estimate of MMD², which lies around 0 without drift, below it as often as above;
    ``bandwidth`` the σ of the kernel exp(−|x − y|² / 2σ²)."""

    bandwidth: float


def mmd(
    reference: Any,
    current: Any,
    permutations: int = 100,
    *,
    bandwidth: float | None = None,
    seed: int = 0,
    single: bool = True,
) -> MMDResult:
    """Unbiased MMD² of two samples (n, d) and (m, d) with a Gaussian kernel, and its permutation p-value.

    MMD²ᵤ = Σᵢ≠ⱼ k(xᵢ,xⱼ)/n(n−1) + Σᵢ≠ⱼ k(yᵢ,yⱼ)/m(m−1) − 2 Σᵢⱼ k(xᵢ,yⱼ)/nm (Gretton et al. 2012, "A Kernel Two-Sample
    Test", JMLR 13, equation 3). ``bandwidth`` is by default :func:`median_distance` of all rows together, which does
    not know which sample a row is from, so that the test holds. All permutations are columns of one matrix Z of zeros
    and ones: K·Z gives every sum above for each of them.

    ``single`` computes the kernel in float32, unless a row is so far from the mean that this would not do; MMD² is then
    within 1e-6 of float64. Time is O((n + m)² (d + permutations)), memory O((n + m) (d + permutations)).

    Raises ValueError for fewer than two rows a side, rows that are not finite, dimensions that differ, a bandwidth
    that is not positive, or less than one permutation.
    """
    first, second = as_samples(reference, current, least=2)
    if bandwidth is not None and not 0 < bandwidth < np.inf:
        raise ValueError(f"a bandwidth is a positive number, not {bandwidth}")
    n, m = len(first), len(second)
    rows = np.concatenate([first, second]).astype(np.float64)
    sigma = median_distance(rows, seed=seed) if bandwidth is None else bandwidth
    # around the median, where outliers do not move it: numbers near 0 have the most digits
    rows = rows - np.median(sample(rows, _MEDIAN_ROWS, seed), axis=0)
    labels = labellings(n, m, permutations, seed=seed)
    scaled = np.clip(rows / sigma, -_FAR, _FAR)
    near = float(np.einsum("ij,ij->i", scaled, scaled).max()) <= _NEAR
    kind: np.dtype[Any] = np.dtype(np.float32 if single and near else np.float64)
    within, across, total = _sums(scaled, labels, kind)
    current_within = total - 2 * across + within
    values = within / (n * (n - 1)) + current_within / (m * (m - 1)) - 2 * (across - within) / (n * m)
    return MMDResult(*judged(values, "greater", rounding(kind, total / (n + m) ** 2)), permutations, n, m, sigma)


def median_distance(rows: Any, *, seed: int = 0) -> float:
    """Median Euclidean distance between 256 rows of ``rows`` (n, d), drawn at random where there are more.

    Where most rows are equal, the mean of the distances above 0; where all are, 1.
    """
    vectors = sample(as_vectors(rows, "rows", least=2), _MEDIAN_ROWS, seed).astype(np.float64)
    vectors = vectors - np.median(vectors, axis=0)
    norms = np.einsum("ij,ij->i", vectors, vectors)
    pairs = np.triu_indices(len(vectors), 1)
    both = (norms[:, None] + norms)[pairs]
    squares = both - 2 * (vectors @ vectors.T)[pairs]
    # what remains of equal rows is rounding of their norms
    distances = np.sqrt(np.where(squares > 1e-12 * both, squares, 0))
    middle = float(np.median(distances))
    if middle > 0:
        return middle
    different = distances[distances > 0]
    return float(different.mean()) if len(different) else 1.0


def _sums(scaled: Vectors, labels: Bools, kind: np.dtype[Any]) -> tuple[Floats, Floats, float]:
    """Sums of k over ordered pairs of different rows: both in the reference (p,), the first in the reference (p,), and
    all; the rows are in units of the bandwidth.

    K is symmetric: only blocks from the diagonal on are made, those on it halved, and every sum is taken both ways.
    """
    half_squares = 0.5 * np.einsum("ij,ij->i", scaled, scaled)
    size, ones = len(scaled), np.ones((len(scaled), 1))
    # (x, −|x|²/2, 1)·(y, 1, −|y|²/2) = −|x − y|²/2: the matrix product gives the exponents themselves
    left = np.concatenate([scaled, -half_squares[:, None], ones], axis=1).astype(kind)
    right = np.ascontiguousarray(np.concatenate([scaled, ones, -half_squares[:, None]], axis=1).astype(kind).T)
    indicators = np.ones((size, len(labels) + 1), kind)  # the last column stands for all rows
    indicators[:, :-1] = labels.T
    room = np.empty(min(_BLOCK, size) * size, kind)
    within, across, total = np.zeros(len(labels)), np.zeros(len(labels)), 0.0
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        kernel = room[: (stop - start) * (size - start)].reshape(stop - start, size - start)
        np.matmul(left[start:stop], right[:, start:], out=kernel)
        np.exp(kernel, out=kernel)
        kernel[:, : stop - start] *= 0.5
        np.fill_diagonal(kernel, 0)
        product = (kernel @ indicators[start:]).astype(np.float64)
        own = indicators[start:stop, :-1].astype(np.float64)
        within += 2 * np.einsum("ij,ij->j", own, product[:, :-1])
        across += own.T @ product[:, -1] + product[:, :-1].sum(axis=0)
        total += 2 * float(product[:, -1].sum())
    return within, across, total
