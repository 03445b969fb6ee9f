"""The audit trail of one prediction: from what went in to what turned out to be true."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from observability.predictions.store import PredictionStore


def document(store: PredictionStore, prediction_id: str, *, trace_url: str | None = None) -> dict[str, Any] | None:
    """What ``/v1/audit/{prediction_id}`` answers; ``None`` if no such prediction is stored.

    Times are RFC 3339 in UTC, durations seconds, infinite numbers the texts ``Infinity`` and ``-Infinity``; what nobody
    gave is ``None``. ``trace_url`` makes the link to the trace: a template with ``{trace_id}`` and, if wanted,
    ``{span_id}``, or the address of Jaeger. Raises :class:`~observability.predictions.store.StoreError`.
    """
    found = store.find(prediction_id)
    if found is None:
        return None
    row = found.predictions
    timestamp = float(row.timestamp[0])
    label = None
    if found.labelled[0]:
        labelled = float(found.label_timestamp[0])
        label = {
            "value": found.label[0],
            "timestamp": moment(labelled),
            "delay_seconds": round(labelled - timestamp, 6),
        }
    return {
        "prediction_id": row.prediction_id[0],
        "model": row.model[0],
        "version": row.version[0] or None,
        "timestamp": moment(timestamp),
        "received": moment(float(found.received[0])),
        "writer": found.writer[0],
        "baseline_hash": found.baseline_hash[0],
        "features": said(row.features[0]),
        "prediction": row.prediction[0],
        "confidence": _known(float(row.confidence[0])),
        "probabilities": row.probabilities[0],
        "latency_seconds": _known(float(row.latency_seconds[0])),
        "error_type": row.error_type[0],
        "variant": row.variant[0],
        "segment": row.segment[0],
        "label": label,
        "trace": _trace(row.trace_id[0], row.span_id[0], trace_url),
    }


def _trace(trace_id: str | None, span_id: str | None, url: str | None) -> dict[str, str | None] | None:
    if trace_id is None:
        return None
    link = None
    if url is not None:
        template = url if "{trace_id}" in url else url.rstrip("/") + "/trace/{trace_id}"
        link = template.replace("{trace_id}", trace_id).replace("{span_id}", span_id or "")
    return {"trace_id": trace_id, "span_id": span_id, "url": link}


def moment(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def said(value: Any) -> Any:
    """``value`` as JSON can say it: infinite numbers as texts, NaN as ``None``."""
    if isinstance(value, dict):
        return {key: said(each) for key, each in value.items()}
    if isinstance(value, list):
        return [said(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
