"""What the monitors know, as gauges: computed when something came, copied onto the page when it is read."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from observability import catalogue
from observability.catalogue import Family
from observability.metrics.store import Reading, Rows
from observability.monitoring.feature import ISSUES, FeatureMonitor
from observability.monitoring.model import ERROR, ModelMonitor
from observability.performance.correlation import Correlation
from observability.performance.result import Performance

UNKNOWN = "unknown"
SEQUENTIAL, CONCEPT, EMBEDDING = "sequential", "concept", "embedding"
#: Drift of the order in which features matter: one minus the discounted gain of that of the baseline.
IMPORTANCE, RANKING = "importance", "@ranking"

_Values: TypeAlias = dict[Family, dict[tuple[str, ...], float]]

#: Families that :meth:`Gauges.show` computes.
SHOWN = (
    catalogue.ML_LABELLED_SAMPLES, catalogue.ML_MODEL_ACCURACY, catalogue.ML_MODEL_ACCURACY_LOWER,
    catalogue.ML_MODEL_ACCURACY_UPPER, catalogue.ML_MODEL_ACCURACY_BASELINE, catalogue.ML_MODEL_ACCURACY_ESTIMATED,
    catalogue.ML_MODEL_ACCURACY_ESTIMATED_LOWER, catalogue.ML_MODEL_ACCURACY_ESTIMATED_UPPER,
    catalogue.ML_SEGMENT_ACCURACY, catalogue.ML_SEGMENT_SAMPLES, catalogue.ML_CALIBRATION_PREDICTED,
    catalogue.ML_CALIBRATION_OBSERVED, catalogue.DATA_DRIFT_DETECTED, catalogue.ML_DRIFT_SHARE,
    catalogue.ML_DRIFT_SCORE, catalogue.ML_DRIFT_P_VALUE, catalogue.ML_DRIFT_EXPECTED, catalogue.ML_DRIFT_THRESHOLD,
    catalogue.ML_DRIFT_DETECTED, catalogue.ML_DRIFT_E_VALUE, catalogue.ML_DRIFT_EFFECTIVE_SAMPLES,
    catalogue.ML_DRIFT_AUTOCORRELATION, catalogue.ML_BASELINE_ROWS, catalogue.ML_REFERENCE_BIN_RATIO,
    catalogue.ML_DATA_QUALITY_BASELINE, catalogue.ML_FEATURE_IMPORTANCE, catalogue.ML_FEATURE_IMPORTANCE_BASELINE,
    catalogue.ML_MODEL_CORRELATION, catalogue.ML_MODEL_CORRELATION_P_VALUE,
)  # fmt: skip


class Gauges:
    """Readings for :class:`~observability.metrics.Metrics`; what is absent has no series."""

    def __init__(self) -> None:
        self._rows: dict[Family, Rows] = {}
        self._ages: dict[Family, dict[tuple[str, ...], float]] = {}

    def readings(self) -> dict[Family, Reading]:
        """One for each family that is read here."""
        shown: dict[Family, Reading] = {family: partial(self._of, family) for family in SHOWN}
        for family in (catalogue.ML_PREDICTION_AGE, catalogue.ML_BASELINE_AGE):
            shown[family] = partial(self._aged, family)
        return shown

    def _of(self, family: Family) -> Rows | Mapping[tuple[str, ...], float]:
        return self._rows.get(family, {})

    def _aged(self, family: Family) -> Mapping[tuple[str, ...], float]:
        now = time.time()
        return {labels: max(now - since, 0.0) for labels, since in self._ages.get(family, {}).items()}

    def show(self, monitors: Sequence[ModelMonitor], correlations: Mapping[str, Sequence[Correlation]]) -> None:
        """Compute the gauges of ``monitors``, and of pairs of models by signal."""
        found: _Values = {family: {} for family in SHOWN}
        ages: dict[Family, dict[tuple[str, ...], float]] = {
            catalogue.ML_PREDICTION_AGE: {},
            catalogue.ML_BASELINE_AGE: {},
        }
        drifted: dict[str, bool] = {}
        for monitor in monitors:
            labels = (monitor.model, monitor.version or UNKNOWN)
            if monitor.newest:
                ages[catalogue.ML_PREDICTION_AGE][labels] = monitor.newest
            if monitor.against is not None:
                ages[catalogue.ML_BASELINE_AGE][labels] = monitor.against.created
                found[catalogue.ML_BASELINE_ROWS][(*labels, monitor.against.hash[:8])] = monitor.against.baseline.rows
            if monitor.drifted is not None:
                drifted[monitor.model] = drifted.get(monitor.model, False) or monitor.drifted
            if monitor.share is not None and monitor.drifted is not None:
                found[catalogue.ML_DRIFT_SHARE][labels] = monitor.share
            _features(found, labels, monitor)
            _outcomes(found, labels, monitor)
            _contributions(found, labels, monitor)
            _detectors(found, labels, monitor)
        found[catalogue.DATA_DRIFT_DETECTED] = {(model,): float(value) for model, value in drifted.items()}
        _correlations(found, correlations)
        self._rows = {family: Rows.of(family, values) for family, values in found.items()}
        self._ages = ages


def _features(found: _Values, labels: tuple[str, str], monitor: ModelMonitor) -> None:
    drift = monitor.settings.drift
    monitors = monitor.monitors
    for each in monitors:
        _reference(found, labels, monitor, each)
    table = monitor.table
    if table is None:
        return
    alarm_at = drift.average_run_length * max(len(monitors), 1)
    for at, each in enumerate(monitors):
        if not each.window.total:
            continue
        feature = (*labels, each.name)
        found[catalogue.ML_DRIFT_EFFECTIVE_SAMPLES][feature] = float(table.effective[at])
        found[catalogue.ML_DRIFT_AUTOCORRELATION][feature] = float(max(each.correlation.time, 1.0))
        if table.effective[at] < drift.min_samples and not each.alarm:
            continue
        evidence = max(each.sequential.e_value, 1e-12)
        test = (*labels, SEQUENTIAL, each.name)
        found[catalogue.ML_DRIFT_E_VALUE][feature] = evidence
        found[catalogue.ML_DRIFT_SCORE][test] = math.log10(evidence)
        found[catalogue.ML_DRIFT_THRESHOLD][test] = math.log10(alarm_at)
        found[catalogue.ML_DRIFT_DETECTED][test] = float(each.alarm)
        for columns, family in (
            (table.score, catalogue.ML_DRIFT_SCORE),
            (table.expected, catalogue.ML_DRIFT_EXPECTED),
            (table.threshold, catalogue.ML_DRIFT_THRESHOLD),
            (table.p_value, catalogue.ML_DRIFT_P_VALUE),
        ):
            for measure, values in columns.items():
                value = float(values[at])
                if not math.isnan(value):
                    found[family][*labels, measure, each.name] = value
    for given in monitor.inputs:
        if given.kind in ("embedding", "text") and any(each.window.total for each in given.monitors):
            found[catalogue.ML_DRIFT_DETECTED][*labels, EMBEDDING, given.name] = float(
                any(each.alarm for each in given.monitors)
            )


def _detectors(found: _Values, labels: tuple[str, str], monitor: ModelMonitor) -> None:
    """What detectors of a team's own found."""
    for name, raw in monitor.raw.items():
        for detector, judged in raw.judged.items():
            result = judged.result
            if result is None:
                continue
            test = (*labels, detector, name)
            found[catalogue.ML_DRIFT_DETECTED][test] = float(result.is_drift)
            for family, value in (
                (catalogue.ML_DRIFT_SCORE, result.score),
                (catalogue.ML_DRIFT_THRESHOLD, result.threshold),
                (catalogue.ML_DRIFT_EXPECTED, result.expected),
                (catalogue.ML_DRIFT_P_VALUE, result.p_value),
            ):
                if value is not None and math.isfinite(value):
                    found[family][test] = float(value)


def _contributions(found: _Values, labels: tuple[str, str], monitor: ModelMonitor) -> None:
    """How much features tell of the prediction, and how far their order is from that of the baseline."""
    drift = None if monitor.contributions is None else monitor.contributions.drift()
    if drift is None or monitor.drifted is None:
        return
    for name, before, after in zip(drift.names, drift.baseline.tolist(), drift.current.tolist(), strict=True):
        for family, value in (
            (catalogue.ML_FEATURE_IMPORTANCE_BASELINE, before),
            (catalogue.ML_FEATURE_IMPORTANCE, after),
        ):
            if not math.isnan(value):
                found[family][*labels, name] = value
    if not math.isnan(drift.ndcg):
        found[catalogue.ML_DRIFT_SCORE][*labels, IMPORTANCE, RANKING] = 1 - drift.ndcg
        found[catalogue.ML_DRIFT_THRESHOLD][*labels, IMPORTANCE, RANKING] = 1 - drift.threshold


def _reference(found: _Values, labels: tuple[str, str], monitor: ModelMonitor, each: FeatureMonitor) -> None:
    if monitor.against is None:
        return
    coarse = each.binning.coarse
    ratios = (coarse + 0.5) / (coarse.sum() + 0.5 * len(coarse))
    for at, (share, text) in enumerate(zip(ratios.tolist(), each.binning.labels, strict=True)):
        key = (labels[0], monitor.against.hash[:8], each.name, f"{at:02}", each.binning.kind, text[:64])
        found[catalogue.ML_REFERENCE_BIN_RATIO][key] = share
    for issue, share in zip(ISSUES, each.issues_of_baseline.tolist(), strict=True):
        found[catalogue.ML_DATA_QUALITY_BASELINE][*labels, each.name, issue] = share


def _outcomes(found: _Values, labels: tuple[str, str], monitor: ModelMonitor) -> None:
    outcomes = monitor.outcomes
    judgement = outcomes.judgement
    if outcomes.samples:
        found[catalogue.ML_LABELLED_SAMPLES][labels] = outcomes.samples
    _performance(
        found, labels, judgement.labelled,
        (catalogue.ML_MODEL_ACCURACY, catalogue.ML_MODEL_ACCURACY_LOWER, catalogue.ML_MODEL_ACCURACY_UPPER),
    )  # fmt: skip
    _performance(
        found, labels, judgement.estimated,
        (
            catalogue.ML_MODEL_ACCURACY_ESTIMATED, catalogue.ML_MODEL_ACCURACY_ESTIMATED_LOWER,
            catalogue.ML_MODEL_ACCURACY_ESTIMATED_UPPER,
        ),
    )  # fmt: skip
    _performance(found, labels, judgement.baseline, (catalogue.ML_MODEL_ACCURACY_BASELINE,))
    metric = "mae" if outcomes.task == "regression" else "accuracy"
    for key, segments in judgement.segments.items():
        for segment in segments:
            value = (*labels, key, str(segment.segment))
            found[catalogue.ML_SEGMENT_ACCURACY][*value, metric] = segment.estimate.value
            found[catalogue.ML_SEGMENT_SAMPLES][value] = segment.estimate.n
    curve = judgement.calibration
    if curve is not None:
        for at in np.flatnonzero(curve.n).tolist():
            where = (*labels, f"{curve.edges[at]:.1f} … {curve.edges[at + 1]:.1f}")
            found[catalogue.ML_CALIBRATION_PREDICTED][where] = float(curve.mean_predicted[at])
            found[catalogue.ML_CALIBRATION_OBSERVED][where] = float(curve.observed[at])
    if outcomes.errors is not None and outcomes.samples:
        test = (*labels, CONCEPT, ERROR)
        evidence = max(outcomes.errors.e_value, 1e-12)
        found[catalogue.ML_DRIFT_E_VALUE][*labels, ERROR] = evidence
        found[catalogue.ML_DRIFT_SCORE][test] = math.log10(evidence)
        found[catalogue.ML_DRIFT_THRESHOLD][test] = math.log10(outcomes.errors.average_run_length)
        found[catalogue.ML_DRIFT_DETECTED][test] = float(outcomes.errors.alarm)


def _correlations(found: _Values, correlations: Mapping[str, Sequence[Correlation]]) -> None:
    for signal, pairs in correlations.items():
        for pair in pairs:
            labels = (pair.first, pair.second, signal)
            found[catalogue.ML_MODEL_CORRELATION][labels] = pair.rho
            if not math.isnan(pair.adjusted_p_value):
                found[catalogue.ML_MODEL_CORRELATION_P_VALUE][labels] = pair.adjusted_p_value


def _performance(
    found: _Values, labels: tuple[str, str], performance: Performance | None, families: Iterable[Family]
) -> None:
    if performance is None:
        return
    for name, estimate in performance.estimates.items():
        for family, value in zip(families, (estimate.value, estimate.lower, estimate.upper), strict=False):
            if value is not None and not math.isnan(value):
                found[family][*labels, name] = float(value)
