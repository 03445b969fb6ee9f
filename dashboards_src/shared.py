"""What all dashboards have in common: identifiers, variables, links, the marks of alerts."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards_src import panels, promql
from dashboards_src.foreign import ALERTS
from dashboards_src.grafana import (
    Json,
    dashboard_data_link,
    dashboard_link,
    datasource_variable,
    event_annotation,
    explore_data_link,
    explore_link,
    label_variable,
    row_data_link,
)
from observability.catalogue import (
    LLM_AGENT_RUNS,
    LLM_DIMENSION_COST,
    LLM_GUARDRAIL_CHECKS,
    LLM_MCP_REQUESTS,
    LLM_REQUESTS,
    LLM_TOOL_CALLS,
    LLM_WORKFLOW_RUNS,
    ML_DATA_QUALITY_VALUES,
    ML_DRIFT_ALARMS,
    ML_PREDICTIONS,
    RAG_RETRIEVALS,
    Family,
)
from observability.settings import Settings

OVERVIEW_UID, LLM_UID, COST_UID, AGENTS_UID = "ai-overview", "ai-llm", "ai-cost", "ai-agents"
MODELS_UID, DRIFT_UID = "ai-models", "ai-drift"
#: Every dashboard and how links to it are called, in the order in which one reads them.
BOARDS = {
    OVERVIEW_UID: "Overview",
    LLM_UID: "LLM",
    COST_UID: "Cost",
    AGENTS_UID: "Agents",
    MODELS_UID: "Models",
    DRIFT_UID: "Drift",
}
#: Those whose ``$model`` is a model that sends its predictions; on the others it is one that answers prompts.
PREDICTING = frozenset({MODELS_UID, DRIFT_UID})

NO_CALLS = "No LLM calls in this range"
NO_STREAM = "No streamed answer in this range"
NO_PREDICTION = "No predictions yet"
NO_BASELINE = "No baseline or too few predictions"


def _variable(name: str, family: Family, label: str, description: str, after: Sequence[str] = ()) -> Json:
    """Lists only the values that the variables ``after`` leave."""
    return label_variable(
        name,
        f"label_values({promql.series(family, filters=after)}, {name})",
        label=label,
        description=description,
    )


def call_variables() -> list[Json]:
    """``$ds`` and the filters of model calls; each lists only what the ones before it leave."""
    return [
        datasource_variable(),
        _variable("service", LLM_REQUESTS, "Service", "service.name of the app that calls a model"),
        _variable("provider", LLM_REQUESTS, "Provider", "Who serves the model", ("service",)),
        _variable("model", LLM_REQUESTS, "Model", "The model that answered", ("service", "provider")),
    ]


def dimension_variable(settings: Settings) -> list[Json]:
    """``$dimension``: one of the dimensions of observability.yml, because each of them has all the money."""
    if not settings.dimensions:
        return []
    return [
        label_variable(
            "dimension",
            f"label_values({LLM_DIMENSION_COST.name}, dimension)",
            label="Dimension",
            description="Attribute of observability.yml that money is kept by; filters the panels on dimensions",
            only=settings.dimensions[0].name,
        )
    ]


def step_variables() -> list[Json]:
    """``$ds`` and the filters of what happens around model calls; each narrows the panels about its own kind."""
    kinds = (LLM_AGENT_RUNS, LLM_WORKFLOW_RUNS, LLM_TOOL_CALLS, LLM_GUARDRAIL_CHECKS, LLM_MCP_REQUESTS, RAG_RETRIEVALS)
    return [
        datasource_variable(),
        label_variable(
            "service",
            f"label_values({promql.any_of(kinds)}, service)",
            label="Service",
            description="service.name of the app that runs agents, tools or retrievals",
        ),
        _variable("agent", LLM_AGENT_RUNS, "Agent", "Filters the panels about agents", ("service",)),
        _variable("tool", LLM_TOOL_CALLS, "Tool", "Filters the panels about tools", ("service",)),
        _variable("retriever", RAG_RETRIEVALS, "Retriever", "Filters the panels about retrievals", ("service",)),
    ]


def model_variables() -> list[Json]:
    """``$ds`` and the models that predict, with their versions."""
    return [
        datasource_variable(),
        _variable("model", ML_PREDICTIONS, "Model", "The model that predicts"),
        _variable("version", ML_PREDICTIONS, "Version", "Its version, unknown where none is sent", ("model",)),
    ]


def drift_variables() -> list[Json]:
    """The same, and the features that are watched."""
    description = "An input of the model; @prediction and @confidence are its output"
    return [
        *model_variables(),
        _variable("feature", ML_DATA_QUALITY_VALUES, "Feature", description, ("model", "version")),
    ]


def drift_marks() -> list[Json]:
    """A mark where the sequential test of a feature raised an alarm."""
    alarms = promql.increase(promql.series(ML_DRIFT_ALARMS, filters=("model", "version")), "1m")
    return [
        event_annotation(
            "Drift alarms",
            f"{promql.total(alarms, ('model', 'feature'))} > 0",
            color=panels.WARNING,
            title="Drift of {{feature}}",
            text="{{model}} no longer gets the data of its baseline",
            tags="model,feature",
        )
    ]


def alert_marks(*filters: str) -> list[Json]:
    """A mark where an alert begins to fire; not a band for as long as it does. ``filters`` are variables that hold."""
    chosen = "".join(f', {name}=~"${name}"' for name in filters)
    firing = f'{ALERTS}{{alertstate="firing", severity=~"critical|warning"{chosen}}}'
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


def links(uid: str, *, filters: Sequence[str] = ("service", "provider", "model")) -> list[object]:
    """To the other dashboards, and to Explore: it is at a known address whatever the ports of Jaeger and Phoenix are.

    From a row in Explore the data sources' own links lead on; provisioning knows the public addresses. ``filters`` are
    the variables of the dashboard that calls can be chosen by; without any there is no link to Explore.
    """
    return [
        *(
            dashboard_link(
                title,
                other,
                f"The {title} dashboard, same time range and filters",
                variables=(other in PREDICTING) is (uid in PREDICTING),
            )
            for other, title in BOARDS.items()
            if other != uid
        ),
        *(_explored(filters) if filters else ()),
    ]


def _explored(filters: Sequence[str]) -> list[object]:
    return [
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
            {"expr": _calls(filters), "queryType": "range"},
            "Each call of the selection; a row opens its trace, and its prompt and answer in Phoenix",
        ),
    ]


def _calls(filters: Sequence[str]) -> str:
    """Rows of the interaction log as one line each. The provider is no label of Loki's, so it is parsed first."""
    chosen = {name: f'{name}=~"${{{name}:pipe}}"' for name in filters}
    labels = "".join(f", {chosen[name]}" for name in ("service", "model") if name in chosen)
    provider = f" | {chosen['provider']}" if "provider" in chosen else ""
    line = "{{.service}}  {{.model}}  {{.operation}}  {{.status}}  {{.latency_seconds}} s"
    return f'{{job="interactions"{labels}}} | json{provider} | line_format "{line}"'


def traces_of(column: str, *, failed: bool = False) -> Json:
    """Data link of a table's cell: the traces of the service in ``column``, newest first."""
    search = {"queryType": "search", "service": f"${{__data.fields.{column}}}", "limit": 50}
    if failed:
        return explore_data_link("Failed traces", "jaeger", {**search, "tags": "error=true"})
    return explore_data_link("Traces", "jaeger", search)


def board_data_link(uid: str, variables: Sequence[str] = ("service",)) -> Json:
    """Data link of a number: the dashboard that says more about it."""
    return dashboard_data_link(f"Open {BOARDS[uid]}", uid, variables)


def row_link(uid: str, **columns: str) -> Json:
    """Data link of a table's cell: another dashboard, its variables set from the columns of the row."""
    return row_data_link(f"Open {BOARDS[uid]}", uid, columns)
