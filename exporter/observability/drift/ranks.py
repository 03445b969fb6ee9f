"""Where a new value lies among those of a baseline: bins of its ranks, for the sequential test.

m values, put in order with ties broken by chance, leave m + 1 gaps. Where baseline and stream are exchangeable, a new
value is equally likely in each of them, whatever the distribution: smoothed ranks of conformal prediction (Vovk,
Gammerman & Shafer 2005, "Algorithmic Learning in a Random World"). That holds for gaps that are chosen by their rank.
For gaps that are chosen by what the values are (the end of a category, of a run of zeros) it does not, so these bins
are cut at fixed ranks, if need be between equal values, and bins that somebody looks at are others
(:mod:`observability.drift.binning`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from observability.columns import Bools, Floats, Ints

#: Bins of like size; the first and the last gap are bins of their own, for values beyond all of the baseline.
BINS = 60


@dataclass(frozen=True)
class RankBins:
    """``gaps`` (B,) in each bin, which sum to m + 1; ``values`` (v,) and ``closing`` (B − 1,) are where they end."""

    gaps: Ints
    values: Floats
    closing: Floats

    @classmethod
    def of(cls, baseline: Floats, random: np.random.Generator) -> RankBins:
        """Of values (m,) in which NaN, for a missing one, is greater than all."""
        size = len(baseline)
        chance = random.random(size)
        order = np.lexsort((chance, baseline))
        inner = np.arange(1, BINS) * (size + 1) // BINS
        ranks = np.unique(np.concatenate(([1], inner[inner > 0], [size])))  # a cut at rank i is the i-th value
        ends = order[ranks - 1]
        values = np.unique(baseline[ends])
        closing = _places(values, baseline[ends], chance[ends])
        return cls(np.diff(np.concatenate(([0], ranks, [size + 1]))), values, closing)

    def of_values(self, values: Floats, last: Bools | None, random: np.random.Generator) -> Ints:
        """The bin of each of ``values`` (n,), NaN where missing; those in the mask ``last`` (n,) are beyond all."""
        chance = random.random(len(values))
        if last is not None and last.any():
            values, chance = np.where(last, np.nan, values), np.where(last, 1.0, chance)
        return np.searchsorted(self.closing, _places(self.values, values, chance), "left")

    @property
    def scores(self) -> Floats:
        """Mid-rank of each bin, in (0, 1)."""
        ends = np.cumsum(self.gaps)
        return np.asarray((ends - self.gaps / 2) / ends[-1])


def _places(values: Floats, given: Floats, chance: Floats) -> Floats:
    """Numbers in the order of (given, chance), among the distinct ``values`` (v,): odd and more where equal to one."""
    at = np.searchsorted(values, given, "left")
    held = values[np.minimum(at, len(values) - 1)]
    equal = (held == given) | (np.isnan(held) & np.isnan(given))
    return np.asarray(2.0 * at + np.where(equal, 1.0 + chance * 0.5, 0.0))
