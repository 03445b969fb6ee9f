"""The counter: exact where the model's encoding is on this machine, else a stated approximation."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from observability.tokens.approximation import approximation
from observability.tokens.coefficients import UNKNOWN_TOKENIZER
from observability.tokens.encodings import encoding_at_hand
from observability.tokens.images import image_tokens
from observability.tokens.messages import Message, as_text, content_of, properties_of
from observability.tokens.models import Model, model_named

Method = Literal["tiktoken", "approximation"]

#: Longer texts go through tiktoken in slices: its time grows faster than a slice's length. A cut costs a token or two.
_SLICE = 100_000

#: OpenAI's cookbook, "How to count tokens with tiktoken": every message, a name, and the primed reply.
_PER_MESSAGE, _PER_NAME, _REPLY = 3, 1, 3
#: No source publishes a call's own overhead; name and arguments are read back with about a message's.
_PER_CALL = 3
#: The same cookbook, for tools: a function (by encoding), its properties, one property, an enum, a value, the end.
_FUNCTION = {"cl100k": 10}
_FUNCTION_DEFAULT, _PROPERTIES, _PROPERTY, _ENUM, _ENUM_VALUE, _TOOLS_END = 7, 3, 3, -3, 3, 12

#: Anthropic: "Hello, Claude" with "You are a scientist" is published as 14 input tokens; so much is left for the turns.
_CLAUDE_PER_MESSAGE, _CLAUDE_REPLY = 4, 3
#: Anthropic, "Tool use" (pricing): tokens of the system prompt that any tool adds, by version, ``tool_choice`` auto.
_CLAUDE_TOOL_PROMPT: dict[tuple[int, int], int] = {
    (4, 0): 313,
    (4, 1): 313,
    (4, 5): 496,
    (4, 6): 497,
    (4, 7): 675,
    (4, 8): 290,
    (5, 0): 354,
}
_CLAUDE_TOOL_PROMPT_DEFAULT = 346


class TokenCounter:
    """Tokens of texts, messages and tools for one model, and what they cost.

    Makes no network call, ever: the vocabulary of an encoding is used if it is on this machine and not fetched.

    :param model: the name as a request carries it, a gateway's route before it allowed.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self._model: Model = model_named(model)
        self._encoding = encoding_at_hand(self._model.encoding) if self._model.encoding else None
        self._approximation = approximation(self._model.family)

    @property
    def method(self) -> Method:
        """How texts are counted: by the model's own encoding, or approximately."""
        return "approximation" if self._encoding is None else "tiktoken"

    @property
    def expected_error(self) -> float:
        """Median relative error of :meth:`count`, as measured on held-out texts; 0 for tiktoken.

        For a model whose tokenizer is not public it is what one tokenizer's numbers are off by for another.
        """
        return self._error[0]

    @property
    def expected_error_p95(self) -> float:
        """95th percentile of the relative error, measured in the same way."""
        return self._error[1]

    @property
    def _error(self) -> tuple[float, float]:
        if self._encoding is not None:
            return 0.0, 0.0
        return self._approximation.error if self._model.measured else UNKNOWN_TOKENIZER

    def count(self, text: str) -> int:
        """Tokens of ``text``; names of special tokens in it count as the text they are."""
        if self._encoding is None:
            return round(self._approximation.count(text) * self._model.factor)
        encode = self._encoding.encode_ordinary
        text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates, which tiktoken refuses
        return sum(len(encode(text[start : start + _SLICE])) for start in range(0, len(text), _SLICE))

    def count_messages(
        self, messages: Sequence[Mapping[str, Any]] | str, tools: Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Input tokens of a request: messages in OpenAI's, Anthropic's or OpenTelemetry's form, and its tools.

        Includes what the provider's chat format adds. Images are counted by the provider's formula; audio, video and
        documents are not counted. Never raises on JSON-like values.
        """
        content = content_of(messages)
        return self._request(content.messages, [*content.tools, *(tools or ())])

    def count_tools(self, tools: Sequence[Mapping[str, Any]]) -> int:
        """Input tokens that tool (function) definitions add to a request, in OpenAI's or Anthropic's form."""
        if not tools:
            return 0
        return self._claude_tools(tools) if self._model.family == "claude" else self._openai_tools(tools)

    def count_output(self, messages: Any) -> int:
        """Output tokens of an answer: its texts and tool calls, without what the chat format adds."""
        return sum(self._said(message) for message in content_of(messages).messages)

    def calculate_cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float | None:
        """US dollars of a call at today's list price; ``None`` if the model, or a kind of its tokens, has no price.

        :param prompt_tokens: all input tokens, those read from the cache included.
        :param cached_tokens: of these, the ones read from the provider's cache.
        :raises ValueError: for negative counts, or more cached tokens than prompt tokens.
        :raises ImportError: if the price list (package ``genai-prices``) is not installed.
        """
        if min(prompt_tokens, completion_tokens, cached_tokens) < 0 or cached_tokens > prompt_tokens:
            raise ValueError("token counts are not negative, and cached tokens are a part of the prompt tokens")
        from observability.tokens.prices import cost

        return cost(self.model, prompt_tokens, completion_tokens, cached_tokens)

    def _request(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> int:
        claude = self._model.family == "claude"
        total = self.count_tools(tools)
        if messages:
            total += _CLAUDE_REPLY if claude else _REPLY
        for message in messages:
            total += self._said(message) + sum(image_tokens(self._model, image) for image in message.images)
            if claude:
                total += 0 if message.role == "system" else _CLAUDE_PER_MESSAGE
                continue
            total += _PER_MESSAGE + self.count(message.role or "user")
            if message.name and message.role != "tool":
                total += self.count(message.name) + _PER_NAME
        return total

    def _said(self, message: Message) -> int:
        calls = sum(self.count(name) + self.count(arguments) + _PER_CALL for name, arguments in message.calls)
        return sum(map(self.count, message.texts)) + calls

    def _openai_tools(self, tools: Sequence[Mapping[str, Any]]) -> int:
        total = _TOOLS_END
        for tool in tools:
            function = _definition(tool)
            total += _FUNCTION.get(self._model.family, _FUNCTION_DEFAULT)
            total += self.count(f"{function.get('name', '')}:{_described(function)}")
            properties = list(properties_of(_schema(function)))
            total += _PROPERTIES if properties else 0
            for name, schema in properties:
                total += _PROPERTY
                values = schema.get("enum")
                if isinstance(values, Sequence) and not isinstance(values, str):
                    total += _ENUM + sum(_ENUM_VALUE + self.count(as_text(value)) for value in values)
                total += self.count(f"{name}:{_type(schema)}:{_described(schema)}")
        return total

    def _claude_tools(self, tools: Sequence[Mapping[str, Any]]) -> int:
        prompt = _CLAUDE_TOOL_PROMPT.get(self._model.version or (0, 0), _CLAUDE_TOOL_PROMPT_DEFAULT)
        return prompt + sum(self.count(as_text(_definition(tool))) for tool in tools)


def _definition(tool: Any) -> Mapping[str, Any]:
    """The function of a tool: under ``function`` in chat completions, the tool itself elsewhere."""
    if not isinstance(tool, Mapping):
        return {}
    inner = tool.get("function")
    return inner if isinstance(inner, Mapping) else tool


def _schema(function: Mapping[str, Any]) -> Any:
    return function.get("parameters", function.get("input_schema"))


def _described(schema: Mapping[str, Any]) -> str:
    description = schema.get("description")
    return description.removesuffix(".") if isinstance(description, str) else ""


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "")
    return kind if isinstance(kind, str) else as_text(kind)


@functools.lru_cache(maxsize=256)
def _counter(model: str) -> TokenCounter:
    return TokenCounter(model)


def estimate_usage(model: str, input_messages: Any, output_messages: Any) -> tuple[int | None, int | None]:
    """(input tokens, output tokens) of a call whose provider sent no usage, from its recorded content.

    Takes content in any of the forms of :mod:`.messages`; a request body brings its tools and system prompt. A side
    that holds nothing is ``None``, not 0. Never raises on JSON-like values.
    """
    counter = _counter(model)
    asked, answered = content_of(input_messages), content_of(output_messages)
    spent = None if asked.empty else counter._request(asked.messages, asked.tools)
    made = None if all(message.empty for message in answered.messages) else counter.count_output(output_messages)
    return spent, made
