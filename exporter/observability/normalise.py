"""Spans → canonical records: which span is a call, what it says, and which spans speak of the same call."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from observability import dialects, errors
from observability.records import CALL_OPERATIONS, RETRIEVAL_OPERATION, UNKNOWN, LlmCall, Records, Retrieval, TokenUsage

_SpanKey = tuple[bytes, bytes]


def normalise(batch: Iterable[ResourceSpans], *, content: bool = False) -> Records:
    """All calls and retrievals of one batch; spans that are neither are left out.

    A call that several spans of the batch describe (a span delivered twice, two instrumentations nested in each other,
    an SDK's own span with the same response id) is one record. With ``content`` prompts and answers are kept.
    """
    rules = dialects.RULES_WITH_CONTENT if content else dialects.RULES
    parents: dict[_SpanKey, _SpanKey | None] = {}
    calls: dict[_SpanKey, LlmCall] = {}
    retrievals: dict[_SpanKey, Retrieval] = {}
    for service, span in _spans(batch):
        key = (span.trace_id, span.span_id)
        parents[key] = (span.trace_id, span.parent_span_id) if span.parent_span_id else None
        fields = _fields(span, rules)
        operation = fields.get("operation")
        if operation in CALL_OPERATIONS:
            calls[key] = _call(service, span, operation, fields)
        elif operation == RETRIEVAL_OPERATION:
            retrievals[key] = Retrieval(
                service=service,
                retriever=fields.get("retriever") or span.name or UNKNOWN,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                start_ns=span.start_time_unix_nano,
                end_ns=span.end_time_unix_nano,
            )
    return Records(tuple(_distinct(calls, parents)), tuple(retrievals.values()))


def value(any_value: AnyValue) -> Any:
    """The Python value of an OTLP ``AnyValue``; ``None`` for an empty one."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: value(item.value) for item in any_value.kvlist_value.values}
    return getattr(any_value, kind)


def _spans(batch: Iterable[ResourceSpans]) -> Iterator[tuple[str, Span]]:
    for resource_spans in batch:
        service = _service(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield service, span


def _service(resource: Resource) -> str:
    for attribute in resource.attributes:
        if attribute.key == dialects.SERVICE_ATTRIBUTE:
            return dialects.text(value(attribute.value)) or UNKNOWN
    return UNKNOWN


def _fields(span: Span, rules: Mapping[str, dialects.Rule]) -> dict[str, Any]:
    """Canonical field → value, from the best-ranked attribute that could be read."""
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for attribute in span.attributes:
        rule = rules.get(attribute.key)
        if rule is None or ranks.get(rule.field, rule.rank + 1) <= rule.rank:
            continue
        read = rule.convert(value(attribute.value))
        if read is not None:
            found[rule.field] = read
            ranks[rule.field] = rule.rank
    return found


def _call(service: str, span: Span, operation: str, fields: dict[str, Any]) -> LlmCall:
    invocation = fields.get("invocation", {})
    request_model = fields.get("request_model") or dialects.text(invocation.get("model"))
    response_model = fields.get("response_model")
    first_token, exceptions = _events(span)
    time_to_first_token = fields.get("time_to_first_token", first_token)
    streaming = fields.get("streaming")
    if streaming is None:
        streaming = dialects.boolean(invocation.get("stream"))
    if streaming is None and time_to_first_token is not None:
        streaming = True
    error_type = None
    if span.status.code == Status.STATUS_CODE_ERROR or "error_type" in fields:
        error_type = errors.classify(
            (fields.get("error_type"), *(kind for kind, _ in exceptions), fields.get("http_status")),
            (*(message for _, message in exceptions), span.status.message),
        )
    return LlmCall(
        service=service,
        provider=dialects.provider(fields.get("provider")),
        model=response_model or request_model or UNKNOWN,
        request_model=request_model,
        response_model=response_model,
        operation=operation,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        error_type=error_type,
        usage=TokenUsage.from_totals(
            fields.get("input_total"),
            fields.get("cache_read"),
            fields.get("cache_write"),
            fields.get("output_total"),
            fields.get("reasoning"),
        ),
        time_to_first_token_seconds=time_to_first_token,
        streaming=streaming,
        response_id=fields.get("response_id"),
        input=fields.get("input"),
        output=fields.get("output"),
    )


def _events(span: Span) -> tuple[float | None, list[tuple[str | None, str | None]]]:
    """Seconds to the first first-token event, and (type, message) of the recorded exceptions."""
    first: float | None = None
    exceptions: list[tuple[str | None, str | None]] = []
    for event in span.events:
        if event.name in dialects.FIRST_TOKEN_EVENTS:
            after = (event.time_unix_nano - span.start_time_unix_nano) / 1e9
            if after >= 0 and (first is None or after < first):
                first = after
        elif event.name in dialects.EXCEPTION_EVENTS:
            said = {attribute.key: value(attribute.value) for attribute in event.attributes}
            exceptions.append(
                (dialects.text(said.get(dialects.EXCEPTION_TYPE)), dialects.text(said.get(dialects.EXCEPTION_MESSAGE)))
            )
    return first, exceptions


def _distinct(calls: dict[_SpanKey, LlmCall], parents: dict[_SpanKey, _SpanKey | None]) -> Iterator[LlmCall]:
    """One record per call: spans inside each other, or with one response id, are merged into the innermost one."""
    around = _calls_around(calls, parents)
    same: dict[_SpanKey, list[_SpanKey]] = {}
    for key, outer in around.items():
        if _may_be_same(calls[key], calls[outer]):
            same.setdefault(outer, []).append(key)
    home: dict[_SpanKey, _SpanKey | None] = {}
    by_response: dict[str, _SpanKey] = {}
    merged: dict[_SpanKey, LlmCall] = {}
    for key in _innermost_first(calls, around):
        call = calls[key]
        inside = [inner for inner in same.get(key, ()) if inner in home]
        if len(inside) > 1:  # a wrapper of several calls, which count for themselves
            target = None
        elif inside:  # one call seen twice: the outer span lends what it knows
            target = home[inside[0]]
        else:
            target = by_response.get(call.response_id, key) if call.response_id else key
        home[key] = target
        if target is None:
            continue
        merged[target] = _merge(merged[target], call) if target in merged else call
        if call.response_id:
            by_response.setdefault(call.response_id, target)
    yield from merged.values()


def _calls_around(calls: dict[_SpanKey, LlmCall], parents: dict[_SpanKey, _SpanKey | None]) -> dict[_SpanKey, _SpanKey]:
    """Call → the nearest call that it is inside of, through any other spans; each span is walked over once."""
    nearest: dict[_SpanKey, _SpanKey | None] = {}
    around: dict[_SpanKey, _SpanKey] = {}
    for key in calls:
        path: dict[_SpanKey, None] = {}
        current = parents[key]
        while current is not None and current not in calls and current not in nearest and current not in path:
            path[current] = None
            current = parents.get(current)
        found = current if current in calls else nearest.get(current) if current is not None else None
        nearest.update(dict.fromkeys(path, found))
        if found is not None and found != key:
            around[key] = found
    return around


def _innermost_first(calls: Iterable[_SpanKey], around: Mapping[_SpanKey, _SpanKey]) -> Iterator[_SpanKey]:
    """Each call after those inside it; what claims to be inside itself comes last."""
    waiting_for = Counter(around.values())
    ready = deque(key for key in calls if not waiting_for[key])
    left = dict.fromkeys(calls)
    while ready:
        key = ready.popleft()
        del left[key]
        yield key
        outer = around.get(key)
        if outer is not None:
            waiting_for[outer] -= 1
            if not waiting_for[outer]:
                ready.append(outer)
    yield from left


def _may_be_same(one: LlmCall, other: LlmCall) -> bool:
    if one.response_id and other.response_id:
        return one.response_id == other.response_id
    models, others = ({model for model in (call.request_model, call.response_model) if model} for call in (one, other))
    return not models or not others or bool(models & others)


def _merge(kept: LlmCall, other: LlmCall) -> LlmCall:
    """What both spans know of one call: ``kept`` speaks, ``other`` fills gaps; the more detailed usage counts."""
    usage = kept.usage
    if other.usage is not None and (usage is None or other.usage.detail > usage.detail):
        usage = other.usage
    ttft = kept.time_to_first_token_seconds
    return replace(
        kept,
        provider=other.provider if kept.provider == UNKNOWN else kept.provider,
        model=(kept.response_model or other.response_model or kept.request_model or other.model),
        request_model=kept.request_model or other.request_model,
        response_model=kept.response_model or other.response_model,
        error_type=kept.error_type or other.error_type,
        usage=usage,
        time_to_first_token_seconds=other.time_to_first_token_seconds if ttft is None else ttft,
        streaming=other.streaming if kept.streaming is None else kept.streaming,
        response_id=kept.response_id or other.response_id,
        input=other.input if kept.input is None else kept.input,
        output=other.output if kept.output is None else kept.output,
    )
