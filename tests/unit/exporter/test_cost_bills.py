"""Bills worked by hand from published prices (US dollars per million tokens), in the arithmetic of the comments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from observability.cost import COST_TYPES, PriceList
from tests.unit.exporter.money import NOW, calls

PRICES = PriceList()
#: A tenth of a millionth of a cent.
EXACT = 1e-9


@dataclass(frozen=True)
class Bill:
    """A call and what it costs, in millionths of a dollar by type."""

    name: str
    provider: str
    model: str
    usage: dict[str, int]
    micro: dict[str, float]
    tier: str | None = None
    at: datetime = NOW
    more: dict[str, Any] = field(default_factory=dict)


def on(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


O3_MINI = {"input": 881, "cache_read": 1536, "output": 267, "reasoning": 640}
CACHED = {"input": 89, "cache_read": 4099, "cache_write": 1187, "output": 233}
LONG = {"input": 150_000, "cache_read": 40_000, "cache_write": 20_000, "output": 2_000}
REALTIME = {"input": 1000, "input_audio": 800, "cache_read": 500, "cache_read_audio": 200, "output": 300,
            "output_audio": 250}  # fmt: skip

BILLS = [
    # OpenAI reports the cache inside the input (2,417 = 881 + 1,536) and reasoning inside the output (907 = 267 + 640).
    # o3-mini: input 1.10, cached input 0.55, output 4.40.
    Bill("cache inside the input, reasoning inside the output", "openai", "o3-mini-2025-01-31", O3_MINI,
         {"input": 881 * 1.10, "cache_read": 1536 * 0.55, "output": 267 * 4.40, "reasoning": 640 * 4.40}),
    # Anthropic reports the cache outside the input (89, 4,099 and 1,187).
    # claude-sonnet-4-5: input 3, cache read 0.30 (0.1x), cache write for 5 minutes 3.75 (1.25x), output 15.
    Bill("cache outside the input, written for five minutes", "anthropic", "claude-sonnet-4-5-20250929", CACHED,
         {"input": 267, "cache_read": 1229.7, "cache_write": 4451.25, "output": 3495}),
    # 1,000 of the 1,187 written tokens for an hour: 187 x 3.75 + 1,000 x 6 (2x).
    Bill("cache written for an hour", "anthropic", "claude-sonnet-4-5", CACHED | {"cache_write_1h": 1000},
         {"input": 267, "cache_read": 1229.7, "cache_write": 701.25 + 6000, "output": 3495}),
    # Claude 3.7 Sonnet on Bedrock: the list has 3 / 0.30 / 3.75 / 15 and no price for an hour, which is 2 x 3.
    Bill("cache written for an hour, where the list has no such price", "aws.bedrock",
         "us.anthropic.claude-3-7-sonnet-20250219-v1:0", CACHED | {"cache_write_1h": 1000},
         {"input": 267, "cache_read": 1229.7, "cache_write": 701.25 + 6000, "output": 3495}),
    # Claude 3 Haiku on Bedrock: the list has 0.25 and 1.25 only: cache read 0.1x, write 1.25x.
    Bill("cache of a Claude of which the list knows input and output only", "aws.bedrock",
         "anthropic.claude-3-haiku-20240307-v1:0", {"input": 100, "cache_read": 1000, "cache_write": 400, "output": 10},
         {"input": 25, "cache_read": 25, "cache_write": 125, "output": 12.5}),
    # gemini-2.5-pro: 1.25, cached 0.125 and output 10 up to 200,000 tokens of input, else 2.50, 0.25 and 15 for all.
    Bill("at the edge of the long context", "gcp.gemini", "gemini-2.5-pro",
         {"input": 150_000, "cache_read": 50_000, "output": 1000},
         {"input": 187_500, "cache_read": 6250, "output": 10_000}),
    Bill("one token into the long context, cached tokens counted", "gcp.gemini", "gemini-2.5-pro",
         {"input": 150_001, "cache_read": 50_000, "output": 1000},
         {"input": 375_002.5, "cache_read": 12_500, "output": 15_000}),
    # claude-sonnet-4-5 above 200,000 (150,000 + 40,000 + 20,000): 6, cache read 0.60, cache write 7.50, output 22.50.
    Bill("long context of Claude", "anthropic", "claude-sonnet-4-5", LONG,
         {"input": 900_000, "cache_read": 24_000, "cache_write": 150_000, "output": 45_000}, at=on("2026-03-01")),
    # claude-sonnet-4 had the same surcharge from 12 August 2025 on; the list has only 3 / 0.30 / 3.75 / 15.
    Bill("long context of Claude that the list does not know", "anthropic", "claude-sonnet-4-20250514", LONG,
         {"input": 900_000, "cache_read": 24_000, "cache_write": 150_000, "output": 45_000}, at=on("2025-12-01")),
    Bill("before the surcharge", "anthropic", "claude-sonnet-4-20250514", LONG,
         {"input": 450_000, "cache_read": 12_000, "cache_write": 75_000, "output": 30_000}, at=on("2025-08-11")),
    # Bedrock, regional: 3.30 / 0.33 / 4.125 / 16.50, twice and one and a half times that above 200,000.
    Bill("long context on Bedrock", "aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", LONG,
         {"input": 990_000, "cache_read": 26_400, "cache_write": 165_000, "output": 49_500}, at=on("2026-01-15")),
    # claude-opus-4-6 lost the surcharge on 13 March 2026: input 10 and output 37.50 before, 5 and 25 after.
    Bill("the day before a price change", "anthropic", "claude-opus-4-6", {"input": 250_000, "output": 1000},
         {"input": 2_500_000, "output": 37_500}, at=datetime(2026, 3, 12, 23, 59, 59, 999_999, UTC)),
    Bill("the day of a price change", "anthropic", "claude-opus-4-6", {"input": 250_000, "output": 1000},
         {"input": 1_250_000, "output": 25_000}, at=on("2026-03-13")),
    # deepseek-chat: 0.135 and 0.55 off-peak (16:30 to 00:30 UTC), else 0.27 and 1.10.
    Bill("off-peak", "deepseek", "deepseek-chat", {"input": 1000, "output": 1000}, {"input": 135, "output": 550},
         at=datetime(2025, 8, 1, 0, 29, 59, tzinfo=UTC)),
    Bill("peak", "deepseek", "deepseek-chat", {"input": 1000, "output": 1000}, {"input": 270, "output": 1100},
         at=datetime(2025, 8, 1, 0, 30, tzinfo=UTC)),
    # gpt-4o in a batch: 1.25 and 5; cached input stays at 1.25.
    Bill("batch", "openai", "gpt-4o", {"input": 1000, "cache_read": 400, "output": 100},
         {"input": 1250, "cache_read": 500, "output": 500}, tier="batch"),
    Bill("batch before the list knew its price", "openai", "gpt-4o", {"input": 1000, "cache_read": 400, "output": 100},
         {"input": 1250, "cache_read": 500, "output": 500}, tier="batch", at=on("2026-03-01")),
    Bill("batch before there was one", "openai", "gpt-4", {"input": 1000, "output": 100},
         {"input": 30_000, "output": 6000}, tier="batch", at=on("2024-04-14")),
    # gpt-4.5-preview: 75, cached 37.50, output 150; in a batch 37.50 and 75, cached as ever; not in the list.
    Bill("batch of OpenAI, by the published rule", "openai", "gpt-4.5-preview",
         {"input": 1000, "cache_read": 400, "output": 100}, {"input": 37_500, "cache_read": 15_000, "output": 7500},
         tier="batch", at=on("2025-06-01")),
    # Claude 3.5 Haiku: 0.80, 0.08, 1.00, 4 and half of it all in a batch, cache included.
    Bill("batch of Claude, by the published rule", "anthropic", "claude-3-5-haiku-20241022", CACHED,
         {"input": 35.6, "cache_read": 163.96, "cache_write": 593.5, "output": 466}, tier="batch",
         at=on("2025-06-01")),
    # gemini-2.5-flash in a batch: 0.15, audio 0.50, output 1.25, cached text 0.03 as ever.
    Bill("batch with audio", "gcp.vertex_ai", "gemini-2.5-flash",
         {"input": 1000, "input_audio": 600, "cache_read": 100, "output": 100},
         {"input": 400 * 0.15 + 600 * 0.5, "cache_read": 3, "output": 125}, tier="batch"),
    # Azure: 50 % less than global standard (2.50 and 10).
    Bill("batch on Azure", "azure.ai.openai", "gpt-4o-2024-08-06", {"input": 1000, "output": 100},
         {"input": 1250, "output": 500}, tier="batch"),
    # gpt-5: 1.25 / 10 standard, 0.625 / 5 flex, 2.50 / 20 priority.
    Bill("flex", "openai", "gpt-5", {"input": 1000, "output": 100}, {"input": 625, "output": 500}, tier="flex"),
    Bill("priority", "openai", "gpt-5", {"input": 1000, "output": 100}, {"input": 2500, "output": 2000},
         tier="priority"),
    # gemini-3.1-flash-lite in a batch: 0.125 and 0.75, cached input 0.0125 (half), earlier too.
    Bill("batch whose shares the list knows from a later day", "gcp.gemini", "gemini-3.1-flash-lite",
         {"input": 1000, "cache_read": 1000, "output": 100}, {"input": 125, "cache_read": 12.5, "output": 75},
         tier="batch", at=on("2026-09-01")),
    # Azure takes over OpenAI's standard prices, and not what OpenAI asks for its tiers.
    Bill("a tier of another provider", "azure.ai.openai", "gpt-5", {"input": 1000, "output": 100},
         {"input": 1250, "output": 1000}, tier="priority"),
    Bill("default tier", "openai", "gpt-5", {"input": 1000, "output": 100}, {"input": 1250, "output": 1000},
         tier="default"),
    # gpt-4o-realtime-preview: text 5 / cached 2.50 / output 20, audio 40 / cached 2.50 / output 80.
    Bill("audio in and out", "openai", "gpt-4o-realtime-preview", REALTIME,
         {"input": 200 * 5 + 800 * 40, "cache_read": 300 * 2.5 + 200 * 2.5, "output": 50 * 20 + 250 * 80}),
    # sonar: 1 and 1, and 12 dollars per thousand requests.
    Bill("a fee per request", "perplexity", "sonar", {"input": 100, "output": 200},
         {"input": 100, "output": 200, "request": 12_000}),
    # Fine-tuned gpt-4o-mini: 0.30 and 1.20 (its base 0.15 and 0.60).
    Bill("fine-tuned", "openai", "ft:gpt-4o-mini-2024-07-18:acme::B1", {"input": 1000, "output": 100},
         {"input": 300, "output": 120}),
    # text-embedding-3-small: 0.02, and no price for output.
    Bill("embeddings", "openai", "text-embedding-3-small", {"input": 5000}, {"input": 100}),
    # Free on the Gemini API: the list has the model, and no price in it.
    Bill("a free model of the list", "gcp.gemini", "gemma-3-27b-it", {"input": 1000, "output": 100},
         {"input": 0, "output": 0}),
    Bill("Azure's own spelling", "azure.ai.openai", "gpt-35-turbo", {"input": 1000, "output": 100},
         {"input": 500, "output": 150}),
    # The parts of a type never exceed it, whatever a span says.
    Bill("more audio than input", "gcp.gemini", "gemini-2.5-flash", {"input": 100, "input_audio": 900, "output": 10},
         {"input": 100, "output": 25}),
]  # fmt: skip


@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: bill.name)
def test_a_bill_worked_by_hand(bill: Bill) -> None:
    priced = PRICES.price(
        calls({"provider": bill.provider, "model": bill.model, "usage": bill.usage, "tier": bill.tier, "at": bill.at})
    )
    expected = [bill.micro.get(name, np.nan) / 1e6 for name in COST_TYPES]
    np.testing.assert_allclose(priced.usd[0], expected, rtol=0, atol=EXACT)
    assert priced.total[0] == pytest.approx(sum(bill.micro.values()) / 1e6, abs=EXACT)
    assert priced.source[0] == "price_list"
    assert not priced.unpriced[0]


def test_all_bills_in_one_batch_are_the_same_bills() -> None:
    """Groups, price periods and tiers side by side."""
    rows = [
        {"provider": each.provider, "model": each.model, "usage": each.usage, "tier": each.tier, "at": each.at}
        for each in BILLS
    ]
    priced = PRICES.price(calls(*rows * 3))
    expected = [[each.micro.get(name, np.nan) / 1e6 for name in COST_TYPES] for each in BILLS * 3]
    np.testing.assert_allclose(priced.usd, expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("acme-9000", "openai"),
        ("ft:gpt-4.1-2025-04-14:acme::B1", "openai"),
        ("gpt-4o-2024-08-06.ft-0c1d", "azure.ai.openai"),
        ("prod-chat", "azure.ai.openai"),
        ("arn:aws:bedrock:us-east-1:1:custom-model/anthropic.claude-3-haiku-20240307-v1:0/abc", "aws.bedrock"),
        ("llama3.3", "ollama"),
        ("mistral-small", "vllm"),
        ("ollama/mistral", "litellm"),
        ("mistral-large", "ibm.watsonx.ai"),
        (None, "openai"),
    ],
)
def test_a_model_that_nobody_prices_is_unpriced_and_not_free(model: str | None, provider: str) -> None:
    priced = PRICES.price(calls({"provider": provider, "model": model, "usage": {"input": 10, "output": 10}}))
    assert priced.source[0] is None
    assert priced.unpriced[0]
    assert priced.total[0] == 0
    assert np.isnan(priced.usd[0]).all()


def test_a_fine_tuned_model_does_not_get_the_price_of_the_base_that_answered() -> None:
    row = {"usage": {"input": 10}, "request_model": "ft:gpt-4.1-mini:acme::B1", "response_model": "gpt-4.1-mini"}
    assert PRICES.price(calls(row)).unpriced[0]


@pytest.mark.parametrize(
    ("row", "unpriced"),
    [
        ({"model": "acme-9000", "usage": {"input": 5}}, True),
        ({"model": "acme-9000"}, True),  # succeeded, so it was billed by somebody
        ({"model": "acme-9000", "error": "timeout"}, False),
        ({"model": "acme-9000", "error": "timeout", "usage": {"input": 0, "output": 0}}, False),
        ({"model": "acme-9000", "error": "timeout", "usage": {"input": 5}}, True),  # failed half-way
        ({"model": "gpt-4o"}, False),  # the price is known, the usage is not: another counter tells
        ({"model": "whisper-1", "usage": {"input": 5}}, True),  # listed by the hour of audio only
        ({"model": "gpt-4o", "usage": {"input": 0, "output": 0}}, False),
    ],
)
def test_unpriced_is_a_call_that_should_have_a_price(row: dict[str, Any], unpriced: bool) -> None:
    assert PRICES.price(calls(row)).unpriced[0] == unpriced


def test_cache_savings_are_what_reads_would_have_cost_more_as_input() -> None:
    priced = PRICES.price(
        calls(
            {"model": "o3-mini", "usage": O3_MINI},  # 1,536 x (1.10 - 0.55)
            {"model": "gpt-4o-realtime-preview", "usage": REALTIME},  # 300 x (5 - 2.5) + 200 x (40 - 2.5)
            {"model": "gemini-2.5-pro", "provider": "gcp.gemini", "usage": {"input": 200_001, "cache_read": 1000}},
            {"model": "acme-9000", "usage": O3_MINI},
            {"model": "gpt-4o", "usage": {"input": 100}},
        )
    )
    expected = [844.8e-6, (750 + 7500) / 1e6, 1000 * (2.5 - 0.25) / 1e6, 0, 0]
    np.testing.assert_allclose(priced.savings, expected, rtol=0, atol=EXACT)


def test_a_batch_over_the_moment_of_a_price_change_has_both_prices() -> None:
    edge = datetime(2026, 3, 13, tzinfo=UTC)
    usage = {"input": 250_000}
    model = {"model": "claude-opus-4-6", "provider": "anthropic", "usage": usage}
    before = datetime(2026, 3, 12, 23, 59, 59, tzinfo=UTC)
    priced = PRICES.price(calls(model | {"at": before}, model | {"at": edge}, {"model": "gpt-4o", "usage": usage}))
    np.testing.assert_allclose(priced.total, [2.5, 1.25, 0.625], rtol=0, atol=EXACT)


def test_a_clock_that_runs_ahead_sees_no_price_of_the_future_and_one_never_set_sees_todays() -> None:
    model = {"model": "claude-opus-4-6", "provider": "anthropic", "usage": {"input": 250_000}}
    now = datetime(2026, 3, 1, tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    rows = calls(model | {"at": NOW}, model | {"at": epoch})
    priced = PRICES.price(rows, now_ns=int(now.timestamp()) * 10**9)
    np.testing.assert_allclose(priced.total, [2.5, 2.5], rtol=0, atol=EXACT)


def test_the_price_list_says_its_version_and_when_it_last_changed() -> None:
    assert PRICES.source == "genai-prices"
    assert PRICES.version
    newest = datetime.fromtimestamp(PRICES.timestamp, UTC)
    assert datetime(2026, 1, 1, tzinfo=UTC) < newest <= datetime.now(UTC)
