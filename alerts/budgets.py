"""Budgets in PromQL: spent, limit, burn rate and forecast, all per ``budget``.

Each replica of the exporter knows what the calls cost that it saw, so money adds up; all of them tell the same limit
and period.
"""

from __future__ import annotations

from typing import Final

from alerts.promql import increase, rate, total
from observability import catalogue
from observability.catalogue import Family
from observability.settings import Duration, seconds

#: Fast enough to see a loop before the budget of a day is gone, slow enough that a single call is nothing.
BURN_WINDOW: Final[Duration] = "1h"
#: An alert on the hour alone would stay for an hour after the loop has ended.
BURN_NOW_WINDOW: Final[Duration] = "5m"
#: The pace that a forecast goes on with. Within a day it is that of the last hours. Beyond it must be that of a whole
#: day: eight office hours, taken for the rest of a month, would foretell three times what the month will cost.
FORECAST_WINDOW: Final[Duration] = "6h"
LONG_FORECAST_WINDOW: Final[Duration] = "1d"
#: A counter that began later is taken to have run for an hour, so that one early call is no trend.
SHORTEST_PACE: Final[Duration] = "1h"

_BY: Final = ("budget",)


def told(family: Family) -> str:
    """What every replica tells alike. The largest of it: at the turn of a period that is the new one."""
    return f"max by (budget) ({family})"


SPENT: Final = total(catalogue.LLM_BUDGET_SPENT, _BY)
LIMIT: Final = told(catalogue.LLM_BUDGET_LIMIT)
END: Final = told(catalogue.LLM_BUDGET_END)
PERIOD: Final = f"({END} - {told(catalogue.LLM_BUDGET_START)})"


def burn(window: Duration) -> str:
    """Spending over ``window`` against the even pace: at 1 the budget lasts exactly its period."""
    return f"{rate(catalogue.LLM_BUDGET_SPENDING, window, _BY)} * {PERIOD} / {LIMIT}"


def forecast() -> str:
    """US dollars spent at the end of the running period, if the pace of :data:`FORECAST_WINDOW` holds.

    Beyond a day that of :data:`LONG_FORECAST_WINDOW`.
    """
    return (
        f"{SPENT}\n+\n(\n{_pace(FORECAST_WINDOW)}\nunless {PERIOD} > {seconds('1d'):.0f}\nor\n"
        f"{_pace(LONG_FORECAST_WINDOW)}\n)\n* clamp_min({END} - time(), 0)"
    )


def _pace(window: Duration) -> str:
    """US dollars per second over ``window``, or since the first sample in it of any replica.

    ``rate()`` would spread what a counter that has just begun counted over the whole of ``window``. The subquery looks
    back one step more, so that it finds a series at the beginning of the window if it is as old.
    """
    spending = catalogue.LLM_BUDGET_SPENDING
    began = f"min by (budget) (min_over_time(timestamp({spending})[{window}1m:1m]))"
    return (
        f"{increase(spending, window, _BY)} "
        f"/ clamp(time() - {began}, {seconds(SHORTEST_PACE):.0f}, {seconds(window):.0f})"
    )
