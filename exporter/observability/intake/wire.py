"""OTLP protobuf → columns, without an object per span.

The bytes of an ``ExportTraceServiceRequest`` are read with a message description of our own: the same field numbers,
but what is looked at only now and then (resources, scopes, events, statuses, the values of attributes) stays bytes.
That is decoded straight to Arrow, and the few distinct values among those bytes are parsed once each.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
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

    message("KeyValue", ("key", 1, _BYTES, None), ("value", 2, _BYTES, None))
    message(
        "Span",
        ("trace_id", 1, _BYTES, None),
        ("span_id", 2, _BYTES, None),
        ("parent_span_id", 4, _BYTES, None),
        ("name", 5, _BYTES, None),
        ("start", 7, _FIXED64, None),
        ("end", 8, _FIXED64, None),
        ("attributes", 9, None, "KeyValue"),
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


class Malformed(ValueError):
    """Bytes that are no ``ExportTraceServiceRequest``."""


#: Which attributes are kept: their keys, the span of each, and how many spans there are → mask.
Select: TypeAlias = Callable[[Text, Ints, int], Bools]


@dataclass(frozen=True, slots=True)
class Body:
    """The spans of one request, decoded and checked, with the attributes that are of use.

    ``good`` has shape (spans,), ``None`` if all are well-formed; ``message`` says what is wrong with the first that is
    not. ``fields`` are the span's own, ``scope_of_span`` and ``resource_of_span`` point into ``scopes`` and
    ``resources``.
    """

    resources: pa.BinaryArray
    scopes: pa.BinaryArray
    resource_of_span: Ints
    scope_of_span: Ints
    trace_id: Keys
    span_id: Keys
    fields: Mapping[str, pa.Array]
    attributes: Attributes
    event_span: Ints
    events: pa.BinaryArray
    good: Bools | None
    accepted: int
    rejected: int
    message: str

    def __len__(self) -> int:
        return self.accepted


_FIELDS = ("trace_id", "span_id", "parent_span_id", "name", "start", "end", "status")
_OTHERS = _FIELDS[2:]


def decode(body: bytes, select: Select | None = None) -> Body:
    """Decode ``body`` and keep the attributes that ``select`` wants (all if left out).

    A span must have ids of 16 and 8 bytes that are not all zero. Raises :class:`Malformed` for bytes that are no
    ``ExportTraceServiceRequest``.
    """
    try:
        batch = _HANDLER.list_to_record_batch([body])
    except ValueError as error:
        raise Malformed(f"not an ExportTraceServiceRequest in protobuf: {error}") from error
    resources = batch.column(0).values
    scopes = resources.field("scope_spans")
    found = scopes.values.field("spans")
    table = found.values
    scope_of_span = _owners(found)
    fields = {name: table.field(name) for name in _FIELDS}
    trace_id = _identifiers(fields["trace_id"], _TRACE_ID_BYTES)
    span_id = _identifiers(fields["span_id"], _SPAN_ID_BYTES)[:, 0]
    good = (span_id != 0) & ((trace_id[:, 0] | trace_id[:, 1]) != 0)
    rejected = len(good) - int(np.count_nonzero(good))
    events = table.field("events")
    return Body(
        resources=resources.field("resource"),
        scopes=scopes.values.field("scope"),
        resource_of_span=_owners(scopes)[scope_of_span],
        scope_of_span=scope_of_span,
        trace_id=trace_id,
        span_id=span_id,
        fields=fields,
        attributes=_attributes(table.field("attributes"), select),
        event_span=_owners(events),
        events=events.values,
        good=good if rejected else None,
        accepted=len(good) - rejected,
        rejected=rejected,
        message=_complaint(fields, int(np.argmin(good))) if rejected else "",
    )


def _attributes(lists: pa.ListArray, select: Select | None) -> Attributes:
    inner = lists.values
    owner, key, value = _owners(lists), parsed(inner.field("key"), _text), inner.field("value")
    if select is None:
        return Attributes(owner, key, value)
    places = np.flatnonzero(select(key, owner, len(lists)))
    return Attributes(owner[places], key.take(places), value.take(pa.array(places)))


def _complaint(fields: Mapping[str, pa.Array], row: int) -> str:
    name, trace, span = (fields[each][row].as_py() for each in ("name", "trace_id", "span_id"))
    return (
        f"span {_text(name)!r}: trace id {trace.hex() or '(none)'} or span id {span.hex() or '(none)'} is not "
        f"{_TRACE_ID_BYTES} and {_SPAN_ID_BYTES} bytes, not all zero"
    )


def spans(bodies: Sequence[Body]) -> Spans:
    """The well-formed spans of ``bodies``, one at least, in columns. The value of an attribute that cannot be read is
    absent.
    """
    fields = {name: _joined([body.fields[name] for body in bodies]) for name in _OTHERS}
    counts = [len(body.fields["start"]) for body in bodies]
    columns = Spans(
        resource=parsed(_joined([body.resources for body in bodies]), _resource).take(
            _shifted([body.resource_of_span for body in bodies], [len(body.resources) for body in bodies])
        ),
        scope=parsed(_joined([body.scopes for body in bodies]), _scope).take(
            _shifted([body.scope_of_span for body in bodies], [len(body.scopes) for body in bodies])
        ),
        name=parsed(fields["name"], _text),
        trace_id=np.concatenate([body.trace_id for body in bodies]),
        span_id=np.concatenate([body.span_id for body in bodies]),
        parent_id=_identifiers(fields["parent_span_id"], _SPAN_ID_BYTES)[:, 0],
        start_ns=np.asarray(fields["start"]).view(np.int64),
        end_ns=np.asarray(fields["end"]).view(np.int64),
        status=parsed(fields["status"], _status),
        attributes=Attributes(
            _shifted([body.attributes.span for body in bodies], counts),
            Coded.concat([body.attributes.key for body in bodies]),
            _joined([body.attributes.value for body in bodies]),
        ),
        event_span=_shifted([body.event_span for body in bodies], counts),
        event=_joined([body.events for body in bodies]),
    )
    if all(body.good is None for body in bodies):
        return columns
    return columns.only(
        np.concatenate([np.ones(len(body), np.bool_) if body.good is None else body.good for body in bodies])
    )


def _joined(parts: Sequence[pa.Array]) -> pa.Array:
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


def _shifted(parts: Sequence[Ints], lengths: Sequence[int]) -> Ints:
    """Indices into each of several tables of these ``lengths`` → indices into all of them, one after the other."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *lengths[:-1]])
    return np.concatenate([part + start for part, start in zip(parts, starts.tolist(), strict=True)])


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
    offsets, data = _buffers(values)
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
    offsets, data = _buffers(column)
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
    offsets = _offsets(lists)
    return np.repeat(np.arange(len(lists), dtype=np.int64), offsets[1:] - offsets[:-1])


def _offsets(column: pa.Array) -> NDArray[np.int32]:
    """Offsets of a binary or list column, shape (n + 1,); read from its buffer, which costs a tenth of asking Arrow."""
    first = column.offset
    return np.frombuffer(column.buffers()[1], np.int32)[first : first + len(column) + 1]


def _buffers(column: pa.BinaryArray) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Offsets, shape (n + 1,), and bytes of a binary column without nulls."""
    data = column.buffers()[2]
    return _offsets(column), np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)


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
