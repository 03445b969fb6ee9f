"""Models that move together: rank correlation of their series over time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from observability.columns import Floats
from observability.drift.corrections import holm
from observability.performance.intervals import LEVEL, quantile_of


@dataclass(frozen=True)
class Correlation:
    """Spearman's ``rho`` of two models' series, with an interval and a two-sided p-value.

    ``n`` buckets have a value of both; ``n_effective`` of them are worth as much as independent ones. ``p_value`` and
    ``adjusted_p_value`` (Holm, over all pairs) test that there is no correlation; both, and the interval, are NaN where
    fewer than 4 effective buckets say nothing. ``together`` says that they rise and fall together beyond chance.
    """

    first: str
    second: str
    rho: float
    lower: float
    upper: float
    p_value: float
    adjusted_p_value: float
    n: int
    n_effective: float
    together: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; ``None`` for NaN."""
        row = asdict(self)
        return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}


def correlate(series: Mapping[str, Any], *, alpha: float = 0.05, minimum: int = 10) -> list[Correlation]:
    """Correlate the ``series`` (t,) of models, pair by pair, over the same buckets of time; the strongest first.

    A bucket in which either is NaN does not count, a pair with fewer than ``minimum`` common ones, or of which one
    never moves, is left out. Series that drift slowly look correlated by accident: the number of buckets is therefore
    reduced to the effective one, 1/n' = 1/n + 2/n Σ (1 - j/n) r₁(j) r₂(j) over the lags j to n/5 with the
    autocorrelations r of the ranks (Pyper & Peterman 1998). P-value and interval are those of Fisher's z of n' pairs,
    with the variance 1.06 / (n' - 3) of rank correlations (Fieller, Hartley & Pearson 1957).

    Raises:
        ValueError: series of different lengths, or not (t,).
    """
    columns = {name: np.asarray(values, np.float64) for name, values in series.items()}
    shapes = {column.shape for column in columns.values()}
    if any(len(shape) != 1 for shape in shapes) or len(shapes) > 1:
        raise ValueError(f"series are (t,) and of one length, not {', '.join(map(str, sorted(shapes)))}")
    found = []
    for first, second in itertools.combinations(columns, 2):
        both = ~(np.isnan(columns[first]) | np.isnan(columns[second]))
        n = int(both.sum())
        if n < max(minimum, 3):
            continue
        ranks = [_standard_ranks(columns[name][both]) for name in (first, second)]
        if ranks[0] is not None and ranks[1] is not None:
            effective = _effective(ranks[0], ranks[1])
            found.append((first, second, n, float(np.clip(ranks[0] @ ranks[1] / n, -1, 1)), effective))
    return _judged(found, alpha)


def _judged(found: Sequence[tuple[str, str, int, float, float]], alpha: float) -> list[Correlation]:
    if not found:
        return []
    z = quantile_of(LEVEL)
    rows = []
    for first, second, n, rho, effective in found:
        lower = upper = p_value = math.nan
        if effective > 4:
            error = math.sqrt(1.06 / (effective - 3))
            centre = math.atanh(min(max(rho, -1 + 1e-15), 1 - 1e-15))
            lower, upper = math.tanh(centre - z * error), math.tanh(centre + z * error)
            p_value = 2 * float(ndtr(-abs(centre) / error))
        rows.append((first, second, rho, lower, upper, p_value, n, effective))
    adjusted = holm(np.array([row[5] for row in rows]), alpha)
    results = [
        Correlation(
            first, second, rho, lower, upper, p_value, float(corrected), n, effective, bool(rejected) and rho > 0
        )
        for (first, second, rho, lower, upper, p_value, n, effective), corrected, rejected in zip(
            rows, adjusted.adjusted, adjusted.rejected, strict=True
        )
    ]
    return sorted(results, key=lambda result: -abs(result.rho))


def _standard_ranks(values: Floats) -> Floats | None:
    """Ranks with mean 0 and variance 1, equal values at the mean of theirs; ``None`` of a constant."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    ranks = ranks - ranks.mean()
    deviation = float(ranks.std())
    return ranks / deviation if deviation > 0 else None


def _effective(first: Floats, second: Floats) -> float:
    n = len(first)
    lags = np.arange(1, n // 5 + 1)
    product = _autocorrelations(first)[lags] * _autocorrelations(second)[lags]
    return float(min(n, 1 / max(1 / n + 2 / n * float(((1 - lags / n) * product).sum()), 1 / n)))


def _autocorrelations(values: Floats) -> Floats:
    """By lag from 0; by way of the spectrum, which is fast."""
    n = len(values)
    spectrum = np.fft.rfft(values, 2 * n)
    return np.asarray(np.fft.irfft(spectrum * np.conj(spectrum), 2 * n)[:n] / n)


def groups(correlations: Sequence[Correlation]) -> list[list[str]]:
    """Models that move together, directly or by way of others; the largest group first."""
    group: dict[str, set[str]] = {}
    for pair in correlations:
        if pair.together:
            joined = group.get(pair.first, {pair.first}) | group.get(pair.second, {pair.second})
            for name in joined:
                group[name] = joined
    distinct = {id(names): sorted(names) for names in group.values()}
    return sorted(distinct.values(), key=lambda names: (-len(names), names))
