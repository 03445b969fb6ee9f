"""The services, run as real processes against the simulator: what they send is what their conventions say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.unit.demo.runs import INTERACTIONS, Run, calls_in_ledger, run_service
from tests.unit.demo.support import attributes

TEAMS = {"rag-assistant": "search", "support-triage": "support", "research-agent": "research"}


@pytest.fixture(scope="module")
def rag() -> Iterator[Run]:
    yield from run_service("rag-assistant")


@pytest.fixture(scope="module")
def triage() -> Iterator[Run]:
    yield from run_service("support-triage")


@pytest.fixture(scope="module")
def research() -> Iterator[Run]:
    yield from run_service("research-agent")


@pytest.fixture(params=["rag", "triage", "research"])
def each(request: pytest.FixtureRequest) -> Run:
    run: Run = request.getfixturevalue(request.param)
    return run


def test_all_interactions_are_traces_of_their_own_and_nothing_is_lost(each: Run) -> None:
    assert each.done["interactions"] == INTERACTIONS
    assert len(set(each.done["traces"])) == INTERACTIONS
    received = {span.trace_id.hex() for span in each.spans}
    assert set(each.done["traces"]) <= received
    sent = each.done["telemetry"]
    assert sent["spans_sent"] == len(each.spans)
    assert sent["logs_sent"] == len(each.receiver.records())
    assert (sent["spans_lost"], sent["logs_lost"]) == (0, 0)


def test_the_resource_says_which_service_version_and_environment_it_is(each: Run) -> None:
    for request in (*each.receiver.traces, *each.receiver.logs, *each.receiver.metrics):
        groups = getattr(request, "resource_spans", None) or getattr(request, "resource_logs", None)
        for group in groups or getattr(request, "resource_metrics"):  # noqa: B009 - one of three message types
            resource = attributes(group.resource.attributes)
            assert resource["service.name"] == each.service
            assert resource["service.version"]
            assert resource["team"] == TEAMS[each.service]
            assert resource["deployment.environment.name"] == resource["deployment.environment"] == "demo"
            assert resource["openinference.project.name"] == each.service


def test_every_trace_has_one_root_of_kind_server_and_no_orphans(each: Run) -> None:
    by_trace: dict[bytes, list[Span]] = {}
    for span in each.spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    for spans in by_trace.values():
        ids = {span.span_id for span in spans}
        roots = [span for span in spans if not span.parent_span_id]
        assert len(roots) == 1
        assert roots[0].kind == Span.SPAN_KIND_SERVER or roots[0].name in ("index pages", "open library")
        assert {span.parent_span_id for span in spans if span.parent_span_id} <= ids


def test_every_log_record_of_an_interaction_carries_its_trace(each: Run) -> None:
    records = each.receiver.records()
    traced = Counter(record.trace_id.hex() for record in records)
    assert all(traced[trace_id] >= 1 for trace_id in each.done["traces"])
    spans = {span.span_id for span in each.spans}
    for record in records:
        assert record.trace_id
        assert record.span_id in spans
        assert record.body.string_value or record.event_name  # an event says all in its attributes


def test_what_failed_is_logged_as_an_error_and_marks_the_root(each: Run) -> None:
    failed = sum(each.done["errors"].values())
    assert failed > 0
    roots = [span for span in each.spans if span.kind == Span.SPAN_KIND_SERVER]
    assert sum(span.status.code == Status.STATUS_CODE_ERROR for span in roots) == failed
    errors = [record for record in each.receiver.records() if record.severity_text == "ERROR"]
    kinds = Counter(attributes(record.attributes)["error.type"] for record in errors)
    assert kinds == each.done["errors"]


def test_genai_chat_spans_are_one_for_each_call_with_the_tokens_of_the_ledger(rag: Run) -> None:
    chats = rag.named("chat ")
    ledger = calls_in_ledger(rag, "chat")
    assert len(chats) == sum(ledger.values())
    good = [found for span, found in chats if span.status.code != Status.STATUS_CODE_ERROR]
    assert len(good) == ledger["success"]
    for found in good:
        assert found["gen_ai.operation.name"] == "chat"
        assert found["gen_ai.provider.name"] == "openai"
        assert found["gen_ai.request.model"] in ("gpt-4o", "gpt-4o-mini")
        assert found["gen_ai.response.model"].startswith(found["gen_ai.request.model"])
        assert found["gen_ai.response.id"].startswith("chatcmpl-")
        assert found["gen_ai.response.finish_reasons"][0] in ("stop", "content_filter")
        assert "Question:" in found["gen_ai.input.messages"]
        streamed = found.get("gen_ai.request.stream", False)
        assert ("gen_ai.response.time_to_first_chunk" in found) == streamed
    assert {found.get("gen_ai.request.stream", False) for found in good} == {True, False}
    rows = [row["tokens"] for row in rag.ledger["rows"] if row["operation"] == "chat"]
    cached = sum(found.get("gen_ai.usage.cache_read.input_tokens", 0) for found in good)
    assert cached == sum(row["cache_read"] for row in rows) > 0
    assert sum(found["gen_ai.usage.input_tokens"] for found in good) == cached + sum(row["input"] for row in rows)
    assert sum(found["gen_ai.usage.output_tokens"] for found in good) == sum(row["output"] for row in rows)


def test_genai_errors_carry_the_clients_exception_type(rag: Run) -> None:
    kinds = {
        "rate_limit_exceeded": "openai.RateLimitError",
        "timeout": "openai.APITimeoutError",
        "content_filter": "openai.BadRequestError",
        "invalid_request": "openai.BadRequestError",
        "model_not_found": "openai.NotFoundError",
        "server_error": "openai.InternalServerError",
    }
    wanted: Counter[str] = Counter()
    for operation in ("chat", "embeddings"):
        for kind, count in calls_in_ledger(rag, operation).items():
            if kind != "success":
                wanted[kinds[kind]] += count
    calls = [*rag.named("chat "), *rag.named("embeddings ")]
    assert Counter(found["error.type"] for _, found in calls if "error.type" in found) == wanted


def test_a_retrieval_holds_its_embedding_and_names_the_pages_that_it_found(rag: Run) -> None:
    retrievals = rag.named("retrieval help-centre")
    assert len(retrievals) == INTERACTIONS
    embeddings = {span.parent_span_id: found for span, found in rag.named("embeddings ") if "error.type" not in found}
    for span, found in retrievals:
        assert found["gen_ai.operation.name"] == "retrieval"
        assert found["gen_ai.retrieval.top_k"] == 3
        assert found["gen_ai.retrieval.query.text"].endswith("?")
        if "error.type" in found:
            continue
        pages = json.loads(found["gen_ai.retrieval.documents"])
        assert len(pages) == 3
        assert pages[0]["score"] >= pages[1]["score"] >= pages[2]["score"]
        assert embeddings[span.span_id]["gen_ai.usage.input_tokens"] > 0


def test_genai_metrics_go_out_too(rag: Run) -> None:
    assert rag.receiver.metric_names() >= {
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.time_to_first_chunk",
    }


def test_openinference_llm_spans_are_one_for_each_call_with_the_tokens_of_the_ledger(triage: Run) -> None:
    calls = triage.named("ChatCompletion")
    ledger = calls_in_ledger(triage, "chat")
    assert len(calls) == sum(ledger.values())
    good = [(span, found) for span, found in calls if span.status.code == Status.STATUS_CODE_OK]
    assert len(good) == ledger["success"]
    for _, found in good:
        assert found["openinference.span.kind"] == "LLM"
        assert found["llm.system"] == "openai"
        assert found["llm.model_name"] in ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "o4-mini-2025-04-16")
        assert found["session.id"].startswith("ticket-")
    rows = [row["tokens"] for row in triage.ledger["rows"]]
    prompt = sum(found["llm.token_count.prompt"] for _, found in good)
    completion = sum(found["llm.token_count.completion"] for _, found in good)
    reasoning = sum(found["llm.token_count.completion_details.reasoning"] for _, found in good)
    assert prompt == sum(row["input"] + row["cache_read"] for row in rows)
    assert completion == sum(row["output"] + row["reasoning"] for row in rows)
    assert reasoning == sum(row["reasoning"] for row in rows) > 0


def test_openinference_streams_mark_their_first_token_and_errors_their_exception(triage: Run) -> None:
    calls = triage.named("ChatCompletion")
    marked = [span for span, _ in calls if any(event.name == "First Token Stream Event" for event in span.events)]
    assert len(marked) == sum(row["streamed"] for row in triage.ledger["rows"]) > 0
    failed = [span for span, _ in calls if span.status.code == Status.STATUS_CODE_ERROR]
    assert failed
    for span in failed:
        (event,) = [event for event in span.events if event.name == "exception"]
        assert attributes(event.attributes)["exception.type"].startswith("openai.")


def test_the_agent_and_its_tool_are_spans_of_their_kinds(triage: Run) -> None:
    agents = triage.named("triage ticket")
    assert len(agents) == INTERACTIONS
    for span, found in agents:
        assert found["openinference.span.kind"] == "AGENT"
        assert found["input.value"]
        assert ("output.value" in found) == (span.status.code == Status.STATUS_CODE_OK)
    tools = triage.named("look_up_order")
    assert tools
    for span, found in tools:
        assert found["openinference.span.kind"] == "TOOL"
        assert found["tool.name"] == "look_up_order"
        assert json.loads(found["output.value"])["order"].startswith("AB-")
        assert span.parent_span_id in {agent.span_id for agent, _ in agents}
