"""Budgets: what is spent of each, how fast, and whether it will last its period."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards_src import lists, panels, verdicts
from dashboards_src.grafana import Json, Line, Panel, even
from observability.catalogue import LLM_BUDGET_BURN_RATE, LLM_BUDGET_END, LLM_BUDGET_FORECAST
from observability.settings import Settings

_NONE = "No budget in observability.yml"
_LIMIT, _SPENT = verdicts.LIMIT, verdicts.SPENT
_FORECAST = f"max by (budget) ({LLM_BUDGET_FORECAST})"


def lines(settings: Settings) -> Sequence[Line]:
    return [
        Line(
            8,
            [
                (
                    8,
                    verdicts.budget_used(
                        "Spent of each budget",
                        "Share of each budget of observability.yml that is spent in its running period. Orange from "
                        "80 %; HighDailyCost fires at 100 %.",
                    ),
                ),
                (16, _table(settings)),
            ],
        ),
        _pace(settings),
    ]


def _table(settings: Settings) -> Panel:
    money: Json = {"unit": "currencyUSD", "decimals": 2}
    burn = settings.alerts.budget_burn.factor
    forecast = settings.alerts.budget_forecast.ratio
    return lists.table(
        "Budgets",
        "What each budget allows, what is spent and left, what the forecast says, when the period ends (UTC), and how "
        "fast it burns: at 1x the budget lasts exactly its period. US dollars.",
        by={"budget": lists.Label("Budget", 120)},
        columns=[
            lists.Column("Limit", 90, panels.cells(_LIMIT), money),
            lists.Column("Spent", 90, panels.cells(_SPENT), money),
            lists.Column("Left", 90, panels.cells(f"{_LIMIT} - {_SPENT}"), money),
            lists.Column("Forecast", 95, panels.cells(_FORECAST), money),
            lists.Column(
                "Of limit",
                100,
                panels.cells(f"{_FORECAST} / {_LIMIT}"),
                {"unit": "percentunit", "decimals": 0, **lists.cell_color(verdicts.near(forecast))},
            ),
            lists.Column(
                "Burn rate",
                90,
                panels.cells(f"max by (budget) ({LLM_BUDGET_BURN_RATE})"),
                {"unit": "suffix:x", "decimals": 1, **lists.cell_color(((1, panels.WARNING), (burn, panels.BAD)))},
            ),
            lists.Column("Ends in", 95, panels.cells(f"max by (budget) ({LLM_BUDGET_END}) - time()"), {"unit": "s"}),
        ],
        sort="Of limit",
        no_value=_NONE,
    )


def _pace(settings: Settings) -> Line:
    return even(
        8,
        panels.chart(
            "Spent in the period",
            "US dollars spent of each budget; it starts again at zero when a period begins.",
            panels.query(_SPENT, "{{budget}}"),
            unit="currencyUSD",
            no_value=_NONE,
        ),
        panels.chart(
            "Forecast of each budget",
            "What will be spent at the end of the period, as a share of the limit, if the last six hours go on. "
            "Dashed: where LLMBudgetForecastExceeded begins.",
            panels.query(f"{_FORECAST} / {_LIMIT}", "{{budget}}"),
            unit="percentunit",
            no_value=_NONE,
            steps=((settings.alerts.budget_forecast.ratio, panels.BAD),),
        ),
        panels.chart(
            "Burn rate of each budget",
            "Spending of the last hour against the even pace: at 1x the budget lasts exactly its period. Dashed: "
            "where LLMBudgetBurn begins.",
            panels.query(f"max by (budget) ({LLM_BUDGET_BURN_RATE})", "{{budget}}"),
            unit="suffix:x",
            no_value=_NONE,
            steps=((settings.alerts.budget_burn.factor, panels.BAD),),
        ),
    )
