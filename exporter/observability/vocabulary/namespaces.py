"""Attributes of GenAI namespaces that no table reads: known ones that hold no number, and all the others.

The others are counted (``exporter_untranslated_attributes_total``): a name that a new version of a convention brings
must show before a chart goes empty.
"""

from __future__ import annotations

import re

from observability.vocabulary.providers import PROVIDERS

_NAMESPACES = re.compile(
    r"(gen_ai|llm|openinference|traceloop|ai|langfuse|embedding|retrieval|reranker|openai|anthropic|mcp|guardrail)\."
)
#: Known, and of no use for a number: parameters of requests, content, identities of users and sessions.
_KNOWN = re.compile(
    rf"""
    gen_ai\.request\.(?!model$|stream$|service_tier$).*
    | gen_ai\.(conversation|prompt|completion|input|output|agent|tool|embeddings|memory|token|user|session)(\..*|$)
    | gen_ai\.(system_instructions|environment|application_name|endpoint|sdk\.version|output\.type|data_source\.id)
    | gen_ai\.response\.(finish_reasons?|stop_reason|finish_reason)
    | gen_ai\.usage\.(details|text|image|audio|video|aggregated|raw)\..*
    | gen_ai\.usage\.(completion|prompt)_tokens_details\..*
    | gen_ai\.aggregated_usage\..*
    | gen_ai\.(client|server|execute_tool|invoke_agent|invoke_workflow|step)\.(operation\.)?(duration|token\.usage
        |time_per_output.*)
    | gen_ai\.cost\.(cache_\w*|reasoning|tool_usage|original|discount|margin)_\w+
    | gen_ai\.(openai|anthropic|azure|bedrock)\..*
    | gen_ai\.(retrieval|evaluation|workflow|guardrail|span|event|framework|orchestration|group|hub|rag|task|graph
        |execution|latency|serialized|streaming|run|thread|message)(\..*|$)
    | llm\.(input_messages|output_messages|prompts|completions|tools|choices|prompt_template|prompt|function_call
        |headers)(\..*|$)
    | llm\.(finish_reason|user|chat\.stop_sequences|top_k|request\.functions|request\.reasoning_effort
        |response\.finish_reason|response\.stop_reason|frequency_penalty|presence_penalty|temperature|top_p|max_tokens|graph|metadata)(\..*|$)
    | llm\.[A-Za-z0-9_-]+\.(id|model|object|created|messages?|content|role|type|usage|choices|tools?|system|input|output
        |extra_body|extra_headers|metadata|max_tokens|temperature|top_p|stop.*|service_tier|system_fingerprint|moderation
        |stream.*|data|embeddings?|reasoning.*|tool_choice|response_format|n|seed|user|timeout)
    | llm\.(None|{"|".join(map(re.escape, sorted(PROVIDERS)))})\..*
    | llm\.cost\.(prompt|completion)_details\..*
    | llm\.token_count\.(prompt|completion)_details\..*
    | openinference\.(?!span\.kind$).*
    | traceloop\.(?!span\.kind$).*
    | ai\.(prompt|response|settings|telemetry|toolCall|schema|value|values|embedding|embeddings|request|result
        |stream)(\..*|$)
    | ai\.model\..* | ai\.usage\.(inputTokenDetails|outputTokenDetails)\..* | ai\.(finishReason|operationId)
    | langfuse\..*
    | embedding\.(embeddings|text|vector|invocation_parameters|model_name)(\..*|$)
    | retrieval\.(documents|query)(\..*|$)
    | reranker\.(input_documents|output_documents|query|top_k|model_name)(\..*|$)
    | openai\..* | anthropic\..* | mcp\..* | guardrail\..*
    """,
    re.VERBOSE,
)


def untranslated(name: str) -> bool:
    """Whether ``name``, which no table reads, belongs to a GenAI namespace and is not known to hold no number."""
    return _NAMESPACES.match(name) is not None and _KNOWN.fullmatch(name) is None
