"""Bets of the sequential test: for each kind of change a factor for each bin, in which the change shows."""

from __future__ import annotations

import numpy as np

from observability.columns import Floats, Ints

#: Shifts of the mean that are bet on, in standard deviations, upwards and downwards.
_SHIFTS = (0.1, 0.2, 0.4, 0.8, 1.6)
#: Changes of the spread, as coefficients of (z² − 1) / √2.
_SPREADS = (0.1, 0.25, 0.5)
#: By how much the outermost gaps, where new, missing and impossible values are, become more frequent.
_OUTSIDE = (5.0, 50.0)
#: Values after which what was seen counts for 1/e, of the bets that follow the stream.
MEMORIES = (50.0, 250.0, 1000.0)
#: Values of the pool that such a bet begins with: what few values say is doubted.
_PRIOR = 40.0
#: Bins that are taken together where values have an order, and where they have none: categories lie side by side, and
#: what one bin says is mostly noise.
_TOGETHER, _TOGETHER_UNORDERED = 5, 3


def fixed_bets(scores: Floats | None, bins: int) -> Floats:
    """Factors (B, K) of the bets that never change; ``scores`` (B,) are mid-ranks in (0, 1), ``None`` without order."""
    from scipy.special import ndtri

    outside = np.ones((bins, len(_OUTSIDE) * 2))
    for at, factor in enumerate(_OUTSIDE):
        outside[0, 2 * at] = outside[-1, 2 * at + 1] = factor
    if scores is None:
        return outside
    z = ndtri(np.clip(scores, 1e-3, 1 - 1e-3))
    spread = (z**2 - 1) / np.sqrt(2)
    columns = [np.exp(sign * shift * z) for shift in _SHIFTS for sign in (1, -1)]
    columns += [np.exp(sign * amount * spread) for amount in _SPREADS for sign in (1, -1)]
    return np.column_stack((*columns, outside))


def groups_of(scores: Floats | None, bins: int) -> Ints:
    """For each bin (B,) the group that the following bets look at: some neighbours, and the outermost by themselves."""
    together = _TOGETHER_UNORDERED if scores is None else _TOGETHER
    groups = (np.arange(bins) + together - 1) // together
    groups[-1] = groups[-2] + 1
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def following_bets(recent: Floats, pool: Floats) -> Floats:
    """Factors (G, 3): how much more frequent each group was lately, ``recent`` (3, G), than in the pool (G,)."""
    share = pool / pool.sum()
    smoothed = (recent + _PRIOR * share) / (recent.sum(axis=1, keepdims=True) + _PRIOR)
    return np.asarray((smoothed / share).T)
