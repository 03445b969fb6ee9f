"""Random traces of known truth: agents, workflows, tools and calls, seen by several instrumentations at once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.unit.exporter.support import request, span

APP, FRAMEWORK, CLIENT, SDK = "app", "instrumentation.framework", "instrumentation.client", "com.openai.sdk"
MODELS = (("gpt-4o", "gpt-4o-2024-08-06"), ("gpt-4o", "gpt-4o-2024-11-20"), ("gpt-4.1-mini", "gpt-4.1-mini"))
#: How the provider's SDK tells of calls by itself, in traces of its own.
SDK_SPANS = ("none", "same_id", "same_time")
_STEP_NS = 10_000_000
_BEGIN_NS = 1_790_000_000 * 10**9
_T = TypeVar("_T")
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Truth:
    """What was done: ``tokens`` by type, ``steps`` inside all agents together."""

    calls: Counter[str] = field(default_factory=Counter)  # by status
    tokens: Counter[str] = field(default_factory=Counter)
    without_usage: int = 0
    tools: Counter[str] = field(default_factory=Counter)  # by status
    agents: int = 0
    steps: int = 0
    workflows: int = 0
    retrievals: int = 0


@dataclass
class Forest:
    """Spans in the order in which they end, each in a request of its own, and what they stand for."""

    requests: list[ExportTraceServiceRequest]
    truth: Truth


@dataclass
class Arrival:
    """A forest whose spans come in these batches."""

    forest: Forest
    batches: list[list[ExportTraceServiceRequest]]

    def __repr__(self) -> str:
        """A line per span: what a falsifying example is read by."""
        lines = [f"{self.forest.truth}"]
        for place, batch in enumerate(self.batches):
            for each in batch:
                scope = each.resource_spans[0].scope_spans[0]
                (made,) = scope.spans
                attributes = {kv.key: kv.value.string_value or kv.value.int_value for kv in made.attributes}
                times = (made.start_time_unix_nano - _BEGIN_NS, made.end_time_unix_nano - _BEGIN_NS)
                ids = f"{made.trace_id[-1]} {made.span_id[-1]} in {(made.parent_span_id or bytes(1))[-1]}"
                lines.append(f"{place}: {ids} {scope.scope.name} {times} {made.status.code} {attributes}")
        return "\n  ".join(lines)[:_MOST_TOLD]

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """How hypothesis shows it."""
        printer.text(repr(self))


#: Characters of an arrival that are shown: hypothesis warns about more, and a warning is an error.
_MOST_TOLD = 20_000
#: Which instrumentations see a call, the outer first.
_TELLERS = ((CLIENT,), (FRAMEWORK,), (FRAMEWORK, CLIENT), (CLIENT, FRAMEWORK))


@dataclass(frozen=True)
class _Call:
    """A call as the provider saw it. ``usage`` are disjoint tokens, ``None`` if nobody was told."""

    models: tuple[str, str]
    identity: str
    usage: dict[str, int] | None
    failed: bool


class _Builder:
    def __init__(self, draw: Draw, sdk: str, complete: bool, linked: bool) -> None:
        self.draw = draw
        self.sdk = sdk
        self.complete = complete
        self.linked = linked
        self.truth = Truth()
        self.spans: list[tuple[Span, str]] = []
        self.numbers = itertools.count(1)
        #: Who tells of calls that have no answer. Of two at one time that different instrumentations tell of, nothing
        #: says that they are not one: so either all are told of by one of them, or each by both.
        self.tellers = self.chosen(*_TELLERS)

    def chosen(self, *values: _T) -> _T:
        found: _T = self.draw(st.sampled_from(values))
        return found

    def put(self, attributes: dict[str, Any], parent: Span | None, interval: tuple[int, int], scope: str) -> Span:
        start, end = interval
        number = next(self.numbers)
        made = span(attributes, parent=parent, name=f"{number}", trace_id=number.to_bytes(16, "big"))
        made.span_id = number.to_bytes(8, "big")
        made.start_time_unix_nano, made.end_time_unix_nano = _BEGIN_NS + start, _BEGIN_NS + end
        self.spans.append((made, scope))
        return made

    # ---- what is around calls ------------------------------------------------------------------------------------

    def several(self, parent: Span | None, interval: tuple[int, int], depth: int, model: int | None = None) -> int:
        """Some nodes inside ``parent``; returns how many calls and tools were done in them."""
        number = self.draw(st.integers(1, 3))
        parallel = self.draw(st.booleans())
        start, end = interval
        done = 0
        for place in range(number):
            if parallel:
                inner = (start + (place + 1) * _STEP_NS, end - (number - place) * _STEP_NS)
            else:
                width = (end - start) // number
                inner = (start + place * width + _STEP_NS, start + (place + 1) * width - _STEP_NS)
            done += self.node(parent, inner, depth - 1, model)
        return done

    def node(self, parent: Span | None, interval: tuple[int, int], depth: int, model: int | None) -> int:
        kinds = ["call", "call", "retries"]
        if depth > 0:
            kinds += ["agent", "workflow", "tool", "wrapper", "retrieval"]
        kind = self.chosen(*kinds)
        operations = {"agent": "invoke_agent", "workflow": "invoke_workflow", "tool": "execute_tool"}
        if kind == "call":
            return self.call(parent, interval, self.drawn_call(model), wrapped=False)
        if kind == "retries":
            return self.retries(parent, interval, model)
        if kind == "wrapper":
            return self.wrapper(parent, interval, depth, model)
        if kind == "retrieval":
            self.put({"openinference.span.kind": "RETRIEVER"}, parent, interval, APP)
            self.truth.retrievals += 1
            return 0
        failed = kind == "tool" and self.draw(st.booleans())
        attributes: dict[str, Any] = {"gen_ai.operation.name": operations[kind], "gen_ai.tool.name": "search"}
        if self.draw(st.booleans()):  # those of its calls, or any
            attributes |= {"gen_ai.usage.input_tokens": 77_000, "gen_ai.request.model": "gpt-4o"}
        made = self.put(attributes, parent, interval, APP)
        if failed:
            made.status.code = Status.STATUS_CODE_ERROR
        done = self.several(made, interval, depth)
        if kind == "agent":
            self.truth.agents += 1
            self.truth.steps += done
        elif kind == "workflow":
            self.truth.workflows += 1
        else:
            self.truth.tools["error" if failed else "success"] += 1
            done += 1
        return done

    def wrapper(self, parent: Span | None, interval: tuple[int, int], depth: int, model: int | None) -> int:
        """A call of a framework around two calls of a client, or around what its answers asked for."""
        model = self.draw(st.integers(0, len(MODELS) - 1)) if model is None else model
        start, end = interval
        middle = (start + end) // 2
        first, last = self.drawn_call(model), self.drawn_call(model)
        usage = self.chosen(None, _sum(first.usage, last.usage), last.usage)
        if self.linked and None in (first.usage, last.usage):
            usage = None  # if it came with the call that has none, it would be that one's
        told = _Call(MODELS[model], last.identity if self.draw(st.booleans()) else "", usage, False)
        made = self.view(told, parent, interval, FRAMEWORK, detailed=self.draw(st.booleans()))
        done = self.call(made, (start + _STEP_NS, middle - _STEP_NS), first)
        if depth > 1 and self.draw(st.booleans()):
            quarter = (middle + end) // 2
            tool = self.put({"gen_ai.operation.name": "execute_tool"}, made, (middle, quarter), APP)
            self.truth.tools["success"] += 1
            done += 1 + self.several(tool, (middle, quarter), depth - 2)
            middle = quarter
        return done + self.call(made, (middle + _STEP_NS, end - _STEP_NS), last)

    def retries(self, parent: Span | None, interval: tuple[int, int], model: int | None) -> int:
        """A framework's call that failed at the first attempt."""
        model = self.draw(st.integers(0, len(MODELS) - 1)) if model is None else model
        start, end = interval
        middle = (start + end) // 2
        last = self.drawn_call(model)
        made = self.view(last, parent, interval, FRAMEWORK, detailed=True)
        failed = _Call(MODELS[model], "", None, True)
        done = self.call(made, (start + _STEP_NS, middle - _STEP_NS), failed)
        return done + self.call(made, (middle + _STEP_NS, end - _STEP_NS), last)

    # ---- calls ---------------------------------------------------------------------------------------------------

    def drawn_call(self, model: int | None) -> _Call:
        models = MODELS[self.draw(st.integers(0, len(MODELS) - 1)) if model is None else model]
        number = next(self.numbers)
        if self.draw(st.integers(0, 5)) == 0:
            return _Call(models, "", None, True)
        usage = None
        if self.draw(st.integers(0, 4)):
            usage = {
                "input": number * 1000 + 1,
                "cache_read": self.chosen(0, number * 10),
                "cache_write": self.chosen(0, number * 7),
                "output": number * 100 + 3,
                "reasoning": self.chosen(0, number * 5),
            }
        return _Call(models, f"chatcmpl-{number}", usage, False)

    def call(self, parent: Span | None, interval: tuple[int, int], call: _Call, *, wrapped: bool = True) -> int:
        """One call, as one, two or three instrumentations see it."""
        start, end = interval
        scopes = self.chosen(*_TELLERS) if call.identity else self.tellers
        scopes = scopes[:1] if wrapped and self.linked else scopes
        exact = self.draw(st.integers(0, len(scopes) - 1))  # this view tells everything, the others maybe less
        for place, scope in enumerate(scopes):
            if place and not self.linked and self.draw(st.booleans()):
                parent = self.put({"http.request.method": "POST"}, parent, (start, end), APP)
            everything = self.complete or place == exact
            told = call if everything or self.draw(st.booleans()) else _Call(call.models, "", None, call.failed)
            parent = self.view(told, parent, (start, end), scope, detailed=everything or self.draw(st.booleans()))
            start, end = start + 1_000_000, end - 1_000_000
        if self.sdk != "none" and (self.sdk == "same_time" or call.identity):
            own = call if self.sdk == "same_id" else _Call(call.models, "", call.usage, call.failed)
            made = self.view(own, None, (start, end), SDK, detailed=self.complete or self.draw(st.booleans()))
            if self.sdk == "same_id":  # also that of the view in the app's trace
                _identify(self.spans[-2][0], call.identity)
                assert made.parent_span_id == b""
        self.truth.calls["error" if call.failed else "success"] += 1
        if call.usage is not None:
            self.truth.tokens.update(call.usage)
        self.truth.without_usage += call.usage is None and not call.failed
        return 1

    def view(self, call: _Call, parent: Span | None, interval: tuple[int, int], scope: str, *, detailed: bool) -> Span:
        """A span that tells of ``call``: in the names of one convention or another, with details or totals only."""
        asked, answered = call.models
        usage = call.usage
        if self.draw(st.booleans()):
            attributes: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": asked}
            attributes |= {"gen_ai.provider.name": "openai"} if self.draw(st.booleans()) else {}
            attributes |= {} if call.failed else {"gen_ai.response.model": answered}
            names = _GENAI
        else:
            attributes = {"openinference.span.kind": "LLM", "llm.invocation_parameters": f'{{"model": "{asked}"}}'}
            attributes |= {} if call.failed else {"llm.model_name": answered}
            names = _OPENINFERENCE
        if usage is not None:
            attributes[names["input"]] = usage["input"] + usage["cache_read"] + usage["cache_write"]
            attributes[names["output"]] = usage["output"] + usage["reasoning"]
            for part in ("cache_read", "cache_write", "reasoning"):
                if detailed and usage[part]:
                    attributes[names[part]] = usage[part]
        made = self.put(attributes, parent, interval, scope)
        if call.identity:
            _identify(made, call.identity)
        if call.failed:
            made.status.code = Status.STATUS_CODE_ERROR
            made.status.message = "Error code: 429 - rate limit"
        return made


_GENAI = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "cache_write": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}
_OPENINFERENCE = {
    "input": "llm.token_count.prompt",
    "output": "llm.token_count.completion",
    "cache_read": "llm.token_count.prompt_details.cache_read",
    "cache_write": "llm.token_count.prompt_details.cache_write",
    "reasoning": "llm.token_count.completion_details.reasoning",
}


def _identify(made: Span, identity: str) -> None:
    if all(each.key != "gen_ai.response.id" for each in made.attributes):
        made.attributes.add(key="gen_ai.response.id").value.string_value = identity


def _sum(one: dict[str, int] | None, other: dict[str, int] | None) -> dict[str, int] | None:
    if one is None or other is None:
        return one or other
    return {name: number + other[name] for name, number in one.items()}


@st.composite
def forests(draw: Draw, *, sdk: Sequence[str] = SDK_SPANS, complete: bool = False, linked: bool = False) -> Forest:
    """One or two traces.

    ``complete``: every view of a call tells all of it; ``linked``: nothing is between two views of a call, nor between
    a wrapper and what it wraps.
    """
    builder = _Builder(draw, draw(st.sampled_from(list(sdk))), complete, linked)
    for place in range(draw(st.integers(1, 2))):
        begin = place * 10**15
        builder.several(None, (begin, begin + 10**13), draw(st.integers(0, 3)))
    made = sorted(builder.spans, key=lambda each: (each[0].end_time_unix_nano, -each[0].start_time_unix_nano))
    requests = [request([each], scope=scope) for each, scope in made]
    if draw(st.booleans()):
        requests.append(requests[draw(st.integers(0, len(requests) - 1))])
    return Forest(requests, builder.truth)


@st.composite
def shuffled(draw: Draw, source: st.SearchStrategy[Forest]) -> Arrival:
    """The spans of a forest in another order."""
    forest = draw(source)
    return Arrival(forest, _batched(draw, draw(st.permutations(forest.requests))))


@st.composite
def inner_first(draw: Draw, source: st.SearchStrategy[Forest]) -> Arrival:
    """The spans of a forest in the order in which they ended."""
    forest = draw(source)
    return Arrival(forest, _batched(draw, forest.requests))


def _batched(draw: Draw, requests: list[ExportTraceServiceRequest]) -> list[list[ExportTraceServiceRequest]]:
    batches = []
    while requests:
        size = draw(st.integers(1, 6))
        batches.append(requests[:size])
        requests = requests[size:]
    return batches
