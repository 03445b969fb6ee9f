"""LLM: traffic, errors, latency, tokens and cost of model calls, and the models side by side."""

from __future__ import annotations

from dashboards_src import lists, panels, promql, shared
from dashboards_src.grafana import Json, Line, Panel, Section, dashboard
from observability.catalogue import (
    LLM_BUDGET_LIMIT,
    LLM_BUDGET_SPENT,
    LLM_COST_PER_HOUR,
    LLM_DAILY_COST,
    LLM_ERRORS,
    LLM_REQUEST_LATENCY,
    LLM_REQUESTS,
    LLM_REQUESTS_PER_MINUTE,
    LLM_TIME_TO_FIRST_TOKEN,
    LLM_TOKEN_COST,
    LLM_TOKEN_USAGE,
    LLM_UNPRICED_REQUESTS,
)
from observability.settings import Settings

_QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
_GENERATED = "=~output|reasoning"
_CALLS = promql.series(LLM_REQUESTS)
_FAILED = promql.series(LLM_REQUESTS, status="error")
_MODEL = ("model",)


def build(settings: Settings) -> Json:
    """The dashboard ``ai-llm``."""
    return dashboard(
        uid=shared.LLM_UID,
        title="LLM",
        description="Traffic, errors, latency, tokens and cost of model calls, and the models side by side.",
        sections=[
            Section("", [_now(settings)]),
            Section("Traffic and errors", [_traffic(settings)]),
            Section("Latency", [_latency(settings), _streaming()]),
            Section("Tokens and cost", [_tokens(), _cost()]),
            Section("Models side by side", [_comparison(settings)]),
            Section("Failed calls", [_failures()]),
        ],
        variables=shared.variables(),
        annotations=shared.alert_marks(),
        links=shared.links("Overview", shared.OVERVIEW_UID),
        tags=["ai-observability"],
    )


def _now(settings: Settings) -> Line:
    window = shared.alert_window(settings)
    unpriced = promql.total(promql.increase(promql.series(LLM_UNPRICED_REQUESTS)))
    calls_in_range = promql.total(promql.increase(promql.series(LLM_REQUESTS)))
    return Line(
        4,
        [
            (
                4,
                panels.stat(
                    "Requests per min",
                    f"Calls of the selected models, averaged over {window}.",
                    panels.query(promql.total(promql.series(LLM_REQUESTS_PER_MINUTE))),
                    unit="short",
                    no_value=shared.NO_CALLS,
                    decimals=1,
                ),
            ),
            (4, shared.error_stat(settings, "Error rate")),
            (4, shared.latency_stat(settings, "Latency p95")),
            (
                4,
                panels.stat(
                    "First token p95",
                    f"How long a reader waits for the first word of a streamed answer, over {window}.",
                    panels.query(promql.quantile(0.95, LLM_TIME_TO_FIRST_TOKEN, window=window)),
                    unit="s",
                    no_value="No streamed answer",
                ),
            ),
            (
                4,
                panels.stat(
                    "Cost per hour",
                    "Spending rate of the selected models over 5 minutes, in US dollars per hour.",
                    panels.query(promql.total(promql.series(LLM_COST_PER_HOUR))),
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                    decimals=2,
                ),
            ),
            (
                4,
                panels.stat(
                    "Unpriced requests",
                    "Calls in the time range whose cost is unknown because no price list names the model; they are in "
                    "no cost figure. Zero is shown only where calls were seen.",
                    panels.instant(f"{unpriced} or 0 * {calls_in_range}"),
                    unit="short",
                    no_value=shared.NO_CALLS,
                    steps=((1, panels.WARNING),),
                    decimals=0,
                ),
            ),
        ],
    )


def _traffic(settings: Settings) -> Line:
    errors = promql.total(promql.increase(promql.series(LLM_ERRORS), promql.RATE), ("error_type",))
    return Line(
        8,
        [
            (
                8,
                panels.chart(
                    "Requests per minute by model",
                    "Calls of each model; the height of the stack is the total.",
                    [panels.query(f"60 * {promql.total(promql.rate(_CALLS), _MODEL)}", "{{model}}")],
                    unit="short",
                    no_value=shared.NO_CALLS,
                    stacked=True,
                ),
            ),
            (
                8,
                panels.chart(
                    "Error rate by model",
                    "Share of the calls of each model that failed. Dashed: where HighLLMErrorRate begins.",
                    [panels.query(promql.share(promql.rate(_FAILED), promql.rate(_CALLS), _MODEL), "{{model}}")],
                    unit="percentunit",
                    no_value=shared.NO_CALLS,
                    steps=((settings.alerts.high_llm_error_rate.ratio, panels.BAD),),
                ),
            ),
            (
                8,
                panels.chart(
                    "Errors by type",
                    "Failed calls per step of the chart, by kind of error.",
                    [panels.query(errors, "{{error_type}}")],
                    unit="short",
                    no_value="No error",
                    stacked=True,
                    bars=True,
                    overrides=panels.fixed_colors(panels.ERRORS),
                ),
            ),
        ],
    )


def _latency(settings: Settings) -> Line:
    buckets = promql.total(promql.increase(promql.series(LLM_REQUEST_LATENCY, part="bucket"), promql.RATE), ("le",))
    return Line(
        9,
        [
            (
                12,
                panels.chart(
                    "Latency",
                    "Duration of a call as the client saw it. A point is one call: click it to see its trace.",
                    [
                        panels.query(promql.quantile(q, LLM_REQUEST_LATENCY), name, exemplars=name == "p95")
                        for q, name in _QUANTILES
                    ],
                    unit="s",
                    no_value=shared.NO_CALLS,
                    calcs=("lastNotNull", "mean", "max"),
                    overrides=panels.fixed_colors(panels.QUANTILES),
                    steps=((settings.alerts.high_llm_latency.p95_seconds, panels.BAD),),
                ),
            ),
            (
                12,
                panels.heatmap(
                    "Latency distribution",
                    "How many calls took how long. Two bands are two populations: two models, or cached and not.",
                    panels.query(buckets, exemplars=True),
                    unit="s",
                    no_value=shared.NO_CALLS,
                ),
            ),
        ],
    )


def _streaming() -> Line:
    generated = promql.total(promql.rate(promql.series(LLM_TOKEN_USAGE, type=_GENERATED)), _MODEL)
    seconds = promql.total(
        promql.rate(promql.series(LLM_REQUEST_LATENCY, part="sum", operation="!=embeddings")), _MODEL
    )
    return Line(
        8,
        [
            (
                12,
                panels.chart(
                    "Time to first token p95",
                    "How long a reader waits for the first word of a streamed answer, by model.",
                    [panels.query(promql.quantile(0.95, LLM_TIME_TO_FIRST_TOKEN, _MODEL), "{{model}}", exemplars=True)],
                    unit="s",
                    no_value="No streamed answer",
                ),
            ),
            (
                12,
                panels.chart(
                    "Generation speed",
                    "Output and reasoning tokens per second of call time, by model.",
                    [panels.query(f"{generated} / ({seconds} > 0)", "{{model}}")],
                    unit="suffix: tok/s",
                    no_value="No answer was generated",
                ),
            ),
        ],
    )


def _tokens() -> Line:
    tokens = promql.total(promql.rate(promql.series(LLM_TOKEN_USAGE)), ("type",))
    cost = promql.total(promql.increase(promql.series(LLM_TOKEN_COST)), _MODEL)
    return Line(
        8,
        [
            (
                8,
                panels.chart(
                    "Tokens per minute by type",
                    "Types are disjoint, so the height of the stack is the total.",
                    [panels.query(f"60 * {tokens}", "{{type}}")],
                    unit="short",
                    no_value=shared.NO_CALLS,
                    stacked=True,
                    overrides=panels.fixed_colors(panels.TOKENS),
                ),
            ),
            (
                8,
                panels.chart(
                    "Cost per hour by model",
                    "Spending rate over 5 minutes, in US dollars per hour.",
                    [panels.query(promql.total(promql.series(LLM_COST_PER_HOUR), _MODEL), "{{model}}")],
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                    stacked=True,
                ),
            ),
            (
                8,
                panels.donut(
                    "Cost by model",
                    "Spent in the time range, in US dollars.",
                    panels.instant(cost, "{{model}}"),
                    by="model",
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                ),
            ),
        ],
    )


def _cost() -> Line:
    by_type = promql.total(promql.increase(promql.series(LLM_TOKEN_COST)), ("type",))
    return Line(
        8,
        [
            (
                7,
                panels.day_bars(
                    "Daily cost",
                    "Cost of each UTC day by model, in US dollars; the last bar is today so far.",
                    panels.cells(promql.total(promql.series(LLM_DAILY_COST), ("date", "model"))),
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                ),
            ),
            (10, _budgets()),
            (
                7,
                panels.bar_gauge(
                    "Cost by token type",
                    "What was paid for in the time range, in US dollars.",
                    panels.instant(by_type, "{{type}}"),
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                    color={"mode": "fixed", "fixedColor": panels.MONEY},
                    overrides=panels.fixed_colors(panels.TOKENS),
                ),
            ),
        ],
    )


def _budgets() -> Panel:
    limit, spent = (f"sum by (budget) ({family})" for family in (LLM_BUDGET_LIMIT, LLM_BUDGET_SPENT))
    money: Json = {"unit": "currencyUSD", "decimals": 2}
    return lists.table(
        "Budgets",
        "What each budget in observability.yml allows, what was spent since midnight UTC and what is left, in US "
        "dollars. HighDailyCost fires when all is used.",
        by={"budget": lists.Label("Budget", 120)},
        columns=[
            lists.Column("Limit", 80, panels.cells(limit), money),
            lists.Column("Spent", 75, panels.cells(spent), money),
            lists.Column("Left", 80, panels.cells(f"{limit} - {spent}"), money),
            lists.Column(
                "Used",
                130,
                panels.cells(f"{spent} / {limit}"),
                {"unit": "percentunit", "decimals": 1, **lists.cell_level(shared.budget_steps(), 1)},
            ),
        ],
        sort="Used",
        no_value="No budget",
    )


def _comparison(settings: Settings) -> Line:
    by, window = ("provider", "model"), promql.RANGE
    calls = promql.total(promql.increase(_CALLS), by)
    tokens = promql.total(promql.increase(promql.series(LLM_TOKEN_USAGE)), by)
    cost = promql.total(promql.increase(promql.series(LLM_TOKEN_COST)), by)
    seen = f"({calls} > 0)"

    def quantile(q: float) -> str:
        return f"{promql.quantile(q, LLM_REQUEST_LATENCY, by, window)} >= 0"

    errors = promql.share(promql.increase(_FAILED), promql.increase(_CALLS), by)
    first = f"{promql.quantile(0.95, LLM_TIME_TO_FIRST_TOKEN, by, window)} >= 0"
    seconds: Json = {"unit": "s"}
    return Line(
        8,
        [
            (
                24,
                lists.table(
                    "Model comparison",
                    "Every model of the selection over the time range: what it did, how well, how fast, at what price.",
                    by={"provider": lists.Label("Provider", 100), "model": lists.Label("Model", 200)},
                    columns=[
                        lists.Column(
                            "Calls",
                            130,
                            panels.cells(seen),
                            {"unit": "locale", "decimals": 0, **lists.cell_bar("blue")},
                        ),
                        lists.Column(
                            "Errors",
                            75,
                            panels.cells(errors),
                            {"unit": "percentunit", "decimals": 1, **lists.cell_color(shared.error_steps(settings))},
                        ),
                        lists.Column("p50", 75, panels.cells(quantile(0.5)), seconds),
                        lists.Column(
                            "p95",
                            75,
                            panels.cells(quantile(0.95)),
                            {**seconds, **lists.cell_color(shared.latency_steps(settings))},
                        ),
                        lists.Column("First token p95", 125, panels.cells(first), seconds),
                        lists.Column(
                            "Tokens per call",
                            120,
                            panels.cells(f"{tokens} / {seen}"),
                            {"unit": "locale", "decimals": 0},
                        ),
                        lists.Column(
                            "USD per 1000 calls",
                            145,
                            panels.cells(f"1000 * {cost} / {seen}"),
                            {"unit": "currencyUSD", "decimals": 2},
                        ),
                        lists.Column(
                            "Cost",
                            130,
                            panels.cells(cost),
                            {"unit": "currencyUSD", "decimals": 2, **lists.cell_bar(panels.MONEY)},
                        ),
                    ],
                    sort="Calls",
                    no_value=shared.NO_CALLS,
                ),
            )
        ],
    )


def _failures() -> Line:
    line = (
        '{job="interactions", status="error", service=~"$service", model=~"$model"} | json | provider=~"$provider" '
        '| line_format "{{.service}}  {{.model}}  {{.error_type}}  '
        'after {{.latency_seconds | float64 | printf `%.2f`}} s"'
    )
    return Line(
        9,
        [
            (
                24,
                lists.logs(
                    "Failed calls",
                    "Rows of the interaction log that ended in an error, newest first. The trace id opens the trace.",
                    line,
                    no_value="No call failed",
                ),
            )
        ],
    )
