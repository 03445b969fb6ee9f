"""The cost ledger: what was spent per UTC day, kept in SQLite so that a restart forgets nothing.

One row per day, service, provider, model asked for, model that answered and values of dimensions. Daily cost and
budgets are sums of rows, so a budget that is added or changed later is right at once. The number of rows of a day is
bounded, whatever values the dimensions take.
"""

from __future__ import annotations

import functools
import json
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from observability.budgets import KEPT_DAYS
from observability.logs import Complaint
from observability.records import UNKNOWN
from observability.settings import Budget
from observability.spending import Spending, today

_LOG = logging.getLogger(__name__)

#: What stands for values beyond a limit.
OTHER = "other"

_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE spending (
    day TEXT NOT NULL,            -- UTC, ISO 8601
    service TEXT NOT NULL,
    provider TEXT NOT NULL,
    request_model TEXT NOT NULL,  -- '' if nobody said
    model TEXT NOT NULL,
    dimensions TEXT NOT NULL,     -- JSON object, name to value, sorted
    estimated INTEGER NOT NULL,   -- 1: from estimated tokens
    usd REAL NOT NULL,
    PRIMARY KEY (day, service, provider, request_model, model, dimensions, estimated)
) WITHOUT ROWID
"""
#: Version 1 knew neither providers nor dimensions.
_FROM_VERSION_1 = f"""
INSERT INTO spending SELECT day, service, '{UNKNOWN}', request_model, model, '{{}}', 0, usd FROM daily_cost
"""  # noqa: S608 - a constant
_COLUMNS = "day, service, provider, request_model, model, dimensions, estimated"
_ADD = """
INSERT INTO spending VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET usd = usd + excluded.usd
"""
#: Days whose keys are remembered, so that late calls do not read the file again and again.
_REMEMBERED_DAYS = 4

_Key: TypeAlias = tuple[str, str, str, str, str, str, int]


class LedgerError(RuntimeError):
    """The ledger's file cannot be used; the message names it."""


class Ledger:
    """Costs of UTC days. Written by one thread, read by any."""

    def __init__(
        self,
        file: Path,
        exposed_days: int,
        budgets: Iterable[Budget] = (),
        *,
        rows_per_day: int = 5000,
        today: Callable[[], date] | None = None,
    ) -> None:
        """Open or create ``file``, or bring one of an earlier version up to date.

        ``exposed_days`` are the UTC days of :meth:`daily`, today included; the file keeps two months at least, for the
        longest period of a budget. Beyond ``rows_per_day`` rows new values of dimensions become ``other``, beyond twice
        as many every value, but those that ``budgets`` name. Raises :class:`LedgerError` if the file is not a ledger,
        or of a later version.
        """
        self._file = file
        self._exposed_days = exposed_days
        self._kept_days = max(KEPT_DAYS, exposed_days)
        self._rows_per_day = rows_per_day
        self._named = _Named(budgets)
        self._today = _today if today is None else today
        self._unsaved: dict[_Key, float] = {}
        self._keys: OrderedDict[str, set[_Key]] = OrderedDict()
        self._complaint = Complaint()
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=5.0)
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{file}: {error}") from error
        try:
            self._open()
        except (sqlite3.Error, LedgerError) as error:
            self._database.close()  # what was begun is rolled back
            raise error if isinstance(error, LedgerError) else LedgerError(f"{file}: {error}") from error

    def _open(self) -> None:
        execute = self._database.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("BEGIN IMMEDIATE")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version not in (0, 1, _SCHEMA_VERSION):
            raise LedgerError(f"{self._file}: written by another version (schema {version}, not {_SCHEMA_VERSION})")
        if version < _SCHEMA_VERSION:
            execute(_SCHEMA)
            if version == 1:
                execute(_FROM_VERSION_1)
                execute("DROP TABLE daily_cost")
            execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        self._swept = self._today()
        execute("DELETE FROM spending WHERE day < ?", (self._oldest(self._swept).isoformat(),))
        execute("COMMIT")
        self._daily: dict[tuple[str, str], float] = {
            (model, day): usd
            for model, day, usd in execute("SELECT model, day, sum(usd) FROM spending GROUP BY model, day")
        }

    def add(self, spendings: Iterable[Spending]) -> None:
        """Book ``spendings``; a day that is no longer kept is left out.

        A restart after this returned finds them again; a crash of the machine (not of the process) may lose the last
        moments. While the file cannot be written they are kept in memory and go into it with a later call.
        """
        with self._lock:
            self._sweep()
            oldest = self._oldest(self._swept)
            for spending in spendings:
                if spending.day >= oldest:
                    key = self._bounded(spending)
                    self._unsaved[key] = self._unsaved.get(key, 0.0) + spending.usd
                    of_model = key[4], key[0]
                    self._daily[of_model] = self._daily.get(of_model, 0.0) + spending.usd
            self._save()

    def daily(self) -> dict[tuple[str, ...], float]:
        """(model, ISO day) → US dollars, for the days that are exposed."""
        oldest = (self._today() - timedelta(days=self._exposed_days - 1)).isoformat()
        with self._lock:
            return {(model, day): usd for (model, day), usd in self._daily.items() if day >= oldest}

    def rows(self, since: date = date.min) -> Iterator[Spending]:
        """What is booked for the days from ``since`` on, saved or not, oldest day first; rows of one key may be two.

        Raises :class:`LedgerError` if the file cannot be read.
        """
        start = since.isoformat()
        with self._lock:
            try:
                saved = self._database.execute(
                    f"SELECT {_COLUMNS}, usd FROM spending WHERE day >= ? ORDER BY day",  # noqa: S608 - a constant
                    (start,),
                ).fetchall()
            except sqlite3.Error as error:
                raise LedgerError(f"{self._file}: {error}") from error
            unsaved = [(*key, usd) for key, usd in self._unsaved.items() if key[0] >= start]
        for row in (*saved, *unsaved):
            yield _spending(row)

    def models(self) -> list[tuple[str, str, str]]:
        """(service, model asked for, model that answered) of every row of the file, last used last."""
        with self._lock:
            return list(
                self._database.execute(
                    "SELECT service, request_model, model FROM spending GROUP BY 1, 2, 3 ORDER BY max(day), 1, 2, 3"
                )
            )

    def close(self) -> None:
        """Close the file; what was added is in it, or the log says how much is not."""
        with self._lock:
            self._save()
            if self._unsaved:
                lost = sum(self._unsaved.values())
                _LOG.error("%s: %.6f USD could not be saved", self._file, lost, extra={"event": "ledger_lost"})
            self._database.close()

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
            self._complain("cannot be written", error)
        else:
            self._unsaved.clear()

    def _bounded(self, spending: Spending) -> _Key:
        """The row that ``spending`` is booked in, within the limits of its day."""
        keys = self._keys_of(spending.day.isoformat())
        key = _key(spending)
        if key not in keys and len(keys) >= self._rows_per_day:
            key = _key(self._named.folded_dimensions(spending))
            if key not in keys and len(keys) >= 2 * self._rows_per_day:
                key = _key(self._named.folded(spending))
        keys.add(key)
        return key

    def _keys_of(self, day: str) -> set[_Key]:
        if day in self._keys:
            self._keys.move_to_end(day)
            return self._keys[day]
        keys = {key for key in self._unsaved if key[0] == day}
        try:
            found = self._database.execute(f"SELECT {_COLUMNS} FROM spending WHERE day = ?", (day,))  # noqa: S608
            keys.update(found)
        except sqlite3.Error as error:
            self._complain("cannot be read", error)
            return keys
        self._keys[day] = keys
        if len(self._keys) > _REMEMBERED_DAYS:
            self._keys.popitem(last=False)
        return keys

    def _oldest(self, now: date) -> date:
        return now - timedelta(days=self._kept_days - 1)

    def _sweep(self) -> None:
        """Forget days that are no longer kept, once a day."""
        now = self._today()
        if now == self._swept:
            return
        self._swept = now
        oldest = self._oldest(now).isoformat()
        self._daily = {key: usd for key, usd in self._daily.items() if key[1] >= oldest}
        try:
            self._database.execute("DELETE FROM spending WHERE day < ?", (oldest,))
        except sqlite3.Error as error:
            self._complain("cannot be swept", error)

    def _complain(self, what: str, error: sqlite3.Error) -> None:
        if self._complaint.due():
            _LOG.error("%s: %s: %s", self._file, what, error, extra={"event": "ledger_failed"})


class _Named:
    """Values that budgets ask for: they are never folded, so that a budget is right after a restart too."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._values: dict[str, set[str | None]] = {"service": set(), "provider": set(), "model": set()}
        self._dimensions: dict[str, set[str]] = {}
        for budget in budgets:
            for field, values in self._values.items():
                values.add(getattr(budget, field))
            for name, value in budget.where.items():
                self._dimensions.setdefault(name, set()).add(value)

    def folded_dimensions(self, spending: Spending) -> Spending:
        return replace(
            spending,
            dimensions=tuple(
                (name, value if value in self._dimensions.get(name, ()) else OTHER)
                for name, value in spending.dimensions
            ),
        )

    def folded(self, spending: Spending) -> Spending:
        return replace(
            self.folded_dimensions(spending),
            service=self._one("service", spending.service),
            provider=self._one("provider", spending.provider),
            request_model=self._one("model", spending.request_model),
            model=self._one("model", spending.model),
        )

    def _one(self, field: str, value: str) -> str:
        return value if value in self._values[field] else OTHER


def _key(spending: Spending) -> _Key:
    return (
        spending.day.isoformat(),
        spending.service,
        spending.provider,
        spending.request_model,
        spending.model,
        json.dumps(dict(spending.dimensions), ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        int(spending.estimated),
    )


def _spending(row: tuple[Any, ...]) -> Spending:
    day, service, provider, request_model, model, dimensions, estimated, usd = row
    return Spending(
        day=_date(day),
        service=service,
        provider=provider,
        request_model=request_model,
        model=model,
        dimensions=_dimensions(dimensions),
        estimated=bool(estimated),
        usd=usd,
    )


@functools.lru_cache(maxsize=128)
def _date(day: str) -> date:
    return date.fromisoformat(day)


@functools.lru_cache(maxsize=1024)
def _dimensions(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(json.loads(text).items())


def _today() -> date:
    return today()
