"""How well scores rank: the area under the ROC curve, and its variance."""

from __future__ import annotations

import numpy as np

from observability.columns import Bools, Floats, Ints


def placements(positive: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """For each positive row the share of negatives below it, for each negative row the share of positives above it.

    ``positive`` and ``scores`` have shape (n,), the results keep the order of the rows; equal scores count a half. The
    mean of either is the area under the ROC curve (Mann-Whitney). O(n log n), as of Sun & Xu 2014, "Fast
    implementation of DeLong's algorithm".
    """
    order, group, starts = tied(scores)
    up = positive[order]
    ups = np.add.reduceat(up, starts, dtype=np.int64)
    downs = np.diff(starts, append=len(scores)) - ups
    all_ups, all_downs = int(ups.sum()), int(downs.sum())
    below = (np.cumsum(downs) - downs / 2) / all_downs
    above = (all_ups - np.cumsum(ups) + ups / 2) / all_ups
    placed = np.empty(len(scores))
    placed[order] = np.where(up, below[group], above[group])
    return placed[positive], placed[~positive]


def tied(scores: Floats) -> tuple[Ints, Ints, Ints]:
    """Groups of equal ``scores`` (n,), from the lowest: the ``order`` that sorts rows, the group of each row in that
    order, both (n,), and where in it each group starts, (groups,). None of no rows."""
    order = np.argsort(scores)
    ordered = scores[order]
    first = np.ones(len(scores), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return order, np.cumsum(first) - 1, np.flatnonzero(first)


def auc_and_variance(positive: Bools, scores: Floats) -> tuple[float, float] | None:
    """Area under the ROC curve and its variance after DeLong, DeLong & Clarke-Pearson 1988.

    The variance is NaN with fewer than two rows of either class; ``None`` where a class has none.
    """
    if positive.all() or not positive.any():
        return None
    below, above = placements(positive, scores)
    if min(len(below), len(above)) < 2:
        return float(np.mean(below)), float("nan")
    return float(np.mean(below)), float(np.var(below, ddof=1) / len(below) + np.var(above, ddof=1) / len(above))
