"""One body's spans → canonical records."""

from __future__ import annotations

from collections import Counter

import numpy as np

from observability.columns import Keys, Text
from observability.records import CALL_OPERATIONS, STEP_OPERATIONS, Links, Records, Steps
from observability.spans import Spans
from observability.translate.calls import Wanted, calls
from observability.translate.evaluations import evaluations
from observability.translate.events import told
from observability.translate.reader import Reader
from observability.translate.steps import requests_of_mcp, steps

_ODD = np.uint64(0x9E3779B97F4A7C15)
_OTHER_ODD = np.uint64(0xC2B2AE3D27D4EB4F)
_HALF = np.uint64(32)


def translate(spans: Spans, wanted: Wanted) -> tuple[Records, Counter[str]]:
    """The records of ``spans``, and how often attributes of GenAI namespaces were met that nothing understands."""
    reader = Reader(spans)
    said = told(spans)
    keys = _keys(spans)
    operation = _operation(reader)
    is_call = np.array([*(value in CALL_OPERATIONS for value in operation.values), False])[operation.codes]
    is_step = np.array([*(value in STEP_OPERATIONS for value in operation.values), False])[operation.codes]
    around = [steps(reader, operation, np.flatnonzero(is_step), said, keys)]
    requests = requests_of_mcp(reader, said, keys) if "mcp_method" in reader else None
    if requests is not None:
        around.append(requests)
    records = Records(
        Links(**keys),
        calls(reader, np.flatnonzero(is_call), operation, said, keys, wanted),
        Steps.concat(around),
        evaluations(reader, said, keys),
    )
    return records, reader.untranslated


def hashed(trace_id: Keys, span_id: Keys) -> tuple[Keys, Keys]:
    """Hashes of traces and of spans; 0 for a span id of 0. ``trace_id`` has shape (n, 2), ``span_id`` (n,)."""
    trace = _mixed(trace_id[:, 0] ^ (trace_id[:, 1] * _OTHER_ODD))
    return trace, np.where(span_id == 0, np.uint64(0), _mixed(trace + span_id * _ODD))


def _keys(spans: Spans) -> dict[str, Keys]:
    trace, key = hashed(spans.trace_id, spans.span_id)
    _, parent = hashed(spans.trace_id, spans.parent_id)
    return {"key": key, "parent": parent, "trace": trace}


def _mixed(words: Keys) -> Keys:
    words = (words ^ (words >> _HALF)) * _ODD
    return words ^ (words >> _HALF)


def _operation(reader: Reader) -> Text:
    """What each span says it is; a span that does not say is a call if it names a model and has usage of its own."""
    said = reader.operation()
    if all(said.present) or "request_model" not in reader:
        return said
    usage = ~np.isnan(reader.numbers("input")) | ~np.isnan(reader.numbers("output"))
    silent = ~said.present & usage & reader.texts("request_model").present
    return said.where(~silent, Text.constant("chat", len(reader.spans))) if silent.any() else said
