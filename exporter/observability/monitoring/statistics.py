"""Distances of many features at once, from their windows of counts: what the gauges show.

The same formulas as :mod:`observability.drift.counts` and :mod:`observability.drift.nulls`, over rows of different
length: bins that are empty in both are left out, feature by feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from observability.columns import Bools, Floats
from observability.monitoring.feature import FeatureMonitor

#: How often a threshold of one look is exceeded without drift.
ALPHA = 0.01
#: The names under which distances are shown, as ``drift_type``.
MEASURES = ("psi", "jensen_shannon", "chi2", "ks", "wasserstein")


@dataclass(frozen=True, slots=True)
class Table:
    """Of f features: effective observations (f,), and of each measure (f,) values, NaN where there is none.

    ``expected`` and ``threshold`` are the mean and the 99 % quantile without drift, ``p_value`` of the χ² test.
    """

    effective: Floats
    score: dict[str, Floats]
    expected: dict[str, Floats]
    threshold: dict[str, Floats]
    p_value: dict[str, Floats]


def evaluate(features: Sequence[FeatureMonitor], least: float) -> Table:
    """Compare the windows of ``features`` with their baselines; those of less than ``least`` effective observations
    say nothing. A window of values that repeat one another counts as as many as it says."""
    from scipy.special import chdtrc, chdtri

    width = max(len(feature.binning.labels) for feature in features)
    reference, current = np.zeros((len(features), width)), np.zeros((len(features), width))
    effective = np.array([feature.effective for feature in features])
    known = effective >= least
    for at, feature in enumerate(features):
        coarse = feature.binning.coarse
        reference[at, : len(coarse)] = coarse
        current[at, : len(coarse)] = feature.binning.coarsely(feature.window.counts)
    used = (reference + current) > 0
    m, n = reference.sum(axis=1), current.sum(axis=1)
    bins = used.sum(axis=1)
    spread = 1 / m + 1 / np.maximum(effective, 1)
    freedom = np.maximum(bins - 1, 1)
    quantile = chdtri(freedom, ALPHA)
    p, q = _ratios(reference, used, bins), _ratios(current, used, bins)
    log = np.log(np.where(used, q / np.where(used, p, 1.0), 1.0))
    middle = np.where(used, (p + q) / 2, 1.0)
    divergence = np.sum(
        np.where(
            used, p * np.log2(np.where(used, p, 1.0) / middle) + q * np.log2(np.where(used, q, 1.0) / middle), 0.0
        ),
        axis=1,
    )
    # thinned to what they say: a window of n values that are worth e counts as e values of the same shares
    scale = np.where(n > 0, effective / np.maximum(n, 1), 0.0)
    chi2 = _chi2(reference, current * scale[:, None], used)
    score = {
        "psi": np.sum((q - p) * log, axis=1),
        "jensen_shannon": np.sqrt(np.maximum(divergence / 2, 0.0)),
        "chi2": chi2,
    }
    expected = {"psi": spread * (bins - 1), "jensen_shannon": np.sqrt(spread * freedom / (8 * np.log(2)))}
    threshold = {"psi": spread * quantile, "jensen_shannon": np.sqrt(spread * quantile / (8 * np.log(2)))}
    expected["chi2"], threshold["chi2"] = (bins - 1.0), quantile
    p_value = {"chi2": np.where(bins > 1, chdtrc(freedom, chi2), 1.0)}
    _numeric(features, effective, score, expected, threshold)
    for columns in (score, expected, threshold, p_value):
        for values in columns.values():
            values[~known] = np.nan
    return Table(effective, score, expected, threshold, p_value)


def _numeric(
    features: Sequence[FeatureMonitor],
    effective: Floats,
    score: dict[str, Floats],
    expected: dict[str, Floats],
    threshold: dict[str, Floats],
) -> None:
    """Distances that need an order: Kolmogorov–Smirnov over the edges of the fine bins (a lower bound), and Wasserstein
    in standard deviations of the baseline, of the means of the bins."""
    ks, distance = np.full(len(features), np.nan), np.full(len(features), np.nan)
    ks_limit, ks_mean = np.full(len(features), np.nan), np.full(len(features), np.nan)
    for at, feature in enumerate(features):
        binning = feature.binning
        if binning.kind != "numeric":
            continue
        first, second = binning.counts[: binning.missing], feature.window.counts[: binning.missing]
        m, n = first.sum(), second.sum()
        if not n:
            continue
        gap = np.abs(np.cumsum(first / m - second / n))
        ks[at] = gap.max()
        spread = 1 / m + 1 / max(effective[at], 1.0)
        # Smirnov 1939: P(D > d) → 2 exp(−2 d² / (1/m + 1/n)); its mean is √(π/8) · ln 2 · 2 · √spread
        ks_limit[at] = np.sqrt(-np.log(ALPHA / 2) / 2 * spread)
        ks_mean[at] = np.sqrt(np.pi / 2) * np.log(2) * np.sqrt(spread)
        if binning.deviation > 0:
            distance[at] = float(np.sum(gap[:-1] * np.diff(binning.positions))) / binning.deviation
    score["ks"], score["wasserstein"] = ks, distance
    expected["ks"], threshold["ks"] = ks_mean, ks_limit


def _weighted_log(p: Floats, middle: Floats, used: Bools) -> Floats:
    return np.asarray(np.where(used, p * np.log2(np.where(used, p, 1.0) / middle), 0.0))


def _ratios(counts: Floats, used: Bools, bins: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    """(count + ½) / (n + ½k) over the k bins of each row that are ``used``; 0 in the others."""
    total = counts.sum(axis=1, keepdims=True) + 0.5 * bins[:, None]
    return np.asarray(np.where(used, (counts + 0.5) / total, 0.0))


def _chi2(reference: Floats, current: Floats, used: Bools) -> Floats:
    """Pearson's statistic of homogeneity, row by row."""
    m, n = reference.sum(axis=1, keepdims=True), current.sum(axis=1, keepdims=True)
    share = np.where(used, (reference + current) / np.maximum(m + n, 1e-300), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        cells = np.where(
            used, (reference - share * m) ** 2 / (share * m) + (current - share * n) ** 2 / (share * n), 0.0
        )
    return np.asarray(np.sum(np.nan_to_num(cells), axis=1))
