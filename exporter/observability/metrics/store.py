"""The catalogue as live numbers, for many threads: written per batch or per sample, read as a page at any time."""

from __future__ import annotations

import platform
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeAlias

import numpy as np

from observability import catalogue
from observability.catalogue import Family
from observability.columns import Floats, Ints, Keys
from observability.metrics import page
from observability.metrics.families import Buckets, Distributions, Numbers, Values, Written, label_text, store_of
from observability.metrics.guard import LEAVE_SECONDS, OTHER, Guard, open_labels
from observability.settings import Label


@dataclass(frozen=True, slots=True)
class Rows:
    """A gauge that was computed and written before the page is drawn: its ``lines``, as both formats have them."""

    lines: bytes

    @classmethod
    def of(cls, family: Family, values: Mapping[tuple[str, ...], float]) -> Rows:
        """``values`` by label values in the order of the labels of ``family``."""
        return cls(page.lines(_numbers(family, values)))


#: Label values in the order of the family's labels → value, or rows of them, read when the page is drawn.
Reading: TypeAlias = Callable[[], Mapping[tuple[str, ...], float] | Rows]

#: How often idle series and heavy folded values are looked for.
_TEND_SECONDS = 5.0


class Metrics:
    """Every exposed family of the catalogue, with the process's own metrics.

    A thread may use the ids that :meth:`series` gave it for a minute: no series is retired so soon after it was
    handed out.
    """

    def __init__(
        self,
        *,
        label_values: int,
        label_length: int,
        readings: Mapping[Family, Reading],
        labels: Mapping[str, Label] | None = None,
        series_per_family: int = 5000,
        idle_seconds: float = 6 * 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``readings`` are gauges whose truth lives elsewhere; the other arguments are ``limits`` and ``labels`` of the
        settings. ``clock`` tells seconds that never go back.
        """
        self.guard = Guard(label_values, label_length, labels)
        self._readings = dict(readings)
        self._most = series_per_family
        self._idle_seconds = max(idle_seconds, LEAVE_SECONDS)
        self._clock = clock
        self._tended = clock()
        self._lock = threading.RLock()
        self._stores = {family.name: store_of(family) for family in catalogue.EXPOSED if family not in readings}
        self._open = {family.name: open_labels(family) for family in catalogue.EXPOSED}
        #: Of series with a folded label, by family: slot → slots of EXPORTER_FOLDED.
        self._folded: dict[str, dict[int, list[int]]] = {name: {} for name in self._stores}
        self._process = page.Process()
        for family in catalogue.EXPOSED:
            if not family.labels and family.type != "gauge" and family not in readings:
                self.touch(family, ())
        for name in self._stores:
            self.touch(catalogue.EXPORTER_SERIES, (name,))
        self.set(catalogue.EXPORTER_BUILD, (version("ai-observability"), platform.python_version()), 1)

    def touch(self, family: Family, labels: tuple[str, ...]) -> None:
        """Make the series exist at zero, so that ``rate`` sees its first increase."""
        with self._lock:
            self._slot(family, labels, 0)

    def increase(
        self, family: Family, labels: tuple[str, ...], amount: float = 1, exemplar: dict[str, str] | None = None
    ) -> None:
        """Add ``amount`` to a counter. ``exemplar`` is ``{"trace_id": 32 hexadecimal digits}``."""
        with self._lock:
            counters = self._values(family, "counter")
            ids = np.array([self._slot(family, labels)])
            counters.add(ids, amount, _trace_ids(exemplar), time.time())

    def observe(
        self, family: Family, labels: tuple[str, ...], value: float, exemplar: dict[str, str] | None = None
    ) -> None:
        """Put ``value`` into a histogram."""
        with self._lock:
            buckets = self._buckets(family)
            ids = np.array([self._slot(family, labels)])
            buckets.observe(ids, np.array([value], np.float64), _trace_ids(exemplar), time.time())

    def set(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        """Set a gauge."""
        with self._lock:
            gauges = self._values(family, "gauge")
            slot = self._slot(family, labels)
            gauges.values[slot] = value

    def series(
        self, family: Family, labels: Sequence[tuple[str, ...]], counts: Ints | None = None, *, folded: bool = False
    ) -> Ints:
        """Ids of the series with ``labels``, shape (len(labels),); new ones begin at zero.

        ``counts`` says how many samples each of them stands for (one, if left out; none for a series that shall only
        exist): that is what the guard goes by and what ``exporter_folded_series_total`` counts. ``folded``: the labels
        went through ``guard.fold_many`` already. Raises ``ValueError`` for too few or too many labels.
        """
        amounts = [1] * len(labels) if counts is None else counts.tolist()
        with self._lock:
            return np.array(self._slots(family, labels, amounts, folded), np.int64)

    def add(
        self,
        family: Family,
        ids: Ints,
        amounts: Floats | None = None,
        trace_ids: Keys | None = None,
        timestamps: Floats | None = None,
    ) -> None:
        """Add ``amounts`` (n,), one each if left out, to the counters ``ids`` (n,) from :meth:`series`.

        With ``trace_ids`` (n, 2) the last row of each series becomes its exemplar, at ``timestamps`` (n,), Unix
        seconds, or now. Raises ``ValueError`` for an amount below zero or NaN, before anything is added.
        """
        with self._lock:
            values = self._values(family, "counter")
            values.add(ids, 1.0 if amounts is None else amounts, trace_ids, _or_now(timestamps))

    def observe_many(
        self,
        family: Family,
        ids: Ints,
        values: Floats,
        trace_ids: Keys | None = None,
        timestamps: Floats | None = None,
    ) -> None:
        """Put ``values`` (n,), NaN for none, into the histograms ``ids`` (n,) from :meth:`series`.

        With ``trace_ids`` (n, 2) the last row of each bucket becomes its exemplar, at ``timestamps`` (n,), Unix
        seconds, or now.
        """
        with self._lock:
            self._buckets(family).observe(ids, values, trace_ids, _or_now(timestamps))

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page as ``accept`` asks for it (OpenMetrics with exemplars, or text), and its content type."""
        chosen = page.content_type(accept)
        openmetrics = page.is_openmetrics(chosen)
        read = {family.name: _read(family, reading()) for family, reading in self._readings.items()}
        with self._lock:
            self._tend()
            for name, store in self._stores.items():
                self.set(catalogue.EXPORTER_SERIES, (name,), len(store.slots))
            snapshots = {name: store.snapshot() for name, store in self._stores.items()}
        families: dict[str, Numbers | Distributions | Written] = {**read, **snapshots}
        ordered = (families[family.name] for family in catalogue.EXPOSED)
        return page.render(ordered, self._process.page(openmetrics), openmetrics=openmetrics), chosen

    def _slot(self, family: Family, labels: tuple[str, ...], count: float = 1) -> int:
        """The slot of one series, its labels folded."""
        return self._slots(family, [labels], [count])[0]

    def _slots(
        self, family: Family, labels: Sequence[tuple[str, ...]], counts: Sequence[float], folded: bool = False
    ) -> list[int]:
        self._tend()
        store = self._stores[family.name]
        if not folded and self._open[family.name] and labels:
            labels = self._fold(family, labels, counts)
        slots = [store.slots.get(each, -1) for each in labels]
        if -1 in slots:
            slots = [
                self._create(family, each) if slot == -1 else slot for each, slot in zip(labels, slots, strict=True)
            ]
        store.moved[slots] = self._tended
        folds = self._folded[family.name]
        if folds:
            samples: dict[int, float] = defaultdict(float)
            for slot, count in zip(slots, counts, strict=True):
                for counter in folds.get(slot, ()):
                    samples[counter] += count
            for counter, total in samples.items():
                self._values(catalogue.EXPORTER_FOLDED, "counter").values[counter] += total
        return slots

    def _fold(
        self, family: Family, labels: Sequence[tuple[str, ...]], counts: Sequence[float]
    ) -> list[tuple[str, ...]]:
        """``labels`` as the guard shows them, label by label."""
        if any(len(each) != len(family.labels) for each in labels):
            raise ValueError(f"{family}: not every series has the {len(family.labels)} labels {family.labels}")
        columns: list[Sequence[str]] = list(zip(*labels, strict=True))
        for at in self._open[family.name]:
            guards = {_guarded(family, each, at) for each in labels}
            if len(guards) == 1:
                columns[at] = self.guard.fold_many(guards.pop(), columns[at], counts)
            else:
                columns[at] = [
                    self.guard.fold(_guarded(family, each, at), each[at], count)
                    for each, count in zip(labels, counts, strict=True)
                ]
        return list(zip(*columns, strict=True))

    def _create(self, family: Family, labels: tuple[str, ...]) -> int:
        """A new series, or the one where all is folded once the family is full."""
        store = self._stores[family.name]
        opened = self._open[family.name]
        if opened and len(store.slots) >= self._most:
            labels = tuple(OTHER if at in opened else value for at, value in enumerate(labels))
        slot = store.slots.get(labels)  # it may have been made a moment ago: two rows, or two folded to one
        if slot is not None:
            return slot
        slot = store.open(labels)
        names = [_guarded(family, labels, at) for at in opened if labels[at] == OTHER]
        if names:
            folded = catalogue.EXPORTER_FOLDED
            self._folded[family.name][slot] = [self._slot(folded, (family.name, name), 0) for name in names]
        return slot

    def _values(self, family: Family, kind: str) -> Values:
        store = self._stores[family.name]
        if not isinstance(store, Values) or family.type != kind:
            raise TypeError(f"{family} is a {family.type}, not a {kind}")
        return store

    def _buckets(self, family: Family) -> Buckets:
        store = self._stores[family.name]
        if not isinstance(store, Buckets):
            raise TypeError(f"{family} is a {family.type}, not a histogram")
        return store

    def _tend(self) -> None:
        """Retire what is idle, and what lost its place to a heavier value."""
        now = self._clock()
        if now - self._tended < _TEND_SECONDS:
            return
        self._tended = now
        for name, store in self._stores.items():
            if self._open[name]:
                self._retire(store.family, store.idle(now - self._idle_seconds))
        for label, values in self.guard.tend(now, self._idle_seconds).items():
            self.guard.left(label, values - self._held(label, values, now - LEAVE_SECONDS))

    def _held(self, label: str, values: AbstractSet[str], since: float) -> AbstractSet[str]:
        """Retire the series with one of ``values``; returns those that have moved since then, and so stay a while."""
        held: set[str] = set()
        for name, store in self._stores.items():
            gone: list[tuple[str, ...]] = []
            for at in self._open[name]:
                for labels, slot in store.slots.items():
                    if labels[at] in values and _guarded(store.family, labels, at) == label:
                        if store.moved[slot] >= since:
                            held.add(labels[at])
                        else:
                            gone.append(labels)
            self._retire(store.family, gone)
        return held

    def _retire(self, family: Family, labels: Sequence[tuple[str, ...]]) -> None:
        if not labels:
            return
        store = self._stores[family.name]
        for each in labels:
            self._folded[family.name].pop(store.slots[each], None)
        store.close(list(labels))
        self.increase(catalogue.EXPORTER_RETIRED, (family.name,), len(labels))


def _guarded(family: Family, labels: tuple[str, ...], at: int) -> str:
    """The name that a label is guarded by: its own, or for the value of a dimension that of the dimension."""
    if family.labels[at] == "value" and "dimension" in family.labels:
        return labels[family.labels.index("dimension")]
    return family.labels[at]


def _trace_ids(exemplar: Mapping[str, str] | None) -> Keys | None:
    """Raises ``ValueError`` or ``KeyError`` for an exemplar that is not a trace id."""
    if exemplar is None:
        return None
    number = int(exemplar["trace_id"], 16)
    return np.array([[number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF]], np.uint64)


def _or_now(timestamps: Floats | None) -> Floats | float:
    return time.time() if timestamps is None else timestamps


def _read(family: Family, values: Mapping[tuple[str, ...], float] | Rows) -> Numbers | Written:
    return Written(family, values.lines) if isinstance(values, Rows) else _numbers(family, values)


def _numbers(family: Family, values: Mapping[tuple[str, ...], float]) -> Numbers:
    labels = np.empty(len(values), np.object_)
    for at, each in enumerate(values):
        labels[at] = label_text(family.labels, each)
    return Numbers(family, labels, np.array(list(values.values()), np.float64), None, None)
