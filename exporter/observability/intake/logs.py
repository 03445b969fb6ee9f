"""Log records that say something countable: evaluations of answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from observability.columns import Text
from observability.intake import anyvalue
from observability.records import UNKNOWN, Evaluations
from observability.vocabulary import events, values

_EVENT_NAME = "event.name"
_MODELS = ("gen_ai.response.model", "gen_ai.request.model")


def evaluations(request: ExportLogsServiceRequest) -> Evaluations:
    """The ``gen_ai.evaluation.result`` events among the log records.

    Events that repeat what a span says (``gen_ai.client.inference.operation.details``) are left out: the span counts.
    """
    found: list[tuple[str, dict[str, Any], LogRecord]] = []
    for resource in request.resource_logs:
        service = UNKNOWN
        for attribute in resource.resource.attributes:
            if attribute.key == "service.name":
                service = values.text(anyvalue.value_of(attribute.value)) or UNKNOWN
        for scope in resource.scope_logs:
            for record in scope.log_records:
                said = {each.key: anyvalue.value_of(each.value) for each in record.attributes}
                if (record.event_name or said.get(_EVENT_NAME)) == events.EVALUATION:
                    found.append((service, said, record))
    named = [each for each in found if values.text(each[1].get(events.EVALUATION_NAME))]
    ids = b"".join(record.trace_id.rjust(16, b"\0")[:16] for _, _, record in named)
    none = np.zeros(len(named), np.uint64)
    return Evaluations(
        key=none,
        span=none,
        trace=none,
        service=Text.of([service for service, _, _ in named]),
        model=Text.of([_first(said, _MODELS) for _, said, _ in named]),
        name=Text.of([values.text(said.get(events.EVALUATION_NAME)) for _, said, _ in named]),
        label=Text.of([_first(said, events.EVALUATION_LABEL) for _, said, _ in named]),
        score=np.array([_score(said) for _, said, _ in named], np.float64),
        failed=np.array([values.text(said.get("error.type")) is not None for _, said, _ in named], np.bool_),
        trace_id=np.frombuffer(ids, ">u8").reshape(-1, 2).astype(np.uint64),
    )


def _first(said: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := values.text(said.get(name))) is not None), None)


def _score(said: dict[str, Any]) -> float:
    found = (values.number(said.get(name)) for name in events.EVALUATION_SCORE)
    return next((score for score in found if score is not None), float("nan"))
