"""Numbers that stand beside an alert: they use its window and turn red where it fires, so that both agree."""

from __future__ import annotations

from dashboards_src import panels, promql, shared
from dashboards_src.grafana import Panel
from observability.catalogue import LLM_BUDGET_LIMIT, LLM_BUDGET_SPENT, LLM_REQUEST_LATENCY, LLM_REQUESTS
from observability.settings import Settings

#: Warn when this part of a limit is reached.
NEAR_LIMIT = 0.8

#: Each replica of the exporter counts the calls that it saw, so what is spent adds up; all tell the same limit.
SPENT = f"sum by (budget) ({LLM_BUDGET_SPENT})"
LIMIT = f"max by (budget) ({LLM_BUDGET_LIMIT})"


def near(limit: float) -> panels.Steps:
    """Warning near a limit, red from there on."""
    return ((limit * NEAR_LIMIT, panels.WARNING), (limit, panels.BAD))


def half(limit: float) -> panels.Steps:
    """Warning at half of a limit, red from there on."""
    return ((limit / 2, panels.WARNING), (limit, panels.BAD))


def error_steps(settings: Settings) -> panels.Steps:
    """Share of failed calls, by the alert's ratio."""
    return half(settings.alerts.high_llm_error_rate.ratio)


def latency_steps(settings: Settings) -> panels.Steps:
    """Seconds, by the alert's limit."""
    return near(settings.alerts.high_llm_latency.p95_seconds)


def budget_used(title: str, description: str) -> Panel:
    return panels.bar_gauge(
        title,
        description,
        panels.query(f"{SPENT} / on (budget) {LIMIT}", "{{budget}}"),
        unit="percentunit",
        no_value="No budget in observability.yml",
        steps=near(1),
        max=1,
        decimals=1,
    )


def error_stat(settings: Settings, title: str) -> Panel:
    """Share of failed calls now, coloured by the limit of HighLLMErrorRate."""
    window = settings.alerts.window
    return panels.stat(
        title,
        f"Share of calls that failed, over {window}. HighLLMErrorRate fires above "
        f"{settings.alerts.high_llm_error_rate.ratio:.0%}. Empty while nothing is called.",
        panels.query(promql.failed(LLM_REQUESTS, window)),
        unit="percentunit",
        no_value=shared.NO_CALLS,
        steps=error_steps(settings),
        decimals=1,
    )


def latency_stat(settings: Settings, title: str) -> Panel:
    """95th percentile of the latency now, coloured by the limit of HighLLMLatency."""
    window = settings.alerts.window
    return panels.stat(
        title,
        f"19 of 20 calls are faster, over {window}. HighLLMLatency fires above "
        f"{settings.alerts.high_llm_latency.p95_seconds:g} s.",
        panels.query(promql.quantile(0.95, LLM_REQUEST_LATENCY, window=window)),
        unit="s",
        no_value=shared.NO_CALLS,
        steps=latency_steps(settings),
    )
