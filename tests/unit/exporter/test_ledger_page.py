"""Money on the page: daily cost and budgets of a whole exporter, over a restart."""

from __future__ import annotations

import time

import pytest
from fastapi.testclient import TestClient

from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Budget, Runtime, Settings
from tests.unit.exporter.support import chat, matching, send, span, total


def test_the_page_shows_daily_cost_and_budgets_again_after_a_restart(runtime: Runtime) -> None:
    settings = Settings(
        budgets=(
            Budget(name="daily-total", limit_usd=100.0),
            Budget(name="shop", limit_usd=5.0, service="shop", period="month"),
            Budget(name="search", limit_usd=7.0, where={"team": "search"}, period="week"),
        )
    )
    with TestClient(create_app(Exporter(settings, runtime))) as client:
        assert total(client, "llm_budget_spent_usd") == 0
        send(client, span(chat(gen_ai__usage__input_tokens=1_000_000, gen_ai__usage__output_tokens=0)))
        send(client, span(chat(team="search")), service="other")
        before = {name: matching(client, name) for name in ("llm_daily_cost_usd", "llm_budget_spent_usd")}
        assert total(client, "llm_budget_spent_usd", budget="shop") == 2.5
        assert total(client, "llm_budget_spent_usd", budget="search") == pytest.approx((100 * 2.5 + 20 * 10) / 1e6)
        assert total(client, "llm_daily_cost_usd", model="gpt-4o") == pytest.approx(2.5 + (100 * 2.5 + 20 * 10) / 1e6)
        assert total(client, "llm_budget_spending_usd_total", budget="shop") == 2.5
    with TestClient(create_app(Exporter(settings, runtime))) as client:
        assert {name: matching(client, name) for name in before} == before
        assert total(client, "llm_budget_limit_usd", budget="shop") == 5.0
        assert total(client, "llm_budget_spending_usd_total", budget="shop") == 0, "a counter begins with its process"
        (end,) = matching(client, "llm_budget_period_end_seconds", budget="daily-total")
        (start,) = matching(client, "llm_budget_period_start_seconds", budget="daily-total")
        assert end.value - start.value == 86_400
        assert start.value <= time.time() < end.value


def test_a_call_counts_on_the_utc_day_on_which_it_ended(client: TestClient) -> None:
    yesterday = time.time() - 86_400
    send(client, span(chat(), ended=yesterday))
    (sample,) = matching(client, "llm_daily_cost_usd")
    assert sample.labels["date"] == time.strftime("%Y-%m-%d", time.gmtime(yesterday))
    assert total(client, "llm_budget_spent_usd") == 0


def test_a_clock_far_ahead_counts_today(client: TestClient) -> None:
    send(client, span(chat(), ended=time.time() + 40 * 86_400))
    (sample,) = matching(client, "llm_daily_cost_usd")
    assert sample.labels["date"] == time.strftime("%Y-%m-%d", time.gmtime())


def test_an_unknown_model_is_counted_and_never_costs_nothing(client: TestClient) -> None:
    send(client, span(chat("acme-9000")))
    assert total(client, "llm_unpriced_requests_total", model="acme-9000") == 1
    assert matching(client, "llm_token_cost_usd_total", model="acme-9000") == []
    assert matching(client, "llm_daily_cost_usd") == []
