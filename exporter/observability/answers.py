"""What may be asked of models: ``/performance``, ``/v1/drift/{model}`` and ``/v1/audit/{prediction_id}``."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from observability.exporter import Exporter
from observability.monitoring import documents
from observability.monitoring.model import ModelMonitor
from observability.predictions import audit
from observability.predictions.jsontext import dumps
from observability.predictions.store import StoreError
from observability.problems import problem

router = APIRouter(tags=["models"])

_Name = Annotated[str, Path(max_length=256, min_length=1)]
_Model = Annotated[str | None, Query(description="only this model")]
_Version = Annotated[str | None, Query(description="only this version")]


@router.get("/performance", summary="Latency, confidence and accuracy of models", response_class=Response)
async def performance(request: Request, model: _Model = None, version: _Version = None) -> Response:
    """Of the newest predictions of each version: latency, confidence, performance with intervals where there are
    labels, estimated where there are none, by segment, and calibration. Without a filter also which models move
    together."""
    exporter: Exporter = request.app.state.exporter
    found = await asyncio.to_thread(_documents, exporter, documents.performance, model, version)
    if model is not None and not found:
        return problem(404, f"no prediction of the model {model!r} has come")
    answer: dict[str, Any] = {"models": found}
    if model is None and version is None:
        answer["correlations"] = documents.correlations(exporter.monitors.correlations)
    return Response(dumps(answer), media_type="application/json")


@router.get("/v1/drift/{model}", summary="Drift and data quality of a model", response_class=Response)
async def drift(request: Request, model: _Name, version: _Version = None) -> Response:
    """Each feature of each version: distances with what they are without drift, evidence of the sequential test, bins,
    and what is wrong with the data."""
    exporter: Exporter = request.app.state.exporter
    found = await asyncio.to_thread(_documents, exporter, documents.drift, model, version)
    if not found:
        return problem(404, f"no prediction of the model {model!r} has come")
    return Response(dumps({"model": model, "versions": found}), media_type="application/json")


@router.get("/v1/audit/{prediction_id}", summary="One prediction from input to label", response_class=Response)
async def trail(request: Request, prediction_id: _Name) -> Response:
    """Model, version, baseline, features, prediction, label, and a link to the trace."""
    exporter: Exporter = request.app.state.exporter
    jaeger = exporter.settings.notifications.links.jaeger
    try:
        found = await asyncio.to_thread(audit.document, exporter.store, prediction_id, trace_url=jaeger)
    except StoreError as error:
        return problem(503, str(error), {"Retry-After": "2"})
    if found is None:
        return problem(404, f"there is no prediction {prediction_id!r}")
    return Response(dumps(found), media_type="application/json")


def _documents(exporter: Exporter, document: Any, model: str | None, version: str | None) -> list[dict[str, Any]]:
    exporter.monitors.refresh()

    def wanted(monitor: ModelMonitor) -> bool:
        return version is None or monitor.version == version

    with exporter.monitors.held():
        return [document(each) for each in exporter.monitors.of_model(model) if wanted(each)]
