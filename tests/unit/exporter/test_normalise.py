"""Which spans are calls, what they say, and which of them speak of the same call."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability import dialects
from observability.normalise import normalise
from observability.records import LlmCall, Records, TokenUsage
from tests.unit.exporter.support import chat, request, span


def records(*spans: Span, service: str | None = "shop", content: bool = False) -> Records:
    return normalise(request(spans, service).resource_spans, content=content)


def call(attributes: dict[str, Any], **more: Any) -> LlmCall:
    (only,) = records(span(attributes, **more)).calls
    return only


def openinference(kind: str = "LLM", **more: Any) -> dict[str, Any]:
    return {
        "openinference.span.kind": kind,
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 100,
        "llm.token_count.completion": 20,
        **{name.replace("__", "."): value for name, value in more.items()},
    }


@pytest.mark.parametrize("operation", ["chat", "text_completion", "generate_content", "embeddings"])
def test_a_span_of_a_model_operation_is_a_call(operation: str) -> None:
    assert call(chat(gen_ai__operation__name=operation)).operation == operation


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "invoke_workflow", "create_agent", "plan"])
def test_an_agent_workflow_or_tool_span_is_no_call_though_it_repeats_tokens(operation: str) -> None:
    assert records(span(chat(gen_ai__operation__name=operation))).calls == ()


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN", "TOOL", "RERANKER", "GUARDRAIL", "EVALUATOR", "PROMPT", "UNKNOWN"])
def test_an_openinference_span_of_another_kind_is_no_call(kind: str) -> None:
    assert records(span(openinference(kind))) == Records()


def test_a_span_without_any_genai_attribute_is_nothing() -> None:
    assert records(span({"http.request.method": "GET"}, error="HTTP 500")) == Records()


def test_the_operation_decides_before_the_openinference_kind() -> None:
    assert records(span(openinference("LLM", gen_ai__operation__name="invoke_agent"))).calls == ()


@pytest.mark.parametrize(
    ("spelling", "provider"),
    [
        ("openai", "openai"),
        ("OpenAI", "openai"),
        ("az.ai.openai", "azure.ai.openai"),
        ("vertex_ai", "gcp.vertex_ai"),
        ("gemini", "gcp.gemini"),
        ("MistralAI", "mistral_ai"),
        ("openai.chat", "openai"),
        ("anthropic.messages", "anthropic"),
        ("aws_bedrock", "aws.bedrock"),
        ("Acme-Inference", "acme-inference"),
        ("", "unknown"),
    ],
)
def test_a_provider_has_one_name_whatever_its_spelling(spelling: str, provider: str) -> None:
    attributes = chat()
    del attributes["gen_ai.provider.name"]
    assert call({**attributes, "gen_ai.system": spelling}).provider == provider


def test_every_opentelemetry_provider_name_maps_to_itself() -> None:
    for name in set(dialects.PROVIDERS.values()):
        assert dialects.provider(name) == name


def test_the_current_name_wins_over_the_deprecated_one_in_any_order() -> None:
    both = {"gen_ai.usage.prompt_tokens": 1, "gen_ai.usage.input_tokens": 2, "gen_ai.operation.name": "chat"}
    for order in itertools.permutations(both):
        assert call({name: both[name] for name in order}).usage == TokenUsage(input=2)


def test_deprecated_names_are_understood() -> None:
    found = call(
        {
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "llm.request.type": "completion",
            "gen_ai.usage.prompt_tokens": 90.0,
            "gen_ai.usage.completion_tokens": "30",
            "gen_ai.usage.cache_creation_input_tokens": 10,
            "gen_ai.usage.cache_read_input_tokens": 20,
            "gen_ai.usage.reasoning_tokens": 12,
        }
    )
    assert found.operation == "text_completion"
    assert found.usage == TokenUsage(input=60, cache_read=20, cache_write=10, output=18, reasoning=12)


@pytest.mark.parametrize("nonsense", ["many", -1, True, float("nan"), float("inf")])
def test_a_token_count_that_is_no_count_is_absent(nonsense: Any) -> None:
    found = call({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": nonsense})
    assert found.usage is None


def test_the_model_of_a_failed_openinference_call_is_in_its_parameters() -> None:
    found = call(
        {"openinference.span.kind": "LLM", "llm.invocation_parameters": '{"model": "gpt-4o", "stream": true}'},
        error="RateLimitError: Error code: 429",
    )
    assert (found.model, found.response_model, found.streaming) == ("gpt-4o", None, True)


def test_a_call_that_names_no_model_and_no_service_is_unknown() -> None:
    (found,) = records(span({"gen_ai.operation.name": "chat"}), service=None).calls
    assert (found.service, found.provider, found.model, found.usage) == ("unknown", "unknown", "unknown", None)


@pytest.mark.parametrize(
    "attributes", [{"gen_ai.response.time_to_first_chunk": 0.2}, {"gen_ai.server.time_to_first_token": 0.2}]
)
def test_the_time_to_first_token_comes_from_an_attribute(attributes: dict[str, Any]) -> None:
    found = call({**chat(), **attributes})
    assert (found.time_to_first_token_seconds, found.streaming) == (0.2, True)


def test_the_time_to_first_token_comes_from_the_first_event() -> None:
    event = "First Token Stream Event"
    found = call(openinference(), events=[(event, 0.3, {}), (event, 0.1, {}), ("other", 0.01, {})])
    assert found.time_to_first_token_seconds == pytest.approx(0.1)


def test_a_span_whose_clock_ran_backwards_has_no_latency() -> None:
    backwards = span(chat())
    backwards.end_time_unix_nano = backwards.start_time_unix_nano - 1
    (found,) = records(backwards).calls
    assert found.latency_seconds is None


def test_a_retriever_span_is_a_retrieval() -> None:
    (found,) = records(
        span({"openinference.span.kind": "RETRIEVER"}, name="VectorStore", seconds=0.25),
    ).retrievals
    assert (found.retriever, found.service) == ("VectorStore", "shop")
    assert found.latency_seconds == pytest.approx(0.25)


def test_content_is_read_only_when_asked_for() -> None:
    attributes = {**chat(), "gen_ai.input.messages": '[{"role": "user"}]', "gen_ai.output.messages": "plain"}
    assert call(attributes).input is None
    (kept,) = records(span(attributes), content=True).calls
    assert (kept.input, kept.output) == ([{"role": "user"}], "plain")


def test_a_span_that_is_delivered_twice_is_one_call() -> None:
    one = span(chat())
    assert len(records(one, one).calls) == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_nested_instrumentations_are_one_call_with_the_more_detailed_usage(order: tuple[int, int]) -> None:
    outer = span(chat(gen_ai__response__id="r1"), seconds=2)
    inner = span(openinference(llm__token_count__prompt_details__cache_read=40), seconds=1, parent=outer)
    spans = [outer, inner]
    (found,) = records(*(spans[index] for index in order)).calls
    assert found.usage == TokenUsage(input=60, cache_read=40, output=20)
    assert (found.response_id, found.provider) == ("r1", "openai")
    assert found.latency_seconds == pytest.approx(1)


def test_spans_in_between_do_not_hide_that_a_call_is_nested() -> None:
    outer = span(chat())
    between = span({"http.request.method": "POST"}, parent=outer)
    assert len(records(outer, between, span(chat(), parent=between)).calls) == 1


def test_a_wrapper_of_several_calls_of_its_model_counts_nothing_itself() -> None:
    outer = span(chat(gen_ai__usage__input_tokens=200))
    failed = span(chat(error__type="429"), parent=outer)
    found = records(outer, failed, span(chat(), parent=outer)).calls
    assert [each.status for each in found] == ["error", "success"] or [each.status for each in found] == [
        "success",
        "error",
    ]


def test_a_call_inside_a_call_of_another_model_counts_for_itself() -> None:
    outer = span(chat("gpt-4o"))
    assert len(records(outer, span(chat("gpt-4o-mini"), parent=outer)).calls) == 2


def test_calls_with_different_response_ids_are_different_calls_though_nested() -> None:
    outer = span(chat(gen_ai__response__id="a"))
    assert len(records(outer, span(chat(gen_ai__response__id="b"), parent=outer)).calls) == 2


def test_an_sdk_span_in_another_trace_with_the_same_response_id_is_the_same_call() -> None:
    assert len(records(span(chat(gen_ai__response__id="a")), span(chat(gen_ai__response__id="a"))).calls) == 1


def test_calls_beside_each_other_are_counted_each() -> None:
    agent = span({"gen_ai.operation.name": "invoke_agent"})
    assert len(records(agent, *(span(chat(), parent=agent) for _ in range(3))).calls) == 3


def test_spans_that_are_each_others_parents_do_not_hang() -> None:
    one, two = span(chat()), span(chat())
    two.trace_id = one.trace_id
    one.parent_span_id, two.parent_span_id = two.span_id, one.span_id
    assert len(records(one, two).calls) == 1


def test_a_very_deep_trace_takes_time_in_proportion_to_its_spans() -> None:
    def seconds(depth: int) -> float:
        spans = [span(chat())]
        for _ in range(depth):
            spans.append(span(chat() if len(spans) % 2 else {}, parent=spans[-1]))
        batch = request(spans).resource_spans
        began = time.process_time()
        assert len(normalise(batch).calls) == 1
        return time.process_time() - began

    assert seconds(8000) < 30 * seconds(800) + 0.5
