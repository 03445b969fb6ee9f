"""OTLP protobuf → columns, without an object per span.

The bytes of an ``ExportTraceServiceRequest`` are read with a message description of our own: the same field numbers,
but what is looked at only now and then (resources, scopes, events, statuses, attributes) stays bytes. That is decoded
straight to Arrow, and the few distinct values among those bytes are parsed once each.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from ptars import HandlerPool

from observability.columns import Ints, Keys
from observability.hashing import offsets_of, parts
from observability.intake.anyvalue import parsed, value_of
from observability.intake.attributes import Select, Shapes, attributes
from observability.spans import Resource, Spans, Status

_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8

_Field = descriptor_pb2.FieldDescriptorProto
_BYTES, _MESSAGE, _FIXED64 = _Field.TYPE_BYTES, _Field.TYPE_MESSAGE, _Field.TYPE_FIXED64


def _handler() -> Any:
    """The decoder of the reduced ``ExportTraceServiceRequest``."""
    file = descriptor_pb2.FileDescriptorProto(name="observability/wire.proto", package="wire", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, Any, str | None]) -> None:
        made = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            added = made.field.add(name=field, number=number, type=_MESSAGE if repeated and kind is None else kind)
            added.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if repeated and kind is None:
                added.type_name = f".wire.{repeated}"

    message(
        "Span",
        ("trace_id", 1, _BYTES, None),
        ("span_id", 2, _BYTES, None),
        ("parent_span_id", 4, _BYTES, None),
        ("name", 5, _BYTES, None),
        ("start", 7, _FIXED64, None),
        ("end", 8, _FIXED64, None),
        ("attributes", 9, _BYTES, "raw"),
        ("events", 11, _BYTES, "raw"),
        ("status", 15, _BYTES, None),
    )
    message("ScopeSpans", ("scope", 1, _BYTES, None), ("spans", 2, None, "Span"))
    message("ResourceSpans", ("resource", 1, _BYTES, None), ("scope_spans", 2, None, "ScopeSpans"))
    message("Request", ("resource_spans", 1, None, "ResourceSpans"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    request = pool.FindMessageTypeByName("wire.Request")
    return HandlerPool([request.file]).get_for_message(request)


_HANDLER = _handler()
_SHAPES = Shapes()
_NO_BYTES = pa.array([], pa.binary())


class Malformed(ValueError):
    """Bytes that are no ``ExportTraceServiceRequest``."""


@dataclass(frozen=True, slots=True)
class Body:
    """The well-formed spans of one request, with the attributes that are of use.

    ``message`` says what is wrong with the first of those that were ``rejected``.
    """

    spans: Spans
    rejected: int
    message: str

    def __len__(self) -> int:
        return len(self.spans)


def decode(body: bytes | memoryview, select: Select | None = None) -> Body:
    """Decode ``body`` and keep the attributes that ``select`` wants (all if left out).

    A span must have ids of 16 and 8 bytes that are not all zero. The value of an attribute that cannot be read is
    absent. Raises :class:`Malformed` for bytes that are no ``ExportTraceServiceRequest``.
    """
    try:
        bounds = pa.py_buffer(np.array([0, len(body)], np.int32))
        column = pa.Array.from_buffers(pa.binary(), 1, [None, bounds, pa.py_buffer(body)])
        return _body(_HANDLER.array_to_record_batch(column), select)
    except (ValueError, DecodeError) as error:
        raise Malformed(f"not an ExportTraceServiceRequest in protobuf: {error}") from error


def _body(batch: pa.RecordBatch, select: Select | None) -> Body:
    """What is of use in ``batch``. Nothing refers to its buffers afterwards: any of them would keep all of the body."""
    resources = batch.column(0).values
    scopes = resources.field("scope_spans")
    found = scopes.values.field("spans")
    table = found.values
    scope_of_span = _owners(found)
    ids = [table.field(name) for name in ("trace_id", "span_id")]
    trace_id, span_id = _identifiers(ids[0], _TRACE_ID_BYTES), _identifiers(ids[1], _SPAN_ID_BYTES)[:, 0]
    events = table.field("events")
    event_span = _owners(events)
    read, sampled = attributes(table.field("attributes"), _SHAPES, select, event_span)
    spans = Spans(
        resource=parsed(resources.field("resource"), _resource).take(_owners(scopes)[scope_of_span]),
        scope=parsed(scopes.values.field("scope"), _scope).take(scope_of_span),
        name=parsed(table.field("name"), _text),
        trace_id=trace_id,
        span_id=span_id,
        parent_id=_identifiers(table.field("parent_span_id"), _SPAN_ID_BYTES)[:, 0],
        start_ns=np.array(table.field("start")).view(np.int64),
        end_ns=np.array(table.field("end")).view(np.int64),
        status=parsed(table.field("status"), _status),
        attributes=read,
        event_span=event_span,
        event=pa.concat_arrays([events.values, _NO_BYTES]) if len(events.values) else _NO_BYTES,
        sampled=sampled,
    )
    good = (span_id != 0) & ((trace_id[:, 0] | trace_id[:, 1]) != 0)
    if good.all():
        return Body(spans, 0, "")
    bad = int(np.argmin(good))
    trace, span = (column[bad].as_py().hex() or "(none)" for column in ids)
    return Body(
        spans.only(good),
        len(good) - int(np.count_nonzero(good)),
        f"span {spans.name[bad]!r}: trace id {trace} or span id {span} is not {_TRACE_ID_BYTES} and {_SPAN_ID_BYTES} "
        "bytes, not all zero",
    )


def spans(bodies: Sequence[Body]) -> Spans:
    """The spans of ``bodies``, one at least."""
    return Spans.concat([body.spans for body in bodies])


def _identifiers(column: pa.BinaryArray, size: int) -> Keys:
    """Identifiers as big-endian 64-bit words, shape (n, size / 8); all 0 where they are malformed."""
    offsets, data = parts(column)
    words = size // 8
    lengths = offsets[1:] - offsets[:-1]
    right = lengths == size
    if right.all():
        return data[offsets[0] : offsets[-1]].view(">u8").reshape(-1, words).astype(np.uint64)
    table = np.zeros((len(lengths), words), np.uint64)
    rows = np.flatnonzero(right)
    if len(rows):
        picked = np.ascontiguousarray(data[offsets[rows][:, None] + np.arange(size)])
        table[rows] = picked.view(">u8").reshape(-1, words)
    return table


def _owners(lists: pa.ListArray) -> Ints:
    """For each element of the flattened ``lists``: the row that it belongs to."""
    offsets = offsets_of(lists)
    return np.repeat(np.arange(len(lists), dtype=np.int64), offsets[1:] - offsets[:-1])


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@lru_cache(maxsize=1024)
def _scope(raw: bytes) -> str:
    try:
        return InstrumentationScope.FromString(raw).name
    except DecodeError:
        return ""


def _status(raw: bytes) -> Status:
    if not raw:
        return Status(False, "")
    try:
        status = StatusMessage.FromString(raw)
    except DecodeError:
        return Status(False, "")
    return Status(status.code == StatusMessage.STATUS_CODE_ERROR, status.message)


@lru_cache(maxsize=1024)
def _resource(raw: bytes) -> Resource:
    try:
        message = ResourceMessage.FromString(raw)
    except DecodeError:
        return Resource(raw, {})
    return Resource(raw, {each.key: value_of(each.value) for each in message.attributes})
