"""Cost: what was spent and on what, whether it stays in the budgets, and which numbers are not the whole truth."""

from __future__ import annotations

from dashboards_src import budgets, lists, llm_tokens, panels, prices, promql, shared
from dashboards_src.grafana import Json, Line, Panel, Section, dashboard, even
from observability.catalogue import (
    LLM_CACHE_SAVINGS,
    LLM_COST_PER_HOUR,
    LLM_DAILY_COST,
    LLM_DIMENSION_COST,
    LLM_DIMENSION_REQUESTS,
    LLM_REQUESTS,
    LLM_TOKEN_COST,
    LLM_TOKEN_USAGE,
    LLM_UNPRICED_REQUESTS,
)
from observability.settings import Settings

_MONEY: Json = {"unit": "currencyUSD"}
_CENTS: Json = {**_MONEY, "decimals": 2}
_NO_DIMENSION = "No call carries this dimension"
_NOT_CACHED = "No cached tokens in this range"


def build(settings: Settings) -> Json:
    """The dashboard ``ai-cost``."""
    by_dimension = [Section("By dimension", [_dimensions(settings)])] if settings.dimensions else []
    return dashboard(
        uid=shared.COST_UID,
        title="Cost",
        description="What was spent and on what, whether it stays in the budgets, and what is not known.",
        sections=[
            Section("", [_now()]),
            Section("Budgets", budgets.lines(settings)),
            Section("What is not known", [prices.unknown()]),
            Section("Spending", [_over_time(), _shares(), _by_day()]),
            Section("Price of a call", [prices.per_call(), prices.comparison()]),
            *by_dimension,
            Section("Prompt cache", [_cache(settings)]),
        ],
        variables=[*shared.call_variables(), *shared.dimension_variable(settings)],
        annotations=shared.alert_marks(),
        links=shared.links(shared.COST_UID),
        tags=["ai-observability"],
    )


def _now() -> Line:
    spent = promql.spent()
    priced = promql.total(promql.increase(promql.series(LLM_TOKEN_COST)))
    calls = promql.total(promql.increase(promql.series(LLM_REQUESTS)))
    tokens = promql.total(promql.increase(promql.series(LLM_TOKEN_USAGE)))
    unpriced = promql.total(promql.increase(promql.series(LLM_UNPRICED_REQUESTS)))
    return even(
        4,
        panels.stat(
            "Spent today",
            "All services, since midnight UTC, in US dollars; estimated costs are part of it. Only the model filters.",
            panels.query(promql.total(promql.today(promql.series(LLM_DAILY_COST)))),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            decimals=2,
        ),
        panels.stat(
            "Cost per hour",
            "Spending rate of the selection over 5 minutes, in US dollars per hour.",
            panels.query(promql.total(promql.series(LLM_COST_PER_HOUR))),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            decimals=2,
        ),
        panels.stat(
            "Cost per call",
            "Mean over the time range, in US dollars.",
            panels.instant(f"{spent} / ({calls} > 0)"),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            decimals=4,
        ),
        panels.stat(
            "Per 1k tokens",
            "What a thousand reported tokens of any type cost, mean over the time range, in US dollars.",
            panels.instant(f"1000 * {priced} / ({tokens} > 0)"),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            decimals=4,
        ),
        panels.stat(
            "Saved by caching",
            "What tokens from the provider's prompt cache would have cost more as plain input, in the time range.",
            panels.instant(promql.total(promql.increase(promql.series(LLM_CACHE_SAVINGS)))),
            unit="currencyUSD",
            no_value=_NOT_CACHED,
            decimals=2,
        ),
        panels.stat(
            "Unpriced calls",
            "Calls in the time range whose model no price list names: they are in no number of this dashboard. Give "
            "them a price under prices.overrides in observability.yml.",
            panels.instant(f"{unpriced} or 0 * {calls}"),
            loud=True,
            unit="locale",
            no_value=shared.NO_CALLS,
            steps=((1, panels.BAD),),
            base="transparent",
            decimals=0,
        ),
    )


def _over_time() -> Line:
    def by(label: str, description: str) -> Panel:
        return panels.chart(
            f"Cost per hour by {label}",
            f"{description} Over 5 minutes, in US dollars per hour; the height of the stack is the total.",
            panels.query(promql.total(promql.series(LLM_COST_PER_HOUR), (label,)), f"{{{{{label}}}}}"),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            stacked=True,
        )

    return even(
        8,
        by("model", "Which models the money goes to."),
        by("service", "Which apps spend it."),
        by("provider", "Who sends the bill."),
    )


def _shares() -> Line:
    by_type = promql.total(promql.rate(promql.series(LLM_TOKEN_COST), promql.STEADY), ("type",))
    return Line(
        8,
        [
            (
                8,
                panels.chart(
                    "Cost per hour by token type",
                    "What is paid for: input, cache, output, reasoning. Types are disjoint; estimated costs have none. "
                    "In US dollars per hour.",
                    panels.query(f"3600 * {by_type}", "{{type}}"),
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                    stacked=True,
                    overrides=panels.fixed_colors(panels.TOKENS),
                ),
            ),
            (
                8,
                panels.donut(
                    "Cost by token type",
                    "What was paid for in the time range, in US dollars.",
                    panels.instant(promql.spent_by("type"), "{{type}}"),
                    by="type",
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                    overrides=panels.fixed_colors({**panels.TOKENS, **panels.ESTIMATED}),
                ),
            ),
            (
                8,
                panels.donut(
                    "Cost by source of the price",
                    "Who says what it cost: the provider itself, an override of observability.yml, the price list, or "
                    "our estimate of tokens that nobody reported.",
                    panels.instant(promql.spent_by("source"), "{{source}}"),
                    by="source",
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                    overrides=panels.fixed_colors(panels.SOURCES),
                ),
            ),
        ],
    )


def _by_day() -> Line:
    spent = promql.spent(("service", "model"))
    return Line(
        8,
        [
            (
                12,
                panels.day_bars(
                    "Daily cost",
                    "Cost of each UTC day by model, in US dollars; the last bar is today so far.",
                    panels.cells(promql.total(promql.series(LLM_DAILY_COST), ("date", "model"))),
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                ),
            ),
            (
                12,
                lists.table(
                    "Biggest spenders",
                    "Which service spent how much on which model in the time range. Click a service for its traces.",
                    by={
                        "service": lists.Label("Service", 160, [shared.traces_of("Service")]),
                        "model": lists.Label("Model", 180),
                    },
                    columns=[
                        lists.Column(
                            "Cost", 150, panels.cells(f"{spent} > 0"), {**_CENTS, **lists.cell_bar(panels.MONEY)}
                        ),
                        lists.Column(
                            "Of all",
                            75,
                            panels.cells(f"({spent} > 0) / scalar({promql.spent()})"),
                            {"unit": "percentunit", "decimals": 1},
                        ),
                    ],
                    sort="Cost",
                    no_value=shared.NO_CALLS,
                ),
            ),
        ],
    )


def _dimensions(settings: Settings) -> Line:
    names = ", ".join(dimension.name for dimension in settings.dimensions)
    by = ("value",)
    cost = promql.series(LLM_DIMENSION_COST, dimension="$dimension")
    calls = promql.series(LLM_DIMENSION_REQUESTS, dimension="$dimension")
    failed = promql.series(LLM_DIMENSION_REQUESTS, dimension="$dimension", status="error")
    spent, seen = promql.total(promql.increase(cost), by), promql.total(promql.increase(calls), by)
    return even(
        8,
        panels.chart(
            "Cost per hour by dimension",
            f"Spending rate of each value of the chosen dimension ({names}), all services, in US dollars per hour.",
            panels.query(f"3600 * {promql.total(promql.rate(cost, promql.STEADY), by)}", "{{value}}"),
            unit="currencyUSD",
            no_value=_NO_DIMENSION,
            stacked=True,
        ),
        lists.table(
            "Spending by dimension",
            f"Who spent how much in the time range, by the chosen dimension ({names}), all services together.",
            by={"value": lists.Label("Value", 120)},
            columns=[
                lists.Column("Calls", 80, panels.cells(f"{seen} > 0"), {"unit": "locale", "decimals": 0}),
                lists.Column(
                    "Errors",
                    75,
                    panels.cells(promql.share(promql.increase(failed), promql.increase(calls), by)),
                    {"unit": "percentunit", "decimals": 1},
                ),
                lists.Column("Per call", 90, panels.cells(f"{spent} / ({seen} > 0)"), {**_MONEY, "decimals": 4}),
                lists.Column("Cost", 150, panels.cells(spent), {**_CENTS, **lists.cell_bar(panels.MONEY)}),
            ],
            sort="Cost",
            no_value=_NO_DIMENSION,
        ),
    )


def _cache(settings: Settings) -> Line:
    saved = promql.total(promql.rate(promql.series(LLM_CACHE_SAVINGS), promql.STEADY), ("model",))
    read = promql.total(promql.rate(promql.series(LLM_TOKEN_USAGE, type=llm_tokens.INPUT)), ("type",))
    return even(
        8,
        llm_tokens.cache_hit_chart(settings),
        panels.chart(
            "Saved per hour by model",
            "What cached tokens would have cost more as plain input, in US dollars per hour. Writing to the cache is "
            "in the cost, not here.",
            panels.query(f"3600 * {saved}", "{{model}}"),
            unit="currencyUSD",
            no_value=_NOT_CACHED,
            stacked=True,
        ),
        panels.chart(
            "Input tokens per minute",
            "Plain input, read from the cache, written to it: what is written and never read again costs extra.",
            panels.query(f"60 * {read}", "{{type}}"),
            unit="short",
            no_value=shared.NO_CALLS,
            stacked=True,
            overrides=panels.fixed_colors(panels.TOKENS),
        ),
    )
