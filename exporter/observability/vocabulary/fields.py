"""Canonical field → attribute names, best first: where a span carries several, the first that can be read counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: How a field is read: a short text, a number, a truth value, an object in JSON, or any value as it is.
Kind = Literal["text", "number", "flag", "object", "any"]

#: Attribute names; a pair is a name and the factor that brings its number to the canonical unit.
Names = tuple[str | tuple[str, float], ...]

_MILLISECONDS = 1e-3

TEXTS: Mapping[str, Names] = {
    "provider": (
        "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider", "llm.vendor",
        "embedding.provider",
        "gen_ai.model.provider",
    ),
    "request_model": (
        "gen_ai.request.model", "llm.request.model_name", "llm.request.model", "ai.model.id", "reranker.model_name",
        "langfuse.observation.model.name", "genkit:name", "model",
    ),
    "response_model": (
        "gen_ai.response.model", "llm.response.model_name", "llm.response.model", "ai.response.model", "llm.model_name",
        "embedding.model_name", "mlflow.llm.model",
    ),
    "response_id": ("gen_ai.response.id", "ai.response.id", "llm.response.id"),
    "error_type": ("error.type", "exception.type", "error.code", "gen_ai.error.type"),
    "http_status": ("http.response.status_code", "http.status_code", "error.code", "rpc.response.status_code"),
    "error_message": ("error.message", "exception.message", "langfuse.observation.status_message"),
    "service_tier": (
        "openai.response.service_tier", "gen_ai.openai.response.service_tier", "anthropic.response.service_tier",
        "openai.request.service_tier", "gen_ai.openai.request.service_tier", "gen_ai.request.service_tier",
        "gen_ai.response.service_tier",
    ),
    "tool": (
        "gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name", "mcp.tool.name",
        "spring.ai.tool.definition.name", "genkit:name",
    ),
    "agent": ("gen_ai.agent.name", "agent.name", "agent_name", "traceloop.entity.name", "gen_ai.agent.id"),
    "workflow": ("gen_ai.workflow.name", "traceloop.workflow.name", "traceloop.entity.name", "ai.telemetry.functionId"),
    "retriever": ("gen_ai.data_source.id", "retriever.name", "db.collection.name", "aws.bedrock.knowledge_base.id"),
    "guardrail": ("gen_ai.guardrail.name", "guardrail.name", "guard.name", "aws.bedrock.guardrail.id"),
    "mcp_method": ("mcp.method.name", "mcp.method", "mcp.request.method"),
    "evaluation": ("gen_ai.evaluation.name",),
    "evaluation_label": ("gen_ai.evaluation.score.label", "gen_ai.evaluation.label"),
    "prompt_name": (
        "gen_ai.prompt.name", "langfuse.observation.prompt.name", "traceloop.prompt.key", "llm.prompt_template.name",
        "prompt.id",
    ),
    "prompt_version": (
        "gen_ai.prompt.version", "langfuse.observation.prompt.version", "traceloop.prompt.version",
        "llm.prompt_template.version",
    ),
    "first_answer_at": ("langfuse.observation.completion_start_time",),
    "currency": ("gen_ai.usage.cost.currency",),
    "span_type": ("logfire.span_type",),
    "database": ("db.system.name", "db.system"),
    "database_operation": ("db.operation.name", "db.operation"),
}  # fmt: skip

NUMBERS: Mapping[str, Names] = {
    "input": (
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens",
        "llm.usage.input_tokens", "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens",
        "gen_ai.response.prompt_tokens", "gen_ai.response.input_tokens",
    ),
    "output": (
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
        "llm.usage.completion_tokens", "llm.usage.output_tokens", "ai.usage.outputTokens", "ai.usage.completionTokens",
        "gen_ai.response.completion_tokens", "gen_ai.response.output_tokens",
    ),
    "total": (
        "gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens", "ai.usage.totalTokens",
        "gen_ai.response.total_tokens",
    ),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.cache_read_tokens", "gen_ai.usage.input_cached_tokens", "gen_ai.usage.input_tokens.cache_read",
        "gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_tokens", "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_read_input_tokens",
        "gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.cached_content_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens", "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input", "llm.usage.cache_read_input_tokens", "llm.usage.cached_tokens",
        "ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens",
    ),
    "cache_write": (
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.cache_write_tokens", "gen_ai.usage.input_tokens.cache_write",
        "gen_ai.usage.input_tokens.cache_creation", "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
        "gen_ai.usage.prompt_tokens_details.cache_creation_tokens", "llm.token_count.prompt_details.cache_write",
        "llm.usage.cache_creation_input_tokens", "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "cache_write_5m": ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens",),
    "cache_write_1h": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.details.reasoning_tokens", "gen_ai.usage.details.thoughts_tokens",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens", "gen_ai.usage.thoughts_tokens",
        "llm.token_count.completion_details.reasoning", "llm.usage.reasoning_tokens",
        "ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens",
    ),
    "input_audio": (
        "gen_ai.usage.audio.input_tokens", "gen_ai.usage.prompt_tokens_details.audio_tokens",
        "llm.token_count.prompt_details.audio",
    ),
    "cache_read_audio": ("gen_ai.usage.audio.cache_read.input_tokens",),
    "output_audio": (
        "gen_ai.usage.audio.output_tokens", "gen_ai.usage.completion_tokens_details.audio_tokens",
        "llm.token_count.completion_details.audio",
    ),
    "cost_input": ("llm.cost.prompt", "gen_ai.cost.input_cost", "gen_ai.usage.input_cost"),
    "cost_output": ("llm.cost.completion", "gen_ai.cost.output_cost", "gen_ai.usage.output_cost"),
    "cost_total": (
        "gen_ai.usage.cost.amount", "gen_ai.usage.cost", "llm.cost.total", "gen_ai.cost.total_cost", "operation.cost",
        "gen_ai.usage.total_cost", "llm.usage.cost",
    ),
    "time_to_first_token": (
        "gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token", "gen_ai.client.time_to_first_token", "gen_ai.server.ttft",
        "gen_ai.response.time_to_first_token", "gen_ai.latency.time_to_first_token", "llm.time_to_first_token",
        ("ai.response.msToFirstChunk", _MILLISECONDS),
    ),
    "log_duration": ("duration",),
    "documents_count": ("gen_ai.retrieval.document_count", "retrieval.documents.count", "retrieval.document_count"),
    "evaluation_score": ("gen_ai.evaluation.score.value", "gen_ai.evaluation.score"),
    "mcp_error": ("mcp.response.error.code", "jsonrpc.error_code"),
}  # fmt: skip

FLAGS: Mapping[str, Names] = {
    "streaming": (
        "gen_ai.request.stream",
        "gen_ai.is_streaming",
        "llm.is_streaming",
        "gen_ai.request.is_stream",
        "langsmith.request.streaming",
        "gen_ai.request.streaming",
        "stream",
    ),
    "mcp_failed": ("mcp.tool.is_error", "mcp.response.is_error"),
}

OBJECTS: Mapping[str, Names] = {
    "invocation": ("llm.invocation_parameters", "embedding.invocation_parameters"),
    "usage_document": (
        "langfuse.observation.usage_details", "metadata.usage_object", "gen_ai.usage", "llm.usage",
        "ai.response.providerMetadata", "mlflow.chat.tokenUsage", "gen_ai.usage.raw",
        "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details",
    ),
    "cost_document": ("langfuse.observation.cost_details",),
}  # fmt: skip

#: Read of single spans only: these may be long.
CONTENT: Mapping[str, Names] = {
    "input_messages": (
        "gen_ai.input.messages", "input.value", "gen_ai.prompt", "traceloop.entity.input", "ai.prompt.messages",
        "ai.prompt", "langfuse.observation.input", "gen_ai.content.prompt", "llm.prompts", "request_data",
        "mlflow.spanInputs", "genkit:input", "gen_ai.prompt_json",
    ),
    "output_messages": (
        "gen_ai.output.messages", "output.value", "gen_ai.completion", "traceloop.entity.output", "ai.response.text",
        "langfuse.observation.output", "gen_ai.content.completion", "llm.completions", "response_data",
        "mlflow.spanOutputs", "genkit:output", "gen_ai.completion_json",
    ),
    "tools": ("gen_ai.tool.definitions",),
    "documents": ("gen_ai.retrieval.documents",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One attribute name: the field that it fills, its rank among the names of that field, how to read it."""

    field: str
    rank: int
    kind: Kind
    factor: float = 1.0


_TABLES: tuple[tuple[Kind, Mapping[str, Names]], ...] = (
    ("text", TEXTS),
    ("number", NUMBERS),
    ("flag", FLAGS),
    ("object", OBJECTS),
    ("any", CONTENT),
)


def rules() -> dict[str, tuple[Rule, ...]]:
    """Attribute name → what it fills; some names (``traceloop.entity.name``) stand for several fields."""
    found: dict[str, tuple[Rule, ...]] = {}
    for kind, table in _TABLES:
        for field, names in table.items():
            for rank, entry in enumerate(names):
                name, factor = entry if isinstance(entry, tuple) else (entry, 1.0)
                found[name] = (*found.get(name, ()), Rule(field, rank, kind, factor))
    return found
