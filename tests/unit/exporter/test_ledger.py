"""Daily cost survives restarts and failing disks, and no number of users makes its file grow without bound."""

from __future__ import annotations

import logging
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from observability.budgets import Budgets
from observability.ledger import OTHER, Ledger, LedgerError
from observability.settings import Budget
from observability.spending import Spending

TODAY = date(2026, 11, 20)


def spent(usd: float, day: date = TODAY, **more: Any) -> Spending:
    known = {"service": "shop", "request_model": "gpt-4o", "model": "gpt-4o-2024-08-06", "provider": "openai"}
    return Spending(day=day, usd=usd, **(known | more))


def ledger(file: Path, days: int = 7, now: date = TODAY, **more: Any) -> Ledger:
    return Ledger(file, days, today=lambda: now, **more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new" / "ledger.sqlite"


def test_what_was_added_is_there_after_a_restart(file: Path) -> None:
    first = ledger(file)
    first.add([spent(1.5), spent(0.25), spent(2.0, model="o3-mini")])
    first.close()
    second = ledger(file)
    second.add([spent(0.25)])
    assert second.daily() == {("gpt-4o-2024-08-06", "2026-11-20"): 2.0, ("o3-mini", "2026-11-20"): 2.0}
    second.close()


def test_rows_are_told_apart_by_all_that_a_budget_or_dimension_asks_for(file: Path) -> None:
    rows = [
        spent(1.0),
        spent(2.0, TODAY - timedelta(days=1)),
        spent(4.0, service="desk"),
        spent(8.0, provider="azure.ai.openai"),
        spent(16.0, request_model=""),
        spent(32.0, model="o3-mini"),
        spent(64.0, dimensions=(("team", "search"), ("tenant", 'quotes " and ü'))),
        spent(128.0, estimated=True),
    ]
    first = ledger(file)
    first.add(rows)
    first.add(rows)
    first.close()
    second = ledger(file)
    booked = {(each.day, each.service, each.provider, each.request_model, each.model, each.dimensions, each.estimated):
              each.usd for each in second.rows()}  # fmt: skip
    assert len(booked) == len(rows)
    assert sum(booked.values()) == 2 * 255.0
    assert all(usd in {2 * each.usd for each in rows} for usd in booked.values())
    assert {each.dimensions for each in second.rows() if each.usd == 128.0} == {
        (("team", "search"), ("tenant", 'quotes " and ü'))
    }
    second.close()


def test_a_killed_process_has_lost_nothing_that_was_added(file: Path) -> None:
    killed = ledger(file)
    killed.add([spent(1.0)])
    reopened = ledger(file)  # while the first was never closed
    assert sum(reopened.daily().values()) == 1.0
    reopened.close()
    killed.close()


def test_budgets_begin_with_what_the_ledger_holds(file: Path) -> None:
    budgets = [Budget(name="month", limit_usd=9, period="month", where={"team": "search"})]
    search = (("team", "search"),)
    first = ledger(file)
    first.add([spent(1.0, TODAY - timedelta(days=19), dimensions=search), spent(2.0, dimensions=search), spent(4.0)])
    first.add([spent(8.0, TODAY - timedelta(days=20), dimensions=search)])  # the last day of October
    first.close()
    second = ledger(file)
    assert Budgets(budgets, second.rows(), today=lambda: TODAY).spent() == {("month",): 3.0}
    second.close()


def test_days_are_exposed_for_a_week_and_kept_for_two_months(file: Path) -> None:
    now = [TODAY]
    book = Ledger(file, 3, today=lambda: now[0])
    book.add([spent(1.0, TODAY - timedelta(days=back)) for back in range(100)])
    assert {day for _, day in book.daily()} == {"2026-11-20", "2026-11-19", "2026-11-18"}
    assert len(list(book.rows())) == 62
    assert len(list(book.rows(TODAY - timedelta(days=9)))) == 10
    now[0] = TODAY + timedelta(days=2)
    assert {day for _, day in book.daily()} == {"2026-11-20"}
    book.add([spent(1.0, now[0])])
    book.close()
    with sqlite3.connect(file) as database:
        days = [day for (day,) in database.execute("SELECT DISTINCT day FROM spending ORDER BY day")]
    database.close()
    assert (days[0], days[-1]) == ("2026-09-22", "2026-11-22")


def test_more_days_are_kept_where_more_are_exposed(file: Path) -> None:
    book = ledger(file, days=90)
    book.add([spent(1.0, TODAY - timedelta(days=back)) for back in range(100)])
    assert len(book.daily()) == len(list(book.rows())) == 90
    book.close()


def test_opening_forgets_days_that_are_no_longer_kept(file: Path) -> None:
    first = ledger(file)
    first.add([spent(1.0)])
    first.close()
    later = ledger(file, now=TODAY + timedelta(days=62))
    assert list(later.rows()) == []
    later.close()


def test_a_ledger_of_version_1_is_taken_over(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.executescript(
            """
            CREATE TABLE daily_cost (
                day TEXT NOT NULL, service TEXT NOT NULL, request_model TEXT NOT NULL, model TEXT NOT NULL,
                usd REAL NOT NULL, PRIMARY KEY (day, service, request_model, model)
            ) WITHOUT ROWID;
            INSERT INTO daily_cost VALUES ('2026-11-20', 'shop', 'gpt-4o', 'gpt-4o-2024-08-06', 1.25);
            INSERT INTO daily_cost VALUES ('2026-11-19', 'desk', '', 'o3-mini', 2.5);
            PRAGMA user_version = 1;
            """
        )
    database.close()
    for _ in range(2):  # and is opened again as what it is then
        book = ledger(file)
        assert book.daily() == {("gpt-4o-2024-08-06", "2026-11-20"): 1.25, ("o3-mini", "2026-11-19"): 2.5}
        assert book.models() == [("desk", "", "o3-mini"), ("shop", "gpt-4o", "gpt-4o-2024-08-06")]
        assert {(each.provider, each.dimensions, each.estimated) for each in book.rows()} == {("unknown", (), False)}
        book.close()
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT name FROM sqlite_master WHERE name = 'daily_cost'").fetchall() == []
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
    database.close()


def test_a_take_over_that_fails_leaves_the_old_ledger_as_it_was(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE daily_cost (day TEXT, service TEXT)")  # not what version 1 wrote
        database.execute("INSERT INTO daily_cost VALUES ('2026-11-20', 'shop')")
        database.execute("PRAGMA user_version = 1")
    database.close()
    with pytest.raises(LedgerError, match="request_model"):
        ledger(file)
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT * FROM daily_cost").fetchall() == [("2026-11-20", "shop")]
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
    database.close()


def test_a_million_users_do_not_make_the_ledger_grow(file: Path) -> None:
    """A hundredth of them shows it: rows stay at the limit, money stays whole."""
    book = ledger(file, rows_per_day=200)
    for batch in range(20):
        book.add(spent(0.001, dimensions=(("user", f"user-{batch}-{each}"),)) for each in range(500))
    rows = list(book.rows())
    assert len(rows) == 201
    assert sum(each.usd for each in rows) == pytest.approx(10.0)
    (rest,) = [each for each in rows if each.dimensions == (("user", OTHER),)]
    assert rest.usd == pytest.approx(9.8)
    assert all(len(keys) <= 201 for keys in book._keys.values())
    book.close()
    again = ledger(file, rows_per_day=200)
    again.add([spent(0.001, dimensions=(("user", "user-0-0"),)), spent(0.001, dimensions=(("user", "newcomer"),))])
    assert len(list(again.rows())) == 201
    again.close()


def test_models_without_end_are_folded_too_but_not_those_of_budgets(file: Path) -> None:
    budgets = [Budget(name="search", limit_usd=1, service="desk", model="o3-mini", where={"team": "search"})]
    book = ledger(file, rows_per_day=10, budgets=budgets)
    book.add(spent(1.0, model=f"model-{number}", service=f"service-{number}") for number in range(500))
    team = (("team", "search"), ("user", "u1"))
    book.add([spent(7.0, service="desk", request_model="o3-mini", model="o3-mini-2025-01-31", dimensions=team)])
    rows = list(book.rows())
    assert len(rows) <= 22
    assert sum(each.usd for each in rows) == 507.0
    assert Budgets(budgets, rows, today=lambda: TODAY).spent() == {("search",): 7.0}
    assert [each for each in rows if each.usd == 7.0] == [
        spent(7.0, service="desk", provider=OTHER, request_model="o3-mini", model=OTHER,
              dimensions=(("team", "search"), ("user", OTHER)))
    ]  # fmt: skip
    book.close()


def test_late_calls_of_many_days_keep_the_limits_of_each_day(file: Path) -> None:
    book = ledger(file, rows_per_day=3)
    for number in range(6):
        book.add(spent(1.0, TODAY - timedelta(days=back), dimensions=(("user", f"{number}"),)) for back in range(20))
    per_day: dict[date, int] = {}
    for each in book.rows():
        per_day[each.day] = per_day.get(each.day, 0) + 1
    assert set(per_day.values()) == {4}
    assert sum(each.usd for each in book.rows()) == 120.0
    book.close()


def test_while_the_file_cannot_be_written_costs_wait_in_memory_and_the_log_says_so(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = ledger(file)
    book._database.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with caplog.at_level(logging.ERROR):
        book.add([spent(1.0)])
    assert "locked" in caplog.text
    assert sum(book.daily().values()) == 1.0
    assert sum(each.usd for each in book.rows()) == 1.0
    other.execute("ROLLBACK")
    book.add([spent(2.0)])
    assert other.execute("SELECT sum(usd) FROM spending").fetchone() == (3.0,)
    other.close()
    book.close()


def test_a_full_disk_loses_nothing_and_is_written_when_there_is_room(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = ledger(file)
    (pages,) = book._database.execute("PRAGMA page_count").fetchone()
    book._database.execute(f"PRAGMA max_page_count = {pages}")
    rows = [spent(1.0, service=f"service-{number}") for number in range(200)]
    with caplog.at_level(logging.ERROR):
        book.add(rows)
    assert "full" in caplog.text
    assert sum(book.daily().values()) == 200.0
    book._database.execute("PRAGMA max_page_count = 100000")
    book.add([])
    book.close()
    reopened = ledger(file)
    assert sum(each.usd for each in reopened.rows()) == 200.0
    reopened.close()


def test_money_that_could_not_be_saved_at_the_end_is_told(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    book = ledger(file)
    (pages,) = book._database.execute("PRAGMA page_count").fetchone()
    book._database.execute(f"PRAGMA max_page_count = {pages}")
    book.add(spent(1.0, service=f"service-{number}") for number in range(200))
    with caplog.at_level(logging.ERROR):
        book.close()
    assert "200.000000 USD could not be saved" in caplog.text


def test_models_are_listed_with_the_last_used_last(file: Path) -> None:
    book = ledger(file)
    book.add([spent(1.0, model="new"), spent(1.0, TODAY - timedelta(days=3), model="old")])
    book.add([spent(1.0, TODAY - timedelta(days=5), model="new", dimensions=(("team", "x"),))])
    assert [model for _, _, model in book.models()] == ["old", "new"]
    book.close()


def test_a_file_that_is_no_ledger_is_refused_by_name(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"something else entirely, and longer than a header" * 10)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite: file is not a database"):
        ledger(file)


def test_a_ledger_of_a_later_version_is_refused(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(LedgerError, match="schema 99"):
        ledger(file)
