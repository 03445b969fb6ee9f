"""research-agent, run as a real process: its spans are what the conventions say, and its own counts are true."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.unit.demo.runs import INTERACTIONS, Run, calls_in_ledger, run_service
from tests.unit.demo.support import attributes


@pytest.fixture(scope="module")
def research() -> Iterator[Run]:
    yield from run_service("research-agent")


def counted(run: Run, kind: str) -> Counter[tuple[str, ...]]:
    """The service's own counts of one kind: (name, outcome) → times."""
    return Counter({tuple(name): count for said, *name, count in run.done["counts"] if said == kind})


def outcomes(run: Run, prefix: str, name: str, *, failed: str = "error") -> Counter[tuple[str, ...]]:
    """The same by its spans: those named ``prefix …``, told apart by the attribute ``name`` and their status."""
    found: Counter[tuple[str, ...]] = Counter()
    for span, said in run.named(f"{prefix} "):
        found[said[name], failed if span.status.code == Status.STATUS_CODE_ERROR else "success"] += 1
    return found


def test_each_call_of_the_openai_client_is_seen_by_both_instrumentations_one_inside_the_other(research: Run) -> None:
    chats = [span for span, said in research.named("chat ") if said["gen_ai.provider.name"] == "openai"]
    inner = research.named("ChatCompletion")
    assert len(chats) == len(inner) > INTERACTIONS
    assert {span.parent_span_id for span, _ in inner} == {span.span_id for span in chats}


def test_there_is_one_chat_span_for_each_call_at_the_providers(research: Run) -> None:
    assert len(research.named("chat ")) == sum(calls_in_ledger(research, "chat").values())


def test_anthropics_input_tokens_hold_what_the_cache_read_and_wrote(research: Run) -> None:
    rows = [row["tokens"] for row in research.ledger["rows"] if row["model"].startswith("claude-")]
    good = [said for span, said in research.named("chat claude") if span.status.code != Status.STATUS_CODE_ERROR]
    assert good

    def reported(name: str) -> int:
        return sum(int(said.get(f"gen_ai.usage.{name}", 0)) for said in good)

    read, written = (sum(row[kind] for row in rows) for kind in ("cache_read", "cache_write"))
    assert reported("cache_read.input_tokens") == read > 0
    assert reported("cache_write.input_tokens") == written > 0
    assert reported("input_tokens") == read + written + sum(row["input"] for row in rows)
    assert reported("output_tokens") == sum(row["output"] for row in rows)
    for said in good:
        assert said["gen_ai.response.model"].startswith(said["gen_ai.request.model"].removesuffix("-latest"))
        assert json.loads(said["gen_ai.system_instructions"])


def test_the_writers_streams_bring_content_and_no_usage(research: Run) -> None:
    written = [said for span, said in research.named("chat gpt-4.1") if span.status.code != Status.STATUS_CODE_ERROR]
    assert written
    for said in written:
        assert said["gen_ai.request.stream"] is True
        assert "gen_ai.response.time_to_first_chunk" in said
        assert "gen_ai.usage.input_tokens" not in said
        assert json.loads(said["gen_ai.output.messages"])
    for _, said in research.named("ChatCompletion"):
        if json.loads(said["llm.invocation_parameters"]).get("model") == "gpt-4.1":
            assert "llm.token_count.prompt" not in said


@pytest.mark.parametrize(
    ("kind", "prefix", "attribute"),
    [
        ("agent", "invoke_agent", "gen_ai.agent.name"),
        ("workflow", "invoke_workflow", "gen_ai.workflow.name"),
        ("retrieval", "retrieval", "gen_ai.data_source.id"),
        ("rerank", "rerank", "reranker.model_name"),
        ("mcp", "tools/call", "mcp.method.name"),
    ],
)
def test_its_own_counts_are_those_of_its_spans(research: Run, kind: str, prefix: str, attribute: str) -> None:
    spans = outcomes(research, prefix, attribute)
    own = counted(research, kind)
    assert spans
    assert spans == {name: times for name, times in own.items() if name[0] in {name for name, _ in spans}}


def test_a_tool_of_the_mcp_server_is_one_span_which_is_also_a_tools_execution(research: Run) -> None:
    spans = outcomes(research, "execute_tool", "gen_ai.tool.name")
    for span, said in research.named("tools/call "):
        assert (span.kind, said["gen_ai.operation.name"]) == (Span.SPAN_KIND_CLIENT, "execute_tool")
        failed = span.status.code == Status.STATUS_CODE_ERROR
        assert said.get("error.type") == ("tool_error" if failed else None)
        spans[said["gen_ai.tool.name"], "error" if failed else "success"] += 1
    assert spans == counted(research, "tool")
    assert {name for name, _ in spans} == {
        "look_up_standard",
        "energy_statistics",
        "read_page",
        "climate_data",
        "ask_librarian",
    }
    assert {name for name, outcome in spans if outcome == "error"} >= {"read_page", "climate_data"}


def test_the_librarian_is_an_agent_inside_the_researchers_tool(research: Run) -> None:
    by_id = {span.span_id: span for span in research.spans}
    librarians = research.named("invoke_agent librarian")
    assert librarians
    for span, _ in librarians:
        tool = by_id[span.parent_span_id]
        assert tool.name == "execute_tool ask_librarian"
        assert by_id[tool.parent_span_id].name == "invoke_agent researcher"


def test_the_researchers_span_repeats_the_tokens_of_its_calls(research: Run) -> None:
    by_parent: Counter[bytes] = Counter()
    for span, said in research.named("chat gpt-4o"):
        by_parent[span.parent_span_id] += said.get("gen_ai.usage.input_tokens", 0)
    agents = research.named("invoke_agent researcher")
    assert any(said.get("gen_ai.usage.input_tokens") for _, said in agents)
    for span, said in agents:
        assert said.get("gen_ai.usage.input_tokens", 0) == by_parent[span.span_id]


def test_what_the_guardrail_stops_calls_no_model(research: Run) -> None:
    checks = research.named("guardrail ")
    stopped = {span.trace_id for span, _ in checks if span.status.code == Status.STATUS_CODE_ERROR}
    assert counted(research, "guardrail") == {
        ("input-policy", "triggered"): len(stopped),
        ("input-policy", "passed"): len(checks) - len(stopped),
    }
    assert stopped
    assert {span.name for span in research.spans if span.trace_id in stopped} == {
        "POST /briefs",
        "invoke_workflow research-brief",
        "guardrail input-policy",
    }


def test_verdicts_come_as_an_event_of_the_span_and_as_a_log_event_with_its_trace(research: Run) -> None:
    own = counted(research, "evaluation")
    of_spans: Counter[tuple[str, ...]] = Counter()
    for _span, event in ((span, event) for span in research.spans for event in span.events):
        if event.name == "gen_ai.evaluation.result":
            said = attributes(event.attributes)
            of_spans[said["gen_ai.evaluation.name"], said["gen_ai.evaluation.score.label"]] += 1
    logged: Counter[tuple[str, ...]] = Counter()
    for record in research.receiver.records():
        if record.event_name == "gen_ai.evaluation.result":
            said = attributes(record.attributes)
            assert record.trace_id
            assert 0 <= said["gen_ai.evaluation.score.value"] <= 1
            assert said["gen_ai.response.model"] == "gpt-4.1-2025-04-14"
            logged[said["gen_ai.evaluation.name"], said["gen_ai.evaluation.score.label"]] += 1
    assert {name for name, _ in of_spans} == {"groundedness"}
    assert {name for name, _ in logged} == {"helpfulness"}
    assert of_spans + logged == own


def test_what_the_reranker_keeps_was_given_to_it_and_is_scored_in_order(research: Run) -> None:
    good = [said for span, said in research.named("rerank ") if span.status.code == Status.STATUS_CODE_OK]
    assert good
    for said in good:
        given = {said[f"reranker.input_documents.{place}.document.id"] for place in range(5)}
        assert {said[f"reranker.output_documents.{place}.document.id"] for place in range(3)} <= given
        scores = [said[f"reranker.output_documents.{place}.document.score"] for place in range(3)]
        assert scores == sorted(scores, reverse=True)
        assert said["gen_ai.usage.search_units"] == 1


def test_the_house_model_is_asked_now_and_then_under_its_own_name(research: Run) -> None:
    asked = research.named("chat llama-3.3-70b-versatile")
    assert 0 < len(asked) < INTERACTIONS / 4
