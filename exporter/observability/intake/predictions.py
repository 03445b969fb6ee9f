"""``/v1/predictions``, ``/v1/labels`` and ``/v1/baselines/{model}``: taken, stored, and only then acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from observability import catalogue
from observability.exporter import Exporter
from observability.predictions.baselines import BaselineLimits, decode_baseline
from observability.predictions.bodies import Buffer, Malformed, Refused, too_large
from observability.predictions.checks import Limits
from observability.predictions.decode import ARROW, Decoded, decode_labels, decode_predictions
from observability.predictions.keeper import Full, Kept, Stopping
from observability.predictions.store import StoreError
from observability.predictions.stored import StoredBaseline
from observability.problems import Problem, problem

#: Bytes that are decoded in the event loop: about a millisecond of work.
_AT_ONCE = 32_768
_RETRY = {"Retry-After": "2"}

router = APIRouter(tags=["models"])

_Name = Annotated[str, Path(max_length=256, min_length=1)]
_Version = Annotated[str, Query(max_length=256, description="of this version only; of all that have none, if left out")]


def _body(types: list[str], what: str) -> dict[str, Any]:
    schema = {"schema": {"type": "string", "format": "binary", "description": what}}
    return {"requestBody": {"required": True, "content": dict.fromkeys(types, schema)}}


_ITEMS = ["application/json", "application/x-ndjson", *sorted(ARROW)]
_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "the body is not what its content type says"},
    413: {"model": Problem, "description": "more bytes or items than the limits"},
    415: {"model": Problem, "description": "another content type or encoding"},
    422: {"model": Problem, "description": "no item could be taken; `errors` says why"},
    429: {"model": Problem, "description": "too much is waiting: come again after Retry-After"},
    503: {"model": Problem, "description": "the exporter is stopping, or the store failed: nothing was taken"},
}


@router.post(
    "/v1/predictions", summary="Take predictions", response_class=Response, responses=_RESPONSES,
    openapi_extra=_body(_ITEMS, "predictions, see docs/predictions.md"),
)  # fmt: skip
async def predictions(request: Request) -> Response:
    """200 means: all `accepted` ones are in the store. `rejected` ones are told in `errors`; ids that were made are in
    `ids`, in the order of the accepted items."""
    return await _take(request, "predictions", decode_predictions)


@router.post(
    "/v1/labels", summary="Take labels", response_class=Response, responses=_RESPONSES,
    openapi_extra=_body(_ITEMS, "labels, see docs/predictions.md"),
)  # fmt: skip
async def labels(request: Request) -> Response:
    """What turned out to be true of predictions, before or after they come. 200: all `accepted` ones are stored."""
    return await _take(request, "labels", decode_labels)


@router.put(
    "/v1/baselines/{model}", summary="Set the baseline of a model", response_class=Response, responses=_RESPONSES,
    openapi_extra=_body(["application/vnd.apache.parquet", "text/csv", "application/vnd.apache.arrow.stream"], "rows"),
)  # fmt: skip
async def put_baseline(request: Request, model: _Name, version: _Version = "") -> Response:
    """Predictions are compared with it from now on; the answer has its hash and what it holds."""
    exporter: Exporter = request.app.state.exporter
    settings = exporter.settings.predictions
    limits = BaselineLimits(
        bytes=settings.baseline_bytes,
        rows=settings.baseline_rows,
        features=settings.features_per_prediction,
        embedding_length=settings.embedding_length,
    )
    kinds = next((dict(each.kinds) for each in exporter.settings.models if each.name == model), {})

    def decode(body: Buffer) -> StoredBaseline:
        headers = request.headers
        return decode_baseline(
            body, headers.get("content-type"), content_encoding=headers.get("content-encoding"), limits=limits,
            kinds=kinds,
        ).stored(model, version)  # fmt: skip

    async def take() -> Response:
        body = await _read(request, settings.baseline_bytes)
        stored = await asyncio.to_thread(decode, body)
        await _keep(exporter, stored)
        return _json({"model": model, "version": version or None, "hash": stored.hash, **stored.profile})

    return await _answered(exporter, "baselines", take)


@router.get("/v1/baselines/{model}", summary="The baseline of a model", response_class=Response)
async def get_baseline(
    request: Request,
    model: _Name,
    version: _Version = "",
    format: Annotated[str, Query(pattern="^(json|parquet)$")] = "json",
) -> Response:
    """Its profile as JSON, or its rows as Parquet."""
    exporter: Exporter = request.app.state.exporter
    try:
        found = await asyncio.to_thread(exporter.store.baseline, model, version)
    except StoreError as error:
        return problem(503, str(error), _RETRY)
    if found is None:
        return problem(404, f"there is no baseline of {model!r}" + (f" version {version!r}" if version else ""))
    if format == "parquet":
        tag = {"ETag": f'"{found.hash}"'}
        return Response(found.content, media_type="application/vnd.apache.parquet", headers=tag)
    return _json(
        {"model": model, "version": version or None, "hash": found.hash, "created": found.created, **found.profile}
    )


async def _take(request: Request, signal: str, decode: Callable[..., Decoded[Any]]) -> Response:
    exporter: Exporter = request.app.state.exporter
    limits = item_limits(exporter)
    headers = request.headers

    def decoded(body: Buffer) -> Decoded[Any]:
        return decode(
            body, headers.get("content-type"), content_encoding=headers.get("content-encoding"), limits=limits
        )

    async def take() -> Response:
        body = await _read(request, limits.body_bytes)
        found = decoded(body) if len(body) <= _AT_ONCE else await asyncio.to_thread(decoded, body)
        if found.rejected:
            exporter.metrics.increase(catalogue.EXPORTER_REJECTED, (signal, "invalid_item"), found.rejected)
        if not len(found.rows):
            if found.rejected:
                detail = f"none of {found.rejected} items could be taken"
                return problem(422, detail, rejected=found.rejected, errors=found.errors)
            return _json({"accepted": 0, "duplicates": 0, "rejected": 0, "errors": []})
        kept = await _keep(exporter, found.rows)
        exporter.metrics.increase(catalogue.EXPORTER_RECEIVED, (signal,), kept.items)
        answer = {
            "accepted": kept.items,
            "duplicates": kept.duplicates,
            "rejected": found.rejected,
            "errors": found.errors,
        }
        if found.generated:
            answer["ids"] = found.rows.prediction_id
        return _json(answer)

    return await _answered(exporter, signal, take)


async def _answered(exporter: Exporter, signal: str, take: Callable[[], Any]) -> Response:
    """What ``take`` answers, or why nothing was taken, counted."""
    try:
        response: Response = await take()
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except Refused as refused:
        more = {}
        if isinstance(refused, Malformed):
            known = {"offset": refused.offset, "line": refused.line}
            more = {name: value for name, value in known.items() if value is not None}
        reason, answer = refused.reason, problem(refused.status, refused.detail, None, **more)
    except Full:
        reason, answer = "queue_full", problem(429, "too much is waiting to be stored", _RETRY)
    except Stopping:
        reason, answer = "shutting_down", problem(503, "the exporter is stopping", _RETRY)
    except StoreError as error:
        reason, answer = "store_failed", problem(503, str(error), _RETRY)
    else:
        return response
    exporter.metrics.increase(catalogue.EXPORTER_REJECTED, (signal, reason))
    return answer


async def _keep(exporter: Exporter, item: Any) -> Kept:
    return await asyncio.wrap_future(exporter.keeper.hand_in(item))


async def _read(request: Request, limit: int) -> Buffer:
    """The body as sent, refused as soon as it is longer than ``limit``."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def item_limits(exporter: Exporter) -> Limits:
    """Bounds of predictions and labels, as the settings have them."""
    settings = exporter.settings.predictions
    return Limits(
        items=settings.body_items,
        body_bytes=exporter.settings.limits.body_bytes,
        features=settings.features_per_prediction,
        text_length=settings.text_length,
        embedding_length=settings.embedding_length,
        future_seconds=settings.future_seconds,
    )


def _json(document: dict[str, Any]) -> Response:
    from observability.predictions.jsontext import dumps

    return Response(dumps(document), media_type="application/json")
