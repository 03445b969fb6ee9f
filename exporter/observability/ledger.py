"""The cost ledger: what was spent per UTC day, kept in SQLite so that a restart forgets nothing.

One row per day, service, model asked for and model that answered; daily cost and what is spent of a budget are sums
of rows, so a budget that is added or changed later is right at once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from observability.logs import Complaint
from observability.settings import Budget

_LOG = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS daily_cost (
    day TEXT NOT NULL,            -- UTC, ISO 8601
    service TEXT NOT NULL,
    request_model TEXT NOT NULL,  -- '' if nobody said
    model TEXT NOT NULL,
    usd REAL NOT NULL,
    PRIMARY KEY (day, service, request_model, model)
) WITHOUT ROWID
"""
_SCHEMA_VERSION = 1
_ADD = """
INSERT INTO daily_cost VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET usd = usd + excluded.usd
"""


class LedgerError(RuntimeError):
    """The ledger's file cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Spending:
    """Cost of one call in US dollars, on the UTC day on which it was made."""

    day: date
    service: str
    request_model: str
    model: str
    usd: float

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.day.isoformat(), self.service, self.request_model, self.model


class Ledger:
    """Costs of the last ``days`` UTC days. Written by one thread, read by any."""

    def __init__(self, file: Path, days: int) -> None:
        """Open or create ``file``. Raises :class:`LedgerError` if it is not a ledger of this version."""
        self._file = file
        self._days = days
        self._unsaved: dict[tuple[str, str, str, str], float] = {}
        self._complaint = Complaint()
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str, str, str], float] = {}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=5.0)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version not in (0, _SCHEMA_VERSION):
                raise LedgerError(f"{file}: written by another version (schema {version}, not {_SCHEMA_VERSION})")
            self._database.execute(_SCHEMA)
            self._database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            self._database.execute("DELETE FROM daily_cost WHERE day < ?", (self._oldest(today()).isoformat(),))
            for *key, usd in self._database.execute("SELECT day, service, request_model, model, usd FROM daily_cost"):
                self._rows[(key[0], key[1], key[2], key[3])] = usd
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{file}: {error}") from error

    def add(self, spendings: Iterable[Spending]) -> None:
        """Book ``spendings``; a day that is no longer kept is left out.

        A restart after this returned finds them again; a crash of the machine (not of the process) may lose the last
        moments. While the file cannot be written they are kept in memory and go into it with a later call.
        """
        oldest = self._oldest(today())
        with self._lock:
            for spending in spendings:
                if spending.day >= oldest:
                    for rows in (self._rows, self._unsaved):
                        rows[spending.key] = rows.get(spending.key, 0.0) + spending.usd
            self._save()

    def _save(self) -> None:
        if not self._unsaved:
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(_ADD, [(*key, usd) for key, usd in self._unsaved.items()])
                self._database.execute("COMMIT")
            except sqlite3.Error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            if self._complaint.due():
                _LOG.error("%s: cannot be written: %s", self._file, error, extra={"event": "ledger_failed"})
        else:
            self._unsaved.clear()

    def daily(self) -> dict[tuple[str, ...], float]:
        """(model, ISO day) → US dollars, for the days that are kept."""
        totals: dict[tuple[str, ...], float] = {}
        with self._lock:
            self._forget(today())
            for (day, _service, _request_model, model), usd in self._rows.items():
                totals[model, day] = totals.get((model, day), 0.0) + usd
        return totals

    def spent(self, budget: Budget) -> float:
        """US dollars spent in the running period of ``budget``; its model is the one asked for or the answering one."""
        running = today().isoformat()
        with self._lock:
            return sum(
                usd
                for (day, service, request_model, model), usd in self._rows.items()
                if day == running
                and budget.service in (None, service)
                and (budget.model is None or budget.model in (request_model, model))
            )

    def models(self) -> list[tuple[str, str, str]]:
        """(service, model asked for, model that answered) of every row, oldest day first."""
        with self._lock:
            return [key[1:] for key in sorted(self._rows)]

    def close(self) -> None:
        """Close the file; what was added is in it, or the log says how much is not."""
        with self._lock:
            self._save()
            if self._unsaved:
                lost = sum(self._unsaved.values())
                _LOG.error("%s: %.6f USD could not be saved", self._file, lost, extra={"event": "ledger_lost"})
            self._database.close()

    def _oldest(self, now: date) -> date:
        return now - timedelta(days=self._days - 1)

    def _forget(self, now: date) -> None:
        oldest = self._oldest(now).isoformat()
        stale = [key for key in self._rows if key[0] < oldest]
        if stale:
            self._database.execute("DELETE FROM daily_cost WHERE day < ?", (oldest,))
        for key in stale:
            del self._rows[key]


def today() -> date:
    """The UTC day."""
    return datetime.now(UTC).date()
