"""OTLP protobuf → columns, without an object per span.

The bytes of an ``ExportTraceServiceRequest`` are read with a message description of our own: the same field numbers,
but what is looked at only now and then (resources, scopes, events, statuses, the values of attributes) stays bytes.
That is decoded straight to Arrow, and the few distinct values among those bytes are parsed once each.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from ptars import HandlerPool

from observability.columns import ABSENT, Bools, Coded, Codes, Ints, Keys, Text
from observability.hashing import offsets_of, parts
from observability.intake.keyvalues import Names
from observability.spans import Attributes, Resource, Spans, Status

_Parsed = TypeVar("_Parsed", bound=Hashable)

_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8
_STRING_TAG, _BOOL_TAG, _INT_TAG, _DOUBLE_TAG = 0x0A, 0x10, 0x18, 0x21
_MAX_VARINT = 10

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
_NAMES = Names()
_NO_BYTES = pa.array([], pa.binary())


class Malformed(ValueError):
    """Bytes that are no ``ExportTraceServiceRequest``."""


#: Which attributes are kept: their keys, the span of each, and how many spans there are → mask.
Select: TypeAlias = Callable[[Text, Ints, int], Bools]


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


def decode(body: bytes, select: Select | None = None) -> Body:
    """Decode ``body`` and keep the attributes that ``select`` wants (all if left out).

    A span must have ids of 16 and 8 bytes that are not all zero. The value of an attribute that cannot be read is
    absent. Raises :class:`Malformed` for bytes that are no ``ExportTraceServiceRequest``.
    """
    try:
        return _body(_HANDLER.list_to_record_batch([body]), select)
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
        attributes=_attributes(table.field("attributes"), select),
        event_span=_owners(events),
        event=pa.concat_arrays([events.values, _NO_BYTES]) if len(events.values) else _NO_BYTES,
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


def _attributes(lists: pa.ListArray, select: Select | None) -> Attributes:
    owner, read = _owners(lists), _NAMES.split(lists.values)
    if select is None:
        return read.by_key(owner, np.arange(len(owner)))
    return read.by_key(owner, np.flatnonzero(select(read.key, owner, len(lists))))


def spans(bodies: Sequence[Body]) -> Spans:
    """The spans of ``bodies``, one at least."""
    return Spans.concat([body.spans for body in bodies])


def parsed(column: pa.BinaryArray, parse: Callable[[bytes], _Parsed | None]) -> Coded[_Parsed]:
    """``column`` with each distinct value parsed once; what parses to ``None`` is absent."""
    encoded = column.dictionary_encode()
    indices = encoded.indices
    codes: Codes = np.asarray(indices if not indices.null_count else indices.fill_null(ABSENT))
    values = [parse(value) for value in encoded.dictionary.to_pylist()]
    if None not in values and len(set(values)) == len(values):
        return Coded(codes, tuple(value for value in values if value is not None))
    return Coded(codes, tuple(range(len(values)))).map(values)


def python_value(raw: bytes) -> Any:
    """The Python value of a serialised ``AnyValue``: ``None`` for an empty or malformed one."""
    if raw[:1] == b"\n" and len(raw) > 1 and raw[1] < 0x80 and len(raw) == raw[1] + 2:  # a short string
        return raw[2:].decode("utf-8", "replace")
    try:
        return value_of(AnyValue.FromString(raw))
    except DecodeError:
        return None


def serialised(text: str) -> bytes:
    """``text`` as a serialised ``AnyValue``."""
    return AnyValue(string_value=text).SerializeToString()


def value_of(any_value: AnyValue) -> Any:
    """The Python value of an ``AnyValue``; ``None`` for an empty one."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: value_of(item.value) for item in any_value.kvlist_value.values}
    return getattr(any_value, kind)


def numbers(values: pa.BinaryArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Serialised ``AnyValue``s that are integers or doubles as float64, shape (n,), and a mask of the others.

    Integers beyond 2**53 lose their last digits; token counts and durations do not come near.
    """
    offsets, data = parts(values)
    lengths = offsets[1:] - offsets[:-1]
    result = np.full(len(values), np.nan)
    if not len(data):
        return result, np.ones(len(values), np.bool_)
    starts = offsets[:-1]
    tags = np.where(lengths > 1, data[np.minimum(starts, len(data) - 1)], 0)
    integers = np.flatnonzero((tags == _INT_TAG) & (lengths <= _MAX_VARINT + 1))
    if len(integers):
        result[integers] = _varints(data, starts[integers].astype(np.int64) + 1, lengths[integers].astype(np.int64) - 1)
    doubles = np.flatnonzero((tags == _DOUBLE_TAG) & (lengths == 9))
    if len(doubles):
        eight = data[starts[doubles][:, None] + np.arange(1, 9)]
        result[doubles] = np.ascontiguousarray(eight).view("<f8")[:, 0]
    return result, np.isnan(result)


def _varints(data: NDArray[np.uint8], starts: Ints, lengths: Ints) -> NDArray[np.float64]:
    """Base-128 varints (two's complement of 64 bits) at ``starts``, ``lengths`` bytes long; NaN if they do not end."""
    total = np.zeros(len(starts), np.uint64)
    ended = np.zeros(len(starts), np.bool_)
    for place in range(int(lengths.max())):
        inside = place < lengths
        byte = np.where(inside, data[np.minimum(starts + place, len(data) - 1)], 0).astype(np.uint64)
        total |= (byte & np.uint64(0x7F)) << np.uint64(7 * place)
        ended |= inside & (byte < 0x80) & (place == lengths - 1)
    return np.where(ended, total.view(np.int64).astype(np.float64), np.nan)


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
