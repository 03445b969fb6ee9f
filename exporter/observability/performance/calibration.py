"""Calibration: whether what a model calls 70 % probable comes true in 70 % of cases, and how to make it so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from observability.columns import Bools, Floats, Ints
from observability.performance.intervals import LEVEL, Estimate, wilson_bounds

#: Draws of the bootstrap.
DRAWS = 400


@dataclass(frozen=True)
class CalibrationCurve:
    """Per bin of predicted probability, all of shape (bins,) but ``edges`` (bins + 1,).

    ``mean_predicted`` and the share ``observed`` with its Wilson interval are NaN in a bin without rows.
    """

    edges: Floats
    n: Ints
    mean_predicted: Floats
    observed: Floats
    lower: Floats
    upper: Floats


def calibration_curve(
    outcome: Any,
    probability: Any,
    bins: int = 10,
    *,
    strategy: Literal["width", "quantile"] = "width",
    level: float = LEVEL,
) -> CalibrationCurve:
    """How often ``outcome`` (n,), true or false, came by predicted ``probability`` (n,); NaN rows are not counted.

    Bins are of equal width, or hold about as many rows each (``"quantile"``; fewer bins where values repeat). A
    probability on an edge belongs to the bin below it, as in Guo et al. 2017.

    Raises:
        ValueError: shapes that differ, fewer than one bin or a probability outside [0, 1].
    """
    happened, chance = _pair(outcome, probability)
    if bins < 1:
        raise ValueError("a calibration curve has at least one bin")
    edges = np.linspace(0, 1, bins + 1)
    if strategy == "quantile" and len(chance):
        inner = np.unique(np.quantile(chance, edges[1:-1]))
        edges = np.concatenate([[0.0], inner[(inner > 0) & (inner < 1)], [1.0]])
    place = np.searchsorted(edges[1:-1], chance, "left")
    count = np.bincount(place, minlength=len(edges) - 1)
    hits = np.bincount(place, happened, len(edges) - 1)
    with np.errstate(invalid="ignore"):
        mean_predicted, observed = np.bincount(place, chance, len(edges) - 1) / count, hits / count
    lower, upper = wilson_bounds(hits, count, level)
    return CalibrationCurve(edges, count.astype(np.int64), mean_predicted, observed, lower, upper)


def calibration_error(outcome: Any, probability: Any, bins: int = 15, level: float = LEVEL) -> Estimate | None:
    """Expected calibration error (Guo et al. 2017, "On calibration of modern neural networks", eq. 3): the mean over
    rows of |share observed - mean predicted| of the row's bin, ``bins`` of equal width; ``None`` without rows.

    Noise alone makes it positive, the more so the fewer rows: the interval, of the basic bootstrap of the bins' sums
    (normal draws with their variances, a fixed seed), takes that off, and begins at 0 where as large a value is no
    wonder of a calibrated model. It holds the value itself nonetheless.
    """
    happened, chance = _pair(outcome, probability)
    n = len(chance)
    if n == 0:
        return None
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], chance, "left")
    residual = chance - happened
    gaps = np.bincount(place, residual, bins) / n
    value = float(np.abs(gaps).sum())
    spread = np.sqrt(np.bincount(place, residual**2, bins)) / n
    noise = spread * _normal_draws(bins)
    low, high = np.quantile(np.abs(gaps + noise).sum(axis=1), [(1 - level) / 2, (1 + level) / 2])
    chance_alone = np.quantile(np.abs(noise).sum(axis=1), (1 + level) / 2)
    lower = 0.0 if value <= chance_alone else min(max(2 * value - high, 0.0), value)
    return Estimate(value, float(lower), float(max(2 * value - low, value)), n)


@lru_cache(maxsize=8)
def _normal_draws(bins: int) -> Floats:
    return np.random.default_rng(0).standard_normal((DRAWS, bins))


@dataclass(frozen=True)
class Isotonic:
    """A curve that never falls: probability against score, straight lines between ``scores`` (m,), flat outside."""

    scores: Floats
    probabilities: Floats

    @classmethod
    def fit(cls, scores: Floats, outcome: Bools) -> Isotonic:
        """The non-decreasing curve nearest to ``outcome`` (n,) by squares, equal to scikit-learn's
        ``IsotonicRegression(out_of_bounds="clip")``: pool-adjacent-violators (Ayer et al. 1955)."""
        values, place, count = np.unique(scores, return_inverse=True, return_counts=True)
        means = np.bincount(place, outcome, len(values)) / count
        level = _non_decreasing(means, count.astype(np.float64))
        # Within a flat stretch only its ends matter.
        bends = np.ones(len(level), np.bool_)
        bends[1:-1] = (level[1:-1] != level[:-2]) | (level[1:-1] != level[2:])
        return cls(values[bends], level[bends])

    def __call__(self, scores: Floats) -> Floats:
        """The calibrated probabilities; NaN of NaN."""
        return np.asarray(np.interp(scores, self.scores, self.probabilities))


def _non_decreasing(means: Floats, weights: Floats) -> Floats:
    pooled: list[tuple[float, float, int]] = []
    for mean, weight in zip(means.tolist(), weights.tolist(), strict=True):
        level, total, size = mean, weight, 1
        while pooled and pooled[-1][0] >= level:
            before, other, length = pooled.pop()
            level = (before * other + level * total) / (other + total)
            total, size = other + total, size + length
        pooled.append((level, total, size))
    return np.repeat([value for value, _, _ in pooled], [size for _, _, size in pooled])


def needs_calibration(outcome: Bools, scores: Floats, folds: int = 10, bins: int = 10) -> bool:
    """Whether isotonic calibration brings ``scores`` (n,) nearer to probabilities of ``outcome`` (n,).

    The rule is NannyML's: the calibration error over bins of equal numbers of rows falls, measured on rows that the
    curve was not fitted to. These are ``folds`` stratified folds of rows in their order instead of NannyML's ten
    random tenths, so that no row counts twice or never.
    """
    if outcome.all() or not outcome.any() or len(outcome) < 2 * folds:
        return False
    fold = np.empty(len(outcome), np.int64)
    for rows in (np.flatnonzero(outcome), np.flatnonzero(~outcome)):
        fold[rows] = np.arange(len(rows)) % folds
    calibrated = np.empty(len(scores))
    for number in range(folds):
        held = fold == number
        calibrated[held] = Isotonic.fit(scores[~held], outcome[~held])(scores[held])
    return _by_rank(outcome, scores, bins) > _by_rank(outcome, calibrated, bins)


def _by_rank(outcome: Bools, scores: Floats, bins: int) -> float:
    order = np.argsort(scores, kind="stable")
    starts = np.arange(bins) * (len(scores) // bins)
    return float(np.abs(np.add.reduceat(scores[order] - outcome[order], starts)).sum()) / len(scores)


def _pair(outcome: Any, probability: Any) -> tuple[Floats, Floats]:
    happened, chance = np.asarray(outcome, np.float64), np.asarray(probability, np.float64)
    if happened.ndim != 1 or happened.shape != chance.shape:
        raise ValueError(f"outcomes and probabilities are (n,), not {happened.shape} and {chance.shape}")
    used = ~(np.isnan(happened) | np.isnan(chance))
    happened, chance = happened[used], chance[used]
    if ((chance < 0) | (chance > 1)).any():
        raise ValueError("probabilities lie between 0 and 1")
    return happened, chance
