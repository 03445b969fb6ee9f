"""One body's spans → canonical records."""

from __future__ import annotations

from collections import Counter

import numpy as np

from observability.columns import ABSENT, Bools, Keys, Text
from observability.grouping import group_texts
from observability.records import CALL_OPERATIONS, STEP_OPERATIONS, Links, Records, Steps
from observability.spans import Spans
from observability.translate.calls import Wanted, calls
from observability.translate.evaluations import evaluations
from observability.translate.events import told
from observability.translate.reader import Reader
from observability.translate.steps import requests_of_mcp, steps
from observability.vocabulary import operations, scopes

_ODD = np.uint64(0x9E3779B97F4A7C15)
_OTHER_ODD = np.uint64(0xC2B2AE3D27D4EB4F)
_HALF = np.uint64(32)
_IDENTITY = ~np.uint64(3)


def translate(spans: Spans, wanted: Wanted) -> tuple[Records, Counter[str]]:
    """The records of ``spans``, and how often attributes of GenAI namespaces were met that nothing understands."""
    reader = Reader(spans)
    said = told(spans)
    keys = _keys(spans)
    operation = _operation(reader)
    is_call = operation.which(lambda value: value in CALL_OPERATIONS)
    is_step = operation.which(lambda value: value in STEP_OPERATIONS)
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
    """Hashes of traces and of spans; 0 for a span id of 0. ``trace_id`` has shape (n, 2), ``span_id`` (n,).

    The two lowest bits of a span's are 0: what remembers spans writes there what they are.
    """
    trace = _mixed(trace_id[:, 0] ^ (trace_id[:, 1] * _OTHER_ODD))
    return trace, np.where(span_id == 0, np.uint64(0), _mixed(trace + span_id * _ODD) & _IDENTITY)


def _keys(spans: Spans) -> dict[str, Keys]:
    trace, key = hashed(spans.trace_id, spans.span_id)
    parent = hashed(spans.trace_id, spans.parent_id)[1] if spans.parent_id.any() else np.zeros_like(key)
    return {"key": key, "parent": parent, "trace": trace}


def _mixed(words: Keys) -> Keys:
    words = (words ^ (words >> _HALF)) * _ODD
    return words ^ (words >> _HALF)


def _operation(reader: Reader) -> Text:
    """What each span says it is; where none of its attributes does, what its other attributes or its name tell."""
    said = _of_databases(reader, reader.operation())
    silent = ~said.present
    if silent.any():
        said = _of_names(reader, _of_usage(reader, said, silent), silent)
    names = reader.spans.name
    around = names.which(operations.around_a_call)
    if around.any():
        silent = around & ~_has_usage(reader)
        said = said.where(~silent, Text.constant(operations.OTHER, len(reader.spans)))
    if "span_type" in reader:
        said = said.where(~_told_elsewhere(reader), Text.constant(operations.OTHER, len(reader.spans)))
    return said


def _told_elsewhere(reader: Reader) -> Bools:
    """Spans that only say that something began, of which another one tells."""
    kind, scope, status = reader.texts("span_type"), reader.spans.scope, reader.spans.status
    recorded = scope.which(scopes.records_streams)
    failed = status.which(lambda value: value.failed)
    silent = (reader.identifiers("response_id")[0] == 0) & ~_has_usage(reader)
    return np.asarray(
        kind.equals(operations.PENDING) | (kind.present & ~kind.equals(operations.LOG) & recorded & ~failed & silent)
    )


def _has_usage(reader: Reader) -> Bools:
    return np.asarray(~np.isnan(reader.numbers("input")) | ~np.isnan(reader.numbers("output")))


def _of_databases(reader: Reader, said: Text) -> Text:
    """A look-up in a store of vectors is a retrieval, and anything else that is done there is not."""
    if "database_operation" not in reader:
        return said
    database, done = reader.texts("database"), reader.texts("database_operation")
    store = database.which(operations.is_store)
    looks_up = done.which(operations.is_look_up)
    retrieval = said.equals("retrieval")
    said = said.where(~(retrieval & done.present & ~looks_up), Text.constant(operations.OTHER, len(reader.spans)))
    return said.where(~(store & looks_up & ~said.present), Text.constant("retrieval", len(reader.spans)))


def _of_usage(reader: Reader, said: Text, silent: Bools) -> Text:
    """A span that names a model and has usage of its own is a call."""
    if "request_model" not in reader and "response_model" not in reader:
        return said
    model = reader.texts("request_model").filled(reader.texts("response_model"))
    rows = np.flatnonzero(silent & model.present & _has_usage(reader))
    if not len(rows):
        return said
    name, model = reader.spans.name.take(rows), model.take(rows)
    first, group = group_texts(name, model)
    found = Text.of([operations.unsaid(f"{name[row]} {model[row]}") for row in first.tolist()])
    codes = np.full(len(reader.spans), ABSENT, np.int32)
    codes[rows] = found.codes[group]
    return said.filled(Text(codes, found.values))


def _of_names(reader: Reader, said: Text, silent: Bools) -> Text:
    """What the names of spans say, of instrumentations of models: a failed call may have nothing else."""
    scope, name = reader.spans.scope, reader.spans.name
    known = scope.which(scopes.is_genai)
    if not (known & silent).any():
        return said
    told = name.map([operations.named(value)[0] for value in name.values])
    return said.filled(told.where(known & silent, Text.absent(len(reader.spans))))
