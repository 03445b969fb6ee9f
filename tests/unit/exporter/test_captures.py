"""Real exports of real instrumentations become the numbers that the provider reported."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.unit.exporter.support import expected, matching, post, total, traces

#: What this dialect does not put on the wire, by capture: (scenarios, token types). Its expected.json says the same.
NOT_ON_THE_WIRE = {
    "otel_openai_v2_default": {
        "cached_reasoning": {"cache_read", "reasoning"},
        "async_cached_reasoning": {"cache_read", "reasoning"},
        "stream_with_usage": {"cache_read"},
        "tool_loop": {"cache_read"},
    }
}
#: Scenarios without a span of the instrumentation: the Responses API is not instrumented there.
WITHOUT_SPANS = {("otel_openai_v2_default", "responses_api"), ("otel_openai_v2_default", "responses_stream")}
#: The SDK retried inside one call: the failed attempt has no span of its own.
INVISIBLE_FAILURES = {"sdk_retry_then_success": 1}
ERROR_TYPES = {"RateLimitError (HTTP 429)": "rate_limit_exceeded", "BadRequestError (HTTP 400)": "invalid_request"}

SCENARIOS = [
    (capture, scenario)
    for capture in (
        "otel_openai_v2_default",
        "otel_genai_openai",
        "openinference_openai",
        "dual_openinference_plus_openai_v2",
    )
    for scenario in expected(capture)["scenarios"]
]


@pytest.mark.parametrize(("capture", "scenario"), SCENARIOS)
def test_a_capture_counts_what_the_provider_reported(client: TestClient, capture: str, scenario: str) -> None:
    truth: dict[str, Any] = expected(capture)["scenarios"][scenario]
    if (capture, scenario) in WITHOUT_SPANS:
        assert traces(capture, scenario) == []
        return
    for body in traces(capture, scenario):
        post(client, body)

    embeddings = truth["embeddings"]
    assert total(client, "llm_requests_total", operation="embeddings", status="success") == sum(
        model["calls"] for model in embeddings.values()
    )
    assert total(client, "llm_requests_total", operation="chat", status="success") == truth["billable_llm_calls"]
    failures = truth["failed_llm_requests"] - INVISIBLE_FAILURES.get(scenario, 0)
    assert total(client, "llm_requests_total", status="error") == failures
    for error, count in truth["errors"].items():
        if scenario not in INVISIBLE_FAILURES:
            assert total(client, "llm_errors_total", error_type=ERROR_TYPES[error]) == count

    reported = truth["usage_reported_by_provider"]
    absent = NOT_ON_THE_WIRE.get(capture, {}).get(scenario, set())
    cached = 0 if "cache_read" in absent else reported["cache_read"]
    reasoning = 0 if "reasoning" in absent else reported["reasoning"]
    embedded = sum(model["input_tokens"] for model in embeddings.values())
    want = {
        "input": reported["input_tokens_total"] - cached - reported["cache_write"] + embedded,
        "cache_read": cached,
        "cache_write": reported["cache_write"],
        "output": reported["output_tokens_total"] - reasoning,
        "reasoning": reasoning,
    }
    assert {kind: total(client, "llm_token_usage_total", type=kind) for kind in want} == want
    names = set(truth["by_model"]) | set(embeddings)
    assert {each.labels["model"] for each in matching(client, "llm_token_usage_total")} <= names


@pytest.mark.parametrize("capture", sorted({capture for capture, _ in SCENARIOS}))
@pytest.mark.parametrize("scenario", ["stream_without_usage", "stream_abandoned"])
def test_a_stream_without_usage_is_a_call_and_no_tokens(client: TestClient, capture: str, scenario: str) -> None:
    for body in traces(capture, scenario):
        post(client, body)
    assert total(client, "llm_requests_total", status="success") == 1
    assert matching(client, "llm_token_usage_total") == []
    assert matching(client, "llm_token_cost_usd_total") == []
    assert matching(client, "llm_unpriced_requests_total") == []


@pytest.mark.parametrize("capture", ["otel_genai_openai", "openinference_openai"])
def test_a_streamed_call_has_a_time_to_first_token(client: TestClient, capture: str) -> None:
    for body in traces(capture, "stream_with_usage"):
        post(client, body)
    (seconds,) = matching(client, "llm_time_to_first_token_seconds_sum", model="gpt-4.1-2025-04-14")
    assert total(client, "llm_time_to_first_token_seconds_count") == 1
    assert seconds.value == pytest.approx(0.005, abs=0.001)


def test_a_plain_call_has_no_time_to_first_token(client: TestClient) -> None:
    for body in traces("openinference_openai", "plain"):
        post(client, body)
    assert matching(client, "llm_time_to_first_token_seconds_count") == []


def test_two_instrumentations_of_one_call_give_it_once_with_the_details_of_both(client: TestClient) -> None:
    for body in traces("dual_openinference_plus_openai_v2", "cached_reasoning"):
        post(client, body)
    assert total(client, "llm_requests_total") == 1
    assert total(client, "llm_token_usage_total", type="cache_read") == 1536
    assert total(client, "llm_token_usage_total", type="reasoning") == 640
