"""One version of a model: all that is watched of it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from observability.columns import Floats, Ints
from observability.drift.binning import Binning
from observability.drift.embedders import Embedder
from observability.drift.sequential import judge
from observability.monitoring.contributions import Contributions
from observability.monitoring.feature import ISSUES, FeatureMonitor
from observability.monitoring.inputs import Input, Plain, binning_of, inputs_of
from observability.monitoring.outcomes import Outcomes, Reference
from observability.monitoring.raw import Raw
from observability.monitoring.statistics import Table, evaluate
from observability.monitoring.values import numbers
from observability.performance.tracker import PerformanceTracker
from observability.predictions.baselines import Baseline
from observability.predictions.rows import Predictions, feature_columns
from observability.predictions.stored import Joined, Source
from observability.settings import Model, Settings

_LOG = logging.getLogger(__name__)

#: What a model answers, beside its features.
PREDICTION, CONFIDENCE, ERROR = "@prediction", "@confidence", "@error"


@dataclass
class Counted:
    """What came to one monitored feature since it was last written to the metrics; of its coarse bins (G,)."""

    values: int
    bins: Ints
    traces: list[str | None]
    issues: Ints
    alarms: int = 0


@dataclass(frozen=True, slots=True)
class Against:
    """The baseline that a model is compared with."""

    hash: str
    created: float
    baseline: Baseline
    source: Source = "posted"


@dataclass
class ModelMonitor:
    """For one thread at a time."""

    model: str
    version: str
    settings: Settings
    own: Model
    against: Against | None
    embedder: Callable[[], Embedder | None]
    inputs: list[Input] = field(default_factory=list)
    newest: float = 0.0
    used: float = 0.0
    #: Predictions that did not fail, while there is no baseline.
    came: int = 0

    def __post_init__(self) -> None:
        self.tracker = PerformanceTracker(
            self.settings.performance.window, low_confidence=self.settings.performance.low_confidence
        )
        self.outcomes = Outcomes(self.own, self.settings.performance, self.settings.drift.average_run_length)
        self.table: Table | None = None
        self.contributions: Contributions | None = None
        self.raw: dict[str, Raw] = {}
        self._dirty = False
        if self.against is not None:
            self._compare_with(self.against.baseline)
        self.counted = {monitor.name: _nothing(monitor) for monitor in self.monitors}

    def _compare_with(self, baseline: Baseline) -> None:
        drift = self.settings.drift
        self.inputs = inputs_of(baseline, drift, self._monitor, self.own.features, self.embedder)
        if baseline.prediction is not None and baseline.prediction.null_count < baseline.rows:
            kind = "numeric" if pa.types.is_floating(baseline.prediction.type) else "categorical"
            self.inputs.append(self._output(PREDICTION, kind, baseline.prediction))
            self._contribute(baseline)
        self._keep_raw(baseline)
        sure = _confidence(baseline)
        if sure is not None and not np.isnan(sure).all():
            self.inputs.append(self._output(CONFIDENCE, "numeric", pa.chunked_array([pa.array(sure)])))
        if baseline.label is not None and baseline.prediction is not None:
            self.outcomes.learn(_reference(baseline))

    def _contribute(self, baseline: Baseline) -> None:
        """Count how features and predictions of the baseline go together."""
        answer = self.inputs[-1].monitors[0]
        plain = [each for each in self.inputs[:-1] if isinstance(each, Plain)]
        if baseline.prediction is None or not plain:
            return
        bins = {each.name: len(each.monitors[0].binning.labels) for each in plain}
        self.contributions = Contributions(bins, len(answer.binning.labels), self.settings.drift.window)
        predicted = answer.binning.group[answer.codes(baseline.prediction.to_pylist())]
        for each in plain:
            monitor = each.monitors[0]
            codes = monitor.binning.group[monitor.codes(baseline.features[each.name].to_pylist())]
            self.contributions.learn(each.name, codes, predicted)

    def _keep_raw(self, baseline: Baseline) -> None:
        """Keep the newest values of features that have detectors of a team's own."""
        kinds = {each.name: each.kind for each in self.inputs if isinstance(each, Plain)}
        columns = {**baseline.features, PREDICTION: baseline.prediction}
        for name, detectors in self.own.detectors.items():
            if name in kinds:
                self.raw[name] = Raw(name, kinds[name], columns[name], detectors, self.settings.drift.window)
            else:
                _LOG.warning(
                    "detectors of %s are left out: the baseline of %s %s has no such number, category or truth value",
                    name, self.model, self.version, extra={"event": "detector_left_out"},
                )  # fmt: skip

    def _output(self, name: str, kind: str, column: pa.ChunkedArray) -> Input:
        return Plain(name, kind, (self._monitor(name, binning_of(name, kind, column, self.settings.drift)),))

    def _monitor(self, name: str, binning: Binning) -> FeatureMonitor:
        return FeatureMonitor.of(name, binning, self.settings.drift)

    @property
    def monitors(self) -> list[FeatureMonitor]:
        return [monitor for each in self.inputs for monitor in each.monitors]

    @property
    def share(self) -> float | None:
        """Share of the features that are judged drifted."""
        found = [monitor.alarm for each in self.inputs if not each.name.startswith("@") for monitor in each.monitors]
        return sum(found) / len(found) if found else None

    @property
    def drifted(self) -> bool | None:
        """Whether anything is judged drifted; ``None`` where nothing can be, or too little has come."""
        least = self.settings.drift.min_samples
        seen = [monitor for monitor in self.monitors if monitor.alarm or monitor.effective >= least]
        return any(monitor.alarm for monitor in seen) if seen else None

    @property
    def due(self) -> bool:
        """Whether a baseline is to be made of what came."""
        wanted = self.own.baseline_from
        return self.against is None and wanted is not None and self.came >= wanted

    def take(self, predictions: Predictions) -> None:
        """New predictions (n,) of this model and version, in the order in which they came."""
        self.newest = max(self.newest, float(predictions.timestamp.max()))
        self.used = time.monotonic()
        self.tracker.record_many(predictions.latency_seconds, predictions.confidence)
        failed = [error is not None for error in predictions.error_type]
        good = predictions.take(~np.array(failed)) if any(failed) else predictions
        if not len(good):
            return
        if self.against is None:
            self.came += len(good)
        self.outcomes.predicted(good.prediction, good.probabilities, good.confidence)
        columns = feature_columns(good.features)
        if self.outcomes.keeps_features and self.against is not None:
            self.outcomes.described(_matrix(self.against.baseline, columns, len(good)))
        columns[PREDICTION] = good.prediction
        columns[CONFIDENCE] = [None if np.isnan(value) else value for value in good.confidence.tolist()]
        absent: list[Any] = [None] * len(good)
        coarse: dict[str, Ints] = {}
        for each in self.inputs:
            column = columns.get(each.name, absent)
            taken = each.take(column)
            if each.name in self.raw:
                self.raw[each.name].take(column)
            for monitor, part in zip(each.monitors, taken, strict=True):
                coarse[monitor.name] = monitor.binning.group[part.bins]
                self._count(monitor, coarse[monitor.name], part.issues, good.trace_id)
        if self.contributions is not None:
            self.contributions.take(coarse, coarse[PREDICTION])
        self._judge()
        self._dirty = True

    def _count(self, monitor: FeatureMonitor, coarse: Ints, issues: Ints, traces: Sequence[str | None]) -> None:
        counted = self.counted[monitor.name]
        counted.values += len(coarse)
        counted.bins += np.bincount(coarse, minlength=len(counted.bins))
        counted.issues += issues
        places, rows = np.unique(coarse[::-1], return_index=True)
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            trace = traces[len(coarse) - 1 - row]
            if trace is not None:
                counted.traces[place] = trace

    def _judge(self) -> None:
        """Features whose evidence is enough, in view of how many are looked at, raise an alarm."""
        monitors = self.monitors
        if not monitors:
            return
        least = self.settings.drift.min_samples
        values = np.array([max(monitor.sequential.peak, 0.0) for monitor in monitors])
        for monitor, alarm in zip(
            monitors, judge(values, self.settings.drift.average_run_length).tolist(), strict=True
        ):
            if monitor.alarm:
                monitor.clear()
            elif alarm and monitor.sequential.observations >= min(least, monitor.binning.size):
                monitor.raise_alarm()
                self.counted[monitor.name].alarms += 1

    def labelled(self, joined: Joined) -> Floats:
        """Labels (n,) that found their predictions; how far each prediction was wrong, NaN of those that failed."""
        good = [row for row, error in enumerate(joined.error_type) if error is None]
        wrong = np.full(len(joined), np.nan)
        wrong[good] = self.outcomes.labelled(
            [joined.label[row] for row in good],
            [joined.prediction[row] for row in good],
            [joined.probabilities[row] for row in good],
            joined.confidence[good],
            [joined.segment[row] for row in good],
            [joined.previous[row] for row in good],
        )
        return wrong

    def refresh(self) -> bool:
        """Compute what is shown anew, if anything came since; whether that is so of drift."""
        self.outcomes.refresh()
        if not (self._dirty and self.monitors):
            return False
        self.table = evaluate(self.monitors, self.settings.drift.min_samples)
        self._dirty = False
        return True

    @property
    def distance(self) -> float:
        """Mean population stability index of the features; NaN where nothing is known."""
        if self.table is None:
            return math.nan
        inputs = [not monitor.name.startswith("@") for monitor in self.monitors]
        scores = self.table.score["psi"][inputs]
        return float(np.nanmean(scores)) if not np.isnan(scores).all() else math.nan

    def to_state(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "version": self.version,
            "baseline": None if self.against is None else self.against.hash,
            "newest": self.newest,
            "came": self.came,
            "features": {monitor.name: monitor.to_state() for monitor in self.monitors},
            "contributions": None if self.contributions is None else self.contributions.to_state(),
            "outcomes": self.outcomes.to_state(),
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called; a feature that is compared with another baseline, or whose state
        another version of the exporter made in another way, begins anew."""
        self.newest = float(state["newest"])
        self.came = int(state.get("came", 0))  # a state of an older version has none
        self.outcomes.from_state(state["outcomes"])
        if state["baseline"] != (None if self.against is None else self.against.hash):
            return
        for monitor in self.monitors:
            if monitor.name in state["features"]:
                try:
                    monitor.from_state(state["features"][monitor.name])
                except ValueError as error:
                    _LOG.warning(
                        "%s of %s is watched anew: %s", monitor.name, self.model, error,
                        extra={"event": "state_skipped"},
                    )  # fmt: skip
        counted = state.get("contributions")
        if self.contributions is not None and counted is not None:
            self.contributions.from_state(counted)
        self._dirty = True


def _nothing(monitor: FeatureMonitor) -> Counted:
    groups = len(monitor.binning.labels)
    return Counted(0, np.zeros(groups, np.int64), [None] * groups, np.zeros(len(ISSUES), np.int64))


def _confidence(baseline: Baseline) -> Floats | None:
    """Confidence of the rows of a baseline: as it was given, else the largest probability."""
    if baseline.confidence is not None:
        return np.asarray(baseline.confidence.to_numpy(), np.float64)
    if baseline.probabilities:
        table = np.column_stack([column.to_numpy() for column in baseline.probabilities.values()])
        return np.asarray(table.max(axis=1) if table.shape[1] > 1 else np.maximum(table[:, 0], 1 - table[:, 0]))
    return None


def _reference(baseline: Baseline) -> Reference:
    if baseline.label is None or baseline.prediction is None:
        raise ValueError("the baseline has no labels")
    table = None
    if baseline.probabilities:
        table = np.column_stack([column.to_numpy() for column in baseline.probabilities.values()])
    features = {name: column.to_pylist() for name, column in baseline.features.items() if _is_plain(baseline, name)}
    return Reference(
        labels=baseline.label.to_pylist(),
        predictions=baseline.prediction.to_pylist(),
        probabilities=table,
        classes=tuple(baseline.probabilities),
        features=_matrix(baseline, features, baseline.rows),
    )


def _matrix(baseline: Baseline, columns: dict[str, list[Any]], rows: int) -> Floats:
    """The numeric features as numbers (rows, f), NaN where missing."""
    names = [name for name in baseline.features if baseline.kinds[name] == "numeric"]
    absent: list[Any] = [None] * rows
    if not names:
        return np.zeros((rows, 0))
    return np.column_stack([numbers(columns.get(name, absent)).values for name in names])


def _is_plain(baseline: Baseline, name: str) -> bool:
    return baseline.kinds[name] == "numeric"
