"""Spans ``ml.predict`` → the columns of predictions, as if they had been posted.

A span is a prediction if it says what was predicted (``ml.prediction.value``) or why it was not
(``ml.prediction.error``); any other is a trace of one that is posted elsewhere. ``ml.model.name`` is required,
``ml.model.version``, ``ml.prediction.id``, ``ml.prediction.confidence`` and ``ml.variant`` are what they say,
``ml.feature.<name>`` a feature, ``ml.probability.<class>`` a probability and ``ml.segment.<key>`` a segment. The
duration of the span is the latency, its end the time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from observability.intake.anyvalue import python_value
from observability.predictions.checks import Errors, Limits
from observability.predictions.raw import Raw
from observability.spans import Spans

SPAN = "ml.predict"
#: Beginning of all keys that are read here.
PREFIX = "ml."
_VALUE, _ERROR = "ml.prediction.value", "ml.prediction.error"
_FIELDS = {
    "ml.model.name": "model",
    "ml.model.version": "version",
    "ml.prediction.id": "prediction_id",
    _VALUE: "prediction",
    _ERROR: "error_type",
    "ml.prediction.confidence": "confidence",
    "ml.variant": "variant",
}
_GROUPS = {"ml.feature.": "features", "ml.probability.": "probabilities", "ml.segment.": "segment"}


def predictions(spans: Spans, limits: Limits) -> Raw | None:
    """The predictions among ``spans`` (n,), ``None`` if there are none; ``indices`` are those of their spans."""
    if SPAN not in spans.name.values:
        return None
    called = spans.name.codes == spans.name.values.index(SPAN)
    telling = {
        row for key in (_VALUE, _ERROR) if key in spans.attributes for row in spans.attributes[key].span.tolist()
    }
    rows = [row for row in sorted(telling) if called[row]]
    if not rows:
        return None
    place = {row: at for at, row in enumerate(rows)}
    columns: dict[str, list[Any]] = defaultdict(lambda: [None] * len(rows))
    for key, attribute in spans.attributes.items():
        if not key.startswith(PREFIX):
            continue
        group = next((prefix for prefix in _GROUPS if key.startswith(prefix)), None)
        if group is None and key not in _FIELDS:
            continue
        column = columns[_FIELDS[key] if group is None else _GROUPS[group]]
        for row, raw in zip(attribute.span.tolist(), attribute.value.to_pylist(), strict=True):
            at = place.get(row)
            if at is None:
                continue
            if group is None:
                column[at] = python_value(raw)
            else:
                column[at] = column[at] or {}
                column[at][key[len(group) :]] = python_value(raw)
    _of_the_span(spans, rows, columns)
    return Raw(dict(columns), rows, Errors(rows, limits.errors), extended=True)


def _of_the_span(spans: Spans, rows: list[int], columns: dict[str, list[Any]]) -> None:
    ends, starts = spans.end_ns[rows].tolist(), spans.start_ns[rows].tolist()
    columns["timestamp"] = [end / 1e9 for end in ends]
    columns["latency_seconds"] = [max(end - start, 0) / 1e9 for end, start in zip(ends, starts, strict=True)]
    columns["trace_id"] = [f"{high:016x}{low:016x}" for high, low in spans.trace_id[rows].tolist()]
    columns["span_id"] = [f"{each:016x}" for each in spans.span_id[rows].tolist()]
