"""Two instrumentations of one service that tell of the same calls, each in spans of its own."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.identity import Resolver
from observability.records import INPUT, OUTPUT
from observability.translate.calls import Wanted
from observability.translate.spans import translate
from tests.unit.exporter.support import columns, request, span

FRAMEWORK, CLIENT, SDK = "instrumentation.framework", "instrumentation.client", "instrumentation.sdk"
BEGIN = 1_790_000_000.0


def chat(usage: tuple[int, int] | None = None, model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    if usage is not None:
        attributes |= {"gen_ai.usage.input_tokens": usage[0], "gen_ai.usage.output_tokens": usage[1]}
    return attributes | {name.replace("__", "."): value for name, value in more.items()}


def view(
    scope: str,
    interval: tuple[float, float],
    attributes: dict[str, Any],
    *,
    error: str | None = None,
    parent: Span | None = None,
    service: str = "shop",
) -> ExportTraceServiceRequest:
    """A span of ``scope`` in its own request; the interval is in seconds."""
    start, end = interval
    made = span(attributes, seconds=end - start, ended=BEGIN + end, error=error, parent=parent)
    return request([made], service, scope)


def only(made: ExportTraceServiceRequest) -> Span:
    return made.resource_spans[0].scope_spans[0].spans[0]


def counted(*batches: list[ExportTraceServiceRequest]) -> tuple[int, int, int, int]:
    """Calls that ended well, failures, input tokens and output tokens after ``batches``, each settled by itself."""
    resolver = Resolver(1000)
    found = np.zeros(4, np.int64)
    for batch in batches:
        calls = resolver.resolve(translate(columns(*batch), Wanted())[0]).calls
        failed = np.count_nonzero(calls.error_type.present)
        tokens = np.maximum(calls.usage, 0).sum(axis=0)
        found += (len(calls) - failed, failed, tokens[INPUT], tokens[OUTPUT])
    success, failures, given_tokens, said = found.tolist()
    return success, failures, given_tokens, said


def pair(usage: tuple[int, int] | None, other: tuple[int, int] | None) -> list[ExportTraceServiceRequest]:
    return [view(FRAMEWORK, (0.0, 1.0), chat(usage)), view(CLIENT, (0.1, 0.9), chat(other))]


@pytest.mark.parametrize(
    ("usage", "other", "expected"),
    [
        ((11, 22), (11, 22), (1, 0, 11, 22)),
        (None, (11, 22), (1, 0, 11, 22)),
        ((11, 22), None, (1, 0, 11, 22)),
        (None, None, (1, 0, 0, 0)),
        ((0, 22), (11, 22), (1, 0, 11, 22)),
        ((11, 22), (12, 22), (2, 0, 23, 44)),
    ],
)
def test_two_views_of_one_time_are_one_call_unless_their_usage_differs(
    usage: tuple[int, int] | None, other: tuple[int, int] | None, expected: tuple[int, int, int, int]
) -> None:
    for views in itertools.permutations(pair(usage, other)):
        assert counted(list(views)) == expected


def test_a_call_that_failed_is_one_failure_in_two_views() -> None:
    views = [
        view(FRAMEWORK, (0.0, 1.0), chat(), error="RateLimitError"),
        view(CLIENT, (0.1, 0.9), chat(), error="Error code: 429"),
    ]
    assert counted(views) == (0, 1, 0, 0)
    assert counted(views[:1], views[1:]) == (0, 1, 0, 0)
    assert counted(views[1:], views[:1]) == (0, 1, 0, 0)


def test_views_that_settle_alone_are_counted_once() -> None:
    views = pair((11, 22), (11, 22))
    assert counted(views[:1], views[1:]) == counted(views[1:], views[:1]) == (1, 0, 11, 22)


@pytest.mark.parametrize(
    "other",
    [
        view(CLIENT, (0.1, 0.9), chat(), error="Error code: 429"),
        view(CLIENT, (0.1, 0.9), chat(model="gpt-4.1")),
        view(CLIENT, (0.1, 0.9), chat(gen_ai__operation__name="embeddings")),
        view(CLIENT, (0.1, 0.9), chat(), service="bank"),
        view(FRAMEWORK, (0.1, 0.9), chat()),
        view(CLIENT, (0.1, 1.9), chat()),
        view(CLIENT, (2.1, 2.9), chat()),
    ],
    ids=["outcome", "model", "operation", "service", "instrumentation", "overlap", "time"],
)
def test_what_differs_in_more_than_the_instrumentation_is_another_call(other: ExportTraceServiceRequest) -> None:
    success, failures, *_ = counted([view(FRAMEWORK, (0.0, 1.0), chat()), other])
    assert success + failures == 2


def test_calls_with_ids_of_their_own_are_as_many_as_there_are_ids() -> None:
    views = [
        view(FRAMEWORK, (0.0, 1.0), chat((11, 22), gen_ai__response__id="one")),
        view(CLIENT, (0.1, 0.9), chat((11, 22), gen_ai__response__id="other")),
    ]
    assert counted(views)[0] == counted(views[:1], views[1:])[0] == 2


def test_views_beside_each_other_in_one_trace_are_one_call() -> None:
    app = request([span({"http.route": "/ask"}, seconds=2.0, ended=BEGIN + 2.0)], scope="web")
    views = [
        view(FRAMEWORK, (0.0, 1.0), chat(), parent=only(app)),
        view(CLIENT, (0.1, 0.9), chat((11, 22)), parent=only(app)),
    ]
    for order in itertools.permutations([app, *views]):
        assert counted(list(order)) == (1, 0, 11, 22)


def test_a_call_that_a_tool_makes_during_another_call_is_a_call_of_its_own() -> None:
    outer = view(FRAMEWORK, (0.0, 1.0), chat())
    tool = view("app", (0.2, 0.8), {"gen_ai.operation.name": "execute_tool"}, parent=only(outer))
    inner = view(CLIENT, (0.3, 0.7), chat((11, 22)), parent=only(tool))
    for order in itertools.permutations([outer, tool, inner]):
        assert counted(list(order)) == (2, 0, 11, 22)


def test_three_views_of_one_call_are_one_call() -> None:
    views = [
        view(FRAMEWORK, (0.0, 1.0), chat()),
        view(CLIENT, (0.1, 0.9), chat((11, 22))),
        view(SDK, (0.2, 0.8), chat((11, 22))),
    ]
    for order in itertools.permutations(views):
        assert counted(list(order)) == (1, 0, 11, 22)


def test_of_calls_at_once_each_has_its_own_usage() -> None:
    views = [view(FRAMEWORK, (0.0, 1.0), chat((100 + n, n + 1))) for n in range(20)]
    views += [view(CLIENT, (0.1, 0.9), chat((100 + n, n + 1))) for n in range(20)]
    assert counted(views) == (20, 0, sum(range(100, 120)), sum(range(1, 21)))


@st.composite
def concurrent(draw: st.DrawFn) -> tuple[list[ExportTraceServiceRequest], tuple[int, int, int, int]]:
    """Calls at once that two instrumentations tell of, in any order, and what they come to."""
    views: list[ExportTraceServiceRequest] = []
    failures = given_tokens = said = 0
    number = draw(st.integers(1, 12))
    everything = draw(st.booleans())
    for _ in range(number):
        start, lasting = draw(st.integers(0, 50)), draw(st.integers(4, 60))
        before, after = draw(st.integers(0, lasting // 2 - 1)), draw(st.integers(0, lasting // 2 - 1))
        outer = (start / 10, (start + lasting) / 10)
        inner = ((start + before) / 10, (start + lasting - after) / 10)
        failed = draw(st.booleans())
        usage = None if failed else draw(st.sampled_from([None, (11, 22), (5, 7)]))
        error = "Error code: 429" if failed else None
        views.append(view(FRAMEWORK, outer, chat(usage if everything else None), error=error))
        views.append(view(CLIENT, inner, chat(usage), error=error))
        failures += failed
        if usage is not None:
            given_tokens, said = given_tokens + usage[0], said + usage[1]
    return draw(st.permutations(views)), (number - failures, failures, given_tokens, said)


@settings(deadline=None, max_examples=100)
@given(concurrent())
def test_of_calls_at_once_each_counts_once(
    made: tuple[list[ExportTraceServiceRequest], tuple[int, int, int, int]],
) -> None:
    views, expected = made
    assert counted(views) == expected
