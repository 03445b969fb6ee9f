"""Overview: is the stack up, are users hurt, what does it cost, and where to look next."""

from __future__ import annotations

from dashboards_src import (
    agents,
    foreign,
    lists,
    measures,
    overview_models,
    panels,
    pipeline,
    promql,
    rag,
    shared,
    verdicts,
)
from dashboards_src.grafana import Json, Line, Panel, Section, dashboard, even
from observability.catalogue import (
    EXPORTER_PROBE_SUCCESS,
    LLM_AGENT_RUNS,
    LLM_BUDGET_FORECAST,
    LLM_BUDGET_SPENT,
    LLM_COST_PER_HOUR,
    LLM_REQUEST_LATENCY,
    LLM_REQUESTS,
    LLM_REQUESTS_PER_MINUTE,
    LLM_TOKEN_USAGE,
    LLM_TOOL_CALLS,
    RAG_RETRIEVALS,
    Family,
)
from observability.settings import Settings


def build(settings: Settings) -> Json:
    """The dashboard ``ai-overview``."""
    return dashboard(
        uid=shared.OVERVIEW_UID,
        title="Overview",
        description="Is the stack up, are users hurt, what does it cost, and where to look next.",
        sections=[
            Section("", [_now(settings), _money_and_agents(settings)]),
            Section("What is wrong", [_wrong()]),
            Section("LLM services", [_services(settings)]),
            Section("Cost and tokens", [_cost()]),
            Section("Models that predict", [overview_models.line(settings)]),
            Section("Operations, from traces", [_operations(settings)]),
            Section("Logs and notifications", [_logs()]),
            Section("Telemetry pipeline", pipeline.lines()),
        ],
        variables=shared.call_variables(),
        annotations=shared.alert_marks(),
        links=shared.links(shared.OVERVIEW_UID),
        tags=["ai-observability"],
    )


def _now(settings: Settings) -> Line:
    firing = f'{foreign.ALERTS}{{alertstate="firing", severity=~"critical|warning"}}'
    watchdog = f'{foreign.ALERTS}{{alertname="Watchdog", alertstate="firing"}}'
    return even(
        4,
        panels.stat(
            "Firing alerts",
            "Critical and warning alerts that fire now. Zero is shown only while the Watchdog fires, "
            "which proves that rules are evaluated.",
            panels.instant(f"count({firing}) or 0 * max({watchdog})"),
            unit="none",
            no_value="Rules are not evaluated",
            steps=((1, panels.BAD),),
        ),
        panels.stat(
            "Targets down",
            f"Scrape targets that do not answer. TargetDown fires after {settings.alerts.target_down.for_}.",
            panels.instant(f"count({foreign.UP}) - sum({foreign.UP})"),
            unit="none",
            no_value="No targets",
            steps=((1, panels.BAD),),
        ),
        panels.stat(
            "LLM requests/min",
            "Calls to a model, averaged over 5 minutes.",
            panels.query(promql.total(promql.series(LLM_REQUESTS_PER_MINUTE))),
            unit="short",
            no_value=shared.NO_CALLS,
            decimals=1,
            links=[shared.board_data_link(shared.LLM_UID)],
        ),
        verdicts.error_stat(settings, "LLM error rate"),
        verdicts.latency_stat(settings, "LLM latency p95"),
        _cost_today(settings),
    )


def _money_and_agents(settings: Settings) -> Line:
    """The doors to the other dashboards: a click on a number opens the one that explains it."""
    worst = f"max({verdicts.SPENT} / on (budget) {verdicts.LIMIT})"
    forecast = f"max(max by (budget) ({LLM_BUDGET_FORECAST}) / on (budget) {verdicts.LIMIT})"
    no_budget = "No budget in observability.yml"
    to_cost = [shared.board_data_link(shared.COST_UID)]
    return even(
        4,
        panels.stat(
            "Budget used",
            "Share of the tightest budget that is spent in its running period. HighDailyCost fires at 100 %. A click "
            "opens the Cost dashboard.",
            panels.query(worst),
            unit="percentunit",
            no_value=no_budget,
            steps=verdicts.near(1),
            decimals=1,
            links=to_cost,
        ),
        panels.stat(
            "Budget forecast",
            "What the tightest budget will have spent at its end, as a share of its limit, if the last 6 hours go on.",
            panels.query(forecast),
            unit="percentunit",
            no_value=no_budget,
            steps=verdicts.near(settings.alerts.budget_forecast.ratio),
            decimals=0,
            links=to_cost,
        ),
        _step_errors(settings, "Failed agent runs", "invocations of agents", LLM_AGENT_RUNS, agents.NO_AGENT),
        _step_errors(settings, "Tool errors", "executions of tools", LLM_TOOL_CALLS, agents.NO_TOOL),
        _step_errors(settings, "Failed retrievals", "retrievals", RAG_RETRIEVALS, rag.NO_RETRIEVAL),
        panels.stat(
            "Agent runs/min",
            "Invocations of agents of the selected services, averaged over the window of the alerts.",
            panels.query(
                "60 * "
                + promql.total(
                    promql.rate(promql.series(LLM_AGENT_RUNS, filters=promql.SERVICE), settings.alerts.window)
                )
            ),
            unit="short",
            no_value=agents.NO_AGENT,
            decimals=1,
            links=[shared.board_data_link(shared.AGENTS_UID)],
        ),
    )


def _step_errors(settings: Settings, title: str, what: str, family: Family, no_value: str) -> Panel:
    limits = settings.alerts
    ratio = limits.tool_errors.ratio if family is LLM_TOOL_CALLS else limits.high_llm_error_rate.ratio
    return panels.stat(
        title,
        f"Share of the {what} of the selected services that failed, over {limits.window}. A click opens the Agents "
        "dashboard.",
        panels.query(promql.failed(family, limits.window, filters=promql.SERVICE)),
        unit="percentunit",
        no_value=no_value,
        steps=verdicts.half(ratio),
        decimals=1,
        links=[shared.board_data_link(shared.AGENTS_UID)],
    )


def _cost_today(settings: Settings) -> Panel:
    whole = [
        budget
        for budget in settings.budgets
        if budget.period == "day" and not (budget.service or budget.model or budget.provider or budget.where)
    ]
    if whole:
        budget = min(whole, key=lambda each: each.limit_usd)
        limit = budget.limit_usd
        return panels.stat(
            "Cost today",
            f"Spent on LLM calls since midnight UTC. The budget {budget.name} allows {limit:g} USD a day.",
            panels.query(f'sum({LLM_BUDGET_SPENT}{{budget="{budget.name}"}})'),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            steps=verdicts.near(limit),
            decimals=2,
            links=[shared.board_data_link(shared.COST_UID)],
        )
    return panels.stat(
        "Cost, last 24 h",
        "Spent on LLM calls in the last 24 hours. No budget in observability.yml covers all calls.",
        panels.instant(promql.spent(window="1d")),
        unit="currencyUSD",
        no_value=shared.NO_CALLS,
        decimals=2,
    )


def _wrong() -> Line:
    up = f"min by (job) ({foreign.UP})"
    probes = f'min by (job) (label_replace({EXPORTER_PROBE_SUCCESS}, "job", "$1", "target", "(.+)"))'
    alerts = lists.alert_list(
        "Alerts",
        "Firing and pending alerts of Prometheus, most severe first. Each opens its runbook.",
        no_value="No alert is firing or pending",
    )
    components = panels.state_timeline(
        "Components",
        "Whether every instance of a component answered its scrape or, where it has no metrics page, the health probe "
        "of the exporter.",
        panels.query(f"{up} or {probes}", "{{job}}"),
        states={0: ("down", panels.BAD), 1: ("up", panels.GOOD)},
        unit="none",
        no_value="No targets",
    )
    return Line(8, [(10, alerts), (14, components)])


def _services(settings: Settings) -> Line:
    return even(
        8,
        measures.per_minute(
            "Requests per minute",
            "LLM calls of each service; the height of the stack is the total.",
            LLM_REQUESTS,
            "service",
            no_value=shared.NO_CALLS,
        ),
        measures.failed(
            "Error rate",
            "Share of LLM calls of each service that failed. Dashed: where HighLLMErrorRate begins.",
            LLM_REQUESTS,
            "service",
            window=settings.alerts.window,
            no_value=shared.NO_CALLS,
            limit=settings.alerts.high_llm_error_rate.ratio,
        ),
        measures.quantile_by(
            "Latency p95",
            "95th percentile of the LLM calls of each service. A point is one call: click it to see its trace.",
            LLM_REQUEST_LATENCY,
            "service",
            unit="s",
            no_value=shared.NO_CALLS,
            steps=((settings.alerts.high_llm_latency.p95_seconds, panels.BAD),),
        ),
    )


def _cost() -> Line:
    spending = panels.chart(
        "Cost per hour",
        "Spending rate of each model over 5 minutes, in US dollars per hour.",
        panels.query(promql.total(promql.series(LLM_COST_PER_HOUR), ("model",)), "{{model}}"),
        unit="currencyUSD",
        no_value=shared.NO_CALLS,
        stacked=True,
    )
    tokens = measures.per_minute(
        "Tokens per minute",
        "By disjoint type, so the height of the stack is the total.",
        LLM_TOKEN_USAGE,
        "type",
        no_value=shared.NO_CALLS,
        colors=panels.TOKENS,
    )
    used = verdicts.budget_used(
        "Spent of each budget",
        "Share of each budget in observability.yml that is spent in its running period. HighDailyCost fires at 100 %.",
    )
    return even(8, spending, tokens, used)


def _operations(settings: Settings) -> Line:
    by = "service_name, span_name"
    calls = foreign.SPAN_CALLS
    window = promql.RANGE
    per_minute = f"60 * sum by ({by}) (rate({calls}[{window}]))"
    busy = f"sum by ({by}) (rate({calls}[{window}])) > 0"
    failed = f'sum by ({by}) (rate({calls}{{status_code="STATUS_CODE_ERROR"}}[{window}]))'
    errors = f"({failed} or 0 * sum by ({by}) (rate({calls}[{window}]))) / ({busy})"
    p95 = f"histogram_quantile(0.95, sum by (le, {by}) (rate({foreign.SPAN_DURATION_BUCKET}[{window}]))) >= 0"
    chart = panels.chart(
        "Operations per second",
        "Spans of each service that the gateway received: requests, model calls, retrievals, tools.",
        panels.query(f"sum by (service_name) (rate({calls}[{promql.RATE}]))", "{{service_name}}"),
        unit="ops",
        no_value="No traces",
    )
    table = lists.table(
        "Operations",
        "Rate, errors and duration of every operation in the time range, computed from all traces. Click a service "
        "for its traces.",
        by={
            "service_name": lists.Label("Service", 130, [shared.traces_of("Service")]),
            "span_name": lists.Label("Operation", 240),
        },
        columns=[
            lists.Column("Per minute", 120, panels.cells(f"{per_minute} > 0"), {"unit": "short", "decimals": 1}),
            lists.Column(
                "Errors",
                80,
                panels.cells(errors),
                {"unit": "percentunit", "decimals": 1, **lists.cell_color(verdicts.error_steps(settings))},
            ),
            lists.Column("p95", 85, panels.cells(p95), {"unit": "ms"}),
        ],
        sort="Per minute",
        no_value="No traces",
    )
    return Line(9, [(10, chart), (14, table)])


def _logs() -> Line:
    errors = lists.logs(
        "Errors in logs",
        "Lines of level error or worse, from apps and from the stack. A trace id opens its trace.",
        '{service_name=~".+", job!="interactions"} | detected_level=~"error|critical|fatal"',
        no_value="No error was logged",
    )
    notifications = lists.logs(
        "Notifications",
        "What Alertmanager sent to the local receiver: which alert fired or was resolved, and when.",
        '{job="stack", component="exporter"} |= "notification" | json | event="notification" '
        '| line_format "{{.message}}"',
        no_value="No notification was sent",
    )
    return Line(9, [(14, errors), (10, notifications)])
