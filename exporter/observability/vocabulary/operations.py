"""What kind of span it is: names of operations and kinds → canonical operation.

The operation decides, and never whether there are token names: agents and wrappers repeat those of their children.
"""

from __future__ import annotations

from collections.abc import Mapping

#: A span that says what it is, and that is nothing which is counted.
OTHER = "other"

_CALLS = {
    "chat": "chat",
    "chat_completion": "chat",
    "completion": "text_completion",
    "text_completion": "text_completion",
    "generate_content": "generate_content",
    "generate": "generate_content",
    "message": "chat",
    "messages": "chat",
    "response": "chat",
    "responses": "chat",
    "embedding": "embeddings",
    "embeddings": "embeddings",
    "embed": "embeddings",
    "embed_content": "embeddings",
    "image_generation": OTHER,
}
_STEPS = {
    "retrieval": "retrieval",
    "retrieve": "retrieval",
    "retriever": "retrieval",
    "vectordb": "retrieval",
    "rerank": "rerank",
    "reranker": "rerank",
    "execute_tool": "execute_tool",
    "tool": "execute_tool",
    "function": "execute_tool",
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
#: LiteLLM's call types; a leading ``a`` says that the call was asynchronous.
_REQUEST_TYPES = _COMMON | {
    "completion": "chat",
    "chat": "chat",
    "acompletion": "chat",
    "aembedding": "embeddings",
    "atext_completion": "text_completion",
    "aresponses": "chat",
    "arerank": "rerank",
    "anthropic_messages": "chat",
    "agenerate_content": "generate_content",
}

#: Attribute that says what a span is → its values, lower case → canonical operation. The first attribute that a span
#: carries decides, even with a value that is not in its table.
NAMES: Mapping[str, Mapping[str, str]] = {
    "gen_ai.operation.name": _COMMON,
    "openinference.span.kind": _COMMON | {"llm": "chat", "prompt": OTHER, "unknown": OTHER},
    "traceloop.span.kind": _COMMON | {"unknown": OTHER},
    "llm.request.type": _REQUEST_TYPES,
    "langfuse.observation.type": _COMMON | {"generation": "chat", "span": OTHER, "event": OTHER},
    "ai.operationId": {
        "ai.generatetext.dogenerate": "chat",
        "ai.streamtext.dostream": "chat",
        "ai.generateobject.dogenerate": "chat",
        "ai.streamobject.dostream": "chat",
        "ai.embed.doembed": "embeddings",
        "ai.embedmany.doembed": "embeddings",
        "ai.rerank.dorerank": "rerank",
        "ai.toolcall": "execute_tool",
        "ai.generatetext": "invoke_workflow",
        "ai.streamtext": "invoke_workflow",
        "ai.generateobject": "invoke_workflow",
        "ai.streamobject": "invoke_workflow",
        "ai.embed": OTHER,
        "ai.embedmany": OTHER,
    },
    # Strands, mlflow and others
    "mlflow.spanType": _COMMON | {"chat_model": "chat", "llm": "chat", "parser": OTHER, "unknown": OTHER},
    "gen_ai.span.kind": _COMMON | {"llm": "chat"},
    "ai.span.kind": _COMMON | {"llm": "chat"},
}

#: What a retrieval from a vector store is called (OpenLLMetry, OpenLIT): ``db.operation`` → canonical operation.
DATABASE_OPERATIONS: Mapping[str, str] = {"query": "retrieval", "search": "retrieval", "similarity_search": "retrieval"}
#: ``db.system`` of vector stores.
VECTOR_STORES = frozenset({
    "chroma", "chromadb", "lancedb", "marqo", "milvus", "pinecone", "qdrant", "weaviate", "opensearch_vector", "astra",
})  # fmt: skip


def operation(attribute: str, value: str) -> str:
    """The canonical operation that ``attribute`` with ``value`` stands for; :data:`OTHER` if it is not known.

    ``operation("openinference.span.kind", "LLM") == "chat"``.
    """
    return NAMES[attribute].get(value.strip().lower(), OTHER)
