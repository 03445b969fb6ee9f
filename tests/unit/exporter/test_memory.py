"""What is remembered of counted spans is bounded, whatever comes."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from observability.columns import Coded
from observability.identity.memory import Answers, Generations
from observability.intake import wire
from observability.records import Calls
from observability.settings import Dimension, Limits, Settings
from tests.unit.exporter.support import Core, chat, request, span, translated

#: Stands for the number of a batch, with as many bytes.
MARK = "#---"
SIZE = 1000
BATCH = 2000


def entries(value: Any, depth: int = 5) -> int:
    """How many values ``value`` holds: of collections, arrays, columns, and of objects of this package."""
    if isinstance(value, np.ndarray):
        return 0 if value.dtype == np.bool_ else len(value)  # marks are as large at the beginning as later
    if isinstance(value, Coded):
        return len(value.codes) + len(value.values)
    if not depth:
        return 0
    if isinstance(value, dict):
        return len(value) + sum(entries(each, depth - 1) for each in value.values() if isinstance(each, Sized))
    if isinstance(value, list | tuple | set | frozenset):
        return len(value) + sum(entries(each, depth - 1) for each in value if not isinstance(each, int | str | bytes))
    if type(value).__module__.startswith("observability"):
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        names = {*slots, *getattr(value, "__dict__", {})}
        return sum(entries(getattr(value, name), depth - 1) for name in names)
    return 0


@pytest.fixture
def core() -> Iterator[Core]:
    told = Settings(
        limits=Limits(remembered_calls=SIZE, settle_seconds=0), dimensions=(Dimension(name="user"),),
    )  # fmt: skip
    with Core(told, settle_seconds=0.0, label_values=50) as found:
        yield found


def template() -> list[bytes]:
    """Bodies of spans of which hardly any repeat what others said: users, models, ids, names, scopes, services.

    Wherever they differ from batch to batch there stands :data:`MARK`.
    """
    trees = []
    own = []
    for place in range(BATCH // 5):
        unique = f"{MARK}-{place}"
        ended = 1_790_000_000 + place
        agent = span({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": f"agent {unique}"}, ended=ended)
        said = chat(f"model-{unique}", gen_ai__response__id=f"chatcmpl-{unique}", user=f"user {unique}")
        call = span(said, parent=agent, ended=ended)
        silent = span({f"gen_ai.unheard_{unique}": 1, "gen_ai.operation.name": "chat"}, parent=agent, ended=ended)
        tool = span({"gen_ai.operation.name": "execute_tool"}, parent=call, name=f"execute_tool {unique}", ended=ended)
        trees += [call, silent, tool]
        own.append(span(chat(f"other-{unique}"), name=unique, ended=ended))
        if place % 2:  # of the others nobody ever hears
            trees.append(agent)
    for each in (*trees, *own):
        each.trace_id = MARK.encode() + each.trace_id[4:]
        each.span_id = MARK.encode() + each.span_id[4:]
        each.parent_span_id = each.parent_span_id and MARK.encode() + each.parent_span_id[4:]
    bodies = request(trees, service=f"service {MARK}"), request(own, scope="com.openai.sdk")
    return [each.SerializeToString() for each in bodies]


def later(body: wire.Body, hours: int) -> wire.Body:
    """The same spans, so much later."""
    passed = hours * 3600 * 10**9
    spans = replace(body.spans, start_ns=body.spans.start_ns + passed, end_ns=body.spans.end_ns + passed)
    return replace(body, spans=spans)


def test_memory_is_flat_over_many_spans_that_all_differ(core: Core) -> None:
    measures = []
    remembered = (core.resolver, core.settling, core.pipeline, core.metrics)
    bodies = template()
    spans = 0
    for number in range(112):
        decoded = [later(wire.decode(each.replace(MARK.encode(), b"#%03d" % number)), number) for each in bodies]
        spans += sum(map(len, decoded))
        core.pipeline.take(decoded, float(number))
        core.measure(float(number), everything=False)
        measures.append([entries(each) for each in remembered])
    assert spans >= 200_000
    assert core.total("llm_agent_runs_total") == 112 * BATCH / 10
    resolver = np.array(measures)[:, 0]
    assert resolver[0] > BATCH, "what is remembered is looked at"
    # A generation turns when it is full, so the numbers swing; they must not grow.
    assert resolver[60:].max() <= 1.05 * resolver[20:60].max()
    memory = core.resolver._memory
    for table in (memory.spans, memory.beneath, memory.answers):
        assert SIZE <= len(table) <= 2 * (SIZE + BATCH)
    recent = memory.recent_calls()
    assert recent is not None
    assert len(recent) <= 20_000
    columns = [getattr(recent, each.name) for each in fields(recent)]
    assert all(len(each.values) <= 20_000 for each in columns if isinstance(each, Coded))
    others = np.array(measures)[:, 1:]
    assert others[60:].max(axis=0).tolist() <= (1.1 * others[20:60].max(axis=0)).tolist()


def test_a_span_that_comes_again_within_what_is_remembered_counts_once(core: Core) -> None:
    one = request([span(chat())])
    for number in range(3):
        core.take(one, now=float(number))
        core.measure(float(number), everything=False)
    assert core.total("llm_requests_total") == 1
    assert core.total("exporter_duplicate_spans_total", reason="same_span") == 2


def keys(*numbers: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.array(numbers, np.uint64)


def test_generations_keep_the_last_entries_and_twice_as_many_at_most() -> None:
    kept: Generations[int] = Generations(10)
    for number in range(100):
        kept.update(keys(number), [number])
        assert len(kept) <= 20
        last = list(range(max(0, number - 9), number + 1))
        assert kept.known(keys(*last)) == set(last)
        assert kept.get(number) == number
    assert kept.known(keys(3, 99)) == {99}
    assert kept.pop(99) == 99
    assert 99 not in kept
    assert kept.pop(99) is None


def calls_of(*identities: str) -> Calls:
    return translated(*(span(chat(gen_ai__response__id=each)) for each in identities))[0].calls


def test_answers_that_were_counted_once_have_a_time_and_repeated_ones_have_none() -> None:
    answers = Answers(10)
    calls = calls_of("a", "b", "b")
    answers.add(calls)
    once, twice, _ = calls.answer.tolist()
    assert calls.answer[2] == twice != once
    found = answers.intervals(keys(twice, once, 7))
    assert found == {1: (int(calls.start_ns[0]), int(calls.end_ns[0]), calls.scope[0])}
    answers.add(calls_of("a"))
    assert answers.intervals(keys(once)) == {}


def test_answers_of_a_provider_that_repeats_its_id_are_bounded_too() -> None:
    answers = Answers(100)
    calls = calls_of("always the same")
    for _ in range(1000):
        answers.add(calls)
    assert 100 <= len(answers) <= 201
