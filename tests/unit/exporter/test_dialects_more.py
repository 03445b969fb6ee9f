"""Spans of packages of which there is no capture, written down from their documentation and source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.unit.exporter.support import Core, request, span


@dataclass
class Numbers:
    """What the page says of some spans."""

    calls: dict[str, int] = field(default_factory=dict)  # by operation, ended well
    failures: dict[str, int] = field(default_factory=dict)  # by error type
    tokens: dict[str, int] = field(default_factory=dict)  # by type
    models: set[str] = field(default_factory=set)
    providers: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)
    retrievals: int = 0
    streamed: int = 0


def numbers(*requests: ExportTraceServiceRequest) -> Numbers:
    found = Numbers()
    with Core() as core:
        core.take(*requests)
        core.measure()
        for each in core.samples():
            value, labels = int(each.value), each.labels
            if not value:
                continue
            match each.name:
                case "llm_requests_total":
                    found.models.add(labels["model"])
                    found.providers.add(labels["provider"])
                    if labels["status"] == "success":
                        found.calls[labels["operation"]] = found.calls.get(labels["operation"], 0) + value
                case "llm_errors_total":
                    found.failures[labels["error_type"]] = value
                case "llm_token_usage_total":
                    found.tokens[labels["type"]] = found.tokens.get(labels["type"], 0) + value
                case "llm_tool_calls_total":
                    found.tools.add(labels["tool"])
                case "rag_retrievals_total":
                    found.retrievals += value
                case "llm_streaming_requests_total":
                    found.streamed += value
                case _:
                    pass
    return found


def nested(scope: str, outer: Mapping[str, Any], *inner: tuple[str, Mapping[str, Any]]) -> ExportTraceServiceRequest:
    """A span with (name, attributes) of spans inside it."""
    root = span(outer, name="outer", seconds=2.0)
    return request([root, *(span(attributes, name=name, parent=root) for name, attributes in inner)], scope=scope)


def alone(scope: str, made: Iterable[Span]) -> ExportTraceServiceRequest:
    return request(made, scope=scope)


def test_spring_ai_writes_numbers_as_text_and_gives_its_client_and_its_tools_one_operation() -> None:
    chat = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.usage.input_tokens": "100",
        "gen_ai.usage.output_tokens": "20",
        "gen_ai.usage.total_tokens": "120",
    }
    framework = {"gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai"}
    store = {"spring.ai.kind": "vector_store", "db.system": "elasticsearch"}
    found = numbers(
        nested(
            "org.springframework.boot",
            {**framework, "spring.ai.kind": "chat_client", "spring.ai.chat.client.stream": "false"},
            ("chat gpt-4o-mini", chat),
            ("tool", {**framework, "spring.ai.kind": "tool_call", "spring.ai.tool.definition.name": "weather"}),
            ("elasticsearch query", {**store, "db.operation.name": "query"}),
            ("elasticsearch add", {**store, "db.operation.name": "add"}),
            (
                "embedding text-embedding-3-small",
                {
                    "gen_ai.operation.name": "embedding",
                    "gen_ai.system": "openai",
                    "gen_ai.request.model": "text-embedding-3-small",
                    "gen_ai.usage.input_tokens": "8",
                    "gen_ai.usage.total_tokens": "8",
                },
            ),
        )
    )
    assert found.calls == {"chat": 1, "embeddings": 1}
    assert found.tokens == {"input": 108, "output": 20}
    assert (found.tools, found.retrievals) == ({"weather"}, 1)


def test_langchain4j_in_quarkus_says_no_operation() -> None:
    attributes = {
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.usage.completion_tokens": 20,
        "gen_ai.usage.prompt_tokens": 100,
    }
    found = numbers(
        nested(
            "io.quarkus.opentelemetry",
            {"gen_ai.request.temperature": 0.1},
            ("completion gpt-4o-mini", attributes),
            ("langchain4j.tools.weather", {}),
        )
    )
    assert (found.calls, found.tokens) == ({"chat": 1}, {"input": 100, "output": 20})
    assert found.models == {"gpt-4o-mini-2024-07-18"}


@pytest.mark.parametrize("names", ["gen_ai.usage.input_tokens gen_ai.usage.output_tokens",
                                   "gen_ai.response.prompt_tokens gen_ai.response.completion_tokens"])  # fmt: skip
def test_semantic_kernel_for_dotnet_has_operations_of_its_own(names: str) -> None:
    given, said = names.split()
    attributes = {
        "gen_ai.operation.name": "chat.completions",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.id": "chatcmpl-1",
        given: 100,
        said: 20,
    }
    failed = span(
        {
            "gen_ai.operation.name": "text.completions",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "error.type": "Microsoft.SemanticKernel.HttpOperationException",
        },
        name="text.completions gpt-4o",
        error="HTTP 429 (too_many_requests)",
    )
    made = [span(attributes, name="chat.completions gpt-4o"), failed]
    found = numbers(alone("Microsoft.SemanticKernel.Diagnostics", made))
    assert (found.calls, found.tokens) == ({"chat": 1}, {"input": 100, "output": 20})
    assert found.failures == {"rate_limit_exceeded": 1}


def test_an_agent_that_azure_runs_is_billed_by_its_run() -> None:
    common = {"gen_ai.system": "az.ai.agents", "az.namespace": "Microsoft.CognitiveServices"}
    run = {
        **common,
        "gen_ai.operation.name": "process_thread_run",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
    }
    others = ("create_agent", "create_thread", "create_message", "list_messages", "get_thread_run")
    found = numbers(
        nested(
            "azure.ai.agents",
            {},
            *((name, {**common, "gen_ai.operation.name": name}) for name in others),
            ("process_thread_run", run),
        )
    )
    assert (found.calls, found.tokens) == ({"chat": 1}, {"input": 100, "output": 20})


def test_vertex_ai_follows_the_conventions() -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "vertex_ai",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.response.model": "gemini-2.5-flash",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 19,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    events: list[tuple[str, float, dict[str, Any]]] = [
        ("gen_ai.user.message", 0.0, {"content": "Hi"}),
        ("gen_ai.choice", 0.4, {"index": 0}),
    ]
    found = numbers(alone("opentelemetry.instrumentation.vertexai", [span(attributes, events=events)]))
    assert (found.calls, found.tokens) == ({"chat": 1}, {"input": 5, "output": 19})
    assert found.providers == {"gcp.vertex_ai"}


def test_agentops_says_kinds_in_its_own_namespace() -> None:
    call = {
        "agentops.span.kind": "llm",
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.prompt_tokens": 100,
        "gen_ai.usage.completion_tokens": 20,
        "gen_ai.usage.total_tokens": 120,
        "gen_ai.usage.cache_read_input_tokens": 64,
        "gen_ai.usage.reasoning_tokens": 5,
    }
    found = numbers(
        nested(
            "agentops",
            {"agentops.span.kind": "session", "gen_ai.usage.total_tokens": 120},
            ("openai.chat.completion", call),
            ("weather.tool", {"agentops.span.kind": "tool", "tool.name": "weather"}),
            ("researcher.agent", {"agentops.span.kind": "agent", "gen_ai.usage.prompt_tokens": 100}),
        )
    )
    assert (found.calls, found.tools) == ({"chat": 1}, {"weather"})
    assert found.tokens == {"input": 36, "cache_read": 64, "output": 15, "reasoning": 5}


def test_langsmith_gives_prompts_and_retrievers_the_operation_of_a_call() -> None:
    call = {
        "langsmith.span.kind": "llm",
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.total_tokens": 120,
        "gen_ai.usage.input_token_details": '{"cache_read": 64, "audio": 0}',
        "gen_ai.usage.output_token_details": '{"reasoning": 5}',
        "langsmith.request.streaming": True,
    }
    found = numbers(
        nested(
            "langsmith",
            {"langsmith.span.kind": "chain", "gen_ai.operation.name": "chain"},
            ("ChatPromptTemplate", {"langsmith.span.kind": "prompt", "gen_ai.operation.name": "chat"}),
            ("VectorStoreRetriever", {"langsmith.span.kind": "retriever", "gen_ai.operation.name": "embeddings"}),
            ("ChatOpenAI", call),
            ("weather", {"langsmith.span.kind": "tool", "gen_ai.operation.name": "execute_tool"}),
            ("StrOutputParser", {"langsmith.span.kind": "parser", "gen_ai.operation.name": "parser"}),
        )
    )
    assert (found.calls, found.retrievals, found.tools) == ({"chat": 1}, 1, {"weather"})
    assert found.tokens == {"input": 36, "cache_read": 64, "output": 15, "reasoning": 5}
    assert found.streamed == 1


def test_langfuse_has_numbers_in_documents() -> None:
    usage = {"input": 36, "input_cached_tokens": 64, "output": 15, "output_reasoning_tokens": 5, "total": 120}
    call = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o-mini",
        "langfuse.observation.usage_details": json.dumps(usage),
        "langfuse.observation.completion_start_time": '"2026-11-22T12:00:00.250Z"',
    }
    moment = 1795348800.0  # 2026-11-22T12:00:00Z
    generation = span(call, name="OpenAI-generation", seconds=1.0, ended=moment + 1.0)
    others = [
        span({"langfuse.observation.type": kind}, name=f"my {kind}", parent=generation)
        for kind in ("span", "agent", "tool", "retriever", "guardrail", "event")
    ]
    found = numbers(alone("langfuse-sdk", [generation, *others]))
    assert (found.calls, found.retrievals, found.streamed) == ({"chat": 1}, 1, 1)
    assert found.tokens == {"input": 36, "cache_read": 64, "output": 15, "reasoning": 5}


def test_openinference_for_the_vercel_sdk_adds_kinds_to_wrappers_too() -> None:
    usage = {
        "ai.usage.inputTokens": 100,
        "ai.usage.outputTokens": 20,
        "llm.token_count.prompt": 100,
        "llm.token_count.completion": 20,
        "ai.model.id": "gpt-4o-mini",
        "ai.model.provider": "openai.responses",
    }
    found = numbers(
        nested(
            "ai",
            {**usage, "operation.name": "ai.generateText", "ai.operationId": "ai.generateText",
             "openinference.span.kind": "AGENT"},
            ("ai.generateText.doGenerate", {
                **usage, "ai.operationId": "ai.generateText.doGenerate", "openinference.span.kind": "LLM",
                "ai.response.model": "gpt-4o-mini-2024-07-18", "ai.response.id": "resp_1",
            }),
            ("ai.toolCall", {"ai.operationId": "ai.toolCall", "openinference.span.kind": "TOOL",
                             "ai.toolCall.name": "weather", "tool.name": "weather"}),
        )
    )  # fmt: skip
    assert (found.calls, found.tokens, found.tools) == ({"chat": 1}, {"input": 100, "output": 20}, {"weather"})


def test_genkit_has_the_model_in_the_name_of_an_action_and_usage_in_its_output() -> None:
    usage = {"inputTokens": 42, "outputTokens": 17, "totalTokens": 62, "thoughtsTokens": 3}
    model = {
        "genkit:type": "action",
        "genkit:name": "googleai/gemini-2.5-flash",
        "genkit:metadata:subtype": "model",
        "genkit:output": json.dumps({"message": {"role": "model", "content": [{"text": "Hi"}]}, "usage": usage}),
        "genkit:state": "success",
    }
    found = numbers(
        nested(
            "genkit-tracer",
            {"genkit:type": "action", "genkit:metadata:subtype": "flow", "genkit:name": "menu"},
            ("googleai/gemini-2.5-flash", model),
            ("weather", {"genkit:type": "action", "genkit:metadata:subtype": "tool", "genkit:name": "weather"}),
            ("generate", {"genkit:type": "util", "genkit:name": "generate"}),
        )
    )
    assert (found.calls, found.tools) == ({"chat": 1}, {"weather"})
    assert found.tokens == {"input": 42, "output": 17, "reasoning": 3}
    assert (found.models, found.providers) == ({"gemini-2.5-flash"}, {"gcp.gemini"})


def test_a_server_of_vllm_names_neither_model_nor_operation() -> None:
    attributes = {
        "gen_ai.request.id": "cmpl-1",
        "gen_ai.request.max_tokens": 16,
        "gen_ai.usage.prompt_tokens": 100,
        "gen_ai.usage.completion_tokens": 20,
        "gen_ai.latency.time_to_first_token": 0.1,
        "gen_ai.latency.e2e": 0.4,
    }
    found = numbers(alone("vllm.llm_engine", [span(attributes, name="llm_request")]))
    assert (found.calls, found.tokens, found.models) == ({"chat": 1}, {"input": 100, "output": 20}, {"unknown"})


def test_a_gateway_of_cloudflare_says_model_and_provider_only() -> None:
    attributes = {
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.model.provider": "openai",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cost": 0.0000270,
        "gen_ai.prompt_json": '[{"role": "user", "content": "Hi"}]',
        "gen_ai.completion_json": '[{"role": "assistant", "content": "Hi"}]',
    }
    found = numbers(alone("ai-gateway", [span(attributes, name="ai-gateway-request")]))
    assert (found.calls, found.tokens) == ({"chat": 1}, {"input": 100, "output": 20})


def test_any_agent_calls_a_call_by_the_name_of_a_span() -> None:
    attributes = {
        "gen_ai.operation.name": "call_llm",
        "gen_ai.request.model": "mistral-small-latest",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.input_cost": 0.00001,
        "gen_ai.usage.output_cost": 0.00002,
    }
    found = numbers(
        nested(
            "any_agent",
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "any_agent"},
            ("call_llm mistral-small-latest", attributes),
            ("execute_tool search", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}),
        )
    )
    assert (found.calls, found.tokens, found.tools) == ({"chat": 1}, {"input": 100, "output": 20}, {"search"})


@pytest.mark.parametrize(
    ("operation", "counted"),
    [("query", 1), ("similarity_search", 1), ("add", 0), ("upsert", 0), ("delete_collection", 0)],
)
def test_a_look_up_in_a_store_of_vectors_is_a_retrieval_and_what_is_put_there_is_none(
    operation: str, counted: int
) -> None:
    traceloop = span({"db.system": "chroma", "db.operation": operation}, name=f"chroma.{operation}")
    openlit = span(
        {"gen_ai.operation.name": "vectordb", "db.system.name": "qdrant", "db.operation.name": operation},
        name=f"{operation} docs",
    )
    found = numbers(
        alone("opentelemetry.instrumentation.chromadb", [traceloop]),
        alone("openlit.instrumentation.qdrant", [openlit]),
    )
    assert found.retrievals == 2 * counted


def test_a_query_of_another_database_is_no_retrieval() -> None:
    made = span({"db.system": "postgresql", "db.operation": "query"}, name="SELECT orders")
    assert numbers(alone("opentelemetry.instrumentation.psycopg", [made])) == Numbers()


@pytest.mark.parametrize(
    ("scope", "name", "operation"),
    [
        ("openlit.instrumentation.anthropic", "chat claude-sonnet-4-5", "chat"),
        ("gcp.vertex.agent", "call_llm", "chat"),
        ("opentelemetry.instrumentation.openai_v2", "embeddings text-embedding-3-small", "embeddings"),
    ],
)
def test_a_failed_call_may_have_nothing_but_its_name(scope: str, name: str, operation: str) -> None:
    made = span({}, name=name, error="Error code: 429 - Rate limit reached")
    found = numbers(alone(scope, [made]))
    assert (found.calls, found.failures) == ({}, {"rate_limit_exceeded": 1})
    assert found.models == {name.partition(" ")[2] or "unknown"}


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("opentelemetry.instrumentation.fastapi", "chat room-7"),
        ("rooms", "call_llm"),
        ("opentelemetry.instrumentation.openai_v2", "POST"),
        ("openlit.instrumentation.langchain", "chatty"),
    ],
)
def test_a_span_without_attributes_is_a_call_only_by_the_name_that_an_instrumentation_of_models_gives(
    scope: str, name: str
) -> None:
    assert numbers(alone(scope, [span({}, name=name, error="HTTP 500")])) == Numbers()


@pytest.mark.parametrize(
    "spelling",
    ["acompletion", "completion", "chat", "achat", "stream_chat", "chat_stream", "Chat.Completions", "responses",
     "aresponses", "anthropic_messages"],
)  # fmt: skip
def test_the_manner_of_a_call_does_not_change_what_it_is(spelling: str) -> None:
    made = span({"gen_ai.operation.name": spelling, "gen_ai.request.model": "gpt-4o"})
    assert numbers(alone("litellm", [made])).calls == {"chat": 1}


@pytest.mark.parametrize("name", ["OpenAI._prepare_chat_with_tools", "Anthropic._prepare_chat_with_tools",
                                  "LLM.get_num_tokens", "_parse_response"])  # fmt: skip
def test_a_method_that_prepares_a_call_or_reads_its_answer_is_no_call(name: str) -> None:
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    assert numbers(alone("openinference.instrumentation.llama_index", [span(attributes, name=name)])) == Numbers()
    usage = {"llm.token_count.prompt": 100, "llm.token_count.completion": 20}
    found = numbers(alone("openinference.instrumentation.llama_index", [span(attributes | usage, name=name)]))
    assert found.calls == {"chat": 1}


def test_a_span_that_announces_another_is_nothing() -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "logfire.span_type": "pending_span",
    }
    assert numbers(alone("logfire.openai", [span(attributes)])) == Numbers()


@pytest.mark.parametrize(
    ("provider", "model", "reasoning"),
    [
        ("gcp.gemini", "gemini-2.5-pro", 192),
        ("x_ai", "grok-4", 192),
        ("aws.bedrock", "anthropic.claude-sonnet-4-5", None),
        ("anthropic", "claude-sonnet-4-5", None),
    ],
)
def test_what_a_total_holds_beyond_input_and_output_is_reasoning_unless_it_may_be_cache(
    provider: str, model: str, reasoning: int | None
) -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 22,
        "gen_ai.usage.total_tokens": 225,
    }
    found = numbers(alone("", [span(attributes)]))
    assert found.tokens == {"input": 11, "output": 22} | ({} if reasoning is None else {"reasoning": reasoning})


@pytest.mark.parametrize(
    ("provider", "model", "label"),
    [
        ("openai", "openai/gpt-4o-mini", "gpt-4o-mini"),
        ("vertex_ai", "vertex_ai/gemini-2.5-pro", "gemini-2.5-pro"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        ("openrouter", "anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
        ("together", "meta-llama/Llama-3.3-70B", "meta-llama/Llama-3.3-70B"),
    ],
)
def test_a_model_is_named_without_the_route_to_its_provider(provider: str, model: str, label: str) -> None:
    made = span({"gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": model})
    assert numbers(alone("", [made])).models == {label}
