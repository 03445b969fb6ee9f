"""``POST /v1/traces``, ``/v1/logs`` and ``/v1/metrics``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from observability import catalogue
from observability.exporter import Exporter
from observability.intake import logs as log_records
from observability.intake import otlp
from observability.problems import problem
from observability.worker import Batch

_RETRY_SECONDS = "2"

router = APIRouter(tags=["intake"])


@dataclass(frozen=True, slots=True)
class _Signal:
    """How one of the OTLP signals is taken; ``batch`` gives what is measured of it."""

    name: str
    malformed: str
    decode: Callable[[Exporter, bytes, otlp.Encoding, str | None], otlp.Decoded[Any]]
    batch: Callable[[Any], Batch | None]
    answer: Callable[[], otlp.Answer]


def _decode_traces(
    exporter: Exporter, body: bytes, kind: otlp.Encoding, content_encoding: str | None
) -> otlp.Decoded[Any]:
    return otlp.decode_traces(body, kind, content_encoding, exporter.settings.limits.body_bytes, exporter.selection)


def _decode_logs(
    exporter: Exporter, body: bytes, kind: otlp.Encoding, content_encoding: str | None
) -> otlp.Decoded[Any]:
    return otlp.decode_logs(body, kind, content_encoding, exporter.settings.limits.body_bytes)


def _decode_metrics(
    exporter: Exporter, body: bytes, kind: otlp.Encoding, content_encoding: str | None
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
    exporter: Exporter = request.app.state.exporter
    decoders: ThreadPoolExecutor = request.app.state.decoders
    limit = exporter.settings.limits.body_bytes
    try:
        kind = otlp.encoding(request.headers.get("content-type"))
    except otlp.Refused as refused:
        _reject(exporter, signal, refused.reason)
        return problem(refused.status, str(refused))
    try:
        body = await _read(request, limit)
        _room(exporter)  # before the work of decoding
        decoded = await asyncio.get_running_loop().run_in_executor(
            decoders, signal.decode, exporter, body, kind, request.headers.get("content-encoding")
        )
        batch = signal.batch(decoded.items)
        if batch is not None and len(batch) and not exporter.worker.put(batch):
            _room(exporter)
            raise _full()
    except otlp.Refused as refused:
        _reject(exporter, signal, refused.reason)
        headers = {"Retry-After": _RETRY_SECONDS} if refused.status in (429, 503) else None
        return Response(otlp.failure(refused.status, str(refused), kind), refused.status, headers, kind.value)
    exporter.metrics.increase(catalogue.EXPORTER_RECEIVED, (signal.name,), decoded.accepted)
    if decoded.rejected:
        _reject(exporter, signal, signal.malformed, decoded.rejected)
    return Response(otlp.answer(decoded, kind, signal.answer()), media_type=kind.value)


async def _read(request: Request, limit: int) -> bytes:
    """The body as sent, refused as soon as it is longer than ``limit``."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise otlp.too_large(limit)
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        chunks.append(chunk)
        length += len(chunk)
        if length > limit:
            raise otlp.too_large(limit)
    return b"".join(chunks)


def _room(exporter: Exporter) -> None:
    if not exporter.worker.accepting:
        raise otlp.Refused(503, "shutting_down", "the exporter is stopping")
    if exporter.worker.full:
        raise _full()


def _full() -> otlp.Refused:
    return otlp.Refused(429, "queue_full", "the queue of batches to measure is full")


def _reject(exporter: Exporter, signal: _Signal, reason: str, items: int = 1) -> None:
    exporter.metrics.increase(catalogue.EXPORTER_REJECTED, (signal.name, reason), items)
