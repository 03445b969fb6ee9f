"""What is known of models, as JSON documents: ``/v1/drift/{model}`` and ``/performance``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from observability.monitoring.feature import ISSUES, FeatureMonitor
from observability.monitoring.model import ModelMonitor
from observability.monitoring.statistics import MEASURES
from observability.performance.correlation import Correlation
from observability.performance.result import Performance


def drift(monitor: ModelMonitor) -> dict[str, Any]:
    """Drift and data quality of one version of a model; what is not known is ``None`` or left out."""
    settings = monitor.settings.drift
    against = monitor.against
    monitors = monitor.monitors
    return {
        "model": monitor.model,
        "version": monitor.version or None,
        "baseline": None
        if against is None
        else {
            "hash": against.hash,
            "rows": against.baseline.rows,
            "created": _moment(against.created),
            "source": against.source,
        },
        "newest_prediction": _moment(monitor.newest) if monitor.newest else None,
        "drift_detected": monitor.drifted,
        "drift_share": monitor.share,
        "average_run_length": settings.average_run_length,
        "alarm_at": settings.average_run_length * len(monitors) if monitors else None,
        "min_samples": settings.min_samples,
        "features": [_feature(monitor, at, each) for at, each in enumerate(monitors)],
        "concept": _concept(monitor),
    }


def _feature(monitor: ModelMonitor, at: int, each: FeatureMonitor) -> dict[str, Any]:
    table = monitor.table
    counts = each.window.counts
    enough = each.alarm or each.effective >= monitor.settings.drift.min_samples
    document: dict[str, Any] = {
        "feature": each.name,
        "kind": each.binning.kind,
        "window": each.window.total,
        "effective_samples": round(each.effective, 1),
        "autocorrelation_time": round(max(each.correlation.time, 1.0), 2),
        "sequential": {
            "e_value": each.sequential.e_value,
            "detected": each.alarm if enough else None,
            "alarms": each.alarms,
            "observations": each.sequential.observations,
        },
        "bins": [
            {"range": text, "baseline": first, "window": second}
            for text, first, second in zip(
                each.binning.labels,
                each.binning.coarse.tolist(),
                each.binning.coarsely(counts).tolist(),
                strict=True,
            )
        ],
        "quality": _quality(each),
    }
    raw = monitor.raw.get(each.name)
    if raw is not None:
        document["detectors"] = [
            {
                "detector": detector,
                "result": None if judged.result is None else judged.result.to_dict(),
                "failure": judged.failure,
            }
            for detector, judged in raw.judged.items()
        ]
    if table is not None and at < len(table.effective):
        document["measures"] = {
            measure: {
                name: _number(columns[measure][at])
                for name, columns in (
                    ("score", table.score),
                    ("expected", table.expected),
                    ("threshold", table.threshold),
                    ("p_value", table.p_value),
                )
                if measure in columns
            }
            for measure in MEASURES
            if _number(table.score[measure][at]) is not None
        }
    return document


def _quality(each: FeatureMonitor) -> dict[str, Any]:
    """Shares of the window and of the baseline that are missing or of no known kind; others are counters."""
    total = each.window.total
    binning = each.binning
    window = each.window.counts
    strange = "type_mismatch" if binning.kind == "numeric" else "new_category"
    return {
        "missing": {
            "window": int(window[binning.missing]) / total if total else None,
            "baseline": float(each.issues_of_baseline[ISSUES.index("missing")]),
        },
        strange: {"window": int(window[binning.strange]) / total if total else None, "baseline": 0.0},
    }


def _concept(monitor: ModelMonitor) -> dict[str, Any] | None:
    errors = monitor.outcomes.errors
    if errors is None:
        return None
    return {
        "e_value": errors.e_value,
        "alarm_at": errors.average_run_length,
        "detected": errors.alarm,
        "baseline_error_rate": errors.baseline_rate,
        "baseline_labels": errors.baseline_n,
    }


def performance(monitor: ModelMonitor) -> dict[str, Any]:
    """Latency, confidence and accuracy of the newest predictions of one version of a model."""
    judgement = monitor.outcomes.judgement
    curve = judgement.calibration
    accuracy = None if judgement.labelled is None else judgement.labelled.get("accuracy")
    return {
        "model": monitor.model,
        "version": monitor.version or None,
        "task": monitor.outcomes.task,
        **monitor.tracker.compute_metrics().to_dict(),
        "n_labelled": monitor.outcomes.samples,
        "accuracy": None if accuracy is None else accuracy.value,
        "labelled": _performance(judgement.labelled),
        "estimated": _performance(judgement.estimated),
        "baseline": _performance(judgement.baseline),
        "segments": {key: [each.to_dict() for each in segments] for key, segments in judgement.segments.items()},
        "calibration": None
        if curve is None
        else [
            {"from": low, "to": high, "n": n, "predicted": _number(predicted), "observed": _number(observed)}
            for low, high, n, predicted, observed in zip(
                curve.edges[:-1].tolist(), curve.edges[1:].tolist(), curve.n.tolist(), curve.mean_predicted.tolist(),
                curve.observed.tolist(), strict=True,
            )
        ],
    }  # fmt: skip


def correlations(found: Mapping[str, Sequence[Correlation]]) -> list[dict[str, Any]]:
    """Pairs of models, of each signal the strongest first."""
    return [{"signal": signal, **pair.to_dict()} for signal, pairs in found.items() for pair in pairs]


def _performance(found: Performance | None) -> dict[str, Any] | None:
    return None if found is None else found.to_dict()


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
