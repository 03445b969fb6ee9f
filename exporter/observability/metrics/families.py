"""The numbers of one family in arrays: one slot per series, a slot is used again when its series is retired.

For one thread at a time; :class:`observability.metrics.store.Metrics` holds the lock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
from prometheus_client.utils import floatToGoString

from observability.catalogue import Family
from observability.columns import Floats, Ints, Keys

#: An array of ``bytes`` objects.
Texts: TypeAlias = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Exemplars:
    """A trace for some samples; e rows. ``cells`` are flat indices into the values or bucket counts of a snapshot."""

    cells: Ints
    trace_ids: Keys  # (e, 2), big-endian halves
    values: Floats
    times: Floats  # Unix seconds


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counters or gauges as they were at one moment; n rows."""

    family: Family
    labels: Texts  # ``name="value",…`` without braces
    values: Floats
    born: Texts | None  # Unix seconds; counters only
    exemplars: Exemplars | None


@dataclass(frozen=True, slots=True)
class Written:
    """A gauge whose ``lines`` stand on the page as they are."""

    family: Family
    lines: bytes


@dataclass(frozen=True, slots=True)
class Distributions:
    """Histograms as they were at one moment; n rows."""

    family: Family
    labels: Texts
    counts: Ints  # (n, buckets + 1), each bucket by itself
    sums: Floats
    born: Texts
    exemplars: Exemplars | None


class _Growing:
    """Arrays of the same length that grow by half."""

    columns: ClassVar[tuple[str, ...]]

    def reserve(self, rows: int) -> None:
        """Make room for ``rows``."""
        have = len(getattr(self, self.columns[0]))
        if rows <= have:
            return
        size = max(rows, have + have // 2, 16)
        for name in self.columns:
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]), old.dtype)
            new[:have] = old
            setattr(self, name, new)


class _Traces(_Growing):
    """The latest exemplar of each cell of a family; ``width`` cells a slot. A trace id of zero is none."""

    columns = ("high", "low", "values", "times")

    def __init__(self, width: int) -> None:
        self.high = np.zeros((0, width), np.uint64)
        self.low = np.zeros((0, width), np.uint64)
        self.values = np.zeros((0, width), np.float64)
        self.times = np.zeros((0, width), np.float64)

    def put(self, cells: Ints, trace_ids: Keys, values: Floats, times: Floats | float) -> None:
        """Of rows of one cell the last one stays."""
        last = np.full(self.high.size, -1, np.int64)
        last[cells] = np.arange(len(cells))  # numpy assigns in the order of the rows
        rows = last[last >= 0]
        cells, trace_ids, values = cells.take(rows), trace_ids.take(rows, axis=0), values.take(rows)
        times = times.take(rows) if isinstance(times, np.ndarray) else times
        self.high.reshape(-1)[cells] = trace_ids[:, 0]
        self.low.reshape(-1)[cells] = trace_ids[:, 1]
        self.values.reshape(-1)[cells] = values
        self.times.reshape(-1)[cells] = times

    def clear(self, slot: int) -> None:
        self.reserve(slot + 1)
        self.high[slot] = self.low[slot] = 0

    def at(self, slots: Ints) -> Exemplars:
        """The exemplars of ``slots``, as cells of an array with these rows."""
        self.reserve(int(slots.max(initial=-1)) + 1)
        high, low = self.high[slots].reshape(-1), self.low[slots].reshape(-1)
        cells = np.flatnonzero(high | low)
        return Exemplars(
            cells,
            np.stack((high[cells], low[cells]), axis=1),
            self.values[slots].reshape(-1)[cells],
            self.times[slots].reshape(-1)[cells],
        )


class Series(_Growing):
    """Which label values have which slot, since when, and when they last moved."""

    columns: ClassVar[tuple[str, ...]] = ("moved", "labels", "born")

    def __init__(self, family: Family, width: int) -> None:
        self.family = family
        self.slots: dict[tuple[str, ...], int] = {}
        self.moved: Floats = np.zeros(0, np.float64)  # seconds of a monotonic clock
        self.labels: Texts = np.zeros(0, np.object_)
        self.born: Texts = np.zeros(0, np.object_)
        self.traces: _Traces | None = None
        self._width = width
        self._free: list[int] = []

    def open(self, labels: tuple[str, ...]) -> int:
        """A slot at zero for ``labels``, which have none. Raises ``ValueError`` for too many or too few of them."""
        text = label_text(self.family.labels, labels)
        if self._free:
            slot = self._free.pop()
            self._clear(slot)
        else:
            slot = len(self.slots)
            self.reserve(slot + 1)
        self.slots[labels] = slot
        self.labels[slot] = text
        self.born[slot] = go_float(time.time())
        return slot

    def close(self, labels: Sequence[tuple[str, ...]]) -> None:
        """Give the slots of ``labels`` back."""
        slots = [self.slots.pop(each) for each in labels]
        self.labels[slots] = self.born[slots] = 0
        self._free += slots

    def idle(self, since: float) -> list[tuple[str, ...]]:
        """Labels of the series that have not moved since then."""
        slots = self._live()
        old = slots[self.moved[slots] < since]
        if not len(old):
            return []
        gone = set(old.tolist())
        return [labels for labels, slot in self.slots.items() if slot in gone]

    def _clear(self, slot: int) -> None:
        for name in self.columns:
            getattr(self, name)[slot] = 0
        if self.traces is not None:
            self.traces.clear(slot)

    def _live(self) -> Ints:
        return np.fromiter(self.slots.values(), np.int64, len(self.slots))

    def _trace(self, cells: Ints, trace_ids: Keys, values: Floats, times: Floats | float) -> None:
        if self.traces is None:
            self.traces = _Traces(self._width)
        self.traces.reserve(len(self.moved))
        self.traces.put(cells, trace_ids, values, times)


class Values(Series):
    """A counter or a gauge."""

    columns = (*Series.columns, "values")

    def __init__(self, family: Family) -> None:
        super().__init__(family, 1)
        self.values: Floats = np.zeros(0, np.float64)

    def add(self, ids: Ints, amounts: Floats | float, trace_ids: Keys | None, times: Floats | float) -> None:
        """Raise the values of ``ids`` (n,) by ``amounts`` (n,). Raises ``ValueError`` if one is below 0 or NaN."""
        if not np.all(np.greater_equal(amounts, 0)):
            raise ValueError(f"{self.family}: counters only go up")
        with np.errstate(over="ignore"):
            np.add.at(self.values, ids, amounts)
        if trace_ids is not None:
            self._trace(ids, trace_ids, np.broadcast_to(np.asarray(amounts, np.float64), ids.shape), times)

    def snapshot(self) -> Numbers:
        slots = self._live()
        return Numbers(
            self.family,
            self.labels[slots],
            self.values[slots],
            self.born[slots] if self.family.type == "counter" else None,
            None if self.traces is None else self.traces.at(slots),
        )


class Buckets(Series):
    """A histogram."""

    columns = (*Series.columns, "counts", "sums")

    def __init__(self, family: Family) -> None:
        super().__init__(family, len(family.buckets) + 1)
        self._bounds = np.array(family.buckets, np.float64)
        self.counts: Ints = np.zeros((0, self._width), np.int64)
        self.sums: Floats = np.zeros(0, np.float64)

    def observe(self, ids: Ints, values: Floats, trace_ids: Keys | None, times: Floats | float) -> None:
        """Put ``values`` (n,), NaN for none, into the series ``ids`` (n,)."""
        absent = np.isnan(values)
        if absent.any():
            there = np.flatnonzero(~absent)
            ids, values = ids[there], values[there]
            trace_ids = None if trace_ids is None else trace_ids.take(there, axis=0)
            times = times[there] if isinstance(times, np.ndarray) else times
        cells = ids * self._width + np.searchsorted(self._bounds, values)
        np.add.at(self.counts.reshape(-1), cells, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            np.add.at(self.sums, ids, values)
        if trace_ids is not None:
            self._trace(cells, trace_ids, values, times)

    def snapshot(self) -> Distributions:
        slots = self._live()
        return Distributions(
            self.family,
            self.labels[slots],
            self.counts[slots],
            self.sums[slots],
            self.born[slots],
            None if self.traces is None else self.traces.at(slots),
        )


def store_of(family: Family) -> Values | Buckets:
    """An empty store for ``family``. Raises ``ValueError`` if nothing exposes it."""
    if family.type == "histogram":
        return Buckets(family)
    if family.type in ("counter", "gauge"):
        return Values(family)
    raise ValueError(f"{family}: a {family.type} family is not exposed")


def go_float(value: float) -> bytes:
    """``value`` as ``floatToGoString`` of prometheus_client writes it."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text.encode()


def label_text(names: tuple[str, ...], values: tuple[str, ...]) -> bytes:
    """``name="value",…`` as both formats escape it. Raises ``ValueError`` for too many or too few values."""
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    # A lone surrogate, which JSON can bring, must not make the whole page impossible to encode.
    return text.encode("utf-8", "replace")


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
