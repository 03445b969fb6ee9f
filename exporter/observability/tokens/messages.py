"""Messages and requests as they stand on the wire, in any dialect → what in them costs tokens.

Understood: OpenAI chat and Responses, Anthropic Messages, Gemini contents, the OpenTelemetry GenAI parts
(``[{"role", "parts": [{"type": "text", "content": …}]}]``), the OpenInference nesting (``{"message": {…}}`` and
``message.content`` keys), LangChain's serialised messages, whole request and response bodies, plain strings, and JSON
strings of any of these.
Reading never raises: what is not understood adds the text under the keys that carry text elsewhere, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from observability.tokens.images import Image, image_from

#: Nesting beyond this is not followed: real messages have a tenth of it.
_DEEPEST = 24

_BODY_KEYS = ("messages", "input", "contents", "prompt", "choices", "output", "candidates", "completion", "generations")
#: Those that no content part has.
_ONLY_IN_BODIES = ("messages", "contents", "choices", "candidates", "generations")
_SYSTEM_KEYS = ("system", "instructions", "system_instruction", "systemInstruction")
_TOOL_KEYS = ("tools", "functions")
#: Keys under which a part or an unknown object carries what the model reads or wrote.
_TEXT_KEYS = (
    "text",
    "content",
    "parts",
    "thinking",
    "refusal",
    "output",
    "result",
    "response",
    "summary",
    "transcript",
)
_CALL_TYPES = ("tool_use", "tool_call", "function_call", "server_tool_use", "mcp_tool_use")
_IMAGE_TYPES = ("image_url", "input_image", "image", "output_image")
#: Content that is neither text nor image: its tokens cannot be told from the bytes here.
_OPAQUE_TYPES = (
    *("input_audio", "audio", "video", "file", "input_file", "document", "blob", "uri"),
    *("redacted_thinking", "reasoning.encrypted"),
)

_LANGCHAIN_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool"}


@dataclass(slots=True)
class Message:
    """One message: its texts, images and tool calls, each of the latter as (name, arguments as text)."""

    role: str = ""
    name: str = ""
    texts: list[str] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (any(self.texts) or self.images or self.calls)


@dataclass(slots=True)
class Content:
    """What a request or an answer holds."""

    messages: list[Message] = field(default_factory=list)
    tools: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.tools and all(message.empty for message in self.messages)


def content_of(value: Any) -> Content:
    """The content of any JSON-like value; empty for one that holds none."""
    content = Content()
    _read(_parsed(value), content, 0)
    return content


def _parsed(value: Any) -> Any:
    """A JSON string's object or array; any other value as it is."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):  # text that only begins like JSON, or hostile nesting
            return value
    return value


def _read(value: Any, content: Content, depth: int) -> None:
    if isinstance(value, str):
        content.messages.append(Message("user", texts=[value]))
    elif isinstance(value, Mapping):
        _read_object(value, content, depth)
    elif _is_list(value) and depth < _DEEPEST:
        if any(_is_message(item) or _is_item(item) for item in value) or not any(map(_is_part, value)):
            for item in value:
                _read(item, content, depth + 1)
        else:  # bare content parts of one message
            content.messages.append(_message({"role": "user", "content": value}))


def _read_object(value: Mapping[Any, Any], content: Content, depth: int) -> None:
    if depth >= _DEEPEST:
        return
    wrapped = value.get("message")
    if isinstance(wrapped, Mapping):
        _read_object(wrapped, content, depth + 1)
    elif any(isinstance(key, str) and key.startswith("message.") for key in value):
        flat = {key.removeprefix("message."): item for key, item in value.items() if isinstance(key, str)}
        _read_object(flat, content, depth + 1)
    elif (inner := _langchain(value)) is not None:
        content.messages.append(_message(inner))
    elif _is_message(value) or _is_item(value) or _is_part(value):
        content.messages.append(_message(value))
    elif any(key in value for key in (*_BODY_KEYS, *_SYSTEM_KEYS, *_TOOL_KEYS)):
        for key in _SYSTEM_KEYS:
            if value.get(key):
                content.messages.append(_message({"role": "system", "content": value[key]}))
        for key in _BODY_KEYS:
            if value.get(key):
                _read(_parsed(value[key]), content, depth + 1)
        for key in _TOOL_KEYS:
            content.tools += [tool for tool in _sequence(value.get(key)) if isinstance(tool, Mapping)]
    else:
        message = _message({"role": "user", "content": value})
        if not message.empty:
            content.messages.append(message)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and "role" in value


def _is_item(value: Any) -> bool:
    """What stands in the place of a message: an item of the Responses API, a message of LangChain, one in a wrapper."""
    if not isinstance(value, Mapping):
        return False
    if isinstance(value.get("message"), Mapping):
        return True
    kind = value.get("type")
    return kind in ("message", "function_call", "function_call_output") or _langchain(value) is not None


def _langchain(value: Mapping[Any, Any]) -> Mapping[str, Any] | None:
    """The message in ``{"lc": 1, "id": […, "HumanMessage"], "kwargs": {…}}`` or ``{"type": "human", "data": {…}}``."""
    kind, path = value.get("type"), value.get("id")
    if "lc" in value and isinstance(value.get("kwargs"), Mapping):
        named = _text(path[-1]) if isinstance(path, list) and path else ""
        kind = named.removesuffix("Chunk").removesuffix("Message").lower()
        return {"role": _LANGCHAIN_ROLES.get(kind, "user"), **value["kwargs"]}
    if isinstance(kind, str) and kind in _LANGCHAIN_ROLES and isinstance(value.get("data"), Mapping):
        return {"role": _LANGCHAIN_ROLES[kind], **value["data"]}
    return None


def _is_part(value: Any) -> bool:
    if not isinstance(value, Mapping) or any(key in value for key in _ONLY_IN_BODIES):
        return False
    return isinstance(value.get("type"), str) or isinstance(value.get("text"), str)


def _message(value: Mapping[Any, Any]) -> Message:
    message = Message(_text(value.get("role")), _text(value.get("name")))
    _add(value, message, 0)
    for call in _sequence(value.get("tool_calls")):
        _add_call(call, message)
    if value.get("function_call"):
        _add_call(value["function_call"], message)
    if value.get("type") in _CALL_TYPES:
        message.name = ""
    return message


def _add(value: Any, message: Message, depth: int) -> None:
    """Adds what ``value`` (a message's content, a part, a list of parts) holds to ``message``."""
    if isinstance(value, str):
        message.texts.append(value)
    elif _is_list(value) and depth < _DEEPEST:
        for item in value:
            _add(item, message, depth + 1)
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        kind = value.get("type")
        if kind in _IMAGE_TYPES or _is_image_blob(value):
            message.images.append(_image(value))
        elif kind in _CALL_TYPES or ("role" not in value and _is_gemini_call(value)):
            _add_call(value, message)
        elif kind not in _OPAQUE_TYPES:
            for key in _TEXT_KEYS:
                _add(value.get(key), message, depth + 1)
            result = value.get("functionResponse", value.get("function_response"))
            if isinstance(result, Mapping):
                message.texts.append(as_text(result.get("response", "")))


def _is_gemini_call(value: Mapping[Any, Any]) -> bool:
    return isinstance(value.get("functionCall", value.get("function_call")), Mapping)


def _is_image_blob(value: Mapping[Any, Any]) -> bool:
    inline = value.get("inline_data", value.get("inlineData"))
    if isinstance(inline, Mapping):
        return _text(inline.get("mime_type", inline.get("mimeType"))).startswith("image")
    if value.get("type") not in ("blob", "uri", "file"):
        return False
    return value.get("modality") == "image" or _text(value.get("mime_type")).startswith("image/")


def _image(value: Mapping[Any, Any]) -> Image:
    detail = value.get("detail")
    source = value.get("image_url", value.get("source", value.get("inline_data", value.get("inlineData"))))
    if isinstance(source, Mapping):
        detail = source.get("detail", detail)
        source = source.get("url", source.get("data"))
    if source is None:
        source = next((value[key] for key in ("content", "data", "uri") if isinstance(value.get(key), str)), None)
    return image_from(source, detail)


def _add_call(call: Any, message: Message) -> None:
    if not isinstance(call, Mapping):
        return
    for wrapper in ("tool_call", "functionCall", "function_call", "function"):
        if isinstance(call.get(wrapper), Mapping):
            call = call[wrapper]
    name = _text(call.get("name", call.get("function.name")))
    arguments = next((call[key] for key in _ARGUMENT_KEYS if call.get(key) is not None), "")
    if name or arguments:
        message.calls.append((name, as_text(arguments)))


_ARGUMENT_KEYS = ("arguments", "input", "args", "function.arguments", "tool_call.function.arguments")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_text(value: Any) -> str:
    """A string as it is, anything else as compact JSON; what JSON cannot say as Python says it."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)
    except (ValueError, TypeError, RecursionError):
        return ""


def properties_of(schema: Any, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every property of a JSON schema with its name, those of nested objects and array items included."""
    if not isinstance(schema, Mapping) or depth >= _DEEPEST:
        return
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, inner in properties.items():
            if isinstance(inner, Mapping):
                yield str(name), inner
                yield from properties_of(inner, depth + 1)
    if isinstance(schema.get("items"), Mapping):
        yield from properties_of(schema["items"], depth + 1)
    for choice in ("anyOf", "oneOf", "allOf"):
        for inner in _sequence(schema.get(choice)):
            yield from properties_of(inner, depth + 1)
