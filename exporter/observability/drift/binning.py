"""Bins of one feature, made once from its baseline: what distances, gauges and PromQL go by.

Bins are cut at values of the baseline, never at its range, so that an outlier moves nothing; a value that is there so
often that it would fill a bin has one of its own. The sequential test goes by ranks (:mod:`observability.drift.ranks`).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from observability.columns import Bools, Floats, Ints
from observability.drift.ranks import RankBins

#: Fine bins in each of the bins that distances are made of.
FINE = 6
#: Categories that are known by their hash at most; with more, no value is called new.
KNOWN = 512

Kind = Literal["numeric", "categorical", "boolean"]


@dataclass(frozen=True)
class Binning:
    """Bins of one feature; B of them hold values, then one the missing ones and one what is of no known kind.

    ``counts`` (B + 2,) of the baseline; ``group`` (B + 2,) is the coarse bin of each; ``labels`` (G,) say what these
    hold. ``ranks`` are the bins of the sequential test. ``scores`` (B + 2,) are mid-ranks in (0, 1) of numeric bins,
    NaN for bins without an order. Numeric: ``edges`` (B,) close each bin, ``positions`` (B,) are its mean, and ``low``,
    ``high``, ``deviation`` of the finite values of the baseline. Categorical: ``categories`` have the first bins, the
    last bin is all others; ``known`` are all of them, ``None`` of too many.
    """

    kind: Kind
    size: int
    counts: Ints
    ranks: RankBins
    group: Ints
    labels: tuple[str, ...]
    scores: Floats
    edges: Floats
    positions: Floats
    low: float
    high: float
    deviation: float
    categories: tuple[str, ...]
    known: frozenset[str] | None

    @property
    def missing(self) -> int:
        """The bin of missing values."""
        return len(self.counts) - 2

    @property
    def strange(self) -> int:
        """The bin of values of another type, and of categories that the baseline does not have."""
        return len(self.counts) - 1

    @property
    def coarse(self) -> Ints:
        """Counts of the baseline in the coarse bins, shape (G,)."""
        return self.coarsely(self.counts)

    def coarsely(self, counts: Ints) -> Ints:
        """``counts`` (..., B + 2) added up in the coarse bins, shape (..., G)."""
        order = np.flatnonzero(np.diff(self.group, prepend=-1))
        return np.add.reduceat(counts, order, axis=-1)

    @classmethod
    def numeric(cls, values: Floats, bins: int, random: np.random.Generator) -> Binning:
        """Of numbers (m,), NaN where missing. Raises ValueError if all are missing."""
        there = np.sort(values[~np.isnan(values)])
        lost = len(values) - len(there)
        if not len(there):
            raise ValueError("all values of the baseline are missing")
        cuts = _cuts(there, bins * FINE)
        ends = np.append(cuts, len(there))
        counts = np.diff(ends, prepend=0)
        closing = there[ends - 1]
        finite = there[np.isfinite(there)]
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers so large that their squares are none
            sums = np.add.reduceat(np.where(np.isfinite(there), there, 0.0), np.append(0, cuts))
            deviation = float(finite.std()) if len(finite) else 0.0
        group = _grouped(counts, bins)
        labels = _ranges(closing, group, there[0])
        middle = (np.cumsum(counts) - counts / 2) / len(there)
        return cls(
            kind="numeric",
            size=len(values),
            counts=np.append(counts, (lost, 0)),
            ranks=RankBins.of(values, random),
            group=np.append(group, (group[-1] + 1, group[-1] + 2)),
            labels=(*labels, "missing", "other type"),
            scores=np.append(middle, (np.nan, np.nan)),
            edges=closing,
            positions=sums / counts,
            low=float(finite[0]) if len(finite) else -np.inf,
            high=float(finite[-1]) if len(finite) else np.inf,
            deviation=deviation if np.isfinite(deviation) else 0.0,
            categories=(),
            known=None,
        )

    @classmethod
    def categorical(
        cls, values: Sequence[str | None], most: int, random: np.random.Generator, kind: Kind = "categorical"
    ) -> Binning:
        """Of categories (m,), ``None`` where missing. Raises ValueError if all are missing."""
        occurring = Counter(value for value in values if value is not None)
        if not occurring:
            raise ValueError("all values of the baseline are missing")
        ranked = sorted(occurring.items(), key=lambda item: (-item[1], item[0]))
        top = ranked[:most]
        rest = sum(count for _, count in ranked[most:])
        counts = np.array([count for _, count in top] + [rest], np.int64)
        lost = len(values) - int(counts.sum())
        bins = len(counts)
        return cls(
            kind=kind,
            size=len(values),
            counts=np.append(counts, (lost, 0)),
            ranks=RankBins.of(keys(values), random),
            group=np.arange(bins + 2),
            labels=(*(name for name, _ in top), "all others", "missing", "new"),
            scores=np.full(bins + 2, np.nan),
            edges=np.zeros(0),
            positions=np.zeros(0),
            low=-np.inf,
            high=np.inf,
            deviation=0.0,
            categories=tuple(name for name, _ in top),
            known=frozenset(occurring) if len(occurring) <= KNOWN else None,
        )

    def codes(self, values: Floats, strange: Bools | None = None) -> Ints:
        """Bins of numbers (n,), NaN where missing; ``strange`` (n,) were no numbers."""
        found = np.minimum(np.searchsorted(self.edges, values, "left"), len(self.edges) - 1)
        found[np.isnan(values)] = self.missing
        if strange is not None:
            found[strange] = self.strange
        return found

    def codes_of(self, values: Sequence[str | None]) -> Ints:
        """Bins of categories (n,), ``None`` where missing."""
        index: dict[str | None, int] = {name: at for at, name in enumerate(self.categories)}
        others = len(self.categories)
        index[None] = self.missing
        if self.known is None:
            return np.fromiter((index.get(value, others) for value in values), np.int64, len(values))
        known, new = self.known, self.strange
        return np.fromiter(
            (index.get(value, others if value in known else new) for value in values), np.int64, len(values)
        )


def _cuts(ordered: Floats, wanted: int) -> Ints:
    """Where to cut ``ordered`` (m,) into about ``wanted`` bins of like size, never between equal values."""
    size = len(ordered)
    at = np.unique(np.arange(1, wanted) * size // wanted)
    at = at[(at > 0) & (at < size)]
    starts = np.searchsorted(ordered, ordered[at], "left")
    ends = np.searchsorted(ordered, ordered[at], "right")
    heavy = ends - starts >= size / wanted
    near = np.where(at - starts <= ends - at, starts, ends)
    cuts = np.concatenate((np.where(heavy, starts, near), ends[heavy]))
    cuts = np.unique(cuts)
    return cuts[(cuts > 0) & (cuts < size)]


def _grouped(counts: Ints, wanted: int) -> Ints:
    """The coarse bin of each fine one: about ``wanted``, and a fine one as large as a coarse one by itself."""
    share = counts.sum() / wanted
    groups = np.zeros(len(counts), np.int64)
    group, filled = 0, 0.0
    for at, count in enumerate(counts.tolist()):
        if filled and (filled + count / 2 > share or count >= share):
            group, filled = group + 1, 0.0
        groups[at] = group
        filled += count
        if count >= share:
            group, filled = group + 1, 0.0
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def _ranges(closing: Floats, group: Ints, lowest: float) -> list[str]:
    """What each coarse bin holds, as a text."""
    ends = closing[np.append(np.flatnonzero(np.diff(group)), len(group) - 1)]
    texts: list[str] = []
    before = None
    for at, end in enumerate(ends.tolist()):
        last = at == len(ends) - 1
        if before is None:
            texts.append("all" if last else f"= {end:.4g}" if end == lowest else f"≤ {end:.4g}")
        else:
            texts.append(f"> {before:.4g}" if last else f"{before:.4g} … {end:.4g}")
        before = end
    return texts


def keys(values: Sequence[str | None]) -> Floats:
    """A number for each category (n,), NaN for a missing one: in an order that does not go by how often it comes."""
    known: dict[str | None, float] = {value: zlib.crc32(value.encode()) for value in set(values) if value is not None}
    known[None] = np.nan
    return np.fromiter((known[value] for value in values), np.float64, len(values))


def category(value: Any) -> str | None:
    """A value as a category: its text, ``true`` and ``1`` for booleans and whole numbers; ``None`` if missing."""
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
