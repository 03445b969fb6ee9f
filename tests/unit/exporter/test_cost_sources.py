"""Whose word counts: a cost that the span brought, an override, the price list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.cost import COST_TYPES, Priced, PriceList
from observability.settings import PriceOverride, Prices
from tests.unit.exporter.money import NOW, calls

PRICES = PriceList()
#: gpt-4o: 2.50, cached 1.25, output 10: by the list 1,000 + 250 + 2,000 = 3,250 millionths of a dollar.
CALL: dict[str, Any] = {"model": "gpt-4o", "usage": {"input": 400, "cache_read": 200, "output": 200}}
UNLISTED: dict[str, Any] = {"model": "acme-9000", "usage": {"input": 400, "output": 200}}


def by_type(priced: Priced, row: int = 0) -> dict[str, float]:
    """What is charged, in millionths of a dollar."""
    return {
        name: round(usd * 1e6, 6)
        for name, usd in zip(COST_TYPES, priced.usd[row].tolist(), strict=True)
        if not np.isnan(usd)
    }


def price(row: dict[str, Any], prices: PriceList = PRICES) -> tuple[dict[str, float], str | None]:
    priced = prices.price(calls(row))
    assert np.nansum(priced.usd[0]) == pytest.approx(priced.total[0], rel=1e-12)
    return by_type(priced), priced.source[0]


def overridden(*overrides: dict[str, Any]) -> PriceList:
    return PriceList(Prices(overrides=tuple(PriceOverride(**each) for each in overrides)))


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        # A total alone has the proportions of the list: 6,500 is twice 3,250.
        ({"total": 6500e-6}, {"input": 2000, "cache_read": 500, "output": 4000}),
        # Sides are split by the list's proportions in each: 1,000 : 250 of the input.
        ({"input": 2500e-6, "output": 300e-6}, {"input": 2000, "cache_read": 500, "output": 300}),
        ({"input": 2500e-6, "output": 300e-6, "total": 2800e-6}, {"input": 2000, "cache_read": 500, "output": 300}),
        # The total has more than the sides (a tool, a margin): it belongs to no type of token.
        ({"input": 2500e-6, "output": 300e-6, "total": 3000e-6},
         {"input": 2000, "cache_read": 500, "output": 300, "total": 200}),
        # The total has less than the sides (a discount): the sides are cut.
        ({"input": 2500e-6, "output": 300e-6, "total": 1400e-6}, {"input": 1000, "cache_read": 250, "output": 150}),
        # One side: the total tells the other, else the list does.
        ({"input": 2500e-6, "total": 2600e-6}, {"input": 2000, "cache_read": 500, "output": 100}),
        ({"output": 100e-6, "total": 1350e-6}, {"input": 1000, "cache_read": 250, "output": 100}),
        ({"output": 500e-6}, {"input": 1000, "cache_read": 250, "output": 500}),
        # A zero beside a number is a number.
        ({"input": 0.0, "output": 300e-6}, {"input": 0, "cache_read": 0, "output": 300}),
        ({"input": 2500e-6, "output": 300e-6, "total": 0.0}, {"input": 2000, "cache_read": 500, "output": 300}),
    ],
)  # fmt: skip
def test_a_cost_that_the_span_brought_counts_split_by_the_proportions_of_the_list(
    cost: dict[str, float], expected: dict[str, float]
) -> None:
    assert price(CALL | {"cost": cost}) == (expected, "provider")


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ({"total": 0.25}, {"total": 250_000}),
        ({"input": 0.1, "output": 0.2}, {"input": 100_000, "output": 200_000}),
        ({"input": 0.1, "output": 0.2, "total": 0.35}, {"input": 100_000, "output": 200_000, "total": 50_000}),
    ],
)
def test_a_cost_of_a_model_that_no_list_knows_counts_too(cost: dict[str, float], expected: dict[str, float]) -> None:
    assert price(UNLISTED | {"cost": cost}) == (expected, "provider")
    assert not PRICES.price(calls(UNLISTED | {"cost": cost})).unpriced[0]


def test_a_cost_without_usage_is_known_as_a_whole_only() -> None:
    assert price({"model": "gpt-4o", "cost": {"total": 0.5}}) == ({"total": 500_000}, "provider")


@pytest.mark.parametrize("cost", [{"total": 0.0}, {"input": 0.0, "output": 0.0}, {"input": 0.0}])
def test_a_zero_for_tokens_that_have_a_price_is_the_senders_missing_price(cost: dict[str, float]) -> None:
    assert price(CALL | {"cost": cost}) == ({"input": 1000, "cache_read": 250, "output": 2000}, "price_list")


def test_a_zero_for_a_model_that_nobody_prices_is_not_believed_either() -> None:
    priced = PRICES.price(calls(UNLISTED | {"cost": {"total": 0.0}}, {"model": "acme-9000", "cost": {"total": 0.0}}))
    assert priced.unpriced.tolist() == [True, True]
    assert priced.source.to_list() == [None, None]


def test_a_zero_is_believed_where_nothing_was_used() -> None:
    unused = {"model": "acme-9000", "usage": {"input": 0, "output": 0}, "cost": {"total": 0.0}}
    failed = {"model": "acme-9000", "error": "timeout", "cost": {"total": 0.0}}
    priced = PRICES.price(calls(unused, failed))
    assert priced.source.to_list() == ["provider", "provider"]
    assert priced.total.tolist() == [0, 0]
    assert not priced.unpriced.any()


@pytest.mark.parametrize("nonsense", [-1.0, np.inf, -np.inf])
def test_a_cost_that_is_no_amount_of_money_says_nothing(nonsense: float) -> None:
    assert price(CALL | {"cost": {"total": nonsense}})[1] == "price_list"
    assert price(CALL | {"cost": {"total": nonsense, "input": 1e-6, "output": 2e-6}})[1] == "provider"


def test_costs_of_spans_are_not_looked_at_where_they_are_not_trusted() -> None:
    distrusting = PriceList(Prices(trust_reported=False))
    assert price(CALL | {"cost": {"total": 9.0}}, distrusting)[1] == "price_list"
    assert distrusting.price(calls(UNLISTED | {"cost": {"total": 9.0}})).unpriced[0]


def test_rows_with_and_without_a_cost_of_their_own_stand_side_by_side() -> None:
    priced = PRICES.price(calls(CALL, CALL | {"cost": {"total": 6500e-6}}, UNLISTED, CALL | {"cost": {"total": 0.0}}))
    assert priced.source.to_list() == ["price_list", "provider", None, "price_list"]
    np.testing.assert_allclose(priced.total, [3250e-6, 6500e-6, 0, 3250e-6], atol=1e-12)


AMOUNT = st.one_of(st.just(np.nan), st.just(0.0), st.floats(min_value=1e-9, max_value=100.0))


@settings(deadline=None, max_examples=100)
@given(st.sampled_from([CALL, UNLISTED]), AMOUNT, AMOUNT, AMOUNT)
def test_a_believed_cost_is_never_changed_as_a_whole(
    row: dict[str, Any], ins: float, outs: float, total: float
) -> None:
    priced = PRICES.price(calls(row | {"cost": {"input": ins, "output": outs, "total": total}}))
    assert np.nansum(priced.usd[0]) == pytest.approx(priced.total[0], rel=1e-9, abs=1e-15)
    assert (np.nan_to_num(priced.usd) >= 0).all()
    if total > 0:
        assert priced.total[0] == pytest.approx(total, rel=1e-12)
    elif ins > 0 and outs > 0:
        assert priced.total[0] == pytest.approx(ins + outs, rel=1e-12)


def test_an_override_replaces_the_price_list_and_says_so() -> None:
    prices = overridden({"model": "gpt-4o", "input": 2, "output": 8})
    # Cached input costs what input costs unless the override says otherwise.
    assert price(CALL, prices) == ({"input": 800, "cache_read": 400, "output": 1600}, "override")
    assert price(CALL | {"model": "gpt-4o-mini"}, prices)[1] == "price_list"


def test_an_override_prices_every_kind_of_token() -> None:
    prices = overridden({"model": "acme-*", "input": 1, "cache_read": 0.1, "cache_write": 2, "output": 3,
                         "reasoning": 4, "request": 0.005})  # fmt: skip
    usage = {"input": 10, "cache_read": 20, "cache_write": 30, "output": 40, "reasoning": 50, "cache_write_1h": 5,
             "output_audio": 7}  # fmt: skip
    assert price({"model": "acme-9000", "usage": usage}, prices) == (
        {"input": 10, "cache_read": 2, "cache_write": 60, "output": 120, "reasoning": 200, "request": 5000},
        "override",
    )


@pytest.mark.parametrize(
    ("pattern", "row", "matches"),
    [
        ("gpt-4o", {"model": "gpt-4o"}, True),
        ("GPT-4o", {"model": "gpt-4o"}, True),
        ("gpt-4o", {"model": "openai/gpt-4o"}, True),
        ("openai/gpt-4o", {"model": "openai/gpt-4o"}, True),
        ("gpt-4o", {"model": "gpt-4o-mini"}, False),
        ("gpt-4o*", {"model": "gpt-4o-mini"}, True),
        ("*sonnet*", {"model": "us.anthropic.claude-3-7-sonnet-20250219-v1:0", "provider": "aws.bedrock"}, True),
        ("gpt-4.1", {"model": "gpt-4x1"}, False),  # a dot is a dot
        ("gpt-4o[a]", {"model": "gpt-4oa"}, False),
        ("prod-chat", {"request_model": "prod-chat", "response_model": "gpt-4o-2024-08-06"}, True),
        ("gpt-4o-2024-08-06", {"request_model": "prod-chat", "response_model": "gpt-4o-2024-08-06"}, True),
        ("gpt-4o*", {"model": "ft:gpt-4o-2024-08-06:acme::1"}, False),
    ],
)
def test_overrides_go_by_the_name_asked_for_or_answered(pattern: str, row: dict[str, Any], matches: bool) -> None:
    prices = overridden({"model": pattern, "input": 7, "output": 7})
    assert (price(row | {"usage": {"input": 1}}, prices)[1] == "override") is matches


def test_the_first_override_that_matches_counts() -> None:
    prices = overridden(
        {"model": "gpt-4o", "provider": "azure.ai.openai", "input": 1},
        {"model": "gpt-*", "input": 2},
        {"model": "gpt-4o", "input": 3},
    )
    usage = {"usage": {"input": 1}}
    assert price({"model": "gpt-4o", "provider": "azure.ai.openai"} | usage, prices)[0] == {"input": 1}
    assert price({"model": "gpt-4o"} | usage, prices)[0] == {"input": 2}


def test_an_override_holds_from_its_day_on() -> None:
    since = datetime(2026, 11, 1)
    prices = overridden({"model": "gpt-4o", "input": 9, "since": since}, {"model": "gpt-4o", "input": 8,
                         "since": datetime(2026, 10, 1, tzinfo=UTC)})  # fmt: skip
    start = since.replace(tzinfo=UTC)
    rows = [
        {"model": "gpt-4o", "usage": {"input": 1_000_000}, "at": at}
        for at in (start - timedelta(microseconds=1), start, datetime(2026, 9, 30, tzinfo=UTC), NOW)
    ]
    priced = prices.price(calls(*rows))
    assert priced.total.tolist() == pytest.approx([8, 9, 2.5, 9])
    assert priced.source.to_list() == ["override", "override", "price_list", "override"]


def test_a_discount_is_taken_off_whatever_the_list_says_at_the_time_and_in_the_tier() -> None:
    prices = overridden({"model": "*", "provider": "openai", "discount": 0.2})
    assert price(CALL, prices) == ({"input": 800, "cache_read": 200, "output": 1600}, "override")
    assert price(CALL | {"tier": "batch"}, prices)[0] == {"input": 400, "cache_read": 200, "output": 800}
    savings = prices.price(calls(CALL)).savings[0]
    assert savings == pytest.approx(200 * (2.5 - 1.25) * 0.8 / 1e6)


def test_a_discount_on_nothing_is_no_price() -> None:
    assert overridden({"model": "*", "discount": 0.2}).price(calls(UNLISTED)).unpriced[0]


def test_a_model_of_ones_own_is_free_by_an_override_and_not_unpriced() -> None:
    row = {"provider": "ollama", "model": "llama3.3:70b", "usage": {"input": 500, "output": 100}}
    assert PRICES.price(calls(row)).unpriced[0]
    prices = overridden({"model": "*", "provider": "ollama", "input": 0, "output": 0})
    assert price(row, prices) == ({"input": 0, "output": 0}, "override")
    assert not prices.price(calls(row)).unpriced[0]
    assert price(row | {"cost": {"total": 0.0}}, prices) == ({"input": 0, "output": 0}, "override")


def test_a_price_per_request_needs_no_usage_but_a_call_that_succeeded() -> None:
    prices = overridden({"model": "reranker", "request": 0.002})
    priced = prices.price(
        calls(
            {"model": "reranker"},
            {"model": "reranker", "usage": {"input": 900}},
            {"model": "reranker", "error": "timeout"},
        )
    )
    assert [by_type(priced, row) for row in range(3)] == [{"request": 2000}, {"request": 2000}, {}]
    assert priced.source.to_list() == ["override", "override", None]


def test_a_reported_cost_comes_before_an_override() -> None:
    prices = overridden({"model": "gpt-4o", "input": 2, "output": 8})
    # The override gives the proportions: 800 : 400 : 1,600.
    assert price(CALL | {"cost": {"total": 1400e-6}}, prices) == (
        {"input": 400, "cache_read": 200, "output": 800},
        "provider",
    )


def test_costs_of_estimated_tokens_are_marked_but_for_those_that_somebody_reported() -> None:
    guessed = CALL | {"estimated": True}
    priced = PRICES.price(calls(guessed, CALL, guessed | {"cost": {"total": 1.0}}, UNLISTED | {"estimated": True}))
    assert priced.estimated.tolist() == [True, False, False, False]
