"""Prices of batches against a scalar calculation in decimals and against the price list's own calculation."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import numpy as np
import pytest
from genai_prices.data_snapshot import DataSnapshot, find_provider_by_id, get_snapshot
from genai_prices.types import ModelPrice, TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.columns import Text
from observability.cost import COST_TYPES, PriceList
from observability.grouping import group_codes, group_texts
from observability.records import Calls
from tests.unit.exporter.money import NOW, calls

PRICES = PriceList()
MODELS = [
    ("openai", "gpt-4o-mini-2024-07-18", None),
    ("openai", "o3-mini", None),
    ("openai", "gpt-4o-realtime-preview", None),
    ("openai", "gpt-5", "flex"),
    ("anthropic", "claude-sonnet-4-5", None),
    ("anthropic", "claude-haiku-5-5", "batch"),
    ("gcp.gemini", "gemini-2.5-pro", None),
    ("gcp.gemini", "gemini-2.5-flash", "batch"),
    ("deepseek", "deepseek-chat", None),
    ("perplexity", "sonar", None),
    ("mistral_ai", "mistral-large-latest", None),
    ("openai", "acme-9000", None),
]
#: Provider of a call → provider of the price list.
LISTED = {"gcp.gemini": "google", "mistral_ai": "mistral"}
COUNT = st.one_of(st.none(), st.integers(min_value=0, max_value=400_000))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    provider, model, tier = draw(st.sampled_from(MODELS))
    usage = {name: draw(COUNT) for name in ("input", "cache_read", "cache_write", "output", "reasoning")}
    parts = {
        part: draw(st.integers(min_value=0, max_value=usage[whole] or 0))
        for part, whole in (
            ("cache_write_1h", "cache_write"),
            ("input_audio", "input"),
            ("cache_read_audio", "cache_read"),
            ("output_audio", "output"),
        )
        if draw(st.booleans())
    }
    return {
        "provider": provider,
        "model": model,
        "tier": tier,
        "usage": {name: tokens for name, tokens in (usage | parts).items() if tokens is not None},
        "at": draw(st.datetimes(datetime(2026, 10, 20), datetime(2026, 11, 20), timezones=st.just(UTC))),
    }


def scalar(row: dict[str, Any]) -> Decimal | None:
    """The cost of one call by the text of the docs, in decimals."""
    found = find_provider_by_id(get_snapshot().providers, LISTED.get(row["provider"], row["provider"]))
    assert found is not None
    model = found.find_model(row["model"])
    if model is None:
        return None
    context = {"batch": {"processing": "batch"}, "flex": {"service_tier": "flex"}, None: None}[row["tier"]]
    prices = model.get_prices(row["at"], context)
    usage = row["usage"]
    whole = sum(usage.get(name, 0) for name in ("input", "cache_read", "cache_write"))

    def price(*keys: str) -> Decimal | None:
        for key in keys:
            rate = getattr(prices, key)
            if rate is not None:
                return _at(rate, whole)
        return None

    read = ("cache_read_mtok", "input_mtok")
    write = ("cache_write_mtok", "input_mtok")
    lines = [
        ("input", "input_audio", price("input_mtok"), price("input_audio_mtok", "input_mtok")),
        ("cache_read", "cache_read_audio", price(*read), price("cache_audio_read_mtok", *read)),
        ("cache_write", "cache_write_1h", price(*write), price("cache_write_1h_mtok", *write)),
        ("output", "output_audio", price("output_mtok"), price("output_audio_mtok", "output_mtok")),
        ("reasoning", "", price("output_reasoning_mtok", "output_mtok"), None),
    ]
    total, charged = Decimal(0), False
    for name, part, plain, special in lines:
        if name in usage and plain is not None:
            charged = True
            apart = min(usage.get(part, 0), usage[name])
            total += (usage[name] - apart) * plain / 1_000_000
            total += apart * (special or plain) / 1_000_000
    if not charged:
        return None
    fee = price("requests_kcount")
    return total if fee is None else total + fee / 1000


def _at(rate: Decimal | TieredPrices, whole: int) -> Decimal:
    if isinstance(rate, Decimal):
        return rate
    price = rate.base
    for tier in sorted(rate.tiers, key=lambda each: each.start):
        if whole > tier.start:
            price = tier.price
    return price


@settings(deadline=None, max_examples=60)
@given(st.lists(rows(), min_size=1, max_size=12))
def test_a_batch_costs_what_its_calls_cost_one_by_one_in_decimals(batch: list[dict[str, Any]]) -> None:
    priced = PRICES.price(calls(*batch))
    for position, row in enumerate(batch):
        expected = scalar(row)
        assert (priced.source[position] is None) == (expected is None)
        assert priced.total[position] == pytest.approx(float(expected or 0), abs=1e-9)
    np.testing.assert_allclose(np.nansum(priced.usd, axis=1), priced.total, rtol=1e-12, atol=1e-15)


@settings(deadline=None, max_examples=40)
@given(st.lists(rows(), min_size=2, max_size=12), st.data())
def test_any_split_of_a_batch_costs_the_same(batch: list[dict[str, Any]], data: st.DataObject) -> None:
    whole = calls(*batch)
    cut = data.draw(st.integers(min_value=0, max_value=len(batch)))
    order = np.array(data.draw(st.permutations(range(len(batch)))), np.int64)
    shuffled = whole.take(order)
    parts = [PRICES.price(shuffled.take(slice(0, cut))), PRICES.price(shuffled.take(slice(cut, None)))]
    np.testing.assert_array_equal(np.concatenate([part.usd for part in parts]), PRICES.price(whole).usd[order])


@settings(deadline=None, max_examples=40)
@given(rows())
def test_a_total_is_what_the_price_list_itself_calculates(row: dict[str, Any]) -> None:
    usage = {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0, "reasoning": 0} | row["usage"]
    provider = find_provider_by_id(get_snapshot().providers, LISTED.get(row["provider"], row["provider"]))
    assert provider is not None
    model = provider.find_model(row["model"])
    priced = PRICES.price(calls(row | {"usage": usage}))
    if model is None:
        assert priced.unpriced[0]
        return
    if usage.get("cache_read_audio") and model.get_prices(row["at"]).cache_audio_read_mtok is None:
        usage["cache_read_audio"] = 0  # the list leaves open what it costs
    wholes = {"input": usage["input"] + usage["cache_read"] + usage["cache_write"]}
    audio = usage.get("input_audio", 0) + usage.get("cache_read_audio", 0)
    context = {"batch": {"processing": "batch"}, "flex": {"service_tier": "flex"}, None: None}[row["tier"]]
    own = model.calc_price(
        genai_prices.Usage(
            input_tokens=wholes["input"],
            cache_read_tokens=usage["cache_read"],
            cache_write_tokens=usage["cache_write"],
            cache_write_1h_tokens=usage.get("cache_write_1h", 0),
            input_audio_tokens=audio,
            cache_audio_read_tokens=usage.get("cache_read_audio", 0),
            output_tokens=usage["output"] + usage["reasoning"],
            output_reasoning_tokens=usage["reasoning"],
            output_audio_tokens=usage.get("output_audio", 0),
        ),
        provider,
        genai_request_timestamp=row["at"],
        price_context=context,
    )
    assert priced.total[0] == pytest.approx(float(own.total_price), rel=1e-12, abs=1e-12)


def test_every_price_of_the_list_makes_a_sheet() -> None:
    """No entry, dated, tiered or by variant, is refused or gives a negative rate."""
    checked = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            entry = PRICES.entry(provider.id, model.id, None, None)
            if entry.found is None or entry.found[1] is not model:
                continue  # another entry matches this name before it
            sheet = entry.sheet(int(NOW.timestamp()) * 10**9)
            assert sheet is not None
            rates = sheet.rates[:, : len(COST_TYPES) - 2]
            assert (rates[~np.isnan(rates)] >= 0).all(), (provider.id, model.id)
            checked += 1
    assert checked > 1500


def test_an_empty_batch_costs_nothing() -> None:
    empty: Calls = calls()
    priced = PRICES.price(empty)
    assert priced.usd.shape == (0, len(COST_TYPES))
    assert len(priced.source) == len(priced.total) == len(priced.unpriced) == 0


def test_looking_up_ever_new_names_does_not_grow_the_memory() -> None:
    # Of its own: whoever asks the price list's own functions fills the snapshot that the process shares.
    prices = PriceList(snapshot=DataSnapshot(get_snapshot().providers, from_auto_update=False), remembered=16)
    for number in range(10):
        prices.price(calls(*({"model": f"model-{number}-{each}", "usage": {"input": 1}} for each in range(20))))
    assert prices._entry.cache_info().currsize == 16
    assert prices._snapshot._lookup_cache == {}
    assert not prices._snapshot._provider_misses


@given(st.lists(st.tuples(*[st.sampled_from([None, "a", "b", "c"])] * 3), max_size=20))
def test_groups_are_the_distinct_combinations_absent_texts_included(texts: list[tuple[str | None, ...]]) -> None:
    columns = [Text.of(column) for column in zip(*texts, strict=True)] or [Text.of([])]
    first, group = group_texts(*columns)
    assert len(first) == len(set(texts))
    assert [texts[row] for row in first[group]] == texts


def test_groups_of_very_many_values_do_not_run_into_each_other() -> None:
    """Three columns of 2**32 values have 2**96 combinations, and 64 bits would hold the last two columns only."""
    numbers = np.random.default_rng(7).integers(0, 2**32, (2, 500))
    rows = np.concatenate([np.arange(1000)[None, :], np.tile(numbers, 2)])
    first, group = group_codes(*((column, 2**32) for column in rows))
    assert len(first) == 1000
    np.testing.assert_array_equal(rows[:, first][:, group], rows)


def test_a_sheet_that_charges_audio_alone_leaves_text_free() -> None:
    from observability.cost.sheet import Steps, sheet

    made = sheet({"input_audio": Steps((Decimal(6),))}, "price_list")
    assert made.rates[0, COST_TYPES.index("input")] == 0.0
    assert np.isnan(made.rates[0, COST_TYPES.index("output")])


def test_the_price_list_is_asked_in_its_own_terms() -> None:
    """A key of the list that was renamed would price nothing."""
    models = [model for provider in get_snapshot().providers for model in provider.models]
    prices = [
        price
        for model in models
        for price in (
            [model.prices] if isinstance(model.prices, ModelPrice) else [each.prices for each in model.prices]
        )
    ]
    units = {key for price in prices for key, value in vars(price).items() if value is not None}
    assert {
        "input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "input_audio_mtok",
        "output_audio_mtok", "cache_audio_read_mtok", "output_reasoning_mtok", "requests_kcount",
    } <= units  # fmt: skip
