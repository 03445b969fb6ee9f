"""Overview: is the stack up, are users hurt, what does it cost, and where to look next."""

from __future__ import annotations

from dashboards_src import foreign, lists, panels, promql, shared
from dashboards_src.grafana import Json, Line, Panel, Section, dashboard
from observability.catalogue import (
    EXPORTER_LAG,
    EXPORTER_PROBE_SUCCESS,
    EXPORTER_RECEIVED,
    EXPORTER_REJECTED,
    LLM_BUDGET_SPENT,
    LLM_COST_PER_HOUR,
    LLM_REQUEST_LATENCY,
    LLM_REQUESTS,
    LLM_REQUESTS_PER_MINUTE,
    LLM_TOKEN_COST,
    LLM_TOKEN_USAGE,
)
from observability.settings import Settings


def build(settings: Settings) -> Json:
    """The dashboard ``ai-overview``."""
    return dashboard(
        uid=shared.OVERVIEW_UID,
        title="Overview",
        description="Is the stack up, are users hurt, what does it cost, and where to look next.",
        sections=[
            Section("", [_now(settings)]),
            Section("What is wrong", [_wrong()]),
            Section("LLM services", [_services(settings)]),
            Section("Cost and tokens", [_cost()]),
            Section("Operations, from traces", [_operations(settings)]),
            Section("Logs and notifications", [_logs()]),
            Section("Telemetry pipeline", [_pipeline()]),
        ],
        variables=shared.variables(),
        annotations=shared.alert_marks(),
        links=shared.links("LLM", shared.LLM_UID),
        tags=["ai-observability"],
    )


def _now(settings: Settings) -> Line:
    window = shared.alert_window(settings)
    firing = f'{foreign.ALERTS}{{alertstate="firing", severity=~"critical|warning"}}'
    watchdog = f'{foreign.ALERTS}{{alertname="Watchdog", alertstate="firing"}}'
    return Line(
        4,
        [
            (
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
            ),
            (
                4,
                panels.stat(
                    "Targets down",
                    f"Scrape targets that do not answer. TargetDown fires after {settings.alerts.target_down.for_}.",
                    panels.instant(f"count({foreign.UP}) - sum({foreign.UP})"),
                    unit="none",
                    no_value="No targets",
                    steps=((1, panels.BAD),),
                ),
            ),
            (
                4,
                panels.stat(
                    "LLM requests/min",
                    f"Calls to a model, averaged over {window}.",
                    panels.query(promql.total(promql.series(LLM_REQUESTS_PER_MINUTE))),
                    unit="short",
                    no_value=shared.NO_CALLS,
                    decimals=1,
                ),
            ),
            (4, shared.error_stat(settings, "LLM error rate")),
            (4, shared.latency_stat(settings, "LLM latency p95")),
            (4, _cost_today(settings)),
        ],
    )


def _cost_today(settings: Settings) -> Panel:
    whole = [budget for budget in settings.budgets if budget.service is None and budget.model is None]
    if whole:
        budget = min(whole, key=lambda each: each.limit_usd)
        limit = budget.limit_usd
        return panels.stat(
            "Cost today",
            f"Spent on LLM calls since midnight UTC. The budget {budget.name} allows {limit:g} USD a day.",
            panels.query(f'{LLM_BUDGET_SPENT}{{budget="{budget.name}"}}'),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            steps=((limit * shared.NEAR_LIMIT, panels.WARNING), (limit, panels.BAD)),
            decimals=2,
        )
    return panels.stat(
        "Cost, last 24 h",
        "Spent on LLM calls in the last 24 hours. No budget in observability.yml covers all calls.",
        panels.instant(promql.total(promql.increase(promql.series(LLM_TOKEN_COST), "1d"))),
        unit="currencyUSD",
        no_value=shared.NO_CALLS,
        decimals=2,
    )


def _wrong() -> Line:
    up = f"min by (job) ({foreign.UP})"
    probes = f'min by (job) (label_replace({EXPORTER_PROBE_SUCCESS}, "job", "$1", "target", "(.+)"))'
    return Line(
        8,
        [
            (
                10,
                lists.alert_list(
                    "Alerts",
                    "Firing and pending alerts of Prometheus, most severe first. Each opens its runbook.",
                    no_value="No alert is firing or pending",
                ),
            ),
            (
                14,
                panels.state_timeline(
                    "Components",
                    "Whether every instance of a component answered its scrape or, where it has no metrics page, the "
                    "health probe of the exporter.",
                    panels.query(f"{up} or {probes}", "{{job}}"),
                    states={0: ("down", panels.BAD), 1: ("up", panels.GOOD)},
                    no_value="No targets",
                ),
            ),
        ],
    )


def _services(settings: Settings) -> Line:
    by = ("service",)
    requests, errors = promql.series(LLM_REQUESTS), promql.series(LLM_REQUESTS, status="error")
    return Line(
        8,
        [
            (
                8,
                panels.chart(
                    "Requests per minute",
                    "LLM calls of each service.",
                    [panels.query(f"60 * {promql.total(promql.rate(requests), by)}", "{{service}}")],
                    unit="short",
                    no_value=shared.NO_CALLS,
                ),
            ),
            (
                8,
                panels.chart(
                    "Error rate",
                    "Share of LLM calls of each service that failed. Dashed: where HighLLMErrorRate begins.",
                    [panels.query(promql.share(promql.rate(errors), promql.rate(requests), by), "{{service}}")],
                    unit="percentunit",
                    no_value=shared.NO_CALLS,
                    steps=((settings.alerts.high_llm_error_rate.ratio, panels.BAD),),
                ),
            ),
            (
                8,
                panels.chart(
                    "Latency p95",
                    "95th percentile of the LLM calls of each service. A point is one call: click it to see its trace.",
                    [
                        panels.query(
                            promql.quantile(0.95, LLM_REQUEST_LATENCY, by),
                            "{{service}}",
                            exemplars=True,
                        )
                    ],
                    unit="s",
                    no_value=shared.NO_CALLS,
                    steps=((settings.alerts.high_llm_latency.p95_seconds, panels.BAD),),
                ),
            ),
        ],
    )


def _cost() -> Line:
    tokens = promql.total(promql.rate(promql.series(LLM_TOKEN_USAGE)), ("type",))
    return Line(
        8,
        [
            (
                8,
                panels.chart(
                    "Cost per hour",
                    "Spending rate of each model over 5 minutes, in US dollars per hour.",
                    [panels.query(promql.total(promql.series(LLM_COST_PER_HOUR), ("model",)), "{{model}}")],
                    unit="currencyUSD",
                    no_value=shared.NO_CALLS,
                    stacked=True,
                ),
            ),
            (
                10,
                panels.chart(
                    "Tokens per minute",
                    "By disjoint type, so the height of the stack is the total.",
                    [panels.query(f"60 * {tokens}", "{{type}}")],
                    unit="short",
                    no_value=shared.NO_CALLS,
                    stacked=True,
                    overrides=panels.fixed_colors(panels.TOKENS),
                ),
            ),
            (6, shared.budget_gauge()),
        ],
    )


def _operations(settings: Settings) -> Line:
    by = "service_name, span_name"
    calls = foreign.SPAN_CALLS
    window = promql.RANGE
    per_minute = f"60 * sum by ({by}) (rate({calls}[{window}]))"
    busy = f"sum by ({by}) (rate({calls}[{window}])) > 0"
    failed = f'sum by ({by}) (rate({calls}{{status_code="STATUS_CODE_ERROR"}}[{window}]))'
    errors = f"({failed} or 0 * sum by ({by}) (rate({calls}[{window}]))) / ({busy})"
    p95 = f"histogram_quantile(0.95, sum by (le, {by}) (rate({foreign.SPAN_DURATION_BUCKET}[{window}]))) >= 0"
    return Line(
        9,
        [
            (
                10,
                panels.chart(
                    "Operations per second",
                    "Spans of each service that the gateway received: requests, model calls, retrievals, tools.",
                    [panels.query(f"sum by (service_name) (rate({calls}[{promql.RATE}]))", "{{service_name}}")],
                    unit="ops",
                    no_value="No traces",
                ),
            ),
            (
                14,
                lists.table(
                    "Operations",
                    "Rate, errors and duration of every operation in the time range, computed from all traces.",
                    by={"service_name": lists.Label("Service", 130), "span_name": lists.Label("Operation", 240)},
                    columns=[
                        lists.Column(
                            "Per minute", 120, panels.cells(f"{per_minute} > 0"), {"unit": "short", "decimals": 1}
                        ),
                        lists.Column(
                            "Errors",
                            80,
                            panels.cells(errors),
                            {"unit": "percentunit", "decimals": 1, **lists.cell_color(shared.error_steps(settings))},
                        ),
                        lists.Column("p95", 85, panels.cells(p95), {"unit": "ms"}),
                    ],
                    sort="Per minute",
                    no_value="No traces",
                ),
            ),
        ],
    )


def _logs() -> Line:
    return Line(
        9,
        [
            (
                14,
                lists.logs(
                    "Errors in logs",
                    "Lines of level error or worse, from apps and from the stack. A trace id opens its trace.",
                    '{service_name=~".+", job!="interactions"} | detected_level=~"error|critical|fatal"',
                    no_value="No error was logged",
                ),
            ),
            (
                10,
                lists.logs(
                    "Notifications",
                    "What Alertmanager sent to the local receiver: which alert fired or was resolved, and when.",
                    '{job="stack", component="exporter"} |= "notification" | json | event="notification" '
                    '| line_format "{{.message}}"',
                    no_value="No notification was sent",
                ),
            ),
        ],
    )


def _pipeline() -> Line:
    received = promql.total(promql.rate(promql.series(EXPORTER_RECEIVED, signal="traces")))
    rejected = promql.total(promql.rate(promql.series(EXPORTER_REJECTED, signal="traces")))
    delivered = f"sum by (exporter) (rate({foreign.GATEWAY_SENT_SPANS}[{promql.RATE}]))"
    queues = f"max by (exporter) ({foreign.GATEWAY_QUEUE_SIZE} / {foreign.GATEWAY_QUEUE_CAPACITY})"
    return Line(
        7,
        [
            (
                6,
                panels.chart(
                    "Lag from span to metric",
                    "From the end of a span to its numbers being exposed, by the exporter's own count.",
                    [
                        panels.query(promql.quantile(0.5, EXPORTER_LAG), "p50"),
                        panels.query(promql.quantile(0.99, EXPORTER_LAG), "p99"),
                    ],
                    unit="s",
                    no_value="No spans",
                    overrides=panels.fixed_colors(panels.QUANTILES),
                ),
            ),
            (
                6,
                panels.chart(
                    "Spans",
                    "Per second: accepted and refused by the exporter, and delivered by the gateway to each backend.",
                    [
                        panels.query(received, "exporter accepted"),
                        panels.query(f"{rejected} or 0 * {received}", "exporter refused"),
                        panels.query(delivered, "gateway to {{exporter}}"),
                    ],
                    unit="ops",
                    no_value="No spans",
                ),
            ),
            (
                6,
                panels.chart(
                    "Gateway queues",
                    "How full the queue before each backend is. A backend that is down fills its own queue only.",
                    [
                        panels.query(queues, "{{exporter}}"),
                    ],
                    unit="percentunit",
                    no_value="The gateway has no queue",
                    maximum=1,
                    steps=((shared.NEAR_LIMIT, panels.BAD),),
                ),
            ),
            (
                6,
                panels.chart(
                    "Memory",
                    "Resident memory of each component that has a metrics page.",
                    [panels.query(f"sum by (job) ({foreign.PROCESS_MEMORY} or {foreign.GATEWAY_MEMORY})", "{{job}}")],
                    unit="bytes",
                    no_value="No targets",
                ),
            ),
        ],
    )
