"""Budgets: what may be spent in a day, week or month, and what is spent already."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

from observability.settings import Budget
from observability.spending import Spending, today

#: Days for which sums are kept: the longest period, and as much again for clocks that are set back.
KEPT_DAYS = 62


class Period(NamedTuple):
    """UTC days from ``start`` to before ``end``."""

    start: date
    end: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day < self.end


def period(kind: Literal["day", "week", "month"], day: date) -> Period:
    """The period that ``day`` lies in; weeks are those of ISO 8601 and begin on Monday."""
    if kind == "day":
        return Period(day, day + timedelta(days=1))
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=7))
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1))


def selects(budget: Budget, spending: Spending) -> bool:
    """Whether ``budget`` pays for ``spending``; its model is the one asked for or the answering one."""
    if budget.service not in (None, spending.service) or budget.provider not in (None, spending.provider):
        return False
    if budget.model is not None and budget.model not in (spending.request_model, spending.model):
        return False
    return not budget.where or budget.where.items() <= dict(spending.dimensions).items()


class Budgets:
    """Sums per budget and day, so that a scrape adds up a month of numbers at most. Any thread may use it."""

    def __init__(
        self, budgets: Iterable[Budget], booked: Iterable[Spending] = (), *, today: Callable[[], date] = today
    ) -> None:
        """Begin with what is ``booked``: the rows of the ledger of the last :data:`KEPT_DAYS` days."""
        self._budgets = tuple(budgets)
        self._today = today
        self._lock = threading.Lock()
        self._days: dict[str, defaultdict[date, float]] = {each.name: defaultdict(float) for each in self._budgets}
        self.charge(booked)

    def charge(self, spendings: Iterable[Spending]) -> dict[str, float]:
        """Book ``spendings``; returns what they add to the running period of each budget, in US dollars.

        A call of a day before the running period (a backlog that is sent late) adds nothing to it.
        """
        now = self._today()
        oldest = now - timedelta(days=KEPT_DAYS)
        running = {each.name: period(each.period, now) for each in self._budgets}
        charged = dict.fromkeys(running, 0.0)
        with self._lock:
            for days in self._days.values():
                for stale in [day for day in days if day < oldest]:
                    del days[stale]
            for spending in spendings:
                if spending.day < oldest:
                    continue
                for budget in self._budgets:
                    if selects(budget, spending):
                        self._days[budget.name][spending.day] += spending.usd
                        if spending.day in running[budget.name]:
                            charged[budget.name] += spending.usd
        return charged

    def limits(self) -> Mapping[tuple[str, ...], float]:
        """US dollars by (budget,), for ``llm_budget_limit_usd``."""
        return {(each.name,): each.limit_usd for each in self._budgets}

    def spent(self) -> Mapping[tuple[str, ...], float]:
        """US dollars of the running period by (budget,), for ``llm_budget_spent_usd``."""
        now = self._today()
        running = {each.name: period(each.period, now) for each in self._budgets}
        with self._lock:
            return {
                (name,): sum(usd for day, usd in days.items() if day in running[name])
                for name, days in self._days.items()
            }

    def starts(self) -> Mapping[tuple[str, ...], float]:
        """Unix times by (budget,), for ``llm_budget_period_start_seconds``."""
        now = self._today()
        return {(each.name,): _midnight(period(each.period, now).start) for each in self._budgets}

    def ends(self) -> Mapping[tuple[str, ...], float]:
        """Unix times by (budget,), for ``llm_budget_period_end_seconds``."""
        now = self._today()
        return {(each.name,): _midnight(period(each.period, now).end) for each in self._budgets}


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
