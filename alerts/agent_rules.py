"""Alert rules on agents and the tools that they use."""

from __future__ import annotations

from alerts.model import Group
from alerts.promql import series
from alerts.shapes import AGENTS, TOOLS, group, quantile_alert, share_alert
from observability import catalogue
from observability.settings import Settings


def agents(settings: Settings) -> Group:
    """Failing tools, and agents that go round in circles. Raises :class:`SettingsError` as the shapes do."""
    tools, steps = settings.alerts.tool_errors, settings.alerts.agent_steps
    return group(
        settings,
        "agents",
        share_alert(
            settings,
            TOOLS,
            name="LLMToolErrors",
            # An agent sees the error and may find another way; whether a user noticed, other alerts tell.
            severity="warning",
            part=series(catalogue.LLM_TOOL_CALLS, status="error"),
            whole=catalogue.LLM_TOOL_CALLS,
            ratio=tools.ratio,
            least=tools.min_errors,
            for_=tools.for_,
            summary=f"Executions of {TOOLS.who} fail",
            things="executions",
            did="failed",
            short="failed",
        ),
        quantile_alert(
            settings,
            AGENTS,
            name="AgentTooManySteps",
            family=catalogue.LLM_AGENT_STEPS,
            key="alerts.agent_steps.p95_steps",
            limit=steps.p95_steps,
            least=steps.min_runs,
            for_=steps.for_,
            summary=f"Runs of {AGENTS.who} take many steps",
            things="runs",
            did="took up to this many LLM calls and tool executions:",
            in_seconds=False,
        ),
    )
