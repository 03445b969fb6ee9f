"""OTLP protobuf → columns: the same as the protobuf classes read, span by span."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from observability.conversations.allowance import Allowance
from observability.intake import anyvalue, wire
from observability.spans import Attributes
from observability.translate.calls import Wanted
from observability.translate.selection import Selection
from observability.translate.spans import translate
from tests.unit.exporter.support import any_value, chat, columns, request, span

IDS = {16: st.sampled_from((b"", b"\x01", bytes(16), b"\x07" * 15, b"\x01" * 17)) | st.binary(min_size=16, max_size=16),
       8: st.sampled_from((b"", b"\x01", bytes(8), b"\x07" * 9)) | st.binary(min_size=8, max_size=8)}  # fmt: skip
SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=200) | st.binary(max_size=5)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2) | st.none()
KEYS = st.sampled_from(("gen_ai.request.model", "a", "b", "ü", ""))
TIMES = st.integers(0, 2**64 - 1)


@st.composite
def made_spans(draw: Any) -> Span:
    one = Span(
        trace_id=draw(IDS[16]), span_id=draw(IDS[8]), parent_span_id=draw(IDS[8]), name=draw(st.text(max_size=9)),
        start_time_unix_nano=draw(TIMES), end_time_unix_nano=draw(TIMES),
    )  # fmt: skip
    for key, value in draw(st.lists(st.tuples(KEYS, VALUES), max_size=4)):
        one.attributes.add(key=key, value=any_value(value))
    for name in draw(st.lists(st.text(max_size=5), max_size=2)):
        one.events.add(name=name, time_unix_nano=draw(TIMES))
    if draw(st.booleans()):
        one.status.CopyFrom(Status(code=draw(st.sampled_from((0, 1, 2))), message=draw(st.text(max_size=5))))
    if draw(st.booleans()):  # of no use, and not to be stumbled over
        one.links.add(trace_id=bytes(16), span_id=bytes(8))
        one.trace_state, one.flags, one.dropped_attributes_count = "a=b", 257, 3
        one.kind = Span.SPAN_KIND_CLIENT
    return one


@st.composite
def requests(draw: Any) -> ExportTraceServiceRequest:
    found = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 3))):
        resource = found.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.37.0")
        if draw(st.booleans()):
            resource.resource.attributes.add(key="service.name", value=any_value(draw(st.text(max_size=5))))
        for _ in range(draw(st.integers(0, 2))):
            scope = resource.scope_spans.add()
            scope.scope.name = draw(st.text(max_size=5))
            scope.spans.extend(draw(st.lists(made_spans(), max_size=3)))
    return found


def well_formed(one: Span) -> bool:
    sizes = (len(one.trace_id), len(one.span_id)) == (16, 8)
    return sizes and any(one.trace_id) and any(one.span_id)


def flat(found: ExportTraceServiceRequest) -> list[tuple[ResourceSpans, ScopeSpans, Span]]:
    return [(r, s, one) for r in found.resource_spans for s in r.scope_spans for one in s.spans if well_formed(one)]


def words(identifier: bytes, size: int) -> list[int]:
    """Big-endian words of an identifier; zeros for one that is malformed."""
    proper = identifier if len(identifier) == size else bytes(size)
    return [int.from_bytes(proper[place : place + 8], "big") for place in range(0, size, 8)]


def alike(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # NaN is alike, 1 and True are not


def said_of(attributes: Attributes, row: int) -> dict[str, list[Any]]:
    """The attributes of one span, with the values in the order in which they were sent."""
    found = {
        key: [anyvalue.python_value(each.value[place].as_py()) for place in np.flatnonzero(each.span == row).tolist()]
        for key, each in attributes.items()
    }
    return {key: values for key, values in found.items() if values}


def signed(time: int) -> int:
    return time - 2**64 if time >= 2**63 else time


several = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@several
@given(found=st.lists(requests(), min_size=1, max_size=3))
def test_columns_hold_what_the_protobuf_classes_read(found: list[ExportTraceServiceRequest]) -> None:
    bodies = [wire.decode(each.SerializeToString()) for each in found]
    spans = wire.spans(bodies)
    want = [entry for each in found for entry in flat(each)]
    sent = sum(len(s.spans) for each in found for r in each.resource_spans for s in r.scope_spans)
    assert sum(map(len, bodies)) == len(spans) == len(want)
    assert sum(body.rejected for body in bodies) == sent - len(want)
    attributes = spans.attributes
    for row, (resource, scope, one) in enumerate(want):
        said = spans.resource[row]
        assert said is not None
        assert said.attributes == {each.key: anyvalue.value_of(each.value) for each in resource.resource.attributes}
        assert (spans.scope[row], spans.name[row]) == (scope.scope.name, one.name)
        assert spans.trace_id[row].tolist() == words(one.trace_id, 16)
        assert [spans.span_id[row], spans.parent_id[row]] == words(one.span_id, 8) + words(one.parent_span_id, 8)
        assert (spans.start_ns[row], spans.end_ns[row]) == (
            signed(one.start_time_unix_nano), signed(one.end_time_unix_nano),
        )  # fmt: skip
        status = spans.status[row]
        assert status is not None
        assert status.failed == (one.status.code == Status.STATUS_CODE_ERROR)
        sent_here: dict[str, list[Any]] = {}
        for each in one.attributes:
            sent_here.setdefault(each.key, []).append(anyvalue.value_of(each.value))
        assert alike(dict(sorted(said_of(attributes, row).items())), dict(sorted(sent_here.items())))
        events = np.flatnonzero(spans.event_span == row).tolist()
        assert [Span.Event.FromString(spans.event[place].as_py()) for place in events] == list(one.events)


NAMES = st.sampled_from((
    "gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.input_token\x00",
    "llm.input_messages.0.message.content", "llm.output_messages.10.message.tool_calls.0.tool_call.function.arguments",
    "llm.output_messages.11.message.tool_calls.0.tool_call.function.arguments", "k" * 46, "k" * 47, "k" * 127,
    "k" * 128, "k" * 300, "ü", "", "a", "b",
))  # fmt: skip


def length_delimited(tag: int, content: bytes) -> bytes:
    size, encoded = len(content), b""
    while size > 127:
        encoded += bytes([size & 127 | 128])
        size >>= 7
    return bytes([tag]) + encoded + bytes([size]) + content


@st.composite
def attribute(draw: Any, key: str) -> bytes:
    """A ``KeyValue`` as encoders write it, or as none does and every decoder reads it."""
    name = length_delimited(0x0A, key.encode()) if key else b""
    value = length_delimited(0x12, any_value(draw(SCALARS)).SerializeToString())
    unknown = length_delimited(0x7A, b"x")
    return draw(st.sampled_from([name + value] * 12 + [value + name, name, name + value + unknown, name + b"\x12\x00"]))  # type: ignore[no-any-return]


@st.composite
def alike_spans(draw: Any) -> bytes:
    """A body with many spans of few shapes, mixed."""
    shapes = draw(st.lists(st.lists(NAMES, max_size=6), min_size=1, max_size=4))
    spans = []
    for number in range(draw(st.integers(1, 90))):
        head = Span(
            trace_id=bytes([7] * 16), span_id=(number + 1).to_bytes(8, "big"), name=draw(st.sampled_from("xyz"))
        )
        found = head.SerializeToString()
        for key in draw(st.sampled_from(shapes)):
            found += length_delimited(0x4A, draw(attribute(key)))
        spans.append(length_delimited(0x12, found))
    return length_delimited(0x0A, length_delimited(0x12, b"".join(spans)))


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(body=alike_spans())
def test_attributes_of_many_spans_of_few_shapes_are_those_that_the_protobuf_classes_read(body: bytes) -> None:
    read = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    attributes = wire.decode(body).spans.attributes
    found: list[dict[str, list[Any]]] = [{} for _ in read]
    for key, attribute in attributes.items():
        assert (np.diff(attribute.span) >= 0).all()
        for row, raw in zip(attribute.span.tolist(), attribute.value.to_pylist(), strict=True):
            found[row].setdefault(key, []).append(anyvalue.python_value(raw))
    for span_, said in zip(read, found, strict=True):
        sent: dict[str, list[Any]] = {}
        for each in span_.attributes:
            sent.setdefault(each.key, []).append(anyvalue.value_of(each.value))
        assert alike(dict(sorted(said.items())), dict(sorted(sent.items())))


def test_values_whose_length_takes_one_two_three_or_four_bytes_are_whole() -> None:
    sizes = [*range(120, 135), *range(16_375, 16_392), *range(2_097_140, 2_097_157), 0, 1, 500, 5000, 100_000]
    texts = [f"{size:x}"[:size] + "x" * max(size - len(f"{size:x}"), 0) for size in sizes]
    body = request([span({"gen_ai.input.messages": text}) for text in texts]).SerializeToString()
    found = wire.decode(body).spans.attributes["gen_ai.input.messages"]
    assert found.span.tolist() == list(range(len(texts)))
    read = [anyvalue.python_value(raw) for raw in found.value.to_pylist()]
    assert [text for text, said in zip(texts, read, strict=True) if text != said] == []


def test_a_key_that_is_longer_than_its_message_is_refused_or_has_no_value() -> None:
    whole = length_delimited(0x0A, b"gen_ai.request.model") + length_delimited(0x12, b"\x0a\x01m")
    spans = [
        length_delimited(0x12, Span(trace_id=bytes([7] * 16), span_id=bytes([7] * 8)).SerializeToString()
                         + length_delimited(0x4A, whole if number % 20 else whole[:9]))
        for number in range(60)
    ]  # fmt: skip
    body = length_delimited(0x0A, length_delimited(0x12, b"".join(spans)))
    try:
        found = wire.decode(body).spans.attributes["gen_ai.request.model"]
    except wire.Malformed:
        return
    values = [anyvalue.python_value(raw) for raw in found.value.to_pylist()]
    assert {row: value for row, value in zip(found.span.tolist(), values, strict=True) if value is not None} == {
        row: "m" for row in range(60) if row % 20
    }


@several
@given(found=requests(), cut=st.integers(1, 40))
def test_a_body_that_was_cut_off_is_refused_or_shorter_and_never_wrong(
    found: ExportTraceServiceRequest, cut: int
) -> None:
    body = found.SerializeToString()[:-cut]
    try:
        decoded = wire.decode(body)
    except wire.Malformed:
        return
    assert len(decoded) <= len(flat(found))
    wire.spans([decoded])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"trace_id": b"\x01\x02"}, "trace id 0102"),
        ({"trace_id": b""}, "trace id (none)"),
        ({"trace_id": bytes(16)}, f"trace id {'0' * 32}"),
        ({"span_id": b"\x01" * 16}, f"span id {'01' * 16}"),
        ({"span_id": bytes(8)}, f"span id {'0' * 16}"),
    ],
)
def test_a_span_with_malformed_ids_is_named_and_left_out(change: dict[str, bytes], named: str) -> None:
    bad = span(chat(), name="bad", events=[("exception", 0.1, {})])
    for name, value in change.items():
        setattr(bad, name, value)
    good = [span(chat(), name="first"), span(chat(), name="last", events=[("x", 0.1, {})])]
    decoded = wire.decode(request([good[0], bad, good[1]]).SerializeToString())
    assert (len(decoded), decoded.rejected) == (2, 1)
    assert "'bad'" in decoded.message
    assert named in decoded.message
    spans = wire.spans([decoded, wire.decode(request([span(chat(), name="other body")]).SerializeToString())])
    assert spans.name.to_list() == ["first", "last", "other body"]
    assert spans.event_span.tolist() == [1]


def test_a_span_with_a_malformed_parent_is_a_root() -> None:
    one = span(chat())
    one.parent_span_id = b"\x01"
    assert columns(request([one])).parent_id.tolist() == [0]


INTS = st.integers(-(2**63), 2**63 - 1)


@several
@given(values=st.lists(INTS | st.floats() | st.text(max_size=3) | st.booleans() | st.none(), max_size=9))
@example([0, -1, 2**63 - 1, -(2**63), 127, 128, 2**53, 1.5, math.inf, -0.0])
def test_numbers_are_read_as_python_reads_them(values: list[Any]) -> None:
    raw = [any_value(value).SerializeToString() for value in values]
    found, others = anyvalue.numbers(pa.array(raw, pa.binary()))
    for value, number, other in zip(values, found.tolist(), others.tolist(), strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            assert other
        else:
            assert not other
            assert number == float(value)


@pytest.mark.parametrize("raw", [b"\x18", b"\x18\xff", b"\x18" + b"\xff" * 10, b"\x21\x00", b"\x0a\x05ab", b"\x18\x80"])
def test_bytes_that_are_no_value_are_no_number_and_no_value(raw: bytes) -> None:
    found, others = anyvalue.numbers(pa.array([raw], pa.binary()))
    assert others.tolist() == [True]
    assert np.isnan(found[0])
    assert anyvalue.python_value(raw) is None


@several
@given(text=st.text(max_size=200))
def test_a_text_is_the_same_after_it_was_serialised(text: str) -> None:
    assert anyvalue.python_value(anyvalue.serialised(text)) == text
    assert anyvalue.serialised(text) == AnyValue(string_value=text).SerializeToString()


# ---- which attributes are kept ---------------------------------------------------------------------------------------

PROMPT = {
    "gen_ai.input.messages": '[{"role": "user"}]',
    "input.value": "hello",
    "llm.input_messages.0.message.role": "x",
}


def kept(*attributes: dict[str, Any], content: bool = False) -> list[set[str]]:
    """The names that are left of spans with these attributes."""
    body = request([span(each) for each in attributes]).SerializeToString()
    found = wire.decode(body, Selection(frozenset({"team"}), content=content)).spans.attributes
    return [set(said_of(found, row)) for row in range(len(attributes))]


def test_content_is_left_out_of_a_call_that_says_everything_itself() -> None:
    whole = chat(gen_ai__response__id="r", team="search")
    assert kept({**whole, **PROMPT, "http.url": "x"}) == [set(whole)]


def test_content_is_kept_of_a_call_that_leaves_something_open() -> None:
    whole, open_ = chat(gen_ai__response__id="r"), chat()
    assert kept({**whole, **PROMPT}, {**open_, **PROMPT}) == [set(whole), {*open_, *PROMPT}]


def test_content_is_kept_where_it_is_wanted() -> None:
    whole = chat(gen_ai__response__id="r")
    assert kept({**whole, **PROMPT, "other": "x"}, content=True) == [{*whole, *PROMPT}]


def test_scores_of_documents_verdicts_and_unheard_of_names_are_kept() -> None:
    names = {
        "retrieval.documents.0.document.score": 0.5, "evaluations.0.evaluation.name": "x", "gen_ai.unheard_of": 1,
    }  # fmt: skip
    assert kept({**chat(gen_ai__response__id="r"), **names})[0] >= set(names)


def test_the_time_of_the_first_token_is_no_content() -> None:
    made = span({**chat(gen_ai__response__id="r"), "langfuse.observation.completion_start_time": ""}, seconds=2)
    made.attributes[-1].value.string_value = '"2026-09-21T13:06:41Z"'
    made.start_time_unix_nano = 1_789_996_000 * 10**9
    made.end_time_unix_nano = made.start_time_unix_nano + 2 * 10**9
    body = wire.decode(request([made]).SerializeToString(), Selection(frozenset(), content=False))
    calls = translate(wire.spans([body]), Wanted())[0].calls
    assert calls.time_to_first_token.tolist() == [1.0]


@several
@given(found=requests())
def test_what_is_selected_gives_the_same_calls(found: ExportTraceServiceRequest) -> None:
    body = found.SerializeToString()
    all_of_it = translate(wire.spans([wire.decode(body)]), Wanted())[0]
    selected = translate(wire.spans([wire.decode(body, Selection(frozenset(), content=False))]), Wanted())[0]
    assert len(all_of_it.calls) == len(selected.calls)
    assert np.array_equal(all_of_it.links.key, selected.links.key)


def test_many_spans_alike_of_which_nothing_is_kept_are_taken() -> None:
    body = request([span({"http.url": "x", "http.method": "GET"}, name="GET") for _ in range(40)])
    decoded = wire.decode(body.SerializeToString(), Selection(frozenset(), content=False))
    assert (len(decoded), decoded.rejected, dict(decoded.spans.attributes)) == (40, 0, {})


def test_calls_with_content_are_sampled_and_nothing_else_is() -> None:
    whole = chat(gen_ai__response__id="r")
    events = [("gen_ai.user.message", 0.0, {"content": "hello"})]
    spans = [
        span({**whole, **PROMPT}),
        span(whole),  # no content
        span({"input.value": "hello"}),  # no call
        span(whole, events=events),
        span({**whole, **PROMPT}),
    ]
    body = request(spans).SerializeToString()
    every = Selection(frozenset(), content=False, allowance=Allowance(1000))
    assert wire.decode(body, every).spans.sampled.tolist() == [True, False, False, True, True]
    assert not wire.decode(body, Selection(frozenset(), content=False)).spans.sampled.any()

    few = wire.decode(body, Selection(frozenset(), content=False, allowance=Allowance(1))).spans
    assert np.count_nonzero(few.sampled) == 1
    has_content = np.zeros(len(spans), np.bool_)
    for key in PROMPT:
        if key in few.attributes:
            has_content[few.attributes[key].span] = True
    assert not has_content[~few.sampled & np.array([True, True, False, True, True])].any()


@several
@given(found=requests())
def test_sampled_calls_are_the_same_calls(found: ExportTraceServiceRequest) -> None:
    body = found.SerializeToString()
    plain = translate(wire.spans([wire.decode(body, Selection(frozenset(), content=False))]), Wanted())[0]
    sampling = Selection(frozenset(), content=False, allowance=Allowance(1000))
    sampled = translate(wire.spans([wire.decode(body, sampling)]), Wanted())[0]
    assert np.array_equal(plain.links.key, sampled.links.key)
    assert np.array_equal(plain.calls.key, sampled.calls.key)
    assert np.array_equal(plain.calls.usage, sampled.calls.usage)
    assert plain.calls.model.to_list() == sampled.calls.model.to_list()
    assert not plain.calls.exchange.values
