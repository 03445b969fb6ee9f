"""``GET`` and ``DELETE /v1/conversations``: which prompts and answers are watched, and learning them anew."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from observability.exporter import Exporter
from observability.problems import Problem, problem
from observability.records import UNKNOWN

router = APIRouter(tags=["conversations"])


@router.get("/v1/conversations", summary="Which prompts and answers are watched for drift")
def conversations(request: Request) -> dict[str, list[dict[str, Any]]]:
    """Services, models and prompts, with how much of their baseline is learned and what has drifted; no text."""
    exporter: Exporter = request.app.state.exporter
    return {"streams": [] if exporter.conversations is None else exporter.conversations.streams()}


@router.delete(
    "/v1/conversations",
    summary="Learn the baseline of prompts and answers anew",
    status_code=HTTPStatus.NO_CONTENT,
    responses={404: {"model": Problem, "description": "there are no such calls"}},
)
def forget(
    request: Request,
    service: Annotated[str, Query()],
    model: Annotated[str, Query()],
    prompt: Annotated[str, Query()] = UNKNOWN,
) -> Response:
    """After a change that was meant: what comes from now on is the new usual."""
    exporter: Exporter = request.app.state.exporter
    if exporter.conversations is None or not exporter.conversations.forget(service, model, prompt):
        return problem(HTTPStatus.NOT_FOUND, f"no calls of {service} to {model} with the prompt {prompt} are watched")
    return Response(status_code=HTTPStatus.NO_CONTENT)
