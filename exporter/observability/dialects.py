"""What the GenAI dialects call things, as tables.

A dialect is data: ordered attribute names per canonical field, and value tables. Where a span carries several
names for one field, the one that stands first wins. Nothing outside this module knows a name on the wire.

Sources: the OpenTelemetry GenAI semantic conventions with their deprecated names (``gen-ai.md`` registry), and the
OpenInference semantic conventions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from observability.records import UNKNOWN

SERVICE_ATTRIBUTE = "service.name"

Converter = Callable[[Any], Any]


def text(value: Any) -> str | None:
    """A non-empty string; numbers are written out."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, int | float) else None


def count(value: Any) -> int | None:
    """A token count: integers, whole doubles and their decimal strings; negative numbers are no counts."""
    number_ = number(value)
    return int(number_) if number_ is not None and number_ >= 0 else None


def number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        try:
            return number(float(value))
        except ValueError:
            return None
    return None


def seconds(value: Any) -> float | None:
    """A duration in seconds that is not negative."""
    number_ = number(value)
    return float(number_) if number_ is not None and number_ >= 0 else None


def boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def parameters(value: Any) -> Mapping[str, Any] | None:
    """The object in a JSON string such as ``llm.invocation_parameters``; ``None`` if it is none."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        return None
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def content(value: Any) -> Any:
    """Prompts and answers: JSON where the string holds JSON, else the string itself."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _choice(table: Mapping[str, str]) -> Converter:
    def convert(value: Any) -> str | None:
        name = text(value)
        return None if name is None else table.get(name.lower(), name.lower())

    return convert


#: ``gen_ai.operation.name``: the names are canonical; these are spellings of older versions.
OTEL_OPERATIONS = {"embedding": "embeddings", "completion": "text_completion"}
#: ``openinference.span.kind`` → operation.
OPENINFERENCE_KINDS = {
    "llm": "chat",
    "embedding": "embeddings",
    "retriever": "retrieval",
    "reranker": "rerank",
    "chain": "invoke_workflow",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "prompt": "render_prompt",
}
#: ``llm.request.type``, deprecated, → operation.
REQUEST_TYPES = {"completion": "text_completion", "embedding": "embeddings"}

#: Canonical field → how its value is read, and its attribute names, best first.
FIELDS: Mapping[str, tuple[Converter, tuple[str, ...]]] = {
    "provider": (text, ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")),
    "request_model": (text, ("gen_ai.request.model", "llm.request.model_name", "llm.request.model")),
    "response_model": (
        text,
        (
            "gen_ai.response.model",
            "llm.response.model_name",
            "llm.response.model",
            "llm.model_name",
            "embedding.model_name",
        ),
    ),
    "invocation": (parameters, ("llm.invocation_parameters", "embedding.invocation_parameters")),
    "response_id": (text, ("gen_ai.response.id",)),
    "input_total": (
        count,
        (
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
        ),
    ),
    "cache_read": (
        count,
        (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_read_tokens",
            "gen_ai.usage.input_cached_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
        ),
    ),
    "cache_write": (
        count,
        (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_tokens",
            "gen_ai.usage.input_tokens.cache_write",
            "gen_ai.usage.details.cache_write_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
    ),
    "output_total": (
        count,
        (
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
        ),
    ),
    "reasoning": (
        count,
        (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
            "llm.usage.reasoning_tokens",
        ),
    ),
    "time_to_first_token": (
        seconds,
        (
            "gen_ai.response.time_to_first_chunk",
            "gen_ai.server.time_to_first_token",
            "gen_ai.client.time_to_first_token",
            "gen_ai.server.ttft",
        ),
    ),
    "streaming": (boolean, ("gen_ai.request.stream", "llm.is_streaming")),
    "error_type": (text, ("error.type",)),
    "http_status": (text, ("http.response.status_code", "http.status_code", "rpc.response.status_code")),
    "retriever": (text, ("gen_ai.data_source.id", "retriever.name")),
}
#: Read only when the interaction log keeps content.
CONTENT_FIELDS: Mapping[str, tuple[Converter, tuple[str, ...]]] = {
    "input": (content, ("gen_ai.input.messages", "input.value", "gen_ai.prompt")),
    "output": (content, ("gen_ai.output.messages", "output.value", "gen_ai.completion")),
}
#: The operation has a value table per name, so each name is a rule of its own; best first.
OPERATION_NAMES: Mapping[str, Mapping[str, str]] = {
    "gen_ai.operation.name": OTEL_OPERATIONS,
    "openinference.span.kind": OPENINFERENCE_KINDS,
    "llm.request.type": REQUEST_TYPES,
}
#: Events at the moment when the first part of a streamed answer arrived.
FIRST_TOKEN_EVENTS = frozenset({"First Token Stream Event", "gen_ai.first_token", "llm.content.completion.chunk"})
EXCEPTION_EVENTS = frozenset({"exception", "gen_ai.client.operation.exception"})
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"


@dataclass(frozen=True, slots=True)
class Rule:
    """One attribute name: the field that it fills, its rank among the names of that field, how to read it."""

    field: str
    rank: int
    convert: Converter


def _rules(*tables: Mapping[str, tuple[Converter, tuple[str, ...]]]) -> dict[str, Rule]:
    rules = {
        name: Rule("operation", rank, _choice(table)) for rank, (name, table) in enumerate(OPERATION_NAMES.items())
    }
    for table in tables:
        for field, (convert, names) in table.items():
            for rank, name in enumerate(names):
                if name in rules:
                    raise ValueError(f"{name} stands for {rules[name].field} and for {field}")
                rules[name] = Rule(field, rank, convert)
    return rules


#: Attribute name → rule, without and with content.
RULES: Mapping[str, Rule] = _rules(FIELDS)
RULES_WITH_CONTENT: Mapping[str, Rule] = _rules(FIELDS, CONTENT_FIELDS)

#: Spellings of providers → the value of ``gen_ai.provider.name``.
PROVIDERS: Mapping[str, str] = {
    "amazon": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "anthropic": "anthropic",
    "aws": "aws.bedrock",
    "aws.bedrock": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure.ai.inference": "azure.ai.inference",
    "azure.ai.openai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "azureopenai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "claude": "anthropic",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "gcp.gemini": "gcp.gemini",
    "gcp.gen_ai": "gcp.gen_ai",
    "gcp.vertex_ai": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "grok": "x_ai",
    "groq": "groq",
    "ibm.watsonx.ai": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistral_ai": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshot_ai": "moonshot_ai",
    "moonshotai": "moonshot_ai",
    "openai": "openai",
    "perplexity": "perplexity",
    "vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "x-ai": "x_ai",
    "x_ai": "x_ai",
    "xai": "x_ai",
}


def provider(value: str | None) -> str:
    """The ``gen_ai.provider.name`` value of a spelling: ``provider("MistralAI") == "mistral_ai"``.

    A suffix that names an API is dropped (``openai.chat`` is ``openai``); an unknown provider keeps its name.
    """
    if not value:
        return UNKNOWN
    name = value.strip().lower()
    known = PROVIDERS.get(name) or PROVIDERS.get(name.partition(".")[0])
    return known or name or UNKNOWN
