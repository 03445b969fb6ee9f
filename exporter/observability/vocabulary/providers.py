"""Spellings of providers → the value of ``gen_ai.provider.name``."""

from __future__ import annotations

from collections.abc import Mapping

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
    "google_ai": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "googleai": "gcp.gemini",
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


#: What frameworks write where a provider should stand.
_FRAMEWORKS = frozenset({
    "", "langchain", "langgraph", "llama_index", "llamaindex", "litellm", "crewai", "haystack", "dspy", "autogen",
    "none", "unknown", "instructor", "smolagents", "pydantic-ai", "pydantic_ai", "openai_agents", "vercel", "ai", "mcp",
    "strands", "strands-agents", "agno", "traceloop", "openlit", "langfuse", "gateway", "gcp.vertex.agent", "spring_ai",
    "semantic_kernel", "microsoft.agent_framework", "agent_framework", "langchain4j", "quarkus", "mastra", "genkit",
    "dify", "n8n", "agentops", "ag2", "flowise", "openai_compatible", "openai-compatible", "custom", "other",
})  # fmt: skip


def provider(value: str) -> str | None:
    """The ``gen_ai.provider.name`` value of a spelling: ``provider("MistralAI") == "mistral_ai"``.

    A suffix that names an API is dropped (``openai.chat`` is ``openai``), an unknown provider keeps its name, and the
    name of a framework is none: ``None``.
    """
    name = value.strip().lower()
    if name in _FRAMEWORKS:
        return None
    return PROVIDERS.get(name) or PROVIDERS.get(name.partition(".")[0]) or name


#: Providers that count what the cache read and wrote apart from the input, and in the total.
CACHE_APART = frozenset({"anthropic", "aws.bedrock"})


def unrouted(model: str, provider: str) -> str:
    """``model`` without the route to its ``provider``: ``unrouted("openai/gpt-4o", "openai") == "gpt-4o"``."""
    prefix, _, rest = model.partition("/")
    return rest if rest and (prefix == "models" or PROVIDERS.get(prefix.lower()) == provider) else model


def of_model(model: str) -> str | None:
    """The provider that a model's name says: by its route prefix (``groq/llama-3``) or its family (``claude-…``)."""
    name = model.strip().lower()
    prefix, slash, _ = name.partition("/")
    if slash and prefix in PROVIDERS:
        return PROVIDERS[prefix]
    return next((known for family, known in _FAMILIES if name.startswith(family)), None)


_FAMILIES = (
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4-", "openai"),
    ("text-embedding-3", "openai"),
    ("text-embedding-ada", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "gcp.gemini"),
    ("command-", "cohere"),
    ("mistral-", "mistral_ai"),
    ("codestral", "mistral_ai"),
    ("deepseek-", "deepseek"),
    ("grok-", "x_ai"),
)
