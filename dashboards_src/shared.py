"""What both dashboards have in common: identifiers, variables, links, the marks of alerts, a panel."""

from dashboards_src import panels, promql
from dashboards_src.foreign import ALERTS
from dashboards_src.grafana import (
    Json,
    Panel,
    dashboard_link,
    datasource_variable,
    event_annotation,
    explore_link,
    label_variable,
)
from observability.catalogue import LLM_BUDGET_LIMIT, LLM_BUDGET_SPENT, LLM_REQUEST_LATENCY, LLM_REQUESTS
from observability.settings import Settings

OVERVIEW_UID = "ai-overview"
LLM_UID = "ai-llm"
#: Warn when this part of a limit is reached.
NEAR_LIMIT = 0.8

NO_CALLS = "No LLM calls"

_CALLS = (
    '{job="interactions", service=~"${service:pipe}", model=~"${model:pipe}"} | json | provider=~"${provider:pipe}" '
    '| line_format "{{.service}}  {{.model}}  {{.operation}}  {{.status}}  {{.latency_seconds}} s"'
)


def variables() -> list[Json]:
    """``$ds`` and the three filters; each filter lists only what the ones before it leave."""
    requests = LLM_REQUESTS
    return [
        datasource_variable(),
        label_variable(
            "service",
            f"label_values({requests.name}, service)",
            label="Service",
            description="service.name of the app that calls a model",
        ),
        label_variable(
            "provider",
            f"label_values({promql.series(requests, filters=('service',))}, provider)",
            label="Provider",
            description="Who serves the model",
        ),
        label_variable(
            "model",
            f"label_values({promql.series(requests, filters=('service', 'provider'))}, model)",
            label="Model",
            description="The model that answered",
        ),
    ]


def alert_marks() -> list[Json]:
    """A mark where an alert begins to fire; not a band for as long as it does."""
    firing = f'{ALERTS}{{alertstate="firing", severity=~"critical|warning"}}'
    return [
        event_annotation(
            "Alerts",
            f"{firing} unless {firing} offset 1m",
            color=panels.BAD,
            title="{{alertname}}",
            text="{{severity}} alert began to fire",
            tags="alertname,severity,service,model",
        )
    ]


def links(other_title: str, other_uid: str) -> list[object]:
    """To the other dashboard, and to Explore: it is at a known address whatever the ports of Jaeger and Phoenix are.

    From a row in Explore the data sources' own links lead on; provisioning knows the public addresses.
    """
    return [
        dashboard_link(other_title, other_uid, f"The {other_title} dashboard, same time range and filters"),
        explore_link(
            "Traces",
            "jaeger",
            # Jaeger searches one service at a time: with All selected, the form opens and waits for a choice.
            {"queryType": "search", "service": "${service:pipe}", "limit": 50},
            "Search the traces of the selected service",
        ),
        explore_link(
            "Calls and prompts",
            "loki",
            {"expr": _CALLS, "queryType": "range"},
            "Each call of the selection; a row opens its trace, and its prompt and answer in Phoenix",
        ),
    ]


def error_steps(settings: Settings) -> panels.Steps:
    """Warning at half of the alert's ratio, red from where the alert fires."""
    ratio = settings.alerts.high_llm_error_rate.ratio
    return ((ratio / 2, panels.WARNING), (ratio, panels.BAD))


def latency_steps(settings: Settings) -> panels.Steps:
    """Warning near the alert's latency, red from where the alert fires. Seconds."""
    limit = settings.alerts.high_llm_latency.p95_seconds
    return ((limit * NEAR_LIMIT, panels.WARNING), (limit, panels.BAD))


def budget_steps() -> panels.Steps:
    """Shares of a budget."""
    return ((NEAR_LIMIT, panels.WARNING), (1.0, panels.BAD))


def budget_gauge() -> Panel:
    return panels.gauge(
        "Budget used today",
        "Spent since midnight UTC as a share of each budget in observability.yml. HighDailyCost fires at 100 %.",
        panels.query(f"{LLM_BUDGET_SPENT} / on (budget) {LLM_BUDGET_LIMIT}", "{{budget}}"),
        unit="percentunit",
        no_value="No budget",
        steps=budget_steps(),
        maximum=1,
        decimals=1,
    )


def alert_window(settings: Settings) -> str:
    """Numbers that stand beside an alert use its window, so that both agree."""
    return settings.alerts.window


def error_share(settings: Settings) -> str:
    """Failed calls of all calls, over the window of the alert."""
    window = alert_window(settings)
    return promql.share(
        promql.rate(promql.series(LLM_REQUESTS, status="error"), window),
        promql.rate(promql.series(LLM_REQUESTS), window),
    )


def error_stat(settings: Settings, title: str) -> Panel:
    """Share of failed calls now, coloured by the limit of HighLLMErrorRate."""
    return panels.stat(
        title,
        f"Share of calls that failed, over {alert_window(settings)}. HighLLMErrorRate fires above "
        f"{settings.alerts.high_llm_error_rate.ratio:.0%}. Empty while nothing is called.",
        panels.query(error_share(settings)),
        unit="percentunit",
        no_value=NO_CALLS,
        steps=error_steps(settings),
        decimals=1,
    )


def latency_stat(settings: Settings, title: str) -> Panel:
    """95th percentile of the latency now, coloured by the limit of HighLLMLatency."""
    window = alert_window(settings)
    return panels.stat(
        title,
        f"19 of 20 calls are faster, over {window}. HighLLMLatency fires above "
        f"{settings.alerts.high_llm_latency.p95_seconds:g} s.",
        panels.query(promql.quantile(0.95, LLM_REQUEST_LATENCY, window=window)),
        unit="s",
        no_value=NO_CALLS,
        steps=latency_steps(settings),
    )
