"""The real gateway with ``privacy-drop.yml``: no byte of content behind it, and all that is counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support import poll
from tests.unit.privacy.gateway import CONFIG, DROP, Gateway, Sink, gateway

SECRET = "Zq-content-Zq"
#: Dialect → attributes that hold content, and attributes that are counted with.
DIALECTS: dict[str, tuple[tuple[str, ...], dict[str, str | int]]] = {
    "OpenTelemetry GenAI": (
        ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.call.arguments"),
        {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 17, "gen_ai.usage.output_tokens": 4},
    ),
    "OpenTelemetry GenAI, deprecated": (
        ("gen_ai.prompt", "gen_ai.completion"),
        {"gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 17, "gen_ai.usage.completion_tokens": 4},
    ),
    "OpenInference": (
        (
            *("input.value", "output.value", "llm.input_messages.0.message.content", "llm.prompts.0"),
            *("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "reranker.query"),
            *("retrieval.documents.0.document.content", "embedding.embeddings.0.embedding.text", "tool.parameters"),
        ),
        {"llm.model_name": "gpt-4o", "llm.token_count.prompt": 17, "llm.token_count.completion": 4},
    ),
    "OpenLLMetry": (
        ("gen_ai.prompt.0.content", "gen_ai.completion.0.content", "traceloop.entity.input", "traceloop.entity.output"),
        {"llm.request.type": "chat", "llm.usage.total_tokens": 21, "traceloop.span.kind": "workflow"},
    ),
    "Vercel AI SDK": (
        ("ai.prompt", "ai.prompt.messages", "ai.response.text", "ai.toolCall.args", "ai.values"),
        {"ai.model.id": "gpt-4o", "ai.usage.promptTokens": 17, "ai.usage.completionTokens": 4},
    ),
    "LiteLLM": (
        ("llm.openai.messages", "llm.openai.choices", "llm.anthropic.system", "llm.None.input"),
        {"gen_ai.usage.input_tokens": 17, "gen_ai.cost.total_cost": 3, "llm.openai.usage": "{'prompt_tokens': 17}"},
    ),
    "Langfuse": (
        ("langfuse.observation.input", "langfuse.observation.output", "langfuse.trace.input", "langfuse.trace.output"),
        {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": '{"input": 17}'},
    ),
    "Pydantic AI": (
        ("pydantic_ai.all_messages", "final_result", "tool_arguments", "events"),
        {"gen_ai.aggregated_usage.input_tokens": 17, "operation.cost": 3},
    ),
}


@pytest.fixture(scope="module")
def dropping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("gateway"), CONFIG, DROP) as running:
        yield running


def put(item: Any, name: str, value: str | int) -> None:
    target = item.attributes.add(key=name).value
    if isinstance(value, int):
        target.int_value = value
    else:
        target.string_value = value


def traces() -> tuple[ExportTraceServiceRequest, str]:
    """One trace with a span of each dialect, and its id."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    put(group.resource, "service.name", "probe")
    scope = group.scope_spans.add()
    now = time.time_ns()
    trace_id = now.to_bytes(16, "big")
    for number, (dialect, (content, counted)) in enumerate(DIALECTS.items()):
        span = scope.spans.add(name=f"chat {dialect}", kind=3, trace_id=trace_id)
        span.span_id = (number + 1).to_bytes(8, "big")
        span.start_time_unix_nano, span.end_time_unix_nano = now - 20_000_000, now
        for name in content:
            put(span, name, SECRET)
        for name, value in counted.items():
            put(span, name, value)
        for event_name in ("gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt"):
            put(span.events.add(name=event_name, time_unix_nano=now), "content", SECRET)
        put(span.events.add(name="details", time_unix_nano=now), "gen_ai.prompt", SECRET)
        put(span.events.add(name="exception", time_unix_nano=now), "exception.type", "TimeoutError")
    return request, trace_id.hex()


def spans(sink: Sink) -> list[Any]:
    return [
        span
        for body in sink.bodies
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def attributes(item: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in item.attributes}


def test_no_content_of_any_dialect_is_behind_the_gateway_and_all_that_is_counted_is(dropping: Gateway) -> None:
    request, trace_id = traces()
    assert SECRET.encode() in request.SerializeToString()
    dropping.send("/v1/traces", request)
    for sink in (dropping.phoenix, dropping.exporter):
        arrived = poll("the spans", lambda sink=sink: spans(sink), deadline=15)  # type: ignore[misc]
        assert SECRET.encode() not in sink.bytes
        assert {span.name: attributes(span) for span in arrived} == {
            f"chat {dialect}": counted for dialect, (_, counted) in DIALECTS.items()
        }
        assert all([event.name for event in span.events] == ["exception"] for span in arrived)
    shown = dropping.stored(trace_id)
    assert SECRET not in shown
    assert "gen_ai.usage.input_tokens" in shown


def logs() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    put(group.resource, "service.name", "probe")
    scope = group.scope_logs.add()
    now = time.time_ns()

    def record(**fields: Any) -> Any:
        return scope.log_records.add(time_unix_nano=now, severity_number=9, **fields)

    record(event_name="gen_ai.user.message").body.string_value = SECRET
    body = record(event_name="gen_ai.choice").body.kvlist_value.values.add(key="message")
    body.value.string_value = SECRET
    named = record()
    put(named, "event.name", "gen_ai.assistant.message")
    named.body.string_value = SECRET
    details = record(event_name="gen_ai.client.inference.operation.details")
    put(details, "gen_ai.input.messages", SECRET)
    put(details, "gen_ai.usage.input_tokens", 17)
    put(record(event_name="gen_ai.evaluation.result"), "gen_ai.evaluation.score.value", 1)
    said = record(severity_text="WARN")
    said.body.string_value = "slow answer"
    put(said, "prompt", SECRET)
    return request


def test_loki_gets_no_content_but_every_other_log_record(dropping: Gateway) -> None:
    request = logs()
    dropping.send("/v1/logs", request)

    def arrived() -> list[Any]:
        return [
            record
            for body in dropping.loki.bodies
            for group in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in group.scope_logs
            for record in scope.log_records
        ]

    found = poll("the log records", arrived, deadline=15)
    assert SECRET.encode() not in dropping.loki.bytes
    assert [(record.event_name or record.body.string_value, attributes(record)) for record in found] == [
        ("gen_ai.client.inference.operation.details", {"gen_ai.usage.input_tokens": 17}),
        ("gen_ai.evaluation.result", {"gen_ai.evaluation.score.value": 1}),
        ("slow answer", {}),
    ]


def test_without_the_second_file_content_passes_so_the_file_is_what_drops_it(tmp_path: Path) -> None:
    # Twice the same file is what Compose passes while nothing is to be dropped.
    with gateway(tmp_path, CONFIG, CONFIG) as running:
        request, trace_id = traces()
        running.send("/v1/traces", request)
        poll("the spans", lambda: SECRET.encode() in running.phoenix.bytes, deadline=15)
        assert SECRET in running.stored(trace_id)
