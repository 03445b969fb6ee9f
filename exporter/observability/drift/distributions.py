"""One feature before and now: how its values lie in the bins of its baseline, and what is wrong with them.

For people who look at one comparison of two tables. The bins are those of the exporter's gauges
(:mod:`observability.drift.binning`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from observability.columns import Floats, Ints
from observability.drift.binning import Binning, Kind

#: What can be wrong with a value; the order of :attr:`Distribution.issues`.
ISSUES = ("missing", "infinite", "out_of_range", "new_category")
#: Shares of the values below the numbers that :attr:`Distribution.quantiles` holds.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_NONE = np.full(len(QUANTILES), np.nan)
_PERCENTILES = np.linspace(0, 1, 101)
#: Bins of a numeric feature, and categories with a bin of their own.
_BINS, _CATEGORIES = 10, 20
#: New categories that are named.
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Distribution:
    """``counts`` (2, G) of baseline and current values in bins that hold what ``labels`` (G,) say.

    ``sizes`` (2,) are all values, missing ones included, ``issues`` (2, 4) count :data:`ISSUES`. ``quantiles`` (2, 5)
    are those of the finite numbers at :data:`QUANTILES`, ``None`` of categories. ``grid`` (E,) are numbers in ascending
    order, percentiles of both, and ``cumulative`` (2, E) the shares of the finite numbers up to each; both are empty
    for categories. ``new`` are the most frequent categories that the baseline does not have, with their counts.
    """

    kind: Kind
    labels: tuple[str, ...]
    counts: Ints
    sizes: Ints
    issues: Ints
    quantiles: Floats | None
    grid: Floats
    cumulative: Floats
    new: tuple[tuple[str, int], ...]

    @property
    def shares(self) -> Floats:
        """``counts`` (2, G) as shares of all values."""
        return np.asarray(self.counts / self.sizes[:, None], np.float64)

    @property
    def issue_shares(self) -> dict[str, tuple[float, float]]:
        """Issue → its share of all values in the baseline and now."""
        found = self.issues / self.sizes[:, None]
        return {name: (float(found[0, at]), float(found[1, at])) for at, name in enumerate(ISSUES)}

    @classmethod
    def of_numbers(cls, baseline: Floats, current: Floats) -> Distribution:
        """Of numbers (n,) and (m,), NaN where missing. Raises ValueError if all of either are missing."""
        both = (baseline, current)
        if any(np.isnan(each).all() for each in both):
            raise ValueError("all values are missing")
        binning = Binning.numeric(baseline, _BINS, np.random.default_rng(0))
        codes = [np.bincount(binning.codes(each), minlength=len(binning.counts)) for each in both]
        finite = [np.sort(each[np.isfinite(each)]) for each in both]
        grid = np.unique([np.quantile(each, _PERCENTILES) for each in finite if len(each)])
        issues = [
            (
                np.count_nonzero(np.isnan(each)),
                np.count_nonzero(np.isinf(each)),
                np.count_nonzero(np.isfinite(each) & ((each < binning.low) | (each > binning.high))),
                0,
            )
            for each in both
        ]
        return cls(
            kind="numeric",
            labels=binning.labels,
            counts=binning.coarsely(np.array(codes)),
            sizes=np.array([len(each) for each in both]),
            issues=np.array(issues, np.int64),
            quantiles=np.array([np.quantile(each, QUANTILES) if len(each) else _NONE for each in finite]),
            grid=grid,
            cumulative=np.array([np.searchsorted(each, grid, "right") / max(len(each), 1) for each in finite]),
            new=(),
        )

    @classmethod
    def of_categories(
        cls, baseline: Sequence[str | None], current: Sequence[str | None], kind: Kind = "categorical"
    ) -> Distribution:
        """Of categories (n,) and (m,), ``None`` where missing. Raises ValueError if all of the baseline are missing."""
        both = (baseline, current)
        binning = Binning.categorical(baseline, _CATEGORIES, np.random.default_rng(0), kind)
        codes = [np.bincount(binning.codes_of(each), minlength=len(binning.counts)) for each in both]
        issues = [(each[binning.missing], 0, 0, each[binning.strange]) for each in codes]
        new: Counter[str] = Counter()
        if binning.known is not None:
            new.update(value for value in current if value is not None and value not in binning.known)
        return cls(
            kind=kind,
            labels=binning.labels,
            counts=binning.coarsely(np.array(codes)),
            sizes=np.array([len(each) for each in both]),
            issues=np.array(issues, np.int64),
            quantiles=None,
            grid=np.zeros(0),
            cumulative=np.zeros((2, 0)),
            new=tuple(new.most_common(_NAMED)),
        )
