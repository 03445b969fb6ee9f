"""``POST /v1/traces``, ``/v1/logs`` and ``/v1/metrics``."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.types import Receive, Scope, Send

from observability import catalogue
from observability.exporter import Exporter
from observability.intake import logs as log_records
from observability.intake import otlp
from observability.intake.predictions import item_limits
from observability.intake.wire import Body
from observability.predictions.decode import predictions_of
from observability.predictions.keeper import Full, Stopping
from observability.predictions.store import StoreError
from observability.problems import problem
from observability.protocol import BUFFER
from observability.translate.predictions import predictions
from observability.worker import Batch

_LOG = logging.getLogger(__name__)

_RETRY_SECONDS = "2"
#: Bytes that are decoded in the event loop: less than a millisecond of work.
_AT_ONCE = 65_536

router = APIRouter(tags=["intake"])


@dataclass(frozen=True, slots=True)
class _Signal:
    """How one of the OTLP signals is taken; ``batch`` gives what is measured of it."""

    name: str
    malformed: str
    decode: Callable[[Exporter, otlp.Buffer, otlp.Encoding, str | None], otlp.Decoded[Any]]
    batch: Callable[[Any], Batch | None]
    answer: Callable[[], otlp.Answer]


def _decode_traces(
    exporter: Exporter, body: otlp.Buffer, kind: otlp.Encoding, content_encoding: str | None
) -> otlp.Decoded[Any]:
    return otlp.decode_traces(body, kind, content_encoding, exporter.settings.limits.body_bytes, exporter.selection)


def _decode_logs(
    exporter: Exporter, body: otlp.Buffer, kind: otlp.Encoding, content_encoding: str | None
) -> otlp.Decoded[Any]:
    return otlp.decode_logs(body, kind, content_encoding, exporter.settings.limits.body_bytes)


def _decode_metrics(
    exporter: Exporter, body: otlp.Buffer, kind: otlp.Encoding, content_encoding: str | None
) -> otlp.Decoded[Any]:
    return otlp.decode_metrics(body, kind, content_encoding, exporter.settings.limits.body_bytes)


_TRACES = _Signal("traces", "malformed_span", _decode_traces, lambda spans: spans, ExportTraceServiceResponse)
_LOGS = _Signal("logs", "malformed_record", _decode_logs, log_records.evaluations, ExportLogsServiceResponse)
_METRICS = _Signal("metrics", "not_kept", _decode_metrics, lambda _: None, ExportMetricsServiceResponse)


def _documented(message: str) -> dict[str, Any]:
    body = {"schema": {"type": "string", "format": "binary", "description": message}}
    return {"requestBody": {"required": True, "content": {kind.value: body for kind in otlp.Encoding}}}


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "the OTLP response, with partial_success where items were refused"},
    400: {"description": "the body does not decode (google.rpc.Status)"},
    413: {"description": "larger than limits.body_bytes, after decompression (google.rpc.Status)"},
    415: {"description": "another content type (problem details) or content encoding (google.rpc.Status)"},
    429: {"description": "the queue is full: come again after Retry-After (google.rpc.Status)"},
    503: {"description": "the exporter is stopping (google.rpc.Status)"},
}


@router.post(
    "/v1/traces", summary="Take spans", openapi_extra=_documented("ExportTraceServiceRequest"), responses=_RESPONSES,
    response_class=Response,
)  # fmt: skip
async def traces(request: Request) -> Response:
    """OTLP/HTTP spans, protobuf or JSON, gzip or not.

    200 means: decoded, checked and in the queue; the numbers are on `/metrics` when the spans of the trace have settled
    (`limits.settle_seconds`), also if the exporter is asked to stop meanwhile. Malformed spans are left out and counted
    in `partial_success`; the rest is taken.
    """
    return await _take(request, _TRACES)


@router.post(
    "/v1/logs", summary="Take log records", openapi_extra=_documented("ExportLogsServiceRequest"), responses=_RESPONSES,
    response_class=Response,
)  # fmt: skip
async def logs(request: Request) -> Response:
    """OTLP/HTTP log records: `gen_ai.evaluation.result` events become numbers, all others are Loki's."""
    return await _take(request, _LOGS)


@router.post(
    "/v1/metrics", summary="Refuse metrics, kindly", openapi_extra=_documented("ExportMetricsServiceRequest"),
    responses=_RESPONSES, response_class=Response,
)  # fmt: skip
async def metrics(request: Request) -> Response:
    """OTLP/HTTP metrics reach Prometheus through the gateway; here they are refused in `partial_success`."""
    return await _take(request, _METRICS)


async def _take(request: Request, signal: _Signal) -> Response:
    answer = await _answer(request.app, signal, request.scope, request.receive)
    return Response(answer.body, answer.status, answer.headers)


_SIGNALS = {f"/v1/{signal.name}": signal for signal in (_TRACES, _LOGS, _METRICS)}
#: Paths of requests whose bodies are taken as buffers.
BUFFERED = frozenset(_SIGNALS)


def takes(scope: Scope) -> bool:
    """Whether this is an OTLP post, that :func:`take` takes."""
    return scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in _SIGNALS


async def take(app: FastAPI, scope: Scope, receive: Receive, send: Send) -> None:
    """Take an OTLP post without the web framework around it, whose work costs as much as decoding hundreds of spans.

    The routes of this module do the same, and describe it in the OpenAPI document.
    """
    try:
        answer = await _answer(app, _SIGNALS[scope["path"]], scope, receive)
    except _Gone:
        return
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: dict[str, str]


class _Gone(Exception):
    """The sender left before its body was here."""


async def _answer(app: FastAPI, signal: _Signal, scope: Scope, receive: Receive) -> _Answer:
    exporter: Exporter = app.state.exporter
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    try:
        kind = otlp.encoding(headers.get(b"content-type"))
    except otlp.Refused as refused:
        _reject(exporter, signal, refused.reason)
        said = problem(refused.status, str(refused))
        return _Answer(said.status_code, bytes(said.body), {"Content-Type": said.headers["content-type"]})
    try:
        body = await _read(scope, headers.get(b"content-length", ""), receive, exporter.settings.limits.body_bytes)
        _room(exporter)  # before the work of decoding
        decoded = await _decode(app, signal, body, kind, headers.get(b"content-encoding"))
        batch = signal.batch(decoded.items)
        if batch is not None and len(batch) and not exporter.worker.put(batch):
            _room(exporter)
            raise _full()
        if isinstance(batch, Body):
            await _predicted(exporter, batch)
    except otlp.Refused as refused:
        _reject(exporter, signal, refused.reason)
        more = {"Retry-After": _RETRY_SECONDS} if refused.status in (429, 503) else {}
        failure = otlp.failure(refused.status, str(refused), kind)
        return _Answer(refused.status, failure, {"Content-Type": kind.value, **more})
    if decoded.accepted:
        exporter.metrics.increase(catalogue.EXPORTER_RECEIVED, (signal.name,), decoded.accepted)
    if decoded.rejected:
        _reject(exporter, signal, signal.malformed, decoded.rejected)
    return _Answer(200, otlp.answer(decoded, kind, signal.answer()), {"Content-Type": kind.value})


async def _predicted(exporter: Exporter, body: Body) -> None:
    """Store the predictions among spans; the answer waits for it, as that of a post does."""
    limits = item_limits(exporter)
    raw = predictions(body.spans, limits)
    if raw is None:
        return
    found = predictions_of(raw, limits, time.time())
    if found.rejected:
        exporter.metrics.increase(catalogue.EXPORTER_REJECTED, ("predictions", "invalid_item"), found.rejected)
        _LOG.warning("spans are no predictions: %s", found.errors, extra={"event": "invalid_prediction"})
    if not len(found.rows):
        return
    try:
        kept = await asyncio.wrap_future(exporter.keeper.hand_in(found.rows))
    except Full as error:
        raise _full() from error
    except Stopping as error:
        raise otlp.Refused(503, "shutting_down", "the exporter is stopping") from error
    except StoreError as error:
        raise otlp.Refused(503, "store_failed", str(error)) from error
    exporter.metrics.increase(catalogue.EXPORTER_RECEIVED, ("predictions",), kept.items)


async def _decode(
    app: FastAPI, signal: _Signal, body: otlp.Buffer, kind: otlp.Encoding, content_encoding: str | None
) -> otlp.Decoded[Any]:
    """Decode here what is small, and in another thread, in turn with the measuring, what may take long."""
    exporter: Exporter = app.state.exporter
    if kind is otlp.Encoding.PROTOBUF and len(body) <= _AT_ONCE and not content_encoding:
        return signal.decode(exporter, body, kind, content_encoding)

    def decode() -> otlp.Decoded[Any]:
        with exporter.worker.turn:
            return signal.decode(exporter, body, kind, content_encoding)

    decoders: ThreadPoolExecutor = app.state.decoders
    return await asyncio.get_running_loop().run_in_executor(decoders, decode)


async def _read(scope: Scope, declared: str, receive: Receive, limit: int) -> otlp.Buffer:
    """The body as sent, refused as soon as it is longer than ``limit``."""
    if declared.isdecimal() and int(declared) > limit:
        raise otlp.too_large(limit)
    chunks: list[bytes] = []
    length = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunk = message.get("body", b"")
        chunks.append(chunk)
        length += len(chunk)
        if length > limit:
            raise otlp.too_large(limit)
        more = message.get("more_body", False)
    whole: otlp.Buffer | None = scope.pop(BUFFER, None)
    if whole is not None:
        return whole
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _room(exporter: Exporter) -> None:
    if not exporter.worker.accepting:
        raise otlp.Refused(503, "shutting_down", "the exporter is stopping")
    if exporter.worker.full:
        raise _full()


def _full() -> otlp.Refused:
    return otlp.Refused(429, "queue_full", "the queue of batches to measure is full")


def _reject(exporter: Exporter, signal: _Signal, reason: str, items: int = 1) -> None:
    exporter.metrics.increase(catalogue.EXPORTER_REJECTED, (signal.name, reason), items)
