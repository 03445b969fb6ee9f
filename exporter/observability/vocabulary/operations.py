"""What kind of span it is: names of operations and kinds → canonical operation.

The operation decides, and never whether there are token names: agents and wrappers repeat those of their children.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

#: A span that says what it is, and that is nothing which is counted.
OTHER = "other"

_CALLS = {
    "chat": "chat",
    "chat_completion": "chat",
    "chat_completions": "chat",
    "call_llm": "chat",
    "converse": "chat",
    "converse_stream": "chat",
    "completion": "text_completion",
    "completions": "text_completion",
    "text_completion": "text_completion",
    "text_completions": "text_completion",
    "text_generation": "text_completion",
    "generate_content": "generate_content",
    "generate_content_stream": "generate_content",
    "stream_generate_content": "generate_content",
    "generate": "generate_content",
    "message": "chat",
    "messages": "chat",
    "response": "chat",
    "responses": "chat",
    "embedding": "embeddings",
    "embeddings": "embeddings",
    "embed": "embeddings",
    "embed_content": "embeddings",
    # a run of an agent that a provider hosts: its calls have no spans, and its usage is what is billed
    "process_thread_run": "chat",
    "image_generation": OTHER,
}
_STEPS = {
    "retrieval": "retrieval",
    "retrieve": "retrieval",
    "retriever": "retrieval",
    "vectordb": "retrieval",
    "vector_db_retrieve": "retrieval",
    "vector_store_search": "retrieval",
    "rerank": "rerank",
    "reranker": "rerank",
    "reranking": "rerank",
    "execute_tool": "execute_tool",
    "tool": "execute_tool",
    "function": "execute_tool",
    "function_call": "execute_tool",
    "tool_call": "execute_tool",
    "invoke_agent": "invoke_agent",
    "agent": "invoke_agent",
    "invoke_workflow": "invoke_workflow",
    "workflow": "invoke_workflow",
    "chain": "invoke_workflow",
    "task": "invoke_workflow",
    "guardrail": "guardrail",
    "guard": "guardrail",
    "evaluator": "evaluate",
    "evaluation": "evaluate",
    "evaluate": "evaluate",
}
_COMMON = _CALLS | _STEPS
#: LiteLLM's types of calls, where ``completion`` is a chat; and kinds, of which one is a call of a language model.
_REQUEST_TYPES = _COMMON | {"completion": "chat", "anthropic_messages": "chat"}
_KINDS = _COMMON | {"llm": "chat", "prompt": OTHER, "unknown": OTHER}

#: Attribute that says what a span is → its values → canonical operation. The first attribute that a span carries
#: decides, even with a value that is not in its table. Values are looked up as :func:`_spelled` has them.
NAMES: Mapping[str, Mapping[str, str]] = {
    # before the operation: LangSmith gives prompts and retrievers that of a call, Spring AI all of its own the same
    "langsmith.span.kind": _KINDS | {"parser": OTHER},
    "spring.ai.kind": {"vector_store": "retrieval", "tool_call": "execute_tool"},
    "gen_ai.operation.name": _REQUEST_TYPES,
    "openinference.span.kind": _KINDS,
    "traceloop.span.kind": _KINDS,
    "llm.request.type": _REQUEST_TYPES,
    "langfuse.observation.type": _COMMON | {"generation": "chat", "span": OTHER, "event": OTHER},
    "ai.operationId": {
        "ai_generatetext_dogenerate": "chat",
        "ai_streamtext_dostream": "chat",
        "ai_generateobject_dogenerate": "chat",
        "ai_streamobject_dostream": "chat",
        "ai_embed_doembed": "embeddings",
        "ai_embedmany_doembed": "embeddings",
        "ai_rerank_dorerank": "rerank",
        "ai_toolcall": "execute_tool",
        "ai_generatetext": "invoke_workflow",
        "ai_streamtext": "invoke_workflow",
        "ai_generateobject": "invoke_workflow",
        "ai_streamobject": "invoke_workflow",
        "ai_embed": OTHER,
        "ai_embedmany": OTHER,
    },
    "mlflow.spanType": _KINDS | {"chat_model": "chat", "parser": OTHER},
    "agentops.span.kind": _KINDS,
    "gen_ai.span.kind": _KINDS,
    "ai.span.kind": _KINDS,
    "genkit:metadata:subtype": _COMMON | {"model": "chat", "embedder": "embeddings", "flow": "invoke_workflow"},
}

#: Types of spans: one that says that a span began, which comes itself later; and a record of a moment, written when
#: what it tells of had ended.
PENDING, LOG = "pending_span", "log"
#: Databases of vectors, and what a look-up in one is called.
_STORES = frozenset({
    "astra", "chroma", "chromadb", "lancedb", "marqo", "milvus", "opensearch_vector", "pg_vector", "pgvector",
    "pinecone", "qdrant", "typesense", "weaviate",
})  # fmt: skip
_LOOK_UPS = frozenset({
    "get", "hybrid_search", "near_text", "near_vector", "peek", "query", "retrieve", "search", "select",
    "similarity_search",
})  # fmt: skip
#: First words of the names of spans that the conventions name ``{operation} {model}``, and whole names.
_NAMED = {name: name for name in ("chat", "text_completion", "generate_content", "embeddings")} | {
    name: name for name in ("execute_tool", "invoke_agent", "create_agent", "invoke_workflow", "retrieval", "rerank")
}
_WHOLE_NAMES = {"call_llm": "chat", "llm_request": "chat"}
#: Methods of a framework's model class that get a call ready or read its answer, and get the kind of a call with it.
_AROUND_A_CALL = re.compile(
    r"(.*\.)?_?((prepare|validate|parse|format|convert|count)_\w+|get_(num_tokens|tool_calls)\w*)"
)
#: How a method calls, which is not part of what it does: ``acompletion`` is a completion, ``stream_chat`` a chat.
_MANNER = re.compile(r"(?:async_|a)?(?:stream(?:ing)?_)?(.+?)(?:_(?:stream|streaming|async))?")


def operation(attribute: str, value: str) -> str:
    """The canonical operation that ``attribute`` with ``value`` stands for; :data:`OTHER` if it is not known.

    ``operation("openinference.span.kind", "LLM") == "chat"``.
    """
    table, word = NAMES[attribute], _spelled(value)
    found = table.get(word)
    if found is None and (match := _MANNER.fullmatch(word)) is not None:
        found = table.get(match[1])
    return found or OTHER


def _spelled(value: str) -> str:
    """Lower case, with underscores between words and without the quotes of a JSON string."""
    return re.sub(r"[\s.\-]+", "_", value.strip().strip('"').lower())


@lru_cache(maxsize=4096)
def named(name: str) -> tuple[str | None, str | None]:
    """The operation and the model that the name of a span says: ``named("chat gpt-4o") == ("chat", "gpt-4o")``."""
    first, _, rest = name.strip().partition(" ")
    if first in _NAMED and rest:
        return _NAMED[first], rest if first in _CALLS and " " not in rest else None
    return _WHOLE_NAMES.get(name), None


@lru_cache(maxsize=4096)
def around_a_call(name: str) -> bool:
    """Whether a span of this name only prepares or reads what another one calls a model for."""
    return _AROUND_A_CALL.fullmatch(name) is not None


def unsaid(words: str) -> str:
    """The operation of a span that has a model and usage and says no operation, by its name and its model."""
    lowered = words.lower()
    return next((operation for word, operation in _WORDS if word in lowered), "chat")


_WORDS = (("embed", "embeddings"), ("rerank", "rerank"))


def is_store(database: str) -> bool:
    """Whether ``database`` is one of vectors: a look-up in it is a retrieval."""
    return _spelled(database) in _STORES


def is_look_up(operation: str) -> bool:
    """Whether an operation of a database brings something, and does not add or remove."""
    return _spelled(operation) in _LOOK_UPS
