"""Alert rules on LLM calls, money and models: what an owner of an AI system is woken for.

Quantiles are taken over ``rate()`` of summed buckets and ratios over summed rates, so any number of exporter
replicas gives the answer that one would give. The grouping is service, provider, model: the smallest unit that
somebody owns and can act on (switch a model, call a provider). ``operation`` is summed because one model serves
one kind of operation, and ``instance`` because it says where a call was counted and not where it went wrong.
"""

from __future__ import annotations

from alerts import links
from alerts.model import AlertRule, Group, below_top_bucket, number
from observability import catalogue
from observability.settings import Settings, SettingsError, seconds

#: The exporter is scraped every 5 s; a rate needs two samples, and four keep it steady when one is lost.
SHORTEST_WINDOW_SECONDS = 20.0
BY = "by (service, provider, model)"
WHO = "{{ $labels.service }} → {{ $labels.provider }}/{{ $labels.model }}"


def llm(settings: Settings) -> Group:
    """Latency and errors of LLM calls. Raises :class:`SettingsError` for thresholds that could never be crossed."""
    alerts = settings.alerts
    if seconds(alerts.window) < SHORTEST_WINDOW_SECONDS:
        raise SettingsError(
            f"alerts.window: {alerts.window} is shorter than four scrapes (20s), so rates would be empty"
        )
    return Group("ai-observability-llm", alerts.evaluation_interval, (_latency(settings), _errors(settings)))


def _latency(settings: Settings) -> AlertRule:
    alert, window = settings.alerts.high_llm_latency, settings.alerts.window
    family = catalogue.LLM_REQUEST_LATENCY
    limit = below_top_bucket("alerts.high_llm_latency.p95_seconds", alert.p95_seconds, family)
    return AlertRule(
        name="HighLLMLatency",
        severity="warning",
        for_=alert.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=(
            f"histogram_quantile(0.95, sum by (service, provider, model, le) (rate({family.bucket}[{window}])))"
            f" > {limit}\n"
            f"and\n"
            f"sum {BY} (increase({family.count}[{window}])) >= {alert.min_requests}"
        ),
        summary=f"LLM calls of {WHO} are slow",
        description=(
            f"95 % of the calls of {WHO} took up to {{{{ $value | humanizeDuration }}}} over the last {window}; "
            f"the limit is {limit} s."
        ),
        value="p95 {{ $value | humanizeDuration }}",
        links={
            **links.dashboard(settings.notifications.links, links.LLM_DASHBOARD, "service", "provider", "model"),
            **links.traces(settings.notifications.links, slower_than=f"{limit}s"),
            **links.logs(settings.notifications.links, "service"),
        },
    )


def _errors(settings: Settings) -> AlertRule:
    alert, window = settings.alerts.high_llm_error_rate, settings.alerts.window
    requests = catalogue.LLM_REQUESTS
    failed = f'{requests}{{status="error"}}[{window}]'
    return AlertRule(
        name="HighLLMErrorRate",
        severity="critical",
        for_=alert.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        # The second half is the guard against tiny traffic, see docs/runbooks/HighLLMErrorRate.md.
        expr=(
            f"sum {BY} (rate({failed})) / sum {BY} (rate({requests}[{window}])) > {number(alert.ratio)}\n"
            f"and\n"
            f"sum {BY} (increase({failed})) >= {alert.min_errors}"
        ),
        summary=f"LLM calls of {WHO} fail",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the calls of {WHO} failed over the last {window}; "
            f"the limit is {number(round(alert.ratio * 100, 6))} %."
        ),
        value="{{ $value | humanizePercentage }} failed",
        links={
            **links.dashboard(settings.notifications.links, links.LLM_DASHBOARD, "service", "provider", "model"),
            **links.traces(settings.notifications.links, errors=True),
            **links.logs(settings.notifications.links, "service", " | detected_level=~`error|critical|fatal`"),
        },
    )


def cost(settings: Settings) -> Group:
    """Budgets, and calls that no price list knows."""
    alerts = settings.alerts
    spent = f"sum by (budget) ({catalogue.LLM_BUDGET_SPENT})"
    limit = f"max by (budget) ({catalogue.LLM_BUDGET_LIMIT})"
    notice = number(alerts.high_daily_cost.notice_ratio)
    the_limit = (
        f"{{{{ with printf `max({catalogue.LLM_BUDGET_LIMIT}{{budget=%q}})` $labels.budget | query }}}}"
        "{{ . | first | value | printf `%.2f` }}{{ end }}"
    )
    dashboard = links.dashboard(settings.notifications.links, links.LLM_DASHBOARD)
    unpriced, window = catalogue.LLM_UNPRICED_REQUESTS, alerts.llm_unpriced_requests.window
    return Group(
        "ai-observability-cost",
        alerts.evaluation_interval,
        (
            AlertRule(
                name="HighDailyCost",
                severity="warning",
                for_=alerts.high_daily_cost.for_,
                # Each replica counts the calls that it saw, so spent adds up; every replica tells the same limit.
                expr=f"{spent} > on (budget) {limit}",
                summary="The budget {{ $labels.budget }} is overspent",
                description=(
                    f"{{{{ $value | printf `%.2f` }}}} US dollars are spent of the budget {{{{ $labels.budget }}}} "
                    f"({the_limit} per UTC day). It starts again at 00:00 UTC."
                ),
                value="{{ $value | printf `%.2f` }} USD",
                links=dashboard,
            ),
            AlertRule(
                name="BudgetNearlySpent",
                severity="info",
                for_=alerts.high_daily_cost.for_,
                expr=f"({spent} / on (budget) {limit} > {notice}) <= 1",
                summary="The budget {{ $labels.budget }} is nearly spent",
                description=(
                    "{{ $value | humanizePercentage }} of the budget {{ $labels.budget }} "
                    f"({the_limit} US dollars per UTC day) is spent."
                ),
                value="{{ $value | humanizePercentage }} of the budget",
                links=dashboard,
            ),
            AlertRule(
                name="LLMUnpricedRequests",
                severity="warning",
                for_="0s",
                # increase() does not see the first call of a model: its series is born at 1. The second half does.
                expr=(
                    f"sum by (provider, model) (increase({unpriced}[{window}])) > 0\n"
                    f"or\n"
                    f"(sum by (provider, model) ({unpriced}) > 0 "
                    f"unless sum by (provider, model) ({unpriced} offset {window}))"
                ),
                summary="No price is known for {{ $labels.provider }}/{{ $labels.model }}",
                description=(
                    "{{ $value | printf `%.0f` }} calls of {{ $labels.provider }}/{{ $labels.model }} "
                    f"in the last {window} cost an unknown amount: costs and budgets are too low by it."
                ),
                value="{{ $value | printf `%.0f` }} calls",
                links=dashboard,
            ),
        ),
    )


def models(settings: Settings) -> Group:
    """Drift of a model's data."""
    alerts = settings.alerts
    return Group(
        "ai-observability-models",
        alerts.evaluation_interval,
        (
            AlertRule(
                name="DataDriftDetected",
                severity="warning",
                for_=alerts.data_drift_detected.for_,
                expr=f"max by (model) ({catalogue.DATA_DRIFT_DETECTED}) == 1",
                summary="The data of the model {{ $labels.model }} has drifted",
                description=(
                    "What the model {{ $labels.model }} is asked differs from its baseline "
                    f"for {alerts.data_drift_detected.for_} or longer."
                ),
                value="drifted",
                links=links.dashboard(settings.notifications.links, links.OVERVIEW_DASHBOARD),
            ),
        ),
    )
