"""The same spans give the same numbers, in whatever order and batches they come: those of what was done."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.exporter.support import Core, moved
from tests.unit.exporter.trees import Arrival, Truth, forests, inner_first, shuffled

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
several = settings(deadline=None, max_examples=40, report_multiple_bugs=False, suppress_health_check=SLOW)


def settled_together(batches: Iterable[list[ExportTraceServiceRequest]]) -> dict[str, float]:
    """The numbers after all came within the settle window."""
    with Core(settle_seconds=1.0) as core:
        for place, batch in enumerate(batches):
            now = place * 0.001
            core.take(*batch, now=now)
            core.measure(now, everything=False)
        assert len(core.settling), "nothing settled early"
        core.measure(2.0, everything=False)
        assert not len(core.settling)
        return moved(core.samples(), "llm_", "rag_")


def settled_alone(batches: Iterable[list[ExportTraceServiceRequest]]) -> dict[str, float]:
    """The numbers after each batch settled before the next came."""
    with Core(settle_seconds=0.0) as core:
        for place, batch in enumerate(batches):
            core.take(*batch, now=float(place))
            core.measure(float(place), everything=False)
            assert not len(core.settling)
        return moved(core.samples(), "llm_", "rag_")


def counted(numbers: dict[str, float]) -> Truth:
    """What the page says was done."""
    found = Truth()
    for name, value in numbers.items():
        family, _, rest = name.rstrip("}").partition("{")
        labels = dict(each.partition("=")[::2] for each in rest.split(","))
        match family:
            case "llm_requests_total":
                found.calls[labels["status"]] += int(value)
            case "llm_token_usage_total":
                found.tokens[labels["type"]] += int(value)
            case "llm_requests_without_usage_total":
                found.without_usage += int(value)
            case "llm_tool_calls_total":
                found.tools[labels["status"]] += int(value)
            case "llm_agent_runs_total":
                found.agents += int(value)
            case "llm_agent_steps_sum":
                found.steps += int(value)
            case "llm_workflow_runs_total":
                found.workflows += int(value)
            case "rag_retrievals_total":
                found.retrievals += int(value)
            case _:
                pass
    return found


@several
@given(arrival=shuffled(forests()))
def test_within_the_settle_window_order_and_batches_change_nothing(
    arrival: Arrival,
) -> None:
    forest, batches = arrival.forest, arrival.batches
    numbers = settled_together(batches)
    assert counted(numbers) == forest.truth
    together = settled_together([forest.requests])
    assert numbers == pytest.approx(together, rel=1e-9)


@several
@given(arrival=inner_first(forests(sdk=["none"], complete=True)))
def test_inner_spans_that_settle_before_outer_ones_give_exactly_what_was_done(
    arrival: Arrival,
) -> None:
    forest, batches = arrival.forest, arrival.batches
    assert counted(settled_alone(batches)) == forest.truth


@several
@given(arrival=inner_first(forests(sdk=["same_id"], complete=True)))
def test_spans_of_the_sdk_with_the_same_response_id_count_once_though_they_settle_alone(
    arrival: Arrival,
) -> None:
    forest, batches = arrival.forest, arrival.batches
    found = counted(settled_alone(batches))
    assert (found.calls, found.tokens) == (forest.truth.calls, forest.truth.tokens)


@several
@given(arrival=shuffled(forests(linked=True, sdk=["none", "same_id"])))
def test_nothing_is_counted_twice_however_spans_settle(
    arrival: Arrival,
) -> None:
    """Without SDK's spans that share nothing with a call but its time: alone they are anybody's (docs/counting.md)."""
    forest, batches = arrival.forest, arrival.batches
    found, truth = counted(settled_alone(batches)), forest.truth
    assert sum(found.calls.values()) <= sum(truth.calls.values())
    assert sum(found.tokens.values()) <= sum(truth.tokens.values())
    assert (found.tools, found.agents, found.workflows, found.retrievals) == (
        truth.tools, truth.agents, truth.workflows, truth.retrievals,
    )  # fmt: skip
    assert found.steps <= truth.steps
