"""Alert rules on money: budgets, calls without a price, and the age of the price list."""

from __future__ import annotations

from typing import Final

from alerts import budgets, links
from alerts.model import AlertRule, Group, number
from alerts.promql import happened
from alerts.shapes import group
from observability import catalogue
from observability.catalogue import Family
from observability.settings import Settings, seconds

#: Alerts that lead up to an overspent budget, and have nothing more to tell when HighDailyCost is up.
BUDGET_NOTICES: Final = ("BudgetNearlySpent", "LLMBudgetBurn", "LLMBudgetForecastExceeded")


def cost(settings: Settings) -> Group:
    """Every alert on money."""
    return group(
        settings, "cost", *_spent(settings), _burn(settings), _forecast(settings), _unpriced(settings), _old(settings)
    )


def _of_the_budget(family: Family, before: str, show: str, after: str = "") -> str:
    """Template: ``before``, the value of ``family`` for the alert's budget shown by ``show``, ``after``.

    Nothing at all where there is no such value.
    """
    return (
        f"{{{{ with printf `max({family}{{budget=%q}})` $labels.budget | query }}}}"
        f"{before}{{{{ . | first | value | {show} }}}}{after}{{{{ end }}}}"
    )


#: "the budget daily-total (100.00 US dollars until 2026-11-23 00:00:00 +0000 UTC)"
THE_BUDGET: Final = (
    "the budget {{ $labels.budget }} ("
    + _of_the_budget(catalogue.LLM_BUDGET_LIMIT, "", "printf `%.2f`", " US dollars")
    + _of_the_budget(catalogue.LLM_BUDGET_END, " until ", "humanizeTimestamp")
    + ")"
)


def _dashboard(settings: Settings) -> dict[str, str]:
    return links.dashboard(settings.notifications.links, links.COST_DASHBOARD)


def _spent(settings: Settings) -> tuple[AlertRule, AlertRule]:
    alert = settings.alerts.high_daily_cost
    return (
        AlertRule(
            name="HighDailyCost",
            severity="warning",
            for_=alert.for_,
            expr=f"{budgets.SPENT} > {budgets.LIMIT}",
            summary="The budget {{ $labels.budget }} is overspent",
            description=f"{{{{ $value | printf `%.2f` }}}} US dollars are spent of {THE_BUDGET}.",
            value="{{ $value | printf `%.2f` }} USD",
            links=_dashboard(settings),
        ),
        AlertRule(
            name="BudgetNearlySpent",
            severity="info",
            for_=alert.for_,
            expr=f"({budgets.SPENT} / {budgets.LIMIT} > {number(alert.notice_ratio)}) <= 1",
            summary="The budget {{ $labels.budget }} is nearly spent",
            description=f"{{{{ $value | humanizePercentage }}}} of {THE_BUDGET} is spent.",
            value="{{ $value | humanizePercentage }} of the budget",
            links=_dashboard(settings),
        ),
    )


def _burn(settings: Settings) -> AlertRule:
    alert = settings.alerts.budget_burn
    factor = number(alert.factor)
    return AlertRule(
        name="LLMBudgetBurn",
        severity="warning",
        for_=alert.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        # The hour says that it is no single call, the minutes that it goes on.
        expr=(f"{catalogue.LLM_BUDGET_BURN_RATE} > {factor}\nand\n{budgets.burn(budgets.BURN_NOW_WINDOW)} > {factor}"),
        summary="The budget {{ $labels.budget }} is spent too fast",
        description=(
            f"Over the last {budgets.BURN_WINDOW}, {THE_BUDGET} was spent {{{{ $value | printf `%.1f` }}}} times "
            f"as fast as it may be to last; the limit is {factor}."
        ),
        value="{{ $value | printf `%.1f` }} times the even pace",
        links=_dashboard(settings),
    )


def _forecast(settings: Settings) -> AlertRule:
    alert = settings.alerts.budget_forecast
    return AlertRule(
        name="LLMBudgetForecastExceeded",
        severity="info",
        for_=alert.for_,
        expr=f"{catalogue.LLM_BUDGET_FORECAST} > {number(alert.ratio)} * {budgets.LIMIT}",
        summary="The budget {{ $labels.budget }} will not last",
        description=(
            "If the pace of the last hours holds, {{ $value | printf `%.2f` }} US dollars will be spent "
            f"of {THE_BUDGET}."
        ),
        value="{{ $value | printf `%.2f` }} USD foreseen",
        links=_dashboard(settings),
    )


def _unpriced(settings: Settings) -> AlertRule:
    window = settings.alerts.llm_unpriced_requests.window
    return AlertRule(
        name="LLMUnpricedRequests",
        severity="warning",
        for_="0s",
        expr=happened(catalogue.LLM_UNPRICED_REQUESTS, window, ("provider", "model")),
        summary="No price is known for {{ $labels.provider }}/{{ $labels.model }}",
        description=(
            "{{ $value | printf `%.0f` }} calls of {{ $labels.provider }}/{{ $labels.model }} "
            f"in the last {window} cost an unknown amount: costs and budgets are too low by it."
        ),
        value="{{ $value | printf `%.0f` }} calls",
        links=_dashboard(settings),
    )


def _old(settings: Settings) -> AlertRule:
    most = number(seconds(settings.alerts.price_list_stale.max_age))
    return AlertRule(
        name="PriceListStale",
        severity="info",
        for_="0s",
        # The oldest list of the replicas: one that was not updated prices its share of the calls wrong.
        expr=f"time() - min({catalogue.EXPORTER_PRICE_LIST_TIMESTAMP}) > {most}",
        summary="The price list is old",
        description=(
            "The newest change in the price list is {{ $value | humanizeDuration }} old: "
            "prices may have changed since then, and new models have none."
        ),
        value="{{ $value | humanizeDuration }} old",
        links=_dashboard(settings),
    )
