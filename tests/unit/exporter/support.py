"""What the exporter's tests share: spans to send, captures to replay, a page to read."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from observability.exporter import Exporter
from tests.support import poll

CAPTURES = Path(__file__).parents[2] / "captures"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

_IDS = itertools.count(1)


def any_value(value: Any) -> AnyValue:
    """The OTLP value of a Python value."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    return AnyValue(string_value=value)


def span(
    attributes: Mapping[str, Any],
    *,
    name: str = "chat gpt-4o",
    seconds: float = 0.5,
    ended: float | None = None,
    parent: Span | None = None,
    trace_id: bytes | None = None,
    error: str | None = None,
    events: Iterable[tuple[str, float, Mapping[str, Any]]] = (),
) -> Span:
    """A span that ended ``ended`` (Unix seconds, now if left out).

    ``events`` are (name, seconds after the start, attributes).
    """
    end_ns = int((time.time() if ended is None else ended) * 1e9)
    start_ns = end_ns - int(seconds * 1e9)
    number = next(_IDS)
    made = Span(
        trace_id=parent.trace_id if parent else (trace_id or (number + 2**100).to_bytes(16, "big")),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.span_id if parent else b"",
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=end_ns,
        attributes=[KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()],
    )
    if error is not None:
        made.status.code = Status.STATUS_CODE_ERROR
        made.status.message = error
    for event_name, after, event_attributes in events:
        made.events.append(
            Span.Event(
                name=event_name,
                time_unix_nano=start_ns + int(after * 1e9),
                attributes=[KeyValue(key=key, value=any_value(value)) for key, value in event_attributes.items()],
            )
        )
    return made


def chat(model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    """Attributes of an OpenTelemetry GenAI chat call with 100 input and 20 output tokens; ``__`` in names is a dot."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        **{name.replace("__", "."): value for name, value in more.items()},
    }


def request(spans: Iterable[Span], service: str | None = "shop") -> ExportTraceServiceRequest:
    """One resource with ``spans``."""
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    if service is not None:
        resource_spans.resource.attributes.add(key="service.name", value=any_value(service))
    resource_spans.scope_spans.add().spans.extend(spans)
    return message


def exporter_of(client: TestClient) -> Exporter:
    exporter = client.app.state.exporter  # type: ignore[attr-defined]
    assert isinstance(exporter, Exporter)
    return exporter


def send(client: TestClient, *spans: Span, service: str | None = "shop") -> None:
    """Post ``spans`` and wait until they are measured."""
    post(client, request(spans, service).SerializeToString())


def post(client: TestClient, body: bytes) -> None:
    """Post a protobuf body and wait until its spans are measured."""
    answer = client.post("/v1/traces", content=body, headers=PROTOBUF)
    assert answer.status_code == 200, answer.text
    measured(client)


def measured(client: TestClient) -> None:
    """Wait until everything that was accepted is measured."""
    worker = exporter_of(client).worker
    poll("the queue runs empty", lambda: worker.idle, deadline=60, every=0.002)


def samples(client: TestClient) -> list[Sample]:
    """Every sample of the OpenMetrics page."""
    page = client.get("/metrics", headers=OPENMETRICS)
    assert page.headers["content-type"].startswith("application/openmetrics-text")
    families = text_string_to_metric_families(page.text)  # type: ignore[no-untyped-call]
    return [sample for family in families for sample in family.samples]


def total(client: TestClient, name: str, **labels: str) -> float:
    """Sum of the series of ``name`` that have these labels."""
    return sum(each.value for each in matching(client, name, **labels))


def matching(client: TestClient, name: str, **labels: str) -> list[Sample]:
    return [each for each in samples(client) if each.name == name and labels.items() <= each.labels.items()]


def expected(capture: str) -> dict[str, Any]:
    """The true numbers of a capture."""
    numbers: dict[str, Any] = json.loads((CAPTURES / capture / "expected.json").read_text())
    return numbers


def traces(capture: str, scenario: str) -> list[bytes]:
    """The trace bodies of a scenario in the order of their arrival."""
    files = expected(capture)["scenarios"][scenario]["files"]["traces"]
    return [(CAPTURES / capture / file).read_bytes() for file in files]
