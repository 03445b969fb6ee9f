"""Where a model is worse: its performance by segment, without calling chance a finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from observability.columns import ABSENT, Floats, Ints
from observability.performance.intervals import LEVEL, Estimate, quantile_of, wilson_bounds


@dataclass(frozen=True)
class Segment:
    """The mean of a value over the rows of one segment.

    ``overall`` is the mean of all rows. ``is_worse`` and ``is_better`` say that it lies outside the interval of the
    segment, which is as wide as it takes for all segments to be right together.
    """

    segment: Any
    estimate: Estimate
    overall: float
    is_worse: bool
    is_better: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, where the segment is."""
        return asdict(self) | {"estimate": self.estimate.to_dict()}


def by_segment(
    codes: Any,
    values: Any,
    *,
    names: Sequence[Any] | None = None,
    higher_is_better: bool = True,
    minimum: int = 30,
    level: float = LEVEL,
) -> list[Segment]:
    """Means of ``values`` (n,) by the segment of each row, ``codes`` (n,) from 0; the worst first.

    ``values`` are 1 for a right and 0 for a wrong prediction, or losses with ``higher_is_better=False``;
    ``names[code]`` names a segment. Rows without a segment (code -1) or value (NaN) are left out, segments of fewer
    than ``minimum`` rows too. Intervals (Wilson's where all values are 0 or 1, else of the central limit theorem) have
    the level 1 - (1 - ``level``) / number of segments, so that the chance of calling any segment worse or better that
    is neither is 1 - ``level`` at most (Bonferroni).

    Raises:
        ValueError: the shapes differ.
    """
    place, value = np.asarray(codes, np.int64), np.asarray(values, np.float64)
    if place.ndim != 1 or place.shape != value.shape:
        raise ValueError(f"codes and values are (n,), not {place.shape} and {value.shape}")
    used = (place != ABSENT) & ~np.isnan(value)
    place, value = place[used], value[used]
    if not len(value):
        return []
    count = np.bincount(place)
    shown = np.flatnonzero(count >= max(minimum, 1))
    if not len(shown):
        return []
    n, total = count[shown].astype(np.int64), np.bincount(place, value)[shown]
    means: Floats = total / n
    strict = 1 - (1 - level) / len(shown)
    if ((value == 0) | (value == 1)).all():
        lower, upper = wilson_bounds(total, n, strict)
    else:
        squares = np.asarray(np.bincount(place, (value - value.mean()) ** 2)[shown], np.float64)
        lower, upper = _of_means(means, squares, n, float(value.mean()), strict)
    overall = float(value.mean())
    below, above = upper < overall, lower > overall
    worse, better = (below, above) if higher_is_better else (above, below)
    order = np.argsort(means if higher_is_better else -means, kind="stable")
    return [
        Segment(
            segment=int(shown[row]) if names is None else names[int(shown[row])],
            estimate=Estimate(float(means[row]), float(lower[row]), float(upper[row]), int(n[row])),
            overall=overall,
            is_worse=bool(worse[row]),
            is_better=bool(better[row]),
        )
        for row in order
    ]


def _of_means(means: Floats, squares: Floats, n: Ints, centre: float, level: float) -> tuple[Floats, Floats]:
    """``squares`` are sums of squared distances from ``centre``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.maximum(squares - n * (means - centre) ** 2, 0) / (n - 1)
    half = np.where(n > 1, quantile_of(level) * np.sqrt(variance / n), math.nan)
    return means - half, means + half
