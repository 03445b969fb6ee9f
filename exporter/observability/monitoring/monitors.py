"""All models that are watched: which monitor a stored prediction goes to, and what the metrics say of it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np

from observability import catalogue
from observability.columns import Keys
from observability.drift.embedders import Embedder, load_embedder
from observability.errors import classify
from observability.metrics import Metrics
from observability.monitoring.detectors import Detectors
from observability.monitoring.feature import ISSUES
from observability.monitoring.gauges import Gauges
from observability.monitoring.model import Against, Counted, ModelMonitor
from observability.monitoring.state import pack, unpack
from observability.monitoring.together import Together
from observability.performance.correlation import Correlation
from observability.predictions.baselines import BaselineLimits, load_baseline
from observability.predictions.first import baseline_of_predictions
from observability.predictions.rows import Predictions, group_by_model
from observability.predictions.store import PredictionStore
from observability.predictions.stored import Filter, Joined, StoredBaseline
from observability.settings import Model, Settings

_LOG = logging.getLogger(__name__)

UNKNOWN = "unknown"
#: Layout of the state: another one is not read.
_LAYOUT = 1


class Monitors:
    """Safe to use from several threads; one of them observes."""

    def __init__(self, settings: Settings, metrics: Metrics, store: PredictionStore, gauges: Gauges) -> None:
        """Raises ``SettingsError`` for a detector that cannot be used."""
        self._settings = settings
        self._metrics = metrics
        self._store = store
        self._gauges = gauges
        self._models = {model.name: model for model in settings.models}
        self._monitors: dict[tuple[str, str], ModelMonitor] = {}
        self._together = Together(settings.performance.correlation, settings.drift.max_models)
        self._detectors = Detectors(settings, metrics, self)
        metrics.touch(catalogue.EXPORTER_MONITOR_FAILURES, ("baseline",))
        self._lock = threading.RLock()

    def start(self) -> None:
        """Begin to have detectors of a team's own look at what comes."""
        self._detectors.start()

    def stop(self) -> None:
        """End that."""
        self._detectors.stop()

    @cached_property
    def _embedder(self) -> Embedder | None:
        name = self._settings.drift.embedder
        try:
            return load_embedder(name)
        except (ImportError, ValueError) as error:
            _LOG.warning("texts are watched without embeddings: %s", error, extra={"event": "no_embedder"})
            return None

    def hashes(self, predictions: Predictions) -> list[str | None]:
        """The baseline that each of ``predictions`` (n,) is compared with."""
        with self._lock:
            found: list[str | None] = [None] * len(predictions)
            for model, version, rows in group_by_model(predictions):
                against = self._of(model, version).against
                if against is not None:
                    for row in rows.tolist():
                        found[row] = against.hash
            return found

    def observe(self, predictions: Predictions, *, replayed: bool = False) -> None:
        """Take new predictions (n,) that are in the store. ``replayed`` ones were counted before a restart."""
        with self._lock:
            for model, version, rows in group_by_model(predictions):
                part = predictions.take(rows)
                if not replayed:
                    with self._part("counters"):
                        self._count(model, version or UNKNOWN, part)
                with self._part("drift"):
                    self._of(model, version).take(part)
                    self._together.add("latency", model, part.timestamp, part.latency_seconds)

    def labelled(self, joined: Joined, *, replayed: bool = False) -> None:
        """Take labels that found their predictions."""
        with self._lock:
            groups: dict[tuple[str, str], list[int]] = {}
            for row, key in enumerate(zip(joined.model, joined.version, strict=True)):
                groups.setdefault(key, []).append(row)
            for (model, version), rows in groups.items():
                part = _rows(joined, rows)
                if not replayed:
                    with self._part("counters"):
                        self._count_labels(model, version or UNKNOWN, part)
                with self._part("performance"):
                    wrong = self._of(model, version).labelled(part)
                    wrong[[each is not None for each in part.previous]] = np.nan  # its first label was counted
                    self._together.add("error", model, part.timestamp, wrong)

    def forget(self, model: str, version: str) -> None:
        """The baseline of ``version`` of ``model`` changed (``""``: that of all versions): they begin anew."""
        with self._lock:
            for key in [key for key in self._monitors if key[0] == model and version in ("", key[1])]:
                del self._monitors[key]

    def learned(self) -> list[StoredBaseline]:
        """Baselines of first predictions, for models that have none; to be stored, and then given to :meth:`begin`.

        Called by the thread that observes. Raises ``StoreError``.
        """
        with self._lock:
            due = [monitor for monitor in self._monitors.values() if monitor.due]
        return [made for monitor in due if (made := self._learned(monitor)) is not None]

    def _learned(self, monitor: ModelMonitor) -> StoredBaseline | None:
        wanted = monitor.own.baseline_from or 0
        if self._current(monitor.model, monitor.version) is not None:  # another process was first
            self.forget(monitor.model, monitor.version)
            return None
        parts = self._store.newest(Filter(model=monitor.model, version=monitor.version, failed=False), monitor.came)
        found = sum(map(len, parts))
        if found < wanted:  # the oldest of them are deleted
            monitor.came = found
            return None
        first = Predictions.concat([part.predictions for part in parts]).take(range(wanted))
        monitor.came = 0  # if this fails, it is tried again with the next ones
        with self._part("baseline"):
            limits = BaselineLimits(
                features=self._settings.predictions.features_per_prediction,
                embedding_length=self._settings.predictions.embedding_length,
            )
            made = baseline_of_predictions(first, limits, dict(monitor.own.kinds))
            stored = made.stored(monitor.model, monitor.version, source="first_predictions")
            self._monitor(monitor.model, monitor.version, stored)  # nothing is stored that cannot be compared with
            return stored
        return None

    def begin(self, baseline: StoredBaseline) -> None:
        """Compare what comes from now on with ``baseline``, which is in the store; what is known of labels stays."""
        key = (baseline.model, baseline.version)
        with self._lock, self._part("baseline"):
            before = self._monitors.pop(key)
            after = self._monitors[key] = self._new(*key)
            after.from_state(before.to_state())
            after.tracker = before.tracker

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        """What fails here is counted and told, and costs no other part and no later batch anything."""
        try:
            yield
        except Exception:
            self._metrics.increase(catalogue.EXPORTER_MONITOR_FAILURES, (name,))
            _LOG.exception("stored predictions could not be measured", extra={"event": "monitor_failed", "part": name})

    def _of(self, model: str, version: str) -> ModelMonitor:
        monitor = self._monitors.get((model, version))
        if monitor is None:
            if len(self._monitors) >= self._settings.drift.max_models:
                del self._monitors[min(self._monitors, key=lambda key: self._monitors[key].used)]
            monitor = self._monitors[model, version] = self._new(model, version)
        return monitor

    def _new(self, model: str, version: str) -> ModelMonitor:
        monitor = self._monitor(model, version, self._current(model, version))
        self._touch(monitor)
        return monitor

    def _monitor(self, model: str, version: str, stored: StoredBaseline | None) -> ModelMonitor:
        own = self._models.get(model) or Model(name="unnamed")
        return ModelMonitor(
            model, version, self._settings, own, _against(stored, own), lambda: self._embedder, used=time.monotonic()
        )

    def _current(self, model: str, version: str) -> StoredBaseline | None:
        """What was posted for the version or, if nothing was, for all; else what was made of its first predictions."""
        own = self._store.baseline(model, version)
        if version and (own is None or own.source != "posted"):
            every = self._store.baseline(model, "")
            if every is not None and every.source == "posted":
                return every
        return own

    def _touch(self, monitor: ModelMonitor) -> None:
        """Counters begin at zero before the first value, so that ``rate`` sees it."""
        version = monitor.version or UNKNOWN
        for status in ("success", "error"):
            self._metrics.touch(catalogue.ML_PREDICTIONS, (monitor.model, version, status))
        self._metrics.touch(catalogue.ML_LABELS, (monitor.model, version))
        for each in monitor.monitors:
            labels = (monitor.model, version, each.name)
            self._metrics.touch(catalogue.ML_DRIFT_ALARMS, labels)
            self._metrics.touch(catalogue.ML_DATA_QUALITY_VALUES, labels)
            for issue in ISSUES:
                self._metrics.touch(catalogue.ML_DATA_QUALITY_ISSUES, (*labels, issue))
            if monitor.against is not None:
                for at in range(len(each.binning.labels)):
                    self._metrics.touch(catalogue.ML_FEATURE_BIN, _bin(monitor, each.name, at))

    def _count(self, model: str, version: str, part: Predictions) -> None:
        metrics = self._metrics
        labels = (model, version)
        failed = [error for error in part.error_type if error is not None]
        metrics.increase(catalogue.ML_PREDICTIONS, (*labels, "success"), len(part) - len(failed))
        if failed:
            metrics.increase(catalogue.ML_PREDICTIONS, (*labels, "error"), len(failed))
        for kind, count in Counter(classify((error,), ()) for error in failed).items():
            metrics.increase(catalogue.ML_PREDICTION_ERRORS, (*labels, kind), count)
        traces = _trace_keys(part.trace_id)
        known = ~np.isnan(part.latency_seconds)
        if known.any():
            self._observe(catalogue.ML_PREDICTION_LATENCY, [labels] * len(part), part.latency_seconds, traces)
        if not np.isnan(part.confidence).all():
            classes = [value if isinstance(value, str) else str(value) for value in part.prediction]
            if not _are_classes(part.prediction):
                classes = [""] * len(part)
            rows = [(*labels, name) for name in classes]
            self._observe(catalogue.ML_PREDICTION_CONFIDENCE, rows, part.confidence, traces)

    def _observe(
        self, family: catalogue.Family, labels: Sequence[tuple[str, ...]], values: Any, traces: Keys | None
    ) -> None:
        distinct = list(dict.fromkeys(labels))
        ids = self._metrics.series(family, distinct)
        index = dict(zip(distinct, ids.tolist(), strict=True))
        rows = np.fromiter((index[each] for each in labels), np.int64, len(labels))
        if traces is None:
            self._metrics.observe_many(family, rows, values)
            return
        traced = traces.any(axis=1)
        self._metrics.observe_many(family, rows[~traced], values[~traced])
        self._metrics.observe_many(family, rows[traced], values[traced], traces[traced])

    def _count_labels(self, model: str, version: str, part: Joined) -> None:
        first = np.array([each is None for each in part.previous])
        self._metrics.increase(catalogue.ML_LABELS, (model, version), int(first.sum()))
        delays = np.maximum(part.label_timestamp - part.timestamp, 0.0)[first]
        self._observe(catalogue.ML_LABEL_DELAY, [(model, version)] * len(delays), delays, None)

    def refresh(self) -> None:
        """Write what came since to the counters, and compute the gauges anew."""
        with self._lock:
            for monitor in list(self._monitors.values()):
                with self._part("gauges"):
                    if monitor.refresh():
                        at, distance = np.array([monitor.newest]), np.array([monitor.distance])
                        self._together.add("drift", monitor.model, at, distance)
                    self._flush(monitor)
            with self._part("gauges"):
                self._together.refresh()
            self._gauges.show(list(self._monitors.values()), self._together.found)

    def _flush(self, monitor: ModelMonitor) -> None:
        version = monitor.version or UNKNOWN
        for name, counted in monitor.counted.items():
            labels = (monitor.model, version, name)
            if counted.alarms:
                self._metrics.increase(catalogue.ML_DRIFT_ALARMS, labels, counted.alarms)
                counted.alarms = 0
            if not counted.values:
                continue
            self._metrics.increase(catalogue.ML_DATA_QUALITY_VALUES, labels, counted.values)
            for issue, count in zip(ISSUES, counted.issues.tolist(), strict=True):
                if count:
                    self._metrics.increase(catalogue.ML_DATA_QUALITY_ISSUES, (*labels, issue), count)
            self._flush_bins(monitor, name, counted)
            counted.values = 0
            counted.bins[:] = 0
            counted.issues[:] = 0

    def _flush_bins(self, monitor: ModelMonitor, name: str, counted: Counted) -> None:
        moved = np.flatnonzero(counted.bins).tolist()
        for at in moved:
            trace = counted.traces[at]
            exemplar = None if trace is None else {"trace_id": trace}
            labels = _bin(monitor, name, at)
            self._metrics.increase(catalogue.ML_FEATURE_BIN, labels, int(counted.bins[at]), exemplar)

    def state(self) -> bytes:
        """All that was learned, for :meth:`restore`."""
        with self._lock:
            models = [monitor.to_state() for monitor in self._monitors.values()]
            return pack({"layout": _LAYOUT, "models": models, "together": self._together.to_state()})

    def restore(self, content: bytes) -> None:
        """Go on where :meth:`state` was called. What cannot be read is told, counted and left out."""
        with self._lock, self._part("state"):
            state = unpack(content)
            if state["layout"] != _LAYOUT:
                _LOG.warning("the state of another version is not read", extra={"event": "state_skipped"})
                return
            for each in state["models"]:
                with self._part("state"):
                    self._of(each["model"], each["version"]).from_state(each)
            if "together" in state:  # not in one of an older version
                with self._part("state"):
                    self._together.from_state(state["together"])

    def of_model(self, model: str | None = None) -> list[ModelMonitor]:
        """The monitors of the versions of ``model``, or of all models."""
        with self._lock:
            return [each for each in self._monitors.values() if model is None or each.model == model]

    @property
    def correlations(self) -> Mapping[str, list[Correlation]]:
        """Pairs of models by signal, the strongest first."""
        return self._together.found

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing moves meanwhile."""
        with self._lock:
            yield


def _against(stored: StoredBaseline | None, own: Model) -> Against | None:
    if stored is None:
        return None
    return Against(stored.hash, stored.created, load_baseline(stored.content, dict(own.kinds)), stored.source)


def _bin(monitor: ModelMonitor, name: str, at: int) -> tuple[str, ...]:
    baseline = "" if monitor.against is None else monitor.against.hash[:8]
    return (monitor.model, baseline, name, f"{at:02}")


def _are_classes(predictions: Sequence[Any]) -> bool:
    return all(isinstance(value, str | bool) or value is None or float(value).is_integer() for value in predictions)


def _trace_keys(traces: Sequence[str | None]) -> Keys | None:
    if not any(traces):
        return None
    numbers = [int(each, 16) if each else 0 for each in traces]
    return np.array([[each >> 64, each & 0xFFFF_FFFF_FFFF_FFFF] for each in numbers], np.uint64)


def _rows(joined: Joined, rows: list[int]) -> Joined:
    if len(rows) == len(joined):
        return joined
    columns: dict[str, Any] = {each.name: getattr(joined, each.name) for each in fields(joined)}
    part: dict[str, Any] = {
        name: column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]
        for name, column in columns.items()
    }
    return Joined(**part)
