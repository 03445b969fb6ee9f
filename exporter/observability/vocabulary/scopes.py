"""Instrumentation scopes: who wrote a span."""

from __future__ import annotations

import re
from functools import lru_cache

#: SDKs of providers that trace themselves: they see the HTTP answer.
_PROVIDER_SDKS = ("com.anthropic.sdk", "mistralai_sdk_tracer", "com.openai.sdk", "com.google.genai", "cohere.sdk")


#: They end the span of a stream when it begins, and tell what came of it in a record of its own when it ends.
_RECORDING_STREAMS = ("logfire.",)


def records_streams(scope: str) -> bool:
    """Whether a span of ``scope`` that ended well without an answer is the beginning of a stream, told of later."""
    return scope.startswith(_RECORDING_STREAMS)


def is_provider_sdk(scope: str) -> bool:
    """Whether ``scope`` is a provider's own SDK and no instrumentation of it."""
    return scope.startswith(_PROVIDER_SDKS)


#: Words in the names of instrumentations of models, agents and their frameworks.
_GENAI = re.compile(
    r"gen_?ai|llm|openinference|openlit|traceloop|langtrace|langfuse|langsmith|logfire|mlflow|agentops|genkit|mastra|openai"
    r"|anthropic|bedrock|cohere|groq|mistral|ollama|together|replicate|watsonx|vertex|gemini|google_generativeai"
    r"|transformers|lang(chain|graph)|llama_?index|haystack|crewai|autogen|agno|dspy|instructor|smolagents"
    r"|pydantic.ai|strands|semantic.?kernel|agent.?framework|extensions\.ai|spring.*ai|(^|\W)ai($|\W)",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def is_genai(scope: str) -> bool:
    """Whether ``scope`` is an instrumentation of models or agents, as far as its name tells."""
    return _GENAI.search(scope) is not None
