"""Detectors of a team's own in the running exporter: in a thread of their own, so that nothing waits for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from observability import catalogue
from observability.columns import Floats
from observability.drift.custom import DetectorError, load
from observability.drift.detector import DriftDetector, DriftResult
from observability.metrics import Metrics
from observability.monitoring.model import ModelMonitor
from observability.monitoring.raw import Judged, Raw
from observability.monitoring.statistics import MEASURES
from observability.settings import Model, Settings, SettingsError, seconds

_LOG = logging.getLogger(__name__)

#: Other values of ``drift_type``, which a detector is not called by.
_TAKEN = (*MEASURES, "sequential", "concept", "embedding", "importance")
#: How long the end waits for a detector that is at work, in seconds.
_END = 1.0


class Holding(Protocol):
    """Who has the monitors."""

    def of_model(self, model: str | None = None) -> list[ModelMonitor]: ...
    def held(self) -> AbstractContextManager[None]: ...


def load_all(models: Sequence[Model]) -> dict[str, type[DriftDetector]]:
    """The classes that ``models`` name, by what they are called. Raises ``SettingsError`` for one that cannot be used:
    that cannot be loaded, is no detector, or cannot be made without arguments."""
    found: dict[str, type[DriftDetector]] = {}
    for model in models:
        for feature, names in model.detectors.items():
            for name in names:
                where = f"models: {model.name}: detectors: {feature}"
                if name in _TAKEN:
                    raise SettingsError(f"{where}: {name!r} is a measure that every feature has")
                try:
                    found[name] = load(name)
                    found[name]()
                except DetectorError as error:
                    raise SettingsError(f"{where}: {error}") from error
                except Exception as error:
                    raise SettingsError(f"{where}: {name!r} cannot be made without arguments: {error}") from error
    return found


class Detectors:
    """Has each detector look at the window of its feature at most once in ``drift.detector_interval``."""

    def __init__(self, settings: Settings, metrics: Metrics, holding: Holding) -> None:
        """Raises ``SettingsError`` as :func:`load_all`."""
        self._classes = load_all(settings.models)
        self._settings = settings.drift
        self._metrics = metrics
        self._holding = holding
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="detect", daemon=True)
        metrics.touch(catalogue.EXPORTER_MONITOR_FAILURES, ("detector",))

    def start(self) -> None:
        """Begin, if there is any detector."""
        if self._classes:
            self._thread.start()

    def stop(self) -> None:
        """End; a detector that is at work is not waited for long."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(_END)

    def _run(self) -> None:
        while not self._ended.wait(seconds(self._settings.detector_interval)):
            self.look()

    def look(self) -> None:
        """Have the detectors of all features look that got new values, and have enough."""
        for monitor in self._holding.of_model():
            for raw in monitor.raw.values():
                with self._holding.held():
                    if raw.looked == raw.came or len(raw) < self._settings.min_samples:
                        continue
                    raw.looked = raw.came
                    values = raw.newest()
                for name, judged in raw.judged.items():
                    if not self._ended.is_set():
                        self._judge(monitor, raw, name, judged, values.copy())

    def _judge(self, monitor: ModelMonitor, raw: Raw, name: str, judged: Judged, values: Floats | list[str]) -> None:
        try:
            if judged.detector is None:
                detector = self._classes[name]()
                detector.feature = raw.name
                detector.fit(raw.reference(self._settings.detector_reference))
                judged.detector = detector
            result = _plain(judged.detector.detect(values), raw.name)
        except Exception as error:
            # It is a team's own code: whatever it raises costs nothing but its result.
            self._metrics.increase(catalogue.EXPORTER_MONITOR_FAILURES, ("detector",))
            if judged.failure is None:
                _LOG.exception(
                    "the detector %s of %s %s failed at %s; it is tried again, and this is not said again",
                    name, monitor.model, monitor.version, raw.name, extra={"event": "detector_failed"},
                )  # fmt: skip
            judged.result, judged.failure = None, f"{type(error).__name__}: {error}"
            return
        judged.result, judged.failure = result, None


def _plain(result: DriftResult, feature: str) -> DriftResult:
    """``result`` of ``feature`` with plain numbers. Raises ``TypeError`` or ``ValueError`` for what is none."""
    if not isinstance(result, DriftResult):
        raise TypeError(f"detect returned no DriftResult, but {type(result).__name__}")
    return replace(
        result,
        feature=feature,
        is_drift=bool(result.is_drift),
        score=float(result.score),
        threshold=float(result.threshold),
        p_value=None if result.p_value is None else float(result.p_value),
        expected=None if result.expected is None else float(result.expected),
        n_reference=int(result.n_reference),
        n_current=int(result.n_current),
    )
