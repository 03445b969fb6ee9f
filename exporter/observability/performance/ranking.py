"""How well scores rank: the area under the ROC curve, and its variance."""

from __future__ import annotations

import numpy as np

from observability.columns import Bools, Floats


def placements(positive: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """For each positive row the share of negatives below it, for each negative row the share of positives above it.

    ``positive`` and ``scores`` have shape (n,), the results keep the order of the rows; equal scores count a half. The
    mean of either is the area under the ROC curve (Mann-Whitney). O(n log n), as of Sun & Xu 2014, "Fast
    implementation of DeLong's algorithm".
    """
    ups, downs = scores[positive], scores[~positive]
    return _share_below(np.sort(downs), ups), 1 - _share_below(np.sort(ups), downs)


def _share_below(ordered: Floats, values: Floats) -> Floats:
    both = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.asarray(both / (2 * len(ordered)))


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
