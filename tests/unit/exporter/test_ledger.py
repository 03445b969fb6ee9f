"""Daily cost and budgets survive restarts, count on UTC days, and are forgotten after their retention."""

from __future__ import annotations

import logging
import sqlite3
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from observability import ledger as module
from observability.app import create_app
from observability.exporter import Exporter
from observability.ledger import Ledger, LedgerError, Spending
from observability.settings import Budget, Runtime, Settings
from tests.unit.exporter.support import chat, matching, send, span, total

TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def _fixed_day(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "client" not in request.fixturenames and "runtime" not in request.fixturenames:
        monkeypatch.setattr(module, "today", lambda: TODAY)


def spent(usd: float, day: date = TODAY, service: str = "shop", model: str = "gpt-4o-2024-08-06") -> Spending:
    return Spending(day, service, "gpt-4o", model, usd)


def test_what_was_added_is_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "new" / "ledger.sqlite"
    first = Ledger(file, 7)
    first.add([spent(1.5), spent(0.25), spent(2.0, model="o3-mini")])
    first.close()
    second = Ledger(file, 7)
    second.add([spent(0.25)])
    assert second.daily() == {("gpt-4o-2024-08-06", "2026-11-20"): 2.0, ("o3-mini", "2026-11-20"): 2.0}
    second.close()


def test_a_killed_process_has_lost_nothing_that_was_added(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    killed = Ledger(file, 7)
    killed.add([spent(1.0)])
    reopened = Ledger(file, 7)  # while the first was never closed
    assert sum(reopened.daily().values()) == 1.0
    reopened.close()
    killed.close()


def test_days_beyond_the_retention_are_neither_shown_nor_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ledger.sqlite"
    book = Ledger(file, 3)
    for back in range(5):
        book.add([spent(1.0, TODAY - timedelta(days=back))])
    assert {day for _, day in book.daily()} == {"2026-11-20", "2026-11-19", "2026-11-18"}
    monkeypatch.setattr(module, "today", lambda: TODAY + timedelta(days=2))
    assert {day for _, day in book.daily()} == {"2026-11-20"}
    book.close()
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT DISTINCT day FROM daily_cost").fetchall() == [("2026-11-20",)]
    database.close()


def test_a_budget_is_spent_by_what_it_selects_on_the_running_day(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger.sqlite", 7)
    book.add(
        [
            spent(1.0),
            spent(2.0, service="other"),
            spent(4.0, model="o3-mini"),
            spent(8.0, TODAY - timedelta(days=1)),
        ]
    )
    budgets = {
        7.0: Budget(name="all", limit_usd=1),
        5.0: Budget(name="service", limit_usd=1, service="shop"),
        4.0: Budget(name="model", limit_usd=1, model="o3-mini"),
        1.0: Budget(name="both", limit_usd=1, service="shop", model="gpt-4o-2024-08-06"),
        0.0: Budget(name="nobody", limit_usd=1, service="nobody"),
    }
    assert {book.spent(budget): budget for budget in budgets.values()} == budgets
    assert book.spent(Budget(name="asked", limit_usd=1, model="gpt-4o")) == 7.0, "the model asked for selects too"
    book.close()


def test_while_the_file_cannot_be_written_costs_wait_in_memory_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "ledger.sqlite"
    book = Ledger(file, 7)
    book._database.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with caplog.at_level(logging.ERROR):
        book.add([spent(1.0)])
    assert "locked" in caplog.text
    assert sum(book.daily().values()) == 1.0
    other.execute("ROLLBACK")
    book.add([spent(2.0)])
    assert other.execute("SELECT sum(usd) FROM daily_cost").fetchone() == (3.0,)
    other.close()
    book.close()


def test_a_file_that_is_no_ledger_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(b"something else entirely, and longer than a header" * 10)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite: file is not a database"):
        Ledger(file, 7)


def test_a_ledger_of_a_later_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(LedgerError, match="schema 99"):
        Ledger(file, 7)


def test_the_page_shows_daily_cost_and_budgets_again_after_a_restart(runtime: Runtime) -> None:
    settings = Settings(
        budgets=(Budget(name="daily-total", limit_usd=100.0), Budget(name="shop", limit_usd=5.0, service="shop"))
    )
    with TestClient(create_app(Exporter(settings, runtime))) as client:
        assert total(client, "llm_budget_spent_usd") == 0
        send(client, span(chat(gen_ai__usage__input_tokens=1_000_000, gen_ai__usage__output_tokens=0)))
        send(client, span(chat()), service="other")
        before = {name: matching(client, name) for name in ("llm_daily_cost_usd", "llm_budget_spent_usd")}
        assert total(client, "llm_budget_spent_usd", budget="shop") == 2.5
        assert total(client, "llm_daily_cost_usd", model="gpt-4o") == pytest.approx(2.5 + (100 * 2.5 + 20 * 10) / 1e6)
    with TestClient(create_app(Exporter(settings, runtime))) as client:
        assert {name: matching(client, name) for name in before} == before
        assert total(client, "llm_budget_limit_usd", budget="shop") == 5.0


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
