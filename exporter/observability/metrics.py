"""The catalogue as live ``prometheus_client`` collectors, with bounded label values, and the page of them.

Labels are those of the catalogue and no others. A label takes at most ``limits.label_values`` distinct values; the
first come stay, each later value is written as ``other`` and counted in ``exporter_folded_series_total``.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from observability import catalogue
from observability.catalogue import Family
from observability.records import UNKNOWN

OTHER = "other"
#: Labels whose values are a closed vocabulary of our own or bounded by retention; all others come from the wire.
CLOSED_LABELS = frozenset({
    "operation", "status", "error_type", "type", "source", "date", "budget", "version", "python", "signal", "reason",
    "queue", "family", "label", "outcome", "target",
})  # fmt: skip

_Child: TypeAlias = Counter | Gauge | Histogram
#: Label values in the order of the family's labels → value, read when the page is drawn.
Reading: TypeAlias = Callable[[], Mapping[tuple[str, ...], float]]


class Guard:
    """Which values of each label are shown as they are, the same in every family; for any thread."""

    def __init__(self, values: int, length: int) -> None:
        self._values = values
        self._length = length
        self._admitted: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def reserve(self, label: str, values: Iterable[str]) -> None:
        """Admit ``values`` whatever comes first on the wire: names that a team wrote into its settings."""
        with self._lock:
            self._admitted.setdefault(label, set()).update(values)

    def fold(self, label: str, value: str) -> str:
        """``value`` cut to the label length, or ``other`` once the label is full; an empty one is ``unknown``."""
        if label in CLOSED_LABELS:
            return value
        short = value[: self._length] or UNKNOWN
        if short in self._admitted.get(label, ()):
            return short
        with self._lock:
            admitted = self._admitted.setdefault(label, set())
            if short not in admitted and len(admitted) >= self._values:
                return OTHER
            admitted.add(short)
            return short


class _Readings(Collector):
    """Gauges whose truth lives elsewhere (the ledger, the queue), read at every scrape."""

    def __init__(self, family: Family, reading: Reading) -> None:
        self._family = family
        self._reading = reading

    def collect(self) -> Iterable[Metric]:
        family = self._family
        gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in self._reading().items():
            gauge.add_metric(labels, value)
        yield gauge

    def describe(self) -> Iterable[Metric]:
        """Without a reading: registering must not touch what is not open yet."""
        yield GaugeMetricFamily(self._family.name, self._family.help, labels=self._family.labels)


class _WithoutCreationTimes(Collector):
    """A registry as the text format may show it.

    OpenMetrics says when a counter began, and Prometheus (``created-timestamp-zero-ingestion``) reads from it that the
    counter was 0 then, so that ``increase`` sees the very first error, token or dollar of a series. In the text format
    the same ``_created`` values would be gauges of their own and double every counter.
    """

    def __init__(self, registry: Collector) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class Metrics:
    """Every exposed family of the catalogue in a registry of its own, with the process's own metrics."""

    def __init__(self, *, label_values: int, label_length: int, readings: Mapping[Family, Reading]) -> None:
        self.guard = Guard(label_values, label_length)
        self.registry = CollectorRegistry(auto_describe=False)
        self._collectors: dict[str, _Child] = {}
        self._children: dict[tuple[str, tuple[str, ...]], _Child] = {}
        for family in catalogue.EXPOSED:
            if family in readings:
                self.registry.register(_Readings(family, readings[family]))
            else:
                self._collectors[family.name] = _collector(family, self.registry)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.set(catalogue.EXPORTER_BUILD, (version("ai-observability"), platform.python_version()), 1)

    def touch(self, family: Family, labels: tuple[str, ...]) -> None:
        """Make the series exist at zero, so that ``rate`` sees its first increase."""
        self._child(family, labels)

    def increase(
        self, family: Family, labels: tuple[str, ...], amount: float = 1, exemplar: dict[str, str] | None = None
    ) -> None:
        """Add ``amount`` to a counter."""
        child = self._child(family, labels)
        if not isinstance(child, Counter):
            raise TypeError(f"{family} is a {family.type}, not a counter")
        child.inc(amount, exemplar)

    def observe(
        self, family: Family, labels: tuple[str, ...], value: float, exemplar: dict[str, str] | None = None
    ) -> None:
        """Put ``value`` into a histogram."""
        child = self._child(family, labels)
        if not isinstance(child, Histogram):
            raise TypeError(f"{family} is a {family.type}, not a histogram")
        child.observe(value, exemplar)

    def set(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        """Set a gauge."""
        child = self._child(family, labels)
        if not isinstance(child, Gauge):
            raise TypeError(f"{family} is a {family.type}, not a gauge")
        child.set(value)

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page as ``accept`` asks for it (OpenMetrics with exemplars, or text), and its content type."""
        encode, content_type = choose_encoder(accept)
        openmetrics = content_type.startswith("application/openmetrics-text")
        return encode(self.registry if openmetrics else _WithoutCreationTimes(self.registry)), content_type

    def _child(self, family: Family, labels: tuple[str, ...]) -> _Child:
        known = self._children.get((family.name, labels))
        if known is not None:  # only labels that came out of the guard are known: nothing to fold
            return known
        folded = tuple(self._fold(family, name, value) for name, value in zip(family.labels, labels, strict=True))
        child = self._children.get((family.name, folded))
        if child is None:
            collector = self._collectors[family.name]
            child = self._children[family.name, folded] = collector.labels(*folded) if folded else collector
        return child

    def _fold(self, family: Family, name: str, value: str) -> str:
        folded = self.guard.fold(name, value)
        if folded == OTHER and value != OTHER:
            self.increase(catalogue.EXPORTER_FOLDED, (family.name, name))
        return folded


def _collector(family: Family, registry: CollectorRegistry) -> _Child:
    if family.type == "counter":
        return Counter(family.name, family.help, family.labels, registry=registry)
    if family.type == "gauge":
        return Gauge(family.name, family.help, family.labels, registry=registry)
    if family.type == "histogram":
        return Histogram(family.name, family.help, family.labels, registry=registry, buckets=family.buckets)
    raise ValueError(f"{family.name}: a {family.type} family is not exposed")
