"""OTLP/HTTP: bytes → spans, and answers as the OTLP specification wants them.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, status_pb2  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from observability.intake import wire
from observability.intake.attributes import Select

_Items = TypeVar("_Items")
#: A body as it came.
Buffer: TypeAlias = bytes | memoryview
Answer: TypeAlias = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse
#: Zlib's window bits for a gzip header and nothing else.
_GZIP = zlib.MAX_WBITS | 16
#: Deeper than the decoder of protobuf's JSON goes.
_DEEPEST = 200


class Encoding(Enum):
    """Encodings of OTLP/HTTP by their media type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class Refused(Exception):
    """A body that cannot be taken. ``reason`` is a value of ``exporter_rejected_total{reason}``."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decoded(Generic[_Items]):
    """The well-formed items of one body; ``rejected`` were malformed, the first of them as ``message`` says."""

    items: _Items
    accepted: int
    rejected: int = 0
    message: str = ""


def encoding(content_type: str | None) -> Encoding:
    """The encoding that a ``Content-Type`` names. Raises :class:`Refused` (415) for any other."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    try:
        return Encoding(media_type)
    except ValueError:
        wanted = " or ".join(known.value for known in Encoding)
        raise Refused(
            415, "unsupported_media_type", f"Content-Type {media_type or '(none)'!r} is not OTLP: use {wanted}"
        ) from None


def decode_traces(
    body: Buffer, kind: Encoding, content_encoding: str | None, limit: int, select: Select | None = None
) -> Decoded[wire.Body]:
    """Decompress and decode an ``ExportTraceServiceRequest`` of at most ``limit`` bytes; ``select`` chooses attributes.

    Raises :class:`Refused`: 415 for another compression than gzip, 413 above the limit (decompression stops there),
    400 for bytes that do not decode. One malformed span costs that span, not the body.
    """
    plain = _decompress(body, content_encoding, limit)
    rejected, message = 0, ""
    if kind is Encoding.JSON:
        found, rejected, message = _from_json(plain)
        plain = ExportTraceServiceRequest(resource_spans=found).SerializeToString()
    try:
        decoded = wire.decode(plain, select)
    except wire.Malformed as error:
        raise Refused(400, "malformed_body", str(error)) from error
    return Decoded(decoded, len(decoded), rejected + decoded.rejected, message or decoded.message)


def decode_logs(
    body: Buffer, kind: Encoding, content_encoding: str | None, limit: int
) -> Decoded[ExportLogsServiceRequest]:
    """The same for an ``ExportLogsServiceRequest``; one record that does not decode costs the body."""
    request = ExportLogsServiceRequest()
    _decode(body, kind, content_encoding, limit, request)
    records = sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
    return Decoded(request, records)


def decode_metrics(body: Buffer, kind: Encoding, content_encoding: str | None, limit: int) -> Decoded[None]:
    """The same for an ``ExportMetricsServiceRequest``, whose metrics are counted and not kept."""
    request = ExportMetricsServiceRequest()
    _decode(body, kind, content_encoding, limit, request)
    metrics = sum(len(scope.metrics) for resource in request.resource_metrics for scope in resource.scope_metrics)
    message = "the exporter makes its numbers from traces and logs: send metrics to the gateway, which exposes them"
    return Decoded(None, 0, metrics, message if metrics else "")


def _decode(body: Buffer, kind: Encoding, content_encoding: str | None, limit: int, request: Message) -> None:
    plain = _decompress(body, content_encoding, limit)
    name = request.DESCRIPTOR.name
    try:
        if kind is Encoding.JSON:
            document = orjson.loads(plain)
            if not isinstance(document, dict):
                raise Refused(400, "malformed_body", f"the body: an object is wanted, not {_json_type(document)}")
            json_format.ParseDict(_with_base64_ids_inside(document), request, ignore_unknown_fields=True)
        else:
            request.ParseFromString(bytes(plain))
    except (DecodeError, json_format.ParseError, orjson.JSONDecodeError) as error:
        raise Refused(400, "malformed_body", f"not an {name}: {error}") from error


def answer(decoded: Decoded[Any], kind: Encoding, response: Answer) -> bytes:
    """The OTLP response: with ``partial_success`` where items were rejected, else empty."""
    if decoded.rejected:
        if isinstance(response, ExportTraceServiceResponse):
            response.partial_success.rejected_spans = decoded.rejected
        elif isinstance(response, ExportLogsServiceResponse):
            response.partial_success.rejected_log_records = decoded.rejected
        else:
            response.partial_success.rejected_data_points = decoded.rejected
        response.partial_success.error_message = decoded.message
    if kind is Encoding.PROTOBUF:
        return response.SerializeToString()
    return json_format.MessageToJson(response, indent=None).encode()


_RPC_CODES = {
    400: code_pb2.INVALID_ARGUMENT,
    413: code_pb2.RESOURCE_EXHAUSTED,
    415: code_pb2.INVALID_ARGUMENT,
    429: code_pb2.RESOURCE_EXHAUSTED,
    503: code_pb2.UNAVAILABLE,
}


def failure(status: int, message: str, kind: Encoding) -> bytes:
    """The body of an error: ``google.rpc.Status`` in the encoding of the request."""
    body = status_pb2.Status(code=_RPC_CODES[status], message=message)
    if kind is Encoding.PROTOBUF:
        return bytes(body.SerializeToString())
    return json_format.MessageToJson(body, indent=None).encode()


def _decompress(body: Buffer, content_encoding: str | None, limit: int) -> Buffer:
    name = (content_encoding or "identity").strip().lower()
    if name == "identity":
        plain = body
    elif name == "gzip":
        plain = _gunzip(body, limit)
    else:
        raise Refused(415, "unsupported_encoding", f"Content-Encoding {name!r} is not supported: use gzip or none")
    if len(plain) > limit:
        raise too_large(limit)
    return plain


def too_large(limit: int) -> Refused:
    return Refused(413, "too_large", f"the body has more than {limit} bytes")


def _gunzip(body: Buffer, limit: int) -> bytes:
    """All members of a gzip body; never more than one byte above ``limit`` in memory."""
    parts: list[bytes] = []
    room = limit + 1
    rest: Buffer = body
    while rest and room > 0:
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(rest, room)
        except zlib.error as error:
            raise Refused(400, "malformed_body", f"not gzip: {error}") from error
        parts.append(part)
        room -= len(part)
        if not stream.eof and room > 0:
            raise Refused(400, "malformed_body", "not gzip: the body ends too early")
        rest = stream.unused_data
    return b"".join(parts)


def _from_json(body: Buffer) -> tuple[list[ResourceSpans], int, str]:
    """Resource spans of an OTLP/JSON body, how many spans did not parse, and what was wrong with the first of them."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "malformed_body", f"not JSON: {error}") from error
    found: list[ResourceSpans] = []
    rejected, message = 0, ""
    for resource_path, resource_entry in _items(document, "resourceSpans", "the body"):
        resource_spans = ResourceSpans()
        envelope = {key: value for key, value in resource_entry.items() if key not in ("scopeSpans", "scope_spans")}
        _parse(envelope, resource_spans, resource_path)
        for scope_path, scope_entry in _items(resource_entry, "scopeSpans", resource_path):
            scope_spans = ScopeSpans()
            _parse({key: value for key, value in scope_entry.items() if key != "spans"}, scope_spans, scope_path)
            for path, entry in _items(scope_entry, "spans", scope_path):
                try:
                    scope_spans.spans.append(_span(entry, path))
                except Refused as error:
                    rejected += 1
                    message = message or str(error)
            resource_spans.scope_spans.append(scope_spans)
        found.append(resource_spans)
    return found, rejected, message


def _items(entry: Any, key: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects in the list ``entry[key]`` (also in its snake_case spelling), each with its path for messages."""
    if not isinstance(entry, dict):
        raise Refused(400, "malformed_body", f"{path}: an object is wanted, not {_json_type(entry)}")
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
    items = entry.get(key, entry.get(snake))
    if items is None:
        return
    if not isinstance(items, list):
        raise Refused(400, "malformed_body", f"{path}.{key}: a list is wanted, not {_json_type(items)}")
    for index, item in enumerate(items):
        item_path = f"{key}[{index}]" if path == "the body" else f"{path}.{key}[{index}]"
        if not isinstance(item, dict) and key != "spans":
            raise Refused(400, "malformed_body", f"{item_path}: an object is wanted, not {_json_type(item)}")
        yield item_path, item


def _span(entry: Any, path: str) -> Span:
    if not isinstance(entry, dict):
        raise Refused(400, "malformed_span", f"{path}: an object is wanted, not {_json_type(entry)}")
    span = Span()
    adapted = {**_with_base64_ids(entry, path)}
    links = entry.get("links") or []
    if not isinstance(links, list):
        raise Refused(400, "malformed_span", f"{path}.links: a list is wanted, not {_json_type(links)}")
    adapted["links"] = [
        _with_base64_ids(link, f"{path}.links[{index}]") if isinstance(link, dict) else link
        for index, link in enumerate(links)
    ]
    _parse(adapted, span, path)
    return span


def _with_base64_ids(entry: dict[str, Any], path: str) -> dict[str, Any]:
    """OTLP/JSON writes ids in hex where the protobuf JSON mapping writes bytes in base64."""
    adapted = dict(entry)
    for key in ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"):
        identifier = adapted.get(key)
        if identifier is None:
            continue
        try:
            adapted[key] = base64.b64encode(bytes.fromhex(identifier)).decode()
        except (TypeError, ValueError) as error:
            raise Refused(400, "malformed_span", f"{path}.{key}: {identifier!r} is not hex") from error
    return adapted


def _with_base64_ids_inside(value: Any, room: int = _DEEPEST) -> Any:
    """OTLP/JSON with every hexadecimal id in base64."""
    if not room:
        raise Refused(400, "malformed_body", f"the body: nested more than {_DEEPEST} deep")
    if isinstance(value, list):
        return [_with_base64_ids_inside(each, room - 1) for each in value]
    if isinstance(value, dict):
        adapted = _with_base64_ids(value, "the body")
        return {key: _with_base64_ids_inside(each, room - 1) for key, each in adapted.items()}
    return value


def _parse(entry: dict[str, Any], message: Any, path: str) -> None:
    try:
        json_format.ParseDict(entry, message, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise Refused(400, "malformed_body", f"{path}: {error}") from error


def _json_type(value: Any) -> str:
    return {list: "a list", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )
