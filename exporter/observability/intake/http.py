"""``POST /v1/traces``."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request
from fastapi.responses import Response

from observability import catalogue
from observability.exporter import Exporter
from observability.intake import otlp
from observability.problems import problem
from observability.worker import Batch

_RETRY_SECONDS = "2"

router = APIRouter(tags=["intake"])

_BODY = {"schema": {"type": "string", "format": "binary", "description": "ExportTraceServiceRequest"}}


@router.post(
    "/v1/traces",
    summary="Take spans",
    openapi_extra={"requestBody": {"required": True, "content": {kind.value: _BODY for kind in otlp.Encoding}}},
    responses={
        200: {"description": "ExportTraceServiceResponse, with partial_success where spans were malformed"},
        400: {"description": "the body does not decode (google.rpc.Status)"},
        413: {"description": "larger than limits.body_bytes, after decompression (google.rpc.Status)"},
        415: {"description": "another content type (problem details) or content encoding (google.rpc.Status)"},
        429: {"description": "the queue is full: come again after Retry-After (google.rpc.Status)"},
        503: {"description": "the exporter is stopping (google.rpc.Status)"},
    },
    response_class=Response,
)
async def traces(request: Request) -> Response:
    """OTLP/HTTP spans, protobuf or JSON, gzip or not.

    200 means: decoded, checked and in the queue; the numbers are on `/metrics` when the queue got there, also if the
    exporter is asked to stop meanwhile. Malformed spans are left out and counted in `partial_success`; the rest is
    taken.
    """
    exporter: Exporter = request.app.state.exporter
    decoders: ThreadPoolExecutor = request.app.state.decoders
    limit = exporter.settings.limits.body_bytes
    try:
        kind = otlp.encoding(request.headers.get("content-type"))
    except otlp.Refused as refused:
        _reject(exporter, refused.reason)
        return problem(refused.status, str(refused))
    try:
        body = await _read(request, limit)
        _room(exporter)  # before the work of decoding
        decoded = await asyncio.get_running_loop().run_in_executor(
            decoders, otlp.decode_traces, body, kind, request.headers.get("content-encoding"), limit
        )
        if decoded.accepted and not exporter.worker.put(Batch(decoded.spans, decoded.accepted)):
            _room(exporter)
            raise _full()
    except otlp.Refused as refused:
        _reject(exporter, refused.reason)
        headers = {"Retry-After": _RETRY_SECONDS} if refused.status in (429, 503) else None
        return Response(otlp.failure(refused.status, str(refused), kind), refused.status, headers, kind.value)
    exporter.metrics.increase(catalogue.EXPORTER_RECEIVED, ("traces",), decoded.accepted)
    if decoded.rejected:
        _reject(exporter, "malformed_span", decoded.rejected)
    return Response(otlp.answer(decoded, kind), media_type=kind.value)


async def _read(request: Request, limit: int) -> bytes:
    """The body as sent, refused as soon as it is longer than ``limit``."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise otlp.too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise otlp.too_large(limit)
    return bytes(body)


def _room(exporter: Exporter) -> None:
    if not exporter.worker.accepting:
        raise otlp.Refused(503, "shutting_down", "the exporter is stopping")
    if exporter.worker.full:
        raise _full()


def _full() -> otlp.Refused:
    return otlp.Refused(429, "queue_full", "the queue of batches to measure is full")


def _reject(exporter: Exporter, reason: str, items: int = 1) -> None:
    exporter.metrics.increase(catalogue.EXPORTER_REJECTED, ("traces", reason), items)
