"""Statistics of binned counts: how far two rows of counts over the same bins are from each other.

Every function takes ``reference`` and ``current`` counts of shape (..., B), integers or floats, whose leading axes are
broadcast, and returns shape (...): many features, segments or windows at once. Where a row has no counts at all, its
statistic is NaN: no data is neither 0 nor drift. Functions of logarithms smooth the counts first (:func:`ratios`), as
a bin that is empty on one side would make them infinite. None of them raises but for shapes that do not fit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from observability.columns import Bools, Floats


class Contingency(NamedTuple):
    """Test of a 2 × B table: ``statistic``, ``p_value`` and ``freedom`` (degrees of freedom), each of shape (...)."""

    statistic: Floats
    p_value: Floats
    freedom: Floats


def ratios(counts: ArrayLike) -> Floats:
    """Smoothed shares of each bin, (count + ½) / (n + ½B), of counts (..., B); NaN where n = 0.

    The estimate of Jeffreys' prior (Krichevsky & Trofimov 1981). It pulls the shares towards equal ones, so that
    distances between small samples come out smaller than without it: docs/drift-tests.md says by how much.
    Bins that are empty in both of two samples of different sizes get different shares: leave them out before.
    """
    values = np.asarray(counts, np.float64)
    total = values.sum(axis=-1, keepdims=True)
    return np.asarray((values + 0.5) / np.where(total > 0, total + 0.5 * values.shape[-1], np.nan))


def shares(counts: ArrayLike) -> Floats:
    """Share of each bin, count / n, of counts (..., B); NaN where n = 0."""
    values = np.asarray(counts, np.float64)
    total = values.sum(axis=-1, keepdims=True)
    return np.asarray(values / np.where(total > 0, total, np.nan))


def psi(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Population stability index Σ (q − p) ln(q / p) of the smoothed shares p, q: Jeffreys' divergence
    (Lewis 1994, "An Introduction to Credit Scoring"; Yurdakul & Naranjo 2020). In nats, 0 or more."""
    p, q = ratios(reference), ratios(current)
    return np.asarray(np.sum((q - p) * np.log(q / p), axis=-1))


def kl(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Kullback–Leibler divergence of the current from the reference, Σ q ln(q / p) of the smoothed shares, in nats."""
    p, q = ratios(reference), ratios(current)
    return np.asarray(np.maximum(np.sum(q * np.log(q / p), axis=-1), 0.0))


def jensen_shannon(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Jensen–Shannon distance, √(½ KL(p‖r) + ½ KL(q‖r)) to base 2 with r = (p + q) / 2, of the smoothed shares.

    From 0 to 1 (Endres & Schindelin 2003, "A New Metric for Probability Distributions"); equal to
    ``scipy.spatial.distance.jensenshannon(p, q, base=2)`` of them.
    """
    p, q = ratios(reference), ratios(current)
    middle = (p + q) / 2
    divergence = np.sum(p * np.log2(p / middle) + q * np.log2(q / middle), axis=-1) / 2
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))


def hellinger(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Hellinger distance √(½ Σ (√p − √q)²) of the shares, from 0 to 1."""
    return np.asarray(np.sqrt(0.5 * np.sum((np.sqrt(shares(reference)) - np.sqrt(shares(current))) ** 2, axis=-1)))


def total_variation(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Total variation distance ½ Σ |p − q| of the shares, from 0 to 1: the share of rows that would have to move."""
    return np.asarray(0.5 * np.sum(np.abs(shares(reference) - shares(current)), axis=-1))


def l_infinity(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Largest difference of the shares of one bin, max |p − q|, from 0 to 1."""
    return np.asarray(np.max(np.abs(shares(reference) - shares(current)), axis=-1))


def ks_bound(reference: ArrayLike, current: ArrayLike) -> Floats:
    """max |F − G| over the edges of the bins, which are in order: what the Kolmogorov–Smirnov distance is at least."""
    return np.asarray(np.max(np.abs(np.cumsum(shares(reference) - shares(current), axis=-1)), axis=-1))


def wasserstein_bins(reference: ArrayLike, current: ArrayLike, positions: ArrayLike) -> Floats:
    """Wasserstein distance of order 1 with the counts of each bin at one of ``positions`` (B,), ascending; in the unit
    of these. It differs from that of the values by the mean distance to their bin's position at most, on each side.

    Raises ValueError for positions that do not ascend or are not finite.
    """
    steps = np.diff(np.asarray(positions, np.float64))
    if not np.all((steps >= 0) & np.isfinite(steps)):
        raise ValueError("positions of bins are finite and ascend")
    gaps = np.abs(np.cumsum(shares(reference) - shares(current), axis=-1))[..., :-1]
    return _where_known(reference, current, np.sum(gaps * steps, axis=-1))


def chi2_contingency(reference: ArrayLike, current: ArrayLike) -> Contingency:
    """Pearson's χ² of the 2 × B table of both rows: whether they could be from one distribution.

    Bins that are empty on both sides are left out. Equal to ``scipy.stats.chi2_contingency(table, correction=False)``.
    The reference is a sample here, as it is in truth; χ² as goodness of fit takes it for the distribution itself and
    alarms too often. The p-value holds where :func:`least_expected` is 5 or more; else :func:`permutation_p_value`.
    """
    return _contingency(reference, current, lambda seen, expected: (seen - expected) ** 2 / expected)


def g_test(reference: ArrayLike, current: ArrayLike) -> Contingency:
    """G-test (likelihood ratio) of the 2 × B table, 2 Σ O ln(O / E), as :func:`chi2_contingency` in all else.

    Equal to ``scipy.stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")``. It is the less exact
    of the two where counts are small.
    """
    return _contingency(
        reference, current, lambda seen, expected: 2 * seen * np.log(np.where(seen > 0, seen, 1.0) / expected)
    )


def least_expected(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Least expected count of a cell of the 2 × B table, bins that are empty on both sides left out."""
    expected, used = _expected(_table(reference, current))
    return np.asarray(np.min(np.where(used, expected, np.inf), axis=(-2, -1), initial=np.inf))


def permutation_p_value(reference: ArrayLike, current: ArrayLike, draws: int = 999, *, seed: int = 0) -> float:
    """Exact test of one 2 × B table by :func:`chi2_contingency`, for counts too small for its p-value.

    Draws of ``current``'s size from both rows together, without replacement, are as likely as ``current`` itself when
    there is no drift: the p-value is the share of all ``draws`` + 1 whose χ² is at least as large (Phipson & Smyth
    2010, "Permutation P-values Should Never Be Zero"). NaN where a row has no counts.

    Raises ValueError for more than one table, or counts that are no whole numbers.
    """
    first, second = np.asarray(reference), np.asarray(current)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"a permutation test takes two rows of B counts, not shapes {first.shape} and {second.shape}")
    if np.any(first != np.floor(first)) or np.any(second != np.floor(second)):
        raise ValueError("a permutation test takes whole numbers as counts")
    if not first.sum() or not second.sum():
        return float("nan")
    pooled = (first + second).astype(np.int64)
    random = np.random.default_rng(seed)
    drawn = random.multivariate_hypergeometric(pooled, int(second.sum()), size=draws, method="marginals")
    seen = chi2_contingency(first, second).statistic
    others = chi2_contingency(pooled - drawn, drawn).statistic
    # equal tables may differ in the last digit
    return float((1 + np.count_nonzero(others >= seen * (1 - 1e-9))) / (draws + 1))


def _table(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Both rows as one table, shape (..., 2, B)."""
    first, second = np.broadcast_arrays(np.asarray(reference, np.float64), np.asarray(current, np.float64))
    return np.stack((first, second), axis=-2)


def _expected(table: Floats) -> tuple[Floats, Bools]:
    columns = table.sum(axis=-2, keepdims=True)
    rows = table.sum(axis=-1, keepdims=True)
    total = rows.sum(axis=-2, keepdims=True)
    return rows * columns / np.where(total > 0, total, np.nan), np.broadcast_to(columns > 0, table.shape)


def _contingency(reference: ArrayLike, current: ArrayLike, cell: Any) -> Contingency:
    from scipy.special import chdtrc

    table = _table(reference, current)
    expected, used = _expected(table)
    known = used & (expected > 0)
    cells = np.where(known, cell(np.where(known, table, 1.0), np.where(known, expected, 1.0)), 0.0)
    statistic = _where_known(reference, current, np.maximum(cells.sum(axis=(-2, -1)), 0.0))
    freedom = _where_known(reference, current, np.count_nonzero(used[..., 0, :], axis=-1) - 1.0)
    return Contingency(statistic, np.where(freedom == 0, 1.0, chdtrc(freedom, statistic)), freedom)


def _where_known(reference: ArrayLike, current: ArrayLike, values: Any) -> Floats:
    """``values`` where both rows have counts, else NaN."""
    known = (np.sum(reference, axis=-1) > 0) & (np.sum(current, axis=-1) > 0)
    return np.asarray(np.where(known, values, np.nan))
