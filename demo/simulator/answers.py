"""How a chat request becomes an answer: validation, prompt cache, content, tool calls and token counts."""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.simulator.errors import invalid
from demo.simulator.ledger import Usage
from demo.simulator.models import Model
from demo.simulator.text import extract_answer, number, pieces, value_for

#: OpenAI caches prompts from 1,024 tokens on, in steps of 128.
CACHE_MINIMUM, CACHE_STEP = 1024, 128
#: Prefixes that the prompt cache remembers in all; the oldest are forgotten.
CACHE_SIZE = 20_000
#: Section of an answer that a prompt asks for by name (DSPy's way); the last one is ``completed``.
_SECTION = re.compile(r"`\[\[ ## (\w+) ## \]\]`")


@dataclass(slots=True)
class Answer:
    """What the model says: ``message`` is OpenAI's assistant message, ``parts`` its text as it is streamed."""

    message: dict[str, Any]
    finish_reason: str
    usage: Usage
    parts: list[str] = field(default_factory=list)


class PromptCache:
    """Token prefixes seen before, per caller and model."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def marked(self, caller: str, model: str, prefix: Sequence[str]) -> tuple[int, int]:
        """Tokens (read, written) for a prefix that the request marks for caching, as Anthropic counts them."""
        if len(prefix) < CACHE_MINIMUM:
            return 0, 0
        text = "\x1f".join(("marked", caller, model, *prefix))
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        known = key in self._seen
        self._remember(key)
        return (len(prefix), 0) if known else (0, len(prefix))

    def cached_tokens(self, caller: str, model: str, tokens: Sequence[str]) -> int:
        """Tokens of the longest known prefix (0, or 1,024 and more in steps of 128); remembers this prompt."""
        digest = hashlib.blake2b(f"{caller}\x1f{model}".encode(), digest_size=16)
        found, unbroken = 0, True
        for end in range(CACHE_STEP, len(tokens) + 1, CACHE_STEP):
            digest.update("\x1f".join(tokens[end - CACHE_STEP : end]).encode())
            if end < CACHE_MINIMUM:
                continue
            key = digest.digest()
            unbroken = unbroken and key in self._seen
            if unbroken:
                found = end
            self._remember(key)
        return found

    def _remember(self, key: bytes) -> None:
        self._seen[key] = None
        self._seen.move_to_end(key)
        while len(self._seen) > CACHE_SIZE:
            self._seen.popitem(last=False)


def content_text(message: Mapping[str, Any]) -> str:
    """The text of a message, whose content may be a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def validate(body: Mapping[str, Any], model: Model) -> list[dict[str, Any]]:
    """The messages of a chat request; raises ProviderError (400) for one that OpenAI refuses."""
    if model.kind != "chat":
        raise invalid("This is not a chat model and thus not supported in the v1/chat/completions endpoint.", "model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise invalid("Invalid 'messages': expected a non-empty array of message objects.", "messages")
    if model.reasoning and body.get("max_tokens") is not None:
        raise invalid(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    return messages


def prompt_tokens(messages: Sequence[Mapping[str, Any]], tools: Sequence[Any]) -> list[str]:
    """All tokens that the model reads, tool definitions first, as they lead the cached prefix."""
    tokens = pieces(json.dumps(tools, sort_keys=True)) if tools else []
    for message in messages:
        tokens += ["<start>", str(message.get("role", "")), *pieces(content_text(message)), "<end>"]
        if message.get("tool_calls"):
            tokens += pieces(json.dumps(message["tool_calls"], sort_keys=True))
    return tokens


def answer(body: Mapping[str, Any], model: Model, caller: str, cache: PromptCache, *, cut: bool = False) -> Answer:
    """The answer to a valid chat request.

    ``cut`` ends it early with finish reason ``content_filter``. Raises ProviderError (400) for a request that is
    malformed or longer than the model's context.
    """
    messages = validate(body, model)
    tools: list[Any] = body.get("tools") or []
    tokens = prompt_tokens(messages, tools)
    if len(tokens) > model.context_window:
        raise invalid(
            f"This model's maximum context length is {model.context_window} tokens. However, your messages resulted "
            f"in {len(tokens)} tokens. Please reduce the length of the messages.",
            "messages",
            "context_length_exceeded",
        )
    usage = Usage(prompt=len(tokens))
    if model.cache == "automatic":
        usage.cached = cache.cached_tokens(caller, model.name, tokens)
    elif marks := [index for index, message in enumerate(messages) if message.get("cache_control")]:
        prefix = prompt_tokens(messages[: marks[-1] + 1], tools)
        usage.cached, usage.written = cache.marked(caller, model.name, prefix)
        usage.for_an_hour = messages[marks[-1]]["cache_control"].get("ttl") == "1h"
    if model.reasoning:
        usage.reasoning = 64 * (1 + number("reasoning", *tokens[-64:], below=6))

    if call := _tool_call(tools, body.get("tool_choice"), messages):
        usage.completion = usage.reasoning + len(pieces(json.dumps(call["function"])))
        return Answer({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls", usage)

    text = _text(body, messages)
    parts = re.findall(r"\S+\s*", text)
    finish_reason = "stop"
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if cut:
        parts, finish_reason = parts[: max(1, len(parts) // 3)], "content_filter"
    elif isinstance(limit, int) and len(pieces(text)) + usage.reasoning > limit:
        parts, finish_reason = _first_tokens(parts, limit - usage.reasoning), "length"
    text = "".join(parts)
    usage.completion = usage.reasoning + len(pieces(text))
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return Answer(message, finish_reason, usage, parts)


def _text(body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> str:
    last = content_text(next((item for item in reversed(messages) if item.get("role") == "user"), messages[-1]))
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(value_for(wanted.get("json_schema", {}).get("schema", {}), last))
    if wanted.get("type") == "json_object":
        return json.dumps({"answer": extract_answer(last, last)})
    if fields := [name for name in _SECTION.findall(last) if name != "completed"]:
        said = extract_answer(last, last)
        return "\n\n".join(
            [*(f"[[ ## {name} ## ]]\n{said}" for name in dict.fromkeys(fields)), "[[ ## completed ## ]]"]
        )
    asked = re.search(r"^Question:\s*(.+)$", last, re.MULTILINE)
    question = asked.group(1) if asked else last
    results = [content_text(item) for item in messages if item.get("role") == "tool"]
    source = "\n".join([*results, last.replace(f"Question: {question}", "")])
    return " ".join([*results, extract_answer(question, source)])


def _first_tokens(parts: Sequence[str], limit: int) -> list[str]:
    kept: list[str] = []
    for part in parts:
        limit -= len(pieces(part))
        if limit < 0:
            break
        kept.append(part)
    return kept


def _tool_call(tools: Sequence[Any], choice: Any, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """A call of the first function whose required arguments are all to be found in the user's text."""
    if not tools or choice == "none" or messages[-1].get("role") != "user":
        return None
    text = content_text(messages[-1])
    for tool in tools:
        function = tool.get("function", {})
        schema = function.get("parameters", {})
        arguments = value_for({"type": "object", "properties": schema.get("properties", {})}, text)
        if all(arguments.get(name) for name in schema.get("required", [])):
            call_id = f"call_{number('call', function.get('name'), text, below=16**12):012x}"
            called = {"name": function["name"], "arguments": json.dumps(arguments)}
            return {"id": call_id, "type": "function", "function": called}
    return None
