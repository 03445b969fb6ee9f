"""How drift, errors and latency of each model went over time, in rings of constant size, and which go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from observability.columns import Floats, Ints
from observability.performance.correlation import Correlation, correlate
from observability.settings import Correlation as CorrelationSettings
from observability.settings import seconds

#: What is correlated: the rows of :class:`Series`.
SIGNALS = ("drift", "error", "latency")


class Series:
    """Means of :data:`SIGNALS` of one model in each of the newest ``buckets`` of time, which are numbered."""

    def __init__(self, buckets: int) -> None:
        self._number: Ints = np.full(buckets, -1, np.int64)
        self._sum: Floats = np.zeros((len(SIGNALS), buckets))
        self._count: Floats = np.zeros((len(SIGNALS), buckets))

    @property
    def newest(self) -> int:
        """Number of the newest bucket, -1 of none."""
        return int(self._number.max())

    def add(self, signal: str, buckets: Ints, values: Floats) -> None:
        """Values (n,) in the buckets (n,) of their time. NaN, and what is older than all buckets, does not count."""
        size = len(self._number)
        kept = ~np.isnan(values)
        kept[kept] &= buckets[kept] > max(self.newest, int(buckets[kept].max(initial=-1))) - size
        buckets, values = buckets[kept], values[kept]
        places = buckets % size
        fresh = self._number[places] != buckets
        self._number[places[fresh]] = buckets[fresh]
        self._sum[:, places[fresh]] = 0
        self._count[:, places[fresh]] = 0
        row = SIGNALS.index(signal)
        np.add.at(self._sum[row], places, values)
        np.add.at(self._count[row], places, 1)

    def means(self, last: int) -> Floats:
        """(signals, buckets) up to the bucket ``last``, NaN where nothing came."""
        size = len(self._number)
        numbers = np.arange(last - size + 1, last + 1)
        places = numbers % size
        known = (self._number[places] == numbers) & (self._count[:, places] > 0)
        return np.where(known, self._sum[:, places] / np.maximum(self._count[:, places], 1), np.nan)

    def to_state(self) -> dict[str, Any]:
        return {"number": self._number, "sum": self._sum, "count": self._count}

    def from_state(self, state: dict[str, Any]) -> None:
        """Raises ``ValueError`` for the state of another number of buckets."""
        if state["sum"].shape != self._sum.shape:
            raise ValueError("the state is that of other buckets")
        self._number, self._sum, self._count = state["number"], state["sum"], state["count"]


class Together:
    """Which models move together; for one thread at a time."""

    def __init__(self, settings: CorrelationSettings, max_models: int) -> None:
        self._settings = settings
        self._seconds = seconds(settings.bucket)
        self._max_models = max_models
        self._series: dict[str, Series] = {}
        self._judged = -1
        #: Pairs by signal, the strongest first.
        self.found: Mapping[str, list[Correlation]] = {}

    def add(self, signal: str, model: str, times: Floats, values: Floats) -> None:
        """Values (n,) of one of :data:`SIGNALS` of ``model`` at ``times`` (n,), Unix seconds; NaN where unknown.

        A model beyond the first ``max_models`` has no series until one of them has sent nothing for all buckets.
        """
        buckets = np.floor_divide(times, self._seconds).astype(np.int64)
        series = self._series.get(model)
        if series is None:
            if len(self._series) >= self._max_models:
                oldest = min(self._series, key=lambda name: self._series[name].newest)
                if self._series[oldest].newest > buckets.max(initial=0) - self._settings.buckets:
                    return
                del self._series[oldest]
            series = self._series[model] = Series(self._settings.buckets)
        series.add(signal, buckets, values)

    def refresh(self) -> None:
        """Correlate anew where a bucket ended since: the last one is not yet what it will be."""
        last = max((series.newest for series in self._series.values()), default=0) - 1
        if last == self._judged or len(self._series) < 2:
            return
        self._judged = last
        means = {model: series.means(last) for model, series in sorted(self._series.items())}
        self.found = {
            signal: self._correlated({model: rows[at] for model, rows in means.items()})
            for at, signal in enumerate(SIGNALS)
        }

    def _correlated(self, series: dict[str, Floats]) -> list[Correlation]:
        """Of the models that most is known of, as many as make no more than ``pairs``."""
        most = int((1 + np.sqrt(1 + 8 * self._settings.pairs)) // 2)
        fullest = sorted(series, key=lambda model: int(np.isnan(series[model]).sum()))[:most]
        return correlate({model: series[model] for model in sorted(fullest)}, minimum=self._settings.min_buckets)

    def to_state(self) -> dict[str, Any]:
        names = list(self._series)  # not keys of a mapping: any text may be a name
        return {
            "seconds": self._seconds,
            "buckets": self._settings.buckets,
            "models": names,
            "series": [self._series[name].to_state() for name in names],
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called; what was counted in other buckets is left."""
        if (state["seconds"], state["buckets"]) != (self._seconds, self._settings.buckets):
            return
        for model, each in zip(state["models"], state["series"], strict=True):
            self._series[model] = Series(self._settings.buckets)
            self._series[model].from_state(each)
