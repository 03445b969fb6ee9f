"""Budgets by day, week and month in UTC, and the grouping of priced calls that they are fed with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.budgets import KEPT_DAYS, Budgets, period
from observability.cost import PriceList
from observability.settings import Budget, PriceOverride, Prices
from observability.spending import Spending, spendings
from tests.unit.exporter.money import NOW, calls, ns

#: A dollar per million tokens of input, whatever the model.
PRICES = PriceList(Prices(overrides=(PriceOverride(model="*", input=1.0),)))
TODAY = NOW.date()


def as_it_is(label: str, value: str) -> str:
    return value


def spent(usd: float, day: date = TODAY, **more: Any) -> Spending:
    known = {"service": "shop", "request_model": "gpt-4o", "model": "gpt-4o-2024-08-06", "provider": "openai"}
    return Spending(day=day, usd=usd, **(known | more))


def budget(name: str = "all", **more: Any) -> Budget:
    return Budget(name=name, limit_usd=10.0, **more)


@pytest.mark.parametrize(
    ("kind", "day", "start", "end"),
    [
        ("day", "2026-11-22", "2026-11-22", "2026-11-23"),
        ("day", "2028-02-28", "2028-02-28", "2028-02-29"),
        ("week", "2026-11-22", "2026-11-16", "2026-11-23"),  # a Sunday ends its week
        ("week", "2026-11-23", "2026-11-23", "2026-11-30"),  # a Monday begins one
        ("week", "2027-01-01", "2026-12-28", "2027-01-04"),  # over the end of a year
        ("month", "2026-11-30", "2026-11-01", "2026-12-01"),
        ("month", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("month", "2028-02-29", "2028-02-01", "2028-03-01"),  # a leap day
        ("month", "2026-02-28", "2026-02-01", "2026-03-01"),
    ],
)
def test_a_period_has_its_edges_at_midnight_utc(
    kind: Literal["day", "week", "month"], day: str, start: str, end: str
) -> None:
    found = period(kind, date.fromisoformat(day))
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)
    assert date.fromisoformat(day) in found
    assert found.end not in found


@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1)), st.sampled_from(["day", "week", "month"]))
def test_every_day_is_in_one_period_and_the_next_begins_where_it_ends(
    day: date, kind: Literal["day", "week", "month"]
) -> None:
    found = period(kind, day)
    assert found.start <= day < found.end
    assert period(kind, found.end).start == found.end
    assert period(kind, found.end - timedelta(days=1)) == found


def test_a_call_at_the_last_second_of_sunday_is_in_another_week_than_one_a_second_later() -> None:
    sunday = datetime(2026, 11, 22, 23, 59, 59, 999_999, UTC)
    made = calls(
        {"model": "m", "usage": {"input": 1_000_000}, "at": sunday},
        {"model": "m", "usage": {"input": 2_000_000}, "at": sunday + timedelta(seconds=1)},
    )
    rows = spendings(made, PRICES.price(made), as_it_is, now_ns=ns(sunday + timedelta(seconds=2)))
    week = (budget("week", period="week"),)
    assert Budgets(week, rows, today=lambda: date(2026, 11, 22)).spent() == {("week",): pytest.approx(1.0)}
    assert Budgets(week, rows, today=lambda: date(2026, 11, 23)).spent() == {("week",): pytest.approx(2.0)}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, 63.0),
        ({"service": "shop"}, 61.0),
        ({"model": "o3-mini"}, 4.0),
        ({"model": "gpt-4o"}, 59.0),  # the model asked for selects too
        ({"model": "gpt-4o-2024-08-06"}, 59.0),
        ({"provider": "azure.ai.openai"}, 8.0),
        ({"where": {"team": "search"}}, 48.0),
        ({"where": {"team": "search", "tenant": "acme"}}, 32.0),
        ({"where": {"team": "nobody"}}, 0.0),
        ({"service": "shop", "where": {"team": "search"}, "provider": "openai"}, 48.0),
    ],
)
def test_a_budget_is_spent_by_what_it_selects(selection: dict[str, Any], expected: float) -> None:
    booked = [
        spent(1.0),
        spent(2.0, service="other"),
        spent(4.0, model="o3-mini", request_model="o3-mini"),
        spent(8.0, provider="azure.ai.openai"),
        spent(16.0, dimensions=(("team", "search"),)),
        spent(32.0, dimensions=(("team", "search"), ("tenant", "acme"))),
    ]
    budgets = Budgets([budget(**selection)], today=lambda: TODAY)
    assert budgets.charge(booked) == {"all": expected}
    assert budgets.spent() == {("all",): expected}


def test_what_is_spent_falls_to_nothing_when_a_period_ends_and_what_was_booked_ahead_is_there() -> None:
    now = [date(2026, 11, 30)]
    budgets = Budgets([budget(kind, period=kind) for kind in ("day", "week", "month")], today=lambda: now[0])
    # At 23:55 a call whose clock is five minutes ahead counts tomorrow.
    assert budgets.charge([spent(1.0, now[0]), spent(2.0, date(2026, 12, 1))]) == {
        "day": 1.0,
        "week": 3.0,
        "month": 1.0,
    }
    assert budgets.spent() == {("day",): 1.0, ("week",): 3.0, ("month",): 1.0}
    now[0] = date(2026, 12, 1)
    assert budgets.spent() == {("day",): 2.0, ("week",): 3.0, ("month",): 2.0}
    now[0] = date(2026, 12, 7)
    assert budgets.spent() == {("day",): 0.0, ("week",): 0.0, ("month",): 2.0}


def test_a_backlog_of_other_days_adds_nothing_to_the_pace_of_a_period_that_it_is_not_in() -> None:
    budgets = Budgets([budget("day"), budget("month", period="month")], today=lambda: TODAY)
    late = [spent(5.0, TODAY - timedelta(days=1)), spent(7.0, date(2026, 10, 31)), spent(9.0, date(2020, 1, 1))]
    assert budgets.charge(late) == {"day": 0.0, "month": 5.0}
    assert budgets.spent() == {("day",): 0.0, ("month",): 5.0}


def test_a_clock_that_is_set_back_finds_the_period_as_it_was() -> None:
    now = [TODAY]
    budgets = Budgets([budget()], today=lambda: now[0])
    budgets.charge([spent(3.0)])
    now[0] = TODAY + timedelta(days=1)
    budgets.charge([spent(4.0, now[0])])
    now[0] = TODAY
    assert budgets.spent() == {("all",): 3.0}


def test_sums_of_days_that_no_period_can_hold_are_forgotten() -> None:
    now = [TODAY]
    budgets = Budgets([budget()], today=lambda: now[0])
    for day in range(200):
        now[0] = TODAY + timedelta(days=day)
        budgets.charge([spent(1.0, now[0])])
    assert len(budgets._days["all"]) <= KEPT_DAYS + 1


def test_readings_are_limits_and_unix_times_by_budget() -> None:
    budgets = Budgets([budget("week", period="week")], today=lambda: TODAY)
    assert budgets.limits() == {("week",): 10.0}
    assert budgets.starts() == {("week",): datetime(2026, 11, 16, tzinfo=UTC).timestamp()}
    assert budgets.ends() == {("week",): datetime(2026, 11, 23, tzinfo=UTC).timestamp()}


CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "service": st.sampled_from(["shop", "desk"]),
            "provider": st.sampled_from(["openai", "anthropic"]),
            "request_model": st.sampled_from([None, "a", "b"]),
            "response_model": st.sampled_from([None, "a", "c"]),
            "team": st.sampled_from([None, "search", "ads"]),
            "tenant": st.sampled_from([None, "x"]),
            "estimated": st.booleans(),
            "usage": st.fixed_dictionaries({"input": st.integers(min_value=0, max_value=10_000_000)}),
            "at": st.sampled_from([NOW, NOW - timedelta(days=1), NOW - timedelta(days=9)]),
        }
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None, max_examples=60)
@given(CALLS)
def test_spendings_are_the_sums_by_all_that_they_tell_apart(batch: list[dict[str, Any]]) -> None:
    prices = PriceList(Prices(overrides=(PriceOverride(model="*", input=1.0),)))
    made = calls(*batch)
    expected: dict[tuple[Any, ...], float] = {}
    for row in batch:
        model = row["response_model"]
        if row["usage"]["input"] and (model or row["request_model"]):
            key = (
                row["at"].date(), row["service"], row["provider"], row["request_model"] or "", model or "unknown",
                tuple((name, row[name]) for name in ("team", "tenant") if row[name]), row["estimated"],
            )  # fmt: skip
            expected[key] = expected.get(key, 0.0) + row["usage"]["input"] / 1e6
    found = {
        (
            each.day,
            each.service,
            each.provider,
            each.request_model,
            each.model,
            each.dimensions,
            each.estimated,
        ): each.usd
        for each in spendings(made, prices.price(made), as_it_is, now_ns=ns(NOW))
    }
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("other", "rows"),
    [
        ({}, 1),
        ({"service": "desk"}, 2),
        ({"provider": "anthropic"}, 2),
        ({"request_model": "asked"}, 2),
        ({"response_model": "answered"}, 2),
        ({"team": "ads"}, 2),
        ({"team": None}, 2),
        ({"estimated": True}, 2),
        ({"at": NOW - timedelta(days=1)}, 2),
        ({"at": NOW - timedelta(hours=1)}, 1),
    ],
)
def test_two_calls_are_one_spending_unless_a_budget_could_tell_them_apart(other: dict[str, Any], rows: int) -> None:
    row = {"model": "m", "request_model": "m", "response_model": "m", "team": "search", "usage": {"input": 1_000_000}}
    made = calls(row, row | other)
    found = spendings(made, PRICES.price(made), as_it_is, now_ns=ns(NOW))
    assert len(found) == rows
    assert sum(each.usd for each in found) == pytest.approx(2.0)


@settings(deadline=None, max_examples=40)
@given(CALLS, st.integers(min_value=0, max_value=25))
def test_any_split_of_a_batch_spends_the_same(batch: list[dict[str, Any]], cut: int) -> None:
    made = calls(*batch)
    budgets = [budget(), budget("search", where={"team": "search"}), budget("month", period="month", service="shop")]

    def spent_of(*parts: Any) -> dict[tuple[str, ...], float]:
        book = Budgets(budgets, today=lambda: TODAY)
        for part in parts:
            book.charge(spendings(part, PRICES.price(part), as_it_is, now_ns=ns(NOW)))
        return dict(book.spent())

    assert spent_of(made.take(slice(0, cut)), made.take(slice(cut, None))) == pytest.approx(spent_of(made))


def test_values_that_are_folded_make_one_spending() -> None:
    made = calls(
        *({"model": "m", "usage": {"input": 1000}, "user": f"user-{n}", "service": "shop"} for n in range(500))
    )
    asked: list[tuple[str, str]] = []

    def fold(label: str, value: str) -> str:
        asked.append((label, value))
        return "other" if label == "user" and value > "user-1" else value

    (first, *_), more = (rows := spendings(made, PRICES.price(made), fold, now_ns=ns(NOW))), len(rows)
    assert {each.dimensions for each in rows} == {(("user", "user-0"),), (("user", "user-1"),), (("user", "other"),)}
    assert more == 3
    assert sum(each.usd for each in rows) == pytest.approx(0.5)
    assert first.provider == "openai"
    assert asked.count(("service", "shop")) == 1
    assert {label for label, _ in asked} == {"service", "provider", "model", "user"}


def test_only_values_of_calls_that_cost_something_are_folded() -> None:
    made = calls(
        {"model": "paid", "usage": {"input": 1000}}, {"model": "free", "usage": {"input": 0}}, {"model": "failed"}
    )
    asked: list[str] = []

    def fold(label: str, value: str) -> str:
        asked.append(value)
        return value

    spendings(made, PRICES.price(made), fold, now_ns=ns(NOW))
    assert "paid" in asked
    assert not {"free", "failed"} & set(asked)


@pytest.mark.parametrize(
    ("ended", "day"),
    [
        (NOW - timedelta(days=1), TODAY - timedelta(days=1)),
        (NOW + timedelta(minutes=9), TODAY),
        (NOW + timedelta(days=40), TODAY),  # a clock far ahead
        (datetime(1970, 1, 1, tzinfo=UTC), TODAY),  # a clock never set
    ],
)
def test_a_call_counts_on_the_utc_day_on_which_it_ended(ended: datetime, day: date) -> None:
    made = calls({"model": "m", "usage": {"input": 1000}, "at": ended})
    (row,) = spendings(made, PRICES.price(made), as_it_is, now_ns=ns(NOW))
    assert row.day == day


def test_a_batch_that_cost_nothing_has_no_spendings() -> None:
    made = calls({"model": "m", "usage": {"input": 0}})
    assert spendings(made, PRICES.price(made), as_it_is) == []
    empty = calls()
    assert spendings(empty, PRICES.price(empty), as_it_is) == []
    assert np.array_equal(PRICES.price(made).total, [0.0])
