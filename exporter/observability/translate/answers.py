"""What an answer says of itself, where a dialect keeps the provider's answer as a JSON document only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from observability.translate import usage
from observability.vocabulary import values

#: Ids that a framework made up for its own run; they are no response id.
_RUN_IDS = ("lc_run-", "run-", "lc_", "run--")
#: Places of the provider's answer inside the documents of frameworks.
_INSIDE = (
    "response_metadata",
    "llm_output",
    "raw",
    "response",
    "message",
    "kwargs",
    "additional_kwargs",
    "body",
    "data",
    "meta",
    "_meta",
    "outputs",
    "result",
)
_LISTS = ("generations", "choices", "replies")
_DEEPEST = 8
_ELEMENTS = 4


@dataclass(slots=True)
class Answer:
    """``usage`` maps the fields of :func:`observability.translate.usage.from_document`."""

    response_id: str | None = None
    model: str | None = None
    usage: dict[str, float] = field(default_factory=dict)
    streamed: bool = False


def read(document: Any) -> Answer:
    """What is found in an answer (OpenAI, Anthropic, Google, LangChain …), parsed or as a JSON string."""
    answer = Answer()
    parsed = values.document(document)
    for found in _objects(parsed, _DEEPEST):
        identity = found.get("id") or found.get("response_id") or found.get("responseId")
        if answer.response_id is None and isinstance(identity, str) and identity and not identity.startswith(_RUN_IDS):
            answer.response_id = identity
        model = found.get("model") or found.get("model_name") or found.get("modelVersion")
        if answer.model is None and isinstance(model, str) and model:
            answer.model = model
        for name in ("usage", "token_usage", "usage_metadata", "usageMetadata"):
            for each, number in usage.from_document(found.get(name)).items():
                answer.usage.setdefault(each, number)
        kind = found.get("object") or found.get("type")
        answer.streamed |= kind in ("chat.completion.chunk", "ChatGenerationChunk", "AIMessageChunk")
    return answer


def _objects(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """The objects that may be or hold the provider's answer, outermost first."""
    if not depth:
        return
    if isinstance(value, list):
        for element in (*value[:_ELEMENTS], *value[_ELEMENTS:][-1:]):  # of a list of chunks the last has the usage
            yield from _objects(element, depth - 1)
    elif isinstance(value, Mapping):
        yield value
        for name in (*_INSIDE, *_LISTS):
            inner = value.get(name)
            if isinstance(inner, Mapping | list):
                yield from _objects(inner, depth - 1)
