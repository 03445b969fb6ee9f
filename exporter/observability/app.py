"""The HTTP surface of the exporter."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from observability import answers, problems
from observability.conversations import answers as conversations
from observability.docs_page import render
from observability.exporter import Exporter
from observability.intake import http as intake
from observability.intake import predictions
from observability.notifications import AlertStatus, Notification, Webhook
from observability.probes import probe_for_ever

_DECODERS = 2

router = APIRouter()


class App(FastAPI):
    """FastAPI, with a short way for OTLP posts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if intake.takes(scope):
            await intake.take(self, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(exporter: Exporter) -> FastAPI:
    """``exporter`` as an ASGI app: it measures from startup on and is closed by shutdown, so it serves once."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.decoders = ThreadPoolExecutor(_DECODERS, "decode")
        exporter.start()
        phoenix = exporter.runtime.phoenix_url
        targets = {"phoenix": f"{phoenix}/healthz"} if phoenix else {}
        probing = asyncio.create_task(probe_for_ever(exporter.metrics, targets)) if targets else None
        try:
            yield
        finally:
            if probing is not None:
                probing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await probing
            app.state.decoders.shutdown()
            await asyncio.to_thread(exporter.stop)

    app = App(
        title="AI observability exporter",
        version=version("ai-observability"),
        description="GenAI telemetry in, numbers out.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": problems.Problem, "description": "Problem details (RFC 9457)"}},
    )
    app.state.exporter = exporter
    problems.install(app)
    app.include_router(intake.router)
    app.include_router(predictions.router)
    app.include_router(answers.router)
    app.include_router(conversations.router)
    app.include_router(router)
    return app


@router.get("/metrics", tags=["metrics"], summary="The metric families", response_class=Response)
def metrics(request: Request) -> Response:
    """OpenMetrics (with exemplars) if the Accept header asks for it, else the Prometheus text format."""
    exporter: Exporter = request.app.state.exporter
    page, content_type = exporter.metrics.page(request.headers.get("accept", ""))
    return Response(page, headers={"Content-Type": content_type})


@router.get("/healthz", tags=["health"], summary="Is the process alive")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz", tags=["health"], summary="Does it take and measure spans", responses={503: {"model": problems.Problem}}
)
async def readyz(request: Request) -> Response:
    exporter: Exporter = request.app.state.exporter
    if not exporter.keeper.alive:
        return problems.problem(HTTPStatus.SERVICE_UNAVAILABLE, "accepted predictions are not being stored")
    if not exporter.worker.alive:
        return problems.problem(HTTPStatus.SERVICE_UNAVAILABLE, "accepted spans are not being measured")
    return Response('{"status":"ready"}', media_type="application/json")


@router.post("/v1/notifications", tags=["notifications"], summary="Take an Alertmanager webhook", status_code=202)
async def receive(request: Request, webhook: Webhook) -> dict[str, int]:
    exporter: Exporter = request.app.state.exporter
    exporter.notifications.receive(webhook)
    return {"alerts": len(webhook.alerts)}


@router.get("/v1/notifications", tags=["notifications"], summary="The latest notifications, newest first")
async def notifications(
    request: Request,
    status: Annotated[AlertStatus | None, Query(description="only with an alert of this status")] = None,
    alertname: Annotated[str | None, Query(description="only with this alert")] = None,
) -> list[Notification]:
    exporter: Exporter = request.app.state.exporter
    return exporter.notifications.latest(status, alertname)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """The OpenAPI document as a page that loads nothing from elsewhere."""
    return HTMLResponse(render(request.app.openapi()))
