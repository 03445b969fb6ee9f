"""Which spans are calls and what they say, whatever dialect they are written in."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.identity import Resolver
from observability.intake import anyvalue, wire
from observability.records import Calls, Records
from observability.translate.calls import Wanted
from observability.translate.spans import translate
from observability.vocabulary import providers
from tests.unit.exporter.support import chat, request, span


def records(*spans: Span, service: str | None = "shop", content: bool = False) -> Records:
    body = wire.decode(request(spans, service).SerializeToString())
    return translate(wire.spans([body]), Wanted(content=content))[0]


def counted(*spans: Span) -> Calls:
    """The calls among ``spans``, each once."""
    return Resolver(1000).resolve(records(*spans)).calls


def call(attributes: dict[str, Any], **more: Any) -> Calls:
    """The one call that a span with ``attributes`` is."""
    found = records(span(attributes, **more)).calls
    assert len(found) == 1
    return found


def tokens(calls: Calls) -> list[int]:
    """Input, cache_read, cache_write, output and reasoning of the first call; -1 where nobody said."""
    return calls.usage[0, :5].tolist()  # type: ignore[no-any-return]


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
    assert call(chat(gen_ai__operation__name=operation)).operation[0] == operation


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "invoke_workflow", "create_agent", "plan"])
def test_an_agent_workflow_or_tool_span_is_no_call_though_it_repeats_tokens(operation: str) -> None:
    assert len(records(span(chat(gen_ai__operation__name=operation))).calls) == 0


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN", "TOOL", "RERANKER", "GUARDRAIL", "EVALUATOR", "PROMPT", "UNKNOWN"])
def test_an_openinference_span_of_another_kind_is_no_call(kind: str) -> None:
    assert len(records(span(openinference(kind))).calls) == 0


def test_a_span_without_any_genai_attribute_is_a_link_and_nothing_else() -> None:
    found = records(span({"http.request.method": "GET"}, error="HTTP 500"))
    assert (len(found.links), len(found.calls), len(found.steps), len(found.evaluations)) == (1, 0, 0, 0)


def test_the_operation_decides_before_the_openinference_kind() -> None:
    assert len(records(span(openinference("LLM", gen_ai__operation__name="invoke_agent"))).calls) == 0


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
        ("langchain", "unknown"),
    ],
)
def test_a_provider_has_one_name_whatever_its_spelling(spelling: str, provider: str) -> None:
    attributes = chat("in-house-7b")
    del attributes["gen_ai.provider.name"]
    assert call({**attributes, "gen_ai.system": spelling}).provider[0] == provider


def test_a_framework_in_place_of_the_provider_leaves_it_to_the_model() -> None:
    attributes = {**chat("claude-sonnet-4-5"), "gen_ai.provider.name": "langchain"}
    assert call(attributes).provider[0] == "anthropic"


def test_every_opentelemetry_provider_name_maps_to_itself() -> None:
    for name in set(providers.PROVIDERS.values()):
        assert providers.provider(name) == name


def test_the_current_name_wins_over_the_deprecated_one_in_any_order() -> None:
    both = {"gen_ai.usage.prompt_tokens": 1, "gen_ai.usage.input_tokens": 2, "gen_ai.operation.name": "chat"}
    for order in itertools.permutations(both):
        assert tokens(call({name: both[name] for name in order})) == [2, -1, -1, -1, -1]


def test_deprecated_names_are_understood() -> None:
    found = call(
        {
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "llm.request.type": "chat",
            "gen_ai.usage.prompt_tokens": 90.0,
            "gen_ai.usage.completion_tokens": "30",
            "gen_ai.usage.cache_creation_input_tokens": 10,
            "gen_ai.usage.cache_read_input_tokens": 20,
            "gen_ai.usage.reasoning_tokens": 12,
        }
    )
    assert found.operation[0] == "chat"
    assert tokens(found) == [60, 20, 10, 18, 12]


@pytest.mark.parametrize("nonsense", ["many", -1, True, float("nan"), float("inf")])
def test_a_token_count_that_is_no_count_is_absent(nonsense: Any) -> None:
    found = call({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": nonsense})
    assert not found.has_usage[0]


def test_the_model_of_a_failed_openinference_call_is_in_its_parameters() -> None:
    found = call(
        {"openinference.span.kind": "LLM", "llm.invocation_parameters": '{"model": "gpt-4o", "stream": true}'},
        error="RateLimitError: Error code: 429",
    )
    assert (found.model[0], found.response_model[0], bool(found.streaming[0])) == ("gpt-4o", None, True)
    assert found.error_type[0] == "rate_limit_exceeded"


def test_a_call_that_names_no_model_and_no_service_is_unknown() -> None:
    found = records(span({"gen_ai.operation.name": "chat"}, name="ask"), service=None).calls
    assert (found.service[0], found.provider[0], found.model[0]) == ("unknown", "unknown", "unknown")
    assert not found.has_usage[0]


@pytest.mark.parametrize("name", ["gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"])
def test_the_time_to_first_token_comes_from_an_attribute(name: str) -> None:
    found = call({**chat(), name: 0.2})
    assert (found.time_to_first_token[0], bool(found.streaming[0])) == (0.2, True)


def test_a_call_that_says_it_was_not_streamed_has_no_time_to_first_token() -> None:
    found = call({**chat(gen_ai__request__stream=False), "gen_ai.server.time_to_first_token": 0.2})
    assert np.isnan(found.time_to_first_token[0])
    assert not found.streaming[0]


def test_the_time_to_first_token_comes_from_the_first_event() -> None:
    event = "First Token Stream Event"
    found = call(openinference(), events=[(event, 0.3, {}), (event, 0.1, {}), ("other", 0.01, {})])
    assert found.time_to_first_token[0] == pytest.approx(0.1)


def test_a_span_whose_clock_ran_backwards_has_no_latency() -> None:
    backwards = span(chat())
    backwards.end_time_unix_nano = backwards.start_time_unix_nano - 1
    assert np.isnan(records(backwards).calls.latency[0])


def test_a_retriever_span_is_a_retrieval_with_its_documents_and_scores() -> None:
    attributes = {
        "openinference.span.kind": "RETRIEVER",
        "retrieval.documents.0.document.score": 0.9,
        "retrieval.documents.1.document.score": 0.4,
        "retrieval.documents.2.document.content": "no score",
    }
    found = records(span(attributes, name="VectorStore", seconds=0.25)).steps
    assert (found.operation[0], found.name[0], found.service[0]) == ("retrieval", "VectorStore", "shop")
    assert (found.documents[0], sorted(found.scores[0])) == (3, [0.4, 0.9])


def test_a_tool_has_its_name_and_whether_it_failed() -> None:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    found = records(span(attributes), span(attributes, error="no answer")).steps
    assert (found.name.to_list(), found.failed.tolist()) == (["search", "search"], [False, True])


def test_content_is_read_only_when_asked_for() -> None:
    attributes = {**chat(), "gen_ai.input.messages": '[{"role": "user"}]', "gen_ai.output.messages": "plain"}
    assert call(attributes).input[0] is None
    kept = records(span(attributes), content=True).calls
    assert (kept.input[0], kept.output[0]) == ([{"role": "user"}], "plain")


def test_an_attribute_of_a_genai_namespace_that_no_table_knows_is_told() -> None:
    body = wire.decode(request([span(chat(gen_ai__usage__future_tokens=3))]).SerializeToString())
    assert translate(wire.spans([body]), Wanted())[1] == {"gen_ai.usage.future_tokens": 1}


def test_a_span_that_is_delivered_twice_is_one_call() -> None:
    one = span(chat())
    assert len(counted(one, one)) == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_nested_instrumentations_are_one_call_with_the_more_detailed_usage(order: tuple[int, int]) -> None:
    outer = span(chat(gen_ai__response__id="r1"), seconds=2)
    inner = span(openinference(llm__token_count__prompt_details__cache_read=40), seconds=1, parent=outer)
    spans = [outer, inner]
    found = counted(*(spans[index] for index in order))
    assert len(found) == 1
    assert tokens(found) == [60, 40, -1, 20, -1]
    assert (anyvalue.python_value(found.response_id[0] or b""), found.provider[0]) == ("r1", "openai")


def test_spans_in_between_do_not_hide_that_a_call_is_nested() -> None:
    outer = span(chat())
    between = span({"http.request.method": "POST"}, parent=outer)
    assert len(counted(outer, between, span(chat(), parent=between))) == 1


def test_a_wrapper_of_several_calls_counts_nothing_itself() -> None:
    outer = span(chat(gen_ai__usage__input_tokens=200))
    failed = span(chat(error__type="429"), parent=outer)
    found = counted(outer, failed, span(chat(), parent=outer))
    assert sorted(error or "" for error in found.error_type.to_list()) == ["", "rate_limit_exceeded"]


def test_a_call_inside_a_call_of_another_model_counts_for_itself() -> None:
    outer = span(chat("gpt-4o"))
    inner = span(chat("claude-sonnet-4-5", gen_ai__usage__input_tokens=7), parent=outer)
    assert len(counted(outer, inner)) == 2


def test_a_call_that_a_tool_makes_inside_a_call_counts_for_itself() -> None:
    outer = span(chat())
    tool = span({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ask"}, parent=outer)
    assert len(counted(outer, tool, span(chat(), parent=tool))) == 2


def test_calls_beside_each_other_are_counted_each() -> None:
    agent = span({"gen_ai.operation.name": "invoke_agent"})
    assert len(counted(agent, *(span(chat(), parent=agent) for _ in range(3)))) == 3


def test_an_agent_knows_the_steps_inside_it() -> None:
    agent = span({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"})
    tool = span({"gen_ai.operation.name": "execute_tool"}, parent=agent)
    resolved = Resolver(1000).resolve(records(span(chat(), parent=agent), tool, span(chat(), parent=agent), agent))
    inside = dict(zip(resolved.steps.operation.to_list(), resolved.inside.tolist(), strict=True))
    assert inside == {"invoke_agent": 3, "execute_tool": 0}


def test_an_agent_that_comes_after_its_steps_were_counted_knows_them_too() -> None:
    agent = span({"gen_ai.operation.name": "invoke_agent"})
    resolver = Resolver(1000)
    resolver.resolve(records(span(chat(), parent=agent), span(chat(), parent=agent)))
    assert resolver.resolve(records(agent)).inside.tolist() == [2]


def test_a_wrapper_that_comes_after_its_calls_adds_nothing() -> None:
    outer = span(chat())
    resolver = Resolver(1000)
    assert len(resolver.resolve(records(span(chat(), parent=outer))).calls) == 1
    assert len(resolver.resolve(records(outer)).calls) == 0


def test_spans_that_are_each_others_parents_do_not_hang() -> None:
    one, two = span(chat()), span(chat())
    two.trace_id = one.trace_id
    one.parent_span_id, two.parent_span_id = two.span_id, one.span_id
    assert len(counted(one, two)) <= 2
