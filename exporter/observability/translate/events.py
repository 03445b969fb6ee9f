"""Span events → what they say of the span."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.intake import anyvalue
from observability.spans import Spans
from observability.vocabulary import events as names
from observability.vocabulary import values


@dataclass(slots=True)
class Told:
    """Events of one span: time of the first token, (type, message) of exceptions, and the attributes of the rest."""

    first_token_ns: int | None = None
    exceptions: list[tuple[str | None, str | None]] = field(default_factory=list)
    abandoned: bool = False
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    input: list[dict[str, Any]] = field(default_factory=list)
    output: list[dict[str, Any]] = field(default_factory=list)


def told(spans: Spans) -> dict[int, Told]:
    """Row → what its events say, for the spans that have some of :mod:`observability.vocabulary.events`."""
    found: dict[int, Told] = defaultdict(Told)
    for row, raw in zip(spans.event_span.tolist(), spans.event.to_pylist(), strict=True):
        try:
            event = Span.Event.FromString(raw)
        except DecodeError:
            continue  # an event that cannot be read says nothing; its span counts all the same
        if event.name in names.FIRST_TOKEN:
            known = found[row].first_token_ns
            found[row].first_token_ns = event.time_unix_nano if known is None else min(known, event.time_unix_nano)
        elif event.name in names.EXCEPTIONS:
            said = _attributes(event)
            kind = values.text(said.get(names.EXCEPTION_TYPE))
            if kind in names.ABANDONED:
                found[row].abandoned = True
            else:
                found[row].exceptions.append((kind, values.text(said.get(names.EXCEPTION_MESSAGE))))
        elif event.name == names.EVALUATION:
            found[row].evaluations.append(_attributes(event))
        elif event.name in names.INPUT_MESSAGES:
            found[row].input.append(_attributes(event))
        elif event.name in names.OUTPUT_MESSAGES:
            found[row].output.append(_attributes(event))
    return found


def _attributes(event: Span.Event) -> dict[str, Any]:
    return {each.key: anyvalue.value_of(each.value) for each in event.attributes}
