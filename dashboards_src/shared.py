"""What both dashboards have in common: identifiers, variables, links, the marks of alerts, a panel."""

from dashboards_src import panels, promql
from dashboards_src.foreign import ALERTS
from dashboards_src.grafana import (
    Json,
    Panel,
    constant_variable,
    dashboard_link,
    datasource_variable,
    event_annotation,
    external_link,
    label_variable,
)
from observability.catalogue import LLM_BUDGET_LIMIT, LLM_BUDGET_SPENT, LLM_REQUESTS
from observability.settings import Settings

OVERVIEW_UID = "ai-overview"
LLM_UID = "ai-llm"
#: Warn when this part of a limit is reached.
NEAR_LIMIT = 0.8

NO_CALLS = "No LLM calls"

#: Where a browser finds the pages of Jaeger and Phoenix unless the variables say otherwise.
JAEGER_PUBLIC_URL = "http://localhost:16686"
PHOENIX_PUBLIC_URL = "http://localhost:6006"


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
        constant_variable("jaeger_url", JAEGER_PUBLIC_URL),
        constant_variable("phoenix_url", PHOENIX_PUBLIC_URL),
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
    return [
        dashboard_link(other_title, other_uid, f"The {other_title} dashboard, same time range and filters"),
        external_link("Traces", "${jaeger_url}", "Jaeger: search traces, service performance"),
        external_link("Prompts", "${phoenix_url}", "Phoenix: prompts, answers, retrievals, evaluations"),
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
