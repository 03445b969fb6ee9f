"""Whatever stands in telemetry: nothing raises on the way from the bytes to the page and the interaction log."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.intake import otlp, wire
from observability.settings import Dimension, Interactions, Limits, Privacy, Settings
from observability.translate import answers
from observability.vocabulary import events, fields, operations, values
from tests.unit.exporter.support import Core, any_value, request, span

NAMES = (
    *sorted(fields.rules()), *sorted(operations.NAMES), "team", "gen_ai.prompt.0.content", "llm.output_messages.7",
    "retrieval.documents.3.document.score", "evaluations.0.evaluation.score", "gen_ai.unheard_of", "mcp.method.name",
)  # fmt: skip
EVENTS = sorted(events.FIRST_TOKEN | events.EXCEPTIONS | events.INPUT_MESSAGES | {events.EVALUATION, "gen_ai.choice"})
HUGE = "9" * 400
DOCUMENTS = (
    '{"prompt_tokens": 1e400, "completion_tokens": -5}', "{'prompt_tokens': 1e999}", f"{{'prompt_tokens': {HUGE}}}",
    f'{{"usage": {{"prompt_tokens": {HUGE}}}, "id": "\\ud800", "model": "m"}}', "{'id': '\\ud800', 'model': '\\udfff'}",
    "{[]: 1}", "{{}}", "{1, 2}", "{b'x': ...}", "[1, (2, 3j)]", "[" * 5000, '{"a":' * 400 + "1" + "}" * 400, "[\x00",
    '{"id": 7, "model": {}, "usage": []}', '[{"choices": [[[]]]}]', "['\\d']", '{"total_cost": "NaN", "input": true}',
    "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00-23:59", '"2026-01-01T00:00:00Z"', "", " ", "chat", "LLM", "TOOL",
    "retriever", "invoke_agent", "1e308", "-1", "0x10", "nan", "Infinity", HUGE, "true", "🙂" * 40, "a" * 200, "USD",
)  # fmt: skip
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.integers(0, 5000)
SCALARS = st.sampled_from(DOCUMENTS) | NUMBERS | st.booleans() | st.text(max_size=9) | st.binary(max_size=9) | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=9)
TIMES = st.sampled_from((0, 1, 1_790_000_000 * 10**9, 2**63 - 1, 2**63, 2**64 - 1))
TOLD = Settings(
    interactions=Interactions(content=True),
    dimensions=(Dimension(name="team"), Dimension(name="model", attributes=("gen_ai.request.model",))),
    limits=Limits(settle_seconds=0),
)


@st.composite
def odd_spans(draw: Any) -> list[Span]:
    made: list[Span] = []
    for _ in range(draw(st.integers(1, 4))):
        one = span(draw(ATTRIBUTES), parent=draw(st.sampled_from([None, *made])), name=draw(st.text(max_size=9)))
        one.start_time_unix_nano, one.end_time_unix_nano = draw(TIMES), draw(TIMES)
        one.status.code = draw(st.sampled_from((0, 1, 2)))
        for name in draw(st.lists(st.sampled_from(EVENTS), max_size=2)):
            event = one.events.add(name=name, time_unix_nano=draw(TIMES))
            for key, value in draw(st.dictionaries(st.sampled_from(EVENT_KEYS), VALUES, max_size=3)).items():
                event.attributes.add(key=key, value=any_value(value))
        made.append(one)
    if draw(st.booleans()):
        made[0].parent_span_id = made[-1].span_id
    return made


EVENT_KEYS = (
    events.EVALUATION_NAME, *events.EVALUATION_SCORE, *events.EVALUATION_LABEL, events.EXCEPTION_TYPE,
    events.EXCEPTION_MESSAGE, "content", "error.type",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


def check(spans: list[Span], told: Settings, folder: Path) -> None:
    """The spans become a page that can be read and rows that are JSON."""
    file = folder / "llm.jsonl"
    with Core(told, interactions=file) as core:
        core.take(request(spans))
        core.measure()
        core.samples()
    for line in file.read_bytes().splitlines():
        orjson.loads(line)
    file.unlink()


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(spans=odd_spans())
def test_odd_spans_are_measured_without_an_error(spans: list[Span], folder: Path) -> None:
    check(spans, TOLD, folder)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("privacy", [Privacy(content="keep"), Privacy(content="mask")], ids=["keep", "mask"])
def test_odd_documents_are_read_written_and_shown(document: str, privacy: Privacy, folder: Path) -> None:
    told = TOLD.model_copy(update={"privacy": privacy})
    names = [name for name, rules in fields.rules().items() if rules[0].kind in ("any", "object", "number")]
    calls = [span({"gen_ai.operation.name": "chat", name: document, "team": document}) for name in names]
    check(calls, told, folder)


@settings(deadline=None, max_examples=200)
@given(value=VALUES)
@example("{[]: 1}")
@example(f"{{'usage': {{'prompt_tokens': {HUGE}}}}}")
@example("{'id': '\\ud800'}")
def test_readers_of_values_return_what_can_be_read_and_raise_nothing(value: Any) -> None:
    for read in (values.text, values.number, values.count, values.boolean, values.document, values.mapping,
                 values.content, values.moment_ns):  # fmt: skip
        read(value)
    found = answers.read(value)
    for text in (found.response_id, found.model):
        assert text is None or text.encode().decode() == text


@settings(deadline=None, max_examples=200)
@given(body=st.binary(max_size=60))
def test_random_bytes_are_a_body_or_are_refused(body: bytes) -> None:
    with contextlib.suppress(wire.Malformed):
        wire.spans([wire.decode(body)])


PIECES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(("", "abc", "5B8EFFF798038103D269B633813FC60C", "EEE19B7EC3C1B174", "17", "-1", "1e400", "=%")),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from((
            "resourceSpans", "resource_spans", "resource", "scopeSpans", "scope", "spans", "attributes", "key", "value",
            "traceId", "spanId", "parentSpanId", "name", "links", "events", "status", "code", "startTimeUnixNano",
            "endTimeUnixNano", "intValue", "doubleValue", "bytesValue", "arrayValue", "values", "kvlistValue",
            "resourceLogs", "scopeLogs", "logRecords", "timeUnixNano", "body", "stringValue", "eventName",
        )),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
SPAN = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174"}


def in_a_span(piece: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{**SPAN, **piece}]}]}]}


@settings(deadline=None, max_examples=150)
@given(piece=PIECES)
@example({"links": 7})
@example({"links": {"traceId": "x"}})
@example({"attributes": [{"key": "a", "value": {"bytesValue": "="}}]})
@example({"attributes": [{"key": "a", "value": {"doubleValue": 10**400}}]})
@example({"startTimeUnixNano": 1.5})
def test_random_json_is_a_body_or_is_refused(piece: Any) -> None:
    bodies = [piece, in_a_span(piece)] if isinstance(piece, dict) else [piece]
    for body in bodies:
        text = json.dumps(body).encode()
        for decode in (otlp.decode_traces, otlp.decode_logs, otlp.decode_metrics):
            try:
                decode(text, otlp.Encoding.JSON, None, 1_000_000)
            except otlp.Refused as refused:
                assert refused.status == 400


@pytest.mark.parametrize("decode", [otlp.decode_logs, otlp.decode_metrics])
@pytest.mark.parametrize("opening", ["[", '{"resourceLogs":[', '{"a":'])
def test_json_that_is_nested_deeply_is_refused(decode: Any, opening: str) -> None:
    closing = "".join({"[": "]", "{": "}"}[each] for each in reversed(opening) if each in "[{")
    body = (opening * 900 + "1" + closing * 900).encode()
    with pytest.raises(otlp.Refused, match=r"nested|depth|JSON|an object is wanted"):
        decode(body, otlp.Encoding.JSON, None, 1_000_000)


def test_an_attribute_whose_value_is_no_value_is_absent() -> None:
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5}
    made = span(said, name="a call")
    body = request([made]).SerializeToString()
    for good, bad in ((b"\n\x06gpt-4o", b"\n\x46gpt-4o"), (b"\x18\x05", b"\x18\xff")):
        assert body.count(good) == 1
        broken = body.replace(good, bad)
        assert len(wire.decode(broken)) == 1
        with Core() as core:
            core.pipeline.take([wire.decode(broken)], 0.0)
            core.measure()
            assert core.total("llm_requests_total") == 1
            assert core.total("llm_requests_total", model="gpt-4o") == (0 if good[0] == 10 else 1)
            assert core.total("llm_token_usage_total") == (5 if good[0] == 10 else 0)


def test_text_that_is_no_utf_8_is_shown_as_far_as_it_can_be() -> None:
    body = request([span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "model-x"})]).SerializeToString()
    with Core() as core:
        core.pipeline.take([wire.decode(body.replace(b"model-x", b"model-\xff"))], 0.0)
        core.measure()
        assert core.total("llm_requests_total", model="model-�") == 1


def test_of_an_attribute_that_stands_twice_in_a_span_one_counts() -> None:
    made = span({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5})
    made.attributes.add(key="gen_ai.usage.input_tokens", value=any_value(7))
    with Core() as core:
        core.take(request([made]))
        core.measure()
        assert core.total("llm_token_usage_total") in (5, 7)
        assert core.total("llm_requests_total") == 1


def test_an_empty_body_is_no_spans() -> None:
    for body in (b"", ExportTraceServiceRequest().SerializeToString(), request([]).SerializeToString()):
        assert len(wire.decode(body)) == 0
        assert len(wire.spans([wire.decode(body)])) == 0
