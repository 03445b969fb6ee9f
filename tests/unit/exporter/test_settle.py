"""Spans of a trace wait for one another: not too short, not too long, and not too many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.records import Records
from observability.settle import Settling
from tests.unit.exporter.support import chat, span, translated

TRACES = [number.to_bytes(16, "big") for number in range(1, 4)]


def of(*traces: int) -> Records:
    """Records of a call in each of these traces."""
    return translated(*(call(trace) for trace in traces))[0]


def call(trace: int) -> Span:
    return span({**chat(), "gen_ai.response.id": f"trace {trace}"}, trace_id=TRACES[trace])


def went(records: Records | None) -> list[int]:
    """The traces of ``records``, one for each span."""
    if records is None:
        return []
    known = {int(each): trace for trace, each in enumerate(of(0, 1, 2).links.trace.tolist())}
    assert len(records.links) == len(records.calls), "a span is its call"
    assert sorted(records.links.key.tolist()) == sorted(records.calls.key.tolist())
    return sorted(known[trace] for trace in records.links.trace.tolist())


def test_spans_go_when_they_have_waited() -> None:
    waiting = Settling(1.0, 1000)
    waiting.add(of(0, 1), 10.0)
    assert (went(waiting.take(10.9)), len(waiting)) == ([], 2)
    assert (went(waiting.take(11.0)), len(waiting)) == ([0, 1], 0)
    assert waiting.take(12.0) is None


def test_a_trace_that_still_sends_is_held_whole_and_the_others_go() -> None:
    waiting = Settling(1.0, 1000)
    waiting.add(of(0, 1, 1), 0.0)
    waiting.add(of(1, 2), 0.8)
    assert went(waiting.take(1.0)) == [0]
    assert len(waiting) == 4
    assert went(waiting.take(1.7)) == []
    assert went(waiting.take(1.8)) == [1, 1, 1, 2]


def test_a_trace_that_never_stops_sending_waits_five_times_as_long_at_most() -> None:
    waiting = Settling(1.0, 1000)
    left: list[tuple[float, int]] = []
    for tenth in range(100):
        now = tenth / 10
        waiting.add(of(1), now)
        left.extend((now, 1) for _ in went(waiting.take(now)))
    waited = [now - place / 10 for place, (now, _) in enumerate(left)]
    assert 49 <= len(waited) <= 50
    assert all(5.0 - 1e-9 <= each <= 5.1 + 1e-9 for each in waited)


def test_everything_goes_when_it_must() -> None:
    waiting = Settling(1.0, 1000)
    waiting.add(of(0), 0.0)
    waiting.add(of(1), 0.9)
    assert went(waiting.take(0.9, everything=True)) == [0, 1]
    assert len(waiting) == 0


def test_above_the_limit_spans_go_early() -> None:
    waiting = Settling(1.0, 3)
    waiting.add(of(0, 1, 2), 0.0)
    assert went(waiting.take(0.1)) == []
    waiting.add(of(0), 0.1)
    assert went(waiting.take(0.1)) == [0, 0, 1, 2]


def test_without_a_settle_window_nothing_waits() -> None:
    waiting = Settling(0.0, 1000)
    waiting.add(of(0), 5.0)
    assert went(waiting.take(5.0)) == [0]


ARRIVALS = st.lists(st.tuples(st.integers(0, 15), st.lists(st.integers(0, 2), min_size=1, max_size=3)), max_size=12)


@settings(deadline=None, max_examples=100)
@given(arrivals=ARRIVALS)
def test_every_span_goes_once_within_its_time_and_never_before_its_trace_is_quiet(
    arrivals: Sequence[tuple[int, list[int]]],
) -> None:
    waiting = Settling(1.0, 1000)
    came: dict[int, tuple[float, int]] = {}  # key → when, and in which trace
    gone: dict[int, float] = {}
    now = 0.0
    for pause, traces in [*arrivals, *[(5, [])] * 12]:
        now += pause / 10
        if traces:
            records = of(*traces)
            came.update((key, (now, trace)) for key, trace in zip(records.links.key.tolist(), traces, strict=True))
            waiting.add(records, now)
        taken = waiting.take(now)
        keys = [] if taken is None else taken.links.key.tolist()
        assert not set(keys) & set(gone)
        for key in keys:
            gone[key] = now
            waited = now - came[key][0]
            last = max(when for when, trace in came.values() if trace == came[key][1])
            assert waited >= 1.0 - 1e-9
            assert now - last >= 1.0 - 1e-9 or waited >= 5.0 - 1e-9
    assert gone.keys() == came.keys()
    assert len(waiting) == 0


def test_what_waits_is_split_by_trace_with_its_steps_and_verdicts() -> None:
    tool = span({"gen_ai.operation.name": "execute_tool"}, trace_id=TRACES[0])
    judged = span(
        {"gen_ai.operation.name": "chat"},
        trace_id=TRACES[1],
        events=[("gen_ai.evaluation.result", 0.1, {"gen_ai.evaluation.name": "x"})],
    )
    waiting = Settling(1.0, 1000)
    waiting.add(translated(tool, judged)[0], 0.0)
    waiting.add(of(0), 0.5)
    first = waiting.take(1.0)
    assert first is not None
    assert (len(first.links), len(first.calls), len(first.steps), len(first.evaluations)) == (1, 1, 0, 1)
    second = waiting.take(1.5)
    assert second is not None
    assert (len(second.links), len(second.calls), len(second.steps), len(second.evaluations)) == (2, 1, 1, 0)
    assert np.unique(second.links.trace).size == 1
