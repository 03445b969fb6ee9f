"""Every capture becomes the numbers that its provider reported, in whatever order and batches its spans arrive."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from observability.settings import Runtime
from tests.captures import truth
from tests.unit.exporter.support import after_shutdown

SCENARIOS = [(capture, scenario) for capture in truth.captures() for scenario in truth.expected(capture)["scenarios"]]


@cache
def single_spans(capture: str, scenario: str) -> tuple[ExportTraceServiceRequest, ...]:
    """Each span of a scenario in a request of its own, under its own resource and scope."""
    found = []
    for signal, body in truth.bodies(capture, scenario):
        if signal != "traces":
            continue
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    request = ExportTraceServiceRequest()
                    single = request.resource_spans.add(resource=resource.resource, schema_url=resource.schema_url)
                    single.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url).spans.append(span)
                    found.append(request)
    return tuple(found)


every_scenario = pytest.mark.parametrize(("capture", "scenario"), SCENARIOS)
#: A single span has no order.
with_several_spans = pytest.mark.parametrize(
    ("capture", "scenario"), [each for each in SCENARIOS if len(single_spans(*each)) > 1]
)


def check(runtime: Runtime, bodies: Iterable[tuple[str, bytes]], capture: str, scenario: str) -> None:
    """The page shows what is wanted of the scenario."""
    want, either = truth.wanted(capture, scenario)
    assert want.differences(truth.shown(after_shutdown(runtime, bodies), capture, scenario), either) == {}


@every_scenario
def test_a_capture_counts_what_the_provider_reported(runtime: Runtime, capture: str, scenario: str) -> None:
    check(runtime, truth.bodies(capture, scenario), capture, scenario)


@with_several_spans
def test_spans_that_arrive_one_by_one_and_last_first_give_the_same(
    runtime: Runtime,
    capture: str,
    scenario: str,
) -> None:
    alone = [("traces", request.SerializeToString()) for request in reversed(single_spans(capture, scenario))]
    check(runtime, alone, capture, scenario)


@with_several_spans
def test_spans_shuffled_into_other_batches_and_delivered_twice_give_the_same(
    runtime: Runtime,
    capture: str,
    scenario: str,
) -> None:
    requests = [*single_spans(capture, scenario), *single_spans(capture, scenario)]
    shuffler = random.Random(f"{capture}/{scenario}")
    shuffler.shuffle(requests)
    batches: list[tuple[str, bytes]] = []
    while requests:
        size = shuffler.randint(1, 4)
        batch = ExportTraceServiceRequest()
        for request in requests[:size]:
            batch.MergeFrom(request)
        batches.append(("traces", batch.SerializeToString()))
        del requests[:size]
    check(runtime, batches, capture, scenario)


@pytest.mark.parametrize("capture", truth.captures())
def test_the_ledger_of_a_capture_adds_up_to_its_expected_numbers(capture: str) -> None:
    for scenario, numbers in truth.expected(capture)["scenarios"].items():
        usage = numbers["usage_reported_by_provider"]
        rows = [
            row
            for row in truth.ledger(capture)
            if row["scenario"] == scenario and row["http_status"] == 200 and row["op"] not in ("embeddings", "rerank")
        ]
        told = [row for row in rows if row["usage_reported"]]
        assert len(rows) == numbers["billable_llm_calls"]
        assert sum(row["input_total"] for row in told) == usage["input_tokens_total"]
        assert sum(row["cache_read"] for row in told) == usage["cache_read"]
        assert sum(row["cache_write"] for row in told) == usage["cache_write"]
        assert sum(row["output_total"] for row in told) == usage["output_tokens_total"]
        assert sum(row["reasoning"] for row in told) == usage["reasoning"]


@pytest.mark.parametrize("deviation", truth.deviations(), ids=lambda each: f"{each.capture}-{each.scenarios[0]}")
def test_every_deviation_changes_a_number(deviation: truth.Deviation) -> None:
    for capture in truth.captures():
        if deviation.capture not in ("*", capture):
            continue
        for scenario in set(deviation.scenarios) & set(truth.expected(capture)["scenarios"]):
            wanted, either = truth.wanted(capture, scenario)
            assert truth.reported(capture, scenario).differences(wanted) or either, (capture, scenario)


@pytest.mark.parametrize("capture", truth.captures())
def test_every_wire_limit_that_a_capture_names_is_a_deviation_or_was_found_after_all(capture: str) -> None:
    for scenario, numbers in truth.expected(capture)["scenarios"].items():
        if numbers.get("wire_limits_of_this_dialect"):
            found_after_all = {  # where
                "litellm_otel_callback": "metadata.usage_object",
                "openllmetry_anthropic": "the SDK's own span",
                "openinference_langchain": "the SDK's own span",
            }
            assert truth.deviations_of(capture, scenario) or capture in found_after_all, scenario
