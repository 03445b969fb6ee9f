"""Agents, tools and RAG: do agents reach their end, in how many steps, and what do the things that they use do."""

from __future__ import annotations

from dashboards_src import lists, measures, panels, promql, rag, shared, verdicts
from dashboards_src.grafana import Json, Line, PrometheusTarget, Section, dashboard, even
from observability.catalogue import (
    LLM_AGENT_DURATION,
    LLM_AGENT_RUNS,
    LLM_AGENT_STEPS,
    LLM_GUARDRAIL_CHECKS,
    LLM_MCP_DURATION,
    LLM_MCP_REQUESTS,
    LLM_TOOL_CALLS,
    LLM_TOOL_DURATION,
    LLM_WORKFLOW_DURATION,
    LLM_WORKFLOW_RUNS,
    RAG_RETRIEVAL_LATENCY,
    Family,
)
from observability.settings import Settings

#: What a panel needs, in the words of the OpenTelemetry conventions; other dialects' spans count the same.
NO_AGENT = "No invoke_agent spans yet"
NO_WORKFLOW = "No invoke_workflow spans yet"
NO_TOOL = "No execute_tool spans yet"
NO_GUARDRAIL = "No guardrail spans yet"
NO_MCP = "No MCP spans yet"

_SECONDS: Json = {"unit": "s"}
_SHARE: Json = {"unit": "percentunit", "decimals": 1}


def build(settings: Settings) -> Json:
    """The dashboard ``ai-agents``."""
    return dashboard(
        uid=shared.AGENTS_UID,
        title="Agents, tools and RAG",
        description="Do agents reach their end, in how many steps, and what do tools, MCP servers and retrievers do.",
        sections=[
            Section("", [_now(settings)]),
            Section("Agents", [_runs(settings), _steps(settings), _agents(settings)]),
            Section("Tools", [_tools(settings), _slowest(settings)]),
            Section("Retrieval", rag.lines(settings)),
            Section("Workflows", [_workflows(settings)]),
            Section("Guardrails and MCP", [_guardrails(settings), _mcp(settings)]),
            Section("Errors in logs", [_logs()]),
        ],
        variables=shared.step_variables(),
        annotations=shared.alert_marks(),
        links=shared.links(shared.AGENTS_UID, filters=("service",)),
        tags=["ai-observability"],
    )


def _now(settings: Settings) -> Line:
    window = settings.alerts.window
    tools = verdicts.half(settings.alerts.tool_errors.ratio)
    return even(
        4,
        panels.stat(
            "Agent runs/min",
            f"Invocations of the selected agents, averaged over {window}.",
            panels.query(f"60 * {promql.total(promql.rate(promql.series(LLM_AGENT_RUNS), window))}"),
            unit="short",
            no_value=NO_AGENT,
            decimals=1,
        ),
        panels.stat(
            "Failed runs",
            f"Share of the invocations of agents that ended in an error, over {window}.",
            panels.query(promql.failed(LLM_AGENT_RUNS, window)),
            unit="percentunit",
            no_value=NO_AGENT,
            steps=verdicts.error_steps(settings),
            decimals=1,
        ),
        panels.stat(
            "Run time p95",
            f"19 of 20 invocations of agents are faster, over {window}.",
            panels.query(promql.quantile(0.95, LLM_AGENT_DURATION, window=window)),
            unit="s",
            no_value=NO_AGENT,
        ),
        panels.stat(
            "Steps per run p95",
            f"Model calls and tool executions inside one invocation; 19 of 20 need fewer, over {window}. An agent that "
            "runs in circles shows here first.",
            panels.query(promql.quantile(0.95, LLM_AGENT_STEPS, window=window)),
            unit="short",
            no_value=NO_AGENT,
            steps=verdicts.near(settings.alerts.agent_steps.p95_steps),
            decimals=0,
        ),
        panels.stat(
            "Tool errors",
            f"Share of the executions of tools that failed, over {window}.",
            panels.query(promql.failed(LLM_TOOL_CALLS, window)),
            unit="percentunit",
            no_value=NO_TOOL,
            steps=tools,
            decimals=1,
        ),
        panels.stat(
            "Retrieval p95",
            f"19 of 20 retrievals are faster, over {window}.",
            panels.query(promql.quantile(0.95, RAG_RETRIEVAL_LATENCY, window=window)),
            unit="s",
            no_value=rag.NO_RETRIEVAL,
        ),
    )


def _runs(settings: Settings) -> Line:
    return even(
        8,
        measures.per_minute(
            "Runs per minute by agent",
            "Invocations of each agent; the height of the stack is the total.",
            LLM_AGENT_RUNS,
            "agent",
            no_value=NO_AGENT,
        ),
        measures.failed(
            "Failed runs by agent",
            "Share of the invocations of each agent that ended in an error. A tool that fails and is tried again is "
            "no failed run.",
            LLM_AGENT_RUNS,
            "agent",
            window=settings.alerts.window,
            no_value=NO_AGENT,
        ),
        measures.quantiles(
            "Run time",
            "Duration of an invocation of an agent, all that it called included.",
            LLM_AGENT_DURATION,
            (0.5, 0.95),
            unit="s",
            no_value=NO_AGENT,
        ),
    )


def _steps(settings: Settings) -> Line:
    return even(
        9,
        measures.distribution(
            "Run time distribution",
            "How many runs took how long. A second band is a second kind of task, or waiting for a limit.",
            LLM_AGENT_DURATION,
            unit="s",
            no_value=NO_AGENT,
        ),
        measures.quantiles(
            "Steps per run",
            "Model calls and tool executions of one run. Dashed: where AgentTooManySteps begins.",
            LLM_AGENT_STEPS,
            (0.5, 0.95),
            unit="short",
            no_value=NO_AGENT,
            steps=((settings.alerts.agent_steps.p95_steps, panels.BAD),),
        ),
        measures.distribution(
            "Distribution of steps",
            "How many runs needed how many steps. What wanders upwards is an agent that no longer finds its end.",
            LLM_AGENT_STEPS,
            unit="none",
            no_value=NO_AGENT,
        ),
    )


def _agents(settings: Settings) -> Line:
    by, window = ("service", "agent"), promql.RANGE
    runs = promql.total(promql.increase(promql.series(LLM_AGENT_RUNS)), by)

    def of(family: Family, q: float) -> PrometheusTarget:
        return panels.cells(f"{promql.quantile(q, family, by, window)} >= 0")

    failing: Json = {"links": [shared.traces_of("Service", failed=True)]}
    slow_steps = verdicts.near(settings.alerts.agent_steps.p95_steps)
    table = lists.table(
        "Agents",
        "Every agent over the time range. Click an agent for the traces of its service, a share of failed runs for the "
        "failed ones.",
        by={
            "service": lists.Label("Service", 200),
            "agent": lists.Label("Agent", 200, [shared.traces_of("Service")]),
        },
        columns=[
            lists.Column(
                "Runs", 150, panels.cells(f"{runs} > 0"), {"unit": "locale", "decimals": 0, **lists.cell_bar("blue")}
            ),
            lists.Column(
                "Failed",
                90,
                panels.cells(promql.failed(LLM_AGENT_RUNS, window, by)),
                {**_SHARE, **failing, **lists.cell_color(verdicts.error_steps(settings))},
            ),
            lists.Column("p50", 90, of(LLM_AGENT_DURATION, 0.5), _SECONDS),
            lists.Column("p95", 90, of(LLM_AGENT_DURATION, 0.95), _SECONDS),
            lists.Column("Steps p50", 100, of(LLM_AGENT_STEPS, 0.5), {"unit": "none", "decimals": 1}),
            lists.Column(
                "Steps p95",
                100,
                of(LLM_AGENT_STEPS, 0.95),
                {"unit": "none", "decimals": 1, **lists.cell_color(slow_steps)},
            ),
        ],
        sort="Runs",
        no_value=NO_AGENT,
    )
    return even(7, table)


def _tools(settings: Settings) -> Line:
    return even(
        8,
        measures.per_minute(
            "Tool calls per minute",
            "Executions of each tool; the height of the stack is the total.",
            LLM_TOOL_CALLS,
            "tool",
            no_value=NO_TOOL,
        ),
        measures.failed(
            "Tool errors by tool",
            "Share of the executions of each tool that failed. Dashed: where LLMToolErrors begins.",
            LLM_TOOL_CALLS,
            "tool",
            window=settings.alerts.window,
            no_value=NO_TOOL,
            limit=settings.alerts.tool_errors.ratio,
        ),
        measures.quantile_by(
            "Tool latency p95 by tool",
            "19 of 20 executions of each tool are faster. A point is one of them: click it to see its trace.",
            LLM_TOOL_DURATION,
            "tool",
            unit="s",
            no_value=NO_TOOL,
        ),
    )


def _slowest(settings: Settings) -> Line:
    by, window = ("service", "tool"), promql.RANGE
    calls = promql.total(promql.increase(promql.series(LLM_TOOL_CALLS)), by)
    failing: Json = {"links": [shared.traces_of("Service", failed=True)]}
    waited = promql.total(promql.increase(promql.series(LLM_TOOL_DURATION, part="sum")), by)

    def quantile(q: float) -> PrometheusTarget:
        return panels.cells(f"{promql.quantile(q, LLM_TOOL_DURATION, by, window)} >= 0")

    table = lists.table(
        "Slowest tools",
        "Every tool over the time range, slowest first. Waited is the time of all its executions together. Click a "
        "tool for the traces of its service, a share of errors for the failed ones.",
        by={
            "service": lists.Label("Service", 200),
            "tool": lists.Label("Tool", 200, [shared.traces_of("Service")]),
        },
        columns=[
            lists.Column("p95", 90, quantile(0.95), _SECONDS),
            lists.Column("p50", 90, quantile(0.5), _SECONDS),
            lists.Column(
                "Calls", 150, panels.cells(f"{calls} > 0"), {"unit": "locale", "decimals": 0, **lists.cell_bar("blue")}
            ),
            lists.Column(
                "Errors",
                90,
                panels.cells(promql.failed(LLM_TOOL_CALLS, window, by)),
                {**_SHARE, **failing, **lists.cell_color(verdicts.half(settings.alerts.tool_errors.ratio))},
            ),
            lists.Column("Waited", 150, panels.cells(waited), {**_SECONDS, **lists.cell_bar("blue")}),
        ],
        sort="p95",
        no_value=NO_TOOL,
    )
    return even(8, table)


def _workflows(settings: Settings) -> Line:
    return even(
        8,
        measures.per_minute(
            "Workflow runs per minute",
            "Runs of each workflow or chain; the height of the stack is the total.",
            LLM_WORKFLOW_RUNS,
            "workflow",
            no_value=NO_WORKFLOW,
        ),
        measures.failed(
            "Failed workflow runs",
            "Share of the runs of each workflow that ended in an error.",
            LLM_WORKFLOW_RUNS,
            "workflow",
            window=settings.alerts.window,
            no_value=NO_WORKFLOW,
        ),
        measures.quantile_by(
            "Workflow run time p95",
            "19 of 20 runs of each workflow are faster. A point is one of them: click it to see its trace.",
            LLM_WORKFLOW_DURATION,
            "workflow",
            unit="s",
            no_value=NO_WORKFLOW,
        ),
    )


def _guardrails(settings: Settings) -> Line:
    window = settings.alerts.window
    triggered = promql.rate(promql.series(LLM_GUARDRAIL_CHECKS, outcome="triggered"), window)
    every = promql.rate(promql.series(LLM_GUARDRAIL_CHECKS), window)
    return even(
        8,
        measures.per_minute(
            "Guardrail checks per minute",
            "What the checks of all guardrails ended in: passed, triggered, or failed themselves.",
            LLM_GUARDRAIL_CHECKS,
            "outcome",
            no_value=NO_GUARDRAIL,
            colors=panels.OUTCOMES,
        ),
        panels.chart(
            "Triggered guardrails",
            "Share of the checks of each guardrail that it triggered at.",
            panels.query(promql.share(triggered, every, ("guardrail",)), "{{guardrail}}"),
            unit="percentunit",
            no_value=NO_GUARDRAIL,
        ),
    )


def _mcp(settings: Settings) -> Line:
    return even(
        8,
        measures.per_minute(
            "MCP requests per minute",
            "Requests of the Model Context Protocol by method, such as tools/call; the height is the total.",
            LLM_MCP_REQUESTS,
            "method",
            no_value=NO_MCP,
        ),
        measures.failed(
            "MCP errors by method",
            "Share of the requests of each method that failed.",
            LLM_MCP_REQUESTS,
            "method",
            window=settings.alerts.window,
            no_value=NO_MCP,
        ),
        measures.quantile_by(
            "MCP latency p95 by method",
            "19 of 20 requests of each method are faster. A point is one of them: click it to see its trace.",
            LLM_MCP_DURATION,
            "method",
            unit="s",
            no_value=NO_MCP,
        ),
    )


def _logs() -> Line:
    panel = lists.logs(
        "Errors in logs of these services",
        "Lines of level error or worse from the selected services. A trace id opens its trace.",
        # Loki wants one matcher that the empty string does not fit.
        '{service_name=~".+", service_name=~"$service", job!="interactions"} | detected_level=~"error|critical|fatal"',
        no_value="No error was logged in this range",
    )
    return even(8, panel)
