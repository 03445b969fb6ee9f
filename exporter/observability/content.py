"""Which attributes and events hold content: prompts, answers, documents, arguments and results of tools.

One list for everybody: the exporter, the client's processors, and the gateway's ``jaeger/privacy-drop.yml``, which a
test keeps equal to it. The patterns are in the part of regular expressions that Python and Go's RE2 share, and match
whole names. Names: the OpenTelemetry GenAI conventions with their deprecated names, OpenInference, OpenLLMetry,
OpenLIT, the Vercel AI SDK, LiteLLM, Langfuse, MLflow, Logfire and Pydantic AI.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: Attributes of spans, span events and log records.
PATTERNS: tuple[str, ...] = (
    # OpenTelemetry GenAI, current and deprecated; OpenLLMetry and OpenLIT write the same names with an index
    r"gen_ai\.(input|output)\.messages(\..*)?",
    r"gen_ai\.system_instructions(\..*)?",
    r"gen_ai\.(prompt|completion)(\.([0-9]+|content|text|variable)(\..*)?)?",
    r"gen_ai\.tool\.(call\.(arguments|result)|args|input|output|result|message|definitions)(\..*)?",
    r"gen_ai\.(retrieval|query|memory)\.(query(\.text)?|text|documents|content|records)(\..*)?",
    r"gen_ai\.evaluation\.explanation",
    r"gen_ai\.(content|choice|message|request\.(input|prompt|messages)|response\.(output|text|content))(\..*)?",
    r"gen_ai\.(system|user|assistant|tool)\.message(\..*)?",
    r"gen_ai\.agent\.(input|output|instructions|goal)(\..*)?",
    # OpenInference
    r"(input|output)\.value",
    r"llm\.((input|output)_messages|prompts|completions|choices)(\..*)?",
    r"llm\.prompt_template(\.(template|variables)(\..*)?)?",
    r"llm\.(tools|request\.functions|function_call)(\..*)?",
    r"(retrieval\.documents|reranker\.(input_documents|output_documents|query)|embedding\.(embeddings|text))(\..*)?",
    r"(tool\.(parameters|json_schema|input|output|arguments|result)|tool_call\.function\.arguments)(\..*)?",
    r"(document|message|message_content)\.(content|contents|text|tool_calls|function_call_arguments_json)(\..*)?",
    r"prompt\.(template|variables)(\..*)?",
    # OpenLLMetry
    r"traceloop\.(entity\.(input|output)|prompt\.(template|template_variables))(\..*)?",
    r"llm\.(content\.completion\.chunk|user_prompt|answer)",
    r"db\.(query|search)\.(query|result|documents?|embeddings?)(\..*)?",
    # Vercel AI SDK
    r"ai\.prompt(\..*)?",
    r"ai\.(response|result)\.(text|object|toolCalls|reasoning|content|files|messages|body)(\..*)?",
    r"ai\.(toolCall\.(args|input|result|output)|tool\.(input|output)|values?|embeddings?|input|output)(\..*)?",
    # LiteLLM: one attribute per field of the request and of the answer below the provider's name
    r"llm\.[^.]+\.(messages|choices|content|input|output|system|system_instruction|tools|functions|data)(\..*)?",
    r"llm\.(None|azure|openai|text-completion-openai)\.(prompt|completion)",
    # Langfuse
    r"langfuse\.(observation|trace)\.(input|output)(\..*)?",
    # MLflow, Pydantic AI with Logfire, CrewAI, Haystack, MCP
    r"mlflow\.span(Inputs|Outputs)",
    r"(pydantic_ai\.)?all_messages(_events)?",
    r"(events|final_result|request_data|response_data|tool_arguments|tool_response|logfire\.msg|model_request_parameters)",
    r"(crewai\.)?(crew|task|flow)[._](description|expected_output|output|inputs|outputs|result|tasks)",
    r"haystack\.(component|pipeline)\.(input|output)(_data)?(\..*)?",
    r"mcp\.(request\.(argument|arguments|params)|response\.(value|content|result))(\..*)?",
    # without a prefix, as loggers and instrumentation of one's own write them
    r"(messages|prompts?|completions?|system_prompt|user_prompt|user_input|answer|generation|documents)(\.[0-9]+(\..*)?)?",
    r"(http|rpc)\.(request|response)\.body(\.(text|content))?",
)

#: Span events that are nothing but content.
EVENT_PATTERNS: tuple[str, ...] = (
    r"gen_ai\.(system|user|assistant|tool)\.message",
    r"gen_ai\.choice",
    r"gen_ai\.content\.(prompt|completion)",
    r"llm\.content\.(prompt|completion)(\.chunk)?",
)
#: Attributes that make a span event content whatever its name is.
EVENT_ATTRIBUTES: tuple[str, ...] = (
    *("gen_ai.prompt", "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.event.content"),
    *("gen_ai.system_instructions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "input.value"),
    *("output.value", "traceloop.entity.input", "traceloop.entity.output", "llm.content.completion.chunk"),
)
#: Log records of this event name are content when they have a body. Those of the current conventions, which carry usage
#: too, have their content in attributes and stay without it.
LOG_EVENT_PATTERN = r"(gen_ai|llm)\..*"

_CONTENT = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS))
_EVENT = re.compile("|".join(f"(?:{pattern})" for pattern in EVENT_PATTERNS))
_LOG_EVENT = re.compile(LOG_EVENT_PATTERN)


@lru_cache(maxsize=4096)
def is_content(name: str) -> bool:
    """Whether the attribute ``name`` holds content: ``is_content("gen_ai.prompt.0.content")``."""
    return _CONTENT.fullmatch(name) is not None


@lru_cache(maxsize=256)
def is_content_event(name: str) -> bool:
    """Whether a span event of this name is content as a whole."""
    return _EVENT.fullmatch(name) is not None


@lru_cache(maxsize=256)
def is_content_log(event_name: str) -> bool:
    """Whether the body of a log record of this event name is content."""
    return _LOG_EVENT.fullmatch(event_name) is not None
