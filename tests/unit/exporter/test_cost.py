"""Money: hand-worked bills, and the price list's own calculation as the oracle."""

from __future__ import annotations

from datetime import UTC, datetime

import genai_prices
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.cost import PriceList
from observability.records import LlmCall, TokenUsage

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PRICES = PriceList()


def call(
    usage: TokenUsage | None, model: str = "gpt-4o", provider: str = "openai", asked: str | None = None
) -> LlmCall:
    return LlmCall(
        service="shop",
        provider=provider,
        model=model,
        request_model=asked or model,
        response_model=model,
        operation="chat",
        trace_id="0" * 31 + "1",
        span_id="0" * 15 + "1",
        start_ns=1,
        end_ns=2,
        usage=usage,
    )


def costs(*arguments: object, **more: object) -> dict[str, float]:
    cost = PRICES.cost(call(*arguments, **more), NOW)  # type: ignore[arg-type]
    assert cost is not None
    assert cost.source == "price_list"
    return cost.by_type


def test_cached_and_reasoning_tokens_are_billed_once_and_at_their_own_price() -> None:
    # o3-mini: 1.10 input, 0.55 cached input, 4.40 output USD per million.
    usage = TokenUsage.from_totals(2417, 1536, None, 907, 640)
    assert costs(usage, "o3-mini-2025-01-31") == pytest.approx(
        {
            "input": 881 * 1.10 / 1e6,
            "cache_read": 1536 * 0.55 / 1e6,
            "output": 267 * 4.40 / 1e6,
            "reasoning": 640 * 4.40 / 1e6,
        }
    )


def test_a_cache_write_costs_more_than_input() -> None:
    # claude-sonnet-4-5: 3 input, 0.30 cache read, 3.75 cache write (5 m), 15 output.
    usage = TokenUsage.from_totals(5375, 4099, 1187, 233, None)
    assert costs(usage, "claude-sonnet-4-5", "anthropic") == pytest.approx(
        {
            "input": 89 * 3 / 1e6,
            "cache_read": 4099 * 0.30 / 1e6,
            "cache_write": 1187 * 3.75 / 1e6,
            "output": 233 * 15 / 1e6,
        }
    )


def test_past_a_tier_the_higher_rate_holds_for_all_tokens_and_cached_ones_count_for_the_threshold() -> None:
    # gemini-2.5-pro: 1.25 up to 200k tokens of input, 2.50 above; output 10 and 15.
    below = costs(TokenUsage.from_totals(200_000, 50_000, None, 1000, None), "gemini-2.5-pro", "gcp.gemini")
    above = costs(TokenUsage.from_totals(200_001, 50_000, None, 1000, None), "gemini-2.5-pro", "gcp.gemini")
    assert below["input"] == pytest.approx(150_000 * 1.25 / 1e6)
    assert above["input"] == pytest.approx(150_001 * 2.50 / 1e6)
    assert above["output"] == pytest.approx(1000 * 15 / 1e6)


@settings(deadline=None)
@given(
    st.sampled_from(
        [
            ("gpt-4o-mini-2024-07-18", "openai"),
            ("o3-mini", "openai"),
            ("claude-sonnet-4-5", "anthropic"),
            ("gemini-2.5-pro", "gcp.vertex_ai"),
            ("text-embedding-3-small", "openai"),
            ("deepseek-chat", "deepseek"),
            ("sonar", "perplexity"),
            ("mistral-large-latest", "mistral_ai"),
        ]
    ),
    st.builds(TokenUsage, *[st.integers(min_value=0, max_value=400_000)] * 5),
)
def test_the_types_sum_up_to_what_the_price_list_itself_calculates(model: tuple[str, str], usage: TokenUsage) -> None:
    name, provider = model
    found = PRICES.model(call(usage, name, provider))
    assert found is not None
    whole = found.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_total,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write,
            output_tokens=usage.output_total,
            output_reasoning_tokens=usage.reasoning,
        ),
        next(each for each in PRICES.providers if any(one is found for one in each.models)),
        genai_request_timestamp=NOW,
    )
    assert sum(costs(usage, name, provider).values()) == pytest.approx(float(whole.total_price), rel=1e-12, abs=1e-15)


def test_an_unknown_model_has_no_price_and_not_the_price_zero() -> None:
    assert PRICES.cost(call(TokenUsage(10, output=10), "acme-9000"), NOW) is None


def test_the_model_asked_for_prices_a_call_whose_answering_model_is_not_listed() -> None:
    assert costs(TokenUsage(1_000_000), "gpt-4o-canary-x7", asked="gpt-4o-mini") == {"input": 0.15}


@pytest.mark.parametrize("provider", ["unknown", "langchain"])
def test_a_provider_that_no_list_names_is_found_by_the_model(provider: str) -> None:
    assert costs(TokenUsage(1_000_000), "gpt-4o", provider) == {"input": 2.5}


def test_a_route_prefix_in_the_model_names_the_provider() -> None:
    assert costs(TokenUsage(1_000_000), "openai/o3-mini", "litellm") == {"input": 1.1}


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("azure.ai.openai", "gpt-4o"),
        ("gcp.gemini", "gemini-2.5-pro"),
        ("x_ai", "grok-4"),
        ("mistral_ai", "mistral-large-latest"),
    ],
)
def test_opentelemetry_provider_names_are_found_in_the_price_list(provider: str, model: str) -> None:
    assert costs(TokenUsage(1000), model, provider)["input"] > 0


def test_a_call_without_usage_has_no_cost() -> None:
    assert PRICES.cost(call(None), NOW) is None


def test_looking_up_ever_new_names_does_not_grow_the_memory() -> None:
    prices = PriceList(remembered=16)
    for number in range(200):
        prices.cost(call(TokenUsage(1), f"model-{number}"), NOW)
    assert prices._find.cache_info().currsize == 16
    assert prices._snapshot._lookup_cache == {}
    assert not prices._snapshot._provider_misses
