"""The single list of metric families: name, type, labels, unit and help.

Exporter code, dashboards, alert rules and the docs table all take names from here, so a renamed
metric fails when the dashboards and rules are generated and never shows as "No data".

Names follow the Prometheus naming conventions and are written as PromQL sees them (a counter ends
in ``_total``). Histogram boundaries of client-side GenAI durations are those that the OpenTelemetry
GenAI metric conventions advise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricType = Literal["counter", "gauge", "histogram", "info", "recorded"]

#: Seconds; advised by the OpenTelemetry GenAI conventions for ``gen_ai.client.operation.duration``, with 30 s
#: (the default latency objective) and a long tail for agents added.
DURATION_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 30.0, 40.96, 81.92)
#: Seconds; advised for ``gen_ai.server.time_to_first_token``, with the tail that hosted models show.
TTFT_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0)
#: Seconds; advised for ``gen_ai.server.time_per_output_token``.
TPOT_BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
#: Seconds; advised for ``gen_ai.invoke_agent.duration``, with the tail of ``gen_ai.invoke_workflow.duration``.
AGENT_BUCKETS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6, 1800.0, 7200.0)
#: Advised for ``gen_ai.invoke_agent.inference_calls`` and ``.tool_calls``.
STEP_BUCKETS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
#: Documents of one retrieval.
DOCUMENT_BUCKETS = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
#: Scores of documents and evaluations, most of which lie between 0 and 1.
SCORE_BUCKETS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
#: Seconds; advised for ``mcp.client.operation.duration``.
MCP_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
#: Seconds; from span end to the moment when its numbers can be scraped.
LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family.

    ``name`` is the name in PromQL; ``labels`` the complete, ordered label names; ``unit`` the OpenMetrics
    unit (``""`` for none); ``buckets`` upper bounds without ``+Inf``, for histograms only.
    """

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str
    unit: str = ""
    buckets: tuple[float, ...] = ()
    exemplars: bool = False

    def __post_init__(self) -> None:
        if self.type == "counter" and not self.name.endswith("_total"):
            raise ValueError(f"counter {self.name} must end in _total")
        if (self.type == "histogram") != bool(self.buckets):
            raise ValueError(f"{self.name}: buckets belong to histograms, and every histogram has some")

    def __str__(self) -> str:
        return self.name

    @property
    def bucket(self) -> str:
        """PromQL name of the bucket series of a histogram."""
        return self._part("bucket")

    @property
    def sum(self) -> str:
        """PromQL name of the sum series of a histogram."""
        return self._part("sum")

    @property
    def count(self) -> str:
        """PromQL name of the count series of a histogram."""
        return self._part("count")

    def _part(self, suffix: str) -> str:
        if self.type != "histogram":
            raise ValueError(f"{self.name} is a {self.type}, not a histogram")
        return f"{self.name}_{suffix}"


_CALL = ("service", "provider", "model", "operation")

# --- LLM calls ------------------------------------------------------------------------------------
LLM_REQUESTS = Family(
    "llm_requests_total",
    "counter",
    (*_CALL, "status"),
    "LLM calls by outcome (status: success or error).",
)
LLM_ERRORS = Family("llm_errors_total", "counter", (*_CALL, "error_type"), "Failed LLM calls by kind of error.")
LLM_REQUEST_LATENCY = Family(
    "llm_request_latency_seconds",
    "histogram",
    _CALL,
    "Duration of an LLM call as the client saw it.",
    "seconds",
    DURATION_BUCKETS,
    exemplars=True,
)
LLM_TIME_TO_FIRST_TOKEN = Family(
    "llm_time_to_first_token_seconds",
    "histogram",
    _CALL,
    "Time until the first chunk of a streamed answer.",
    "seconds",
    TTFT_BUCKETS,
    exemplars=True,
)
LLM_TIME_PER_OUTPUT_TOKEN = Family(
    "llm_time_per_output_token_seconds",
    "histogram",
    _CALL,
    "Time per output token after the first one of a streamed answer.",
    "seconds",
    TPOT_BUCKETS,
    exemplars=True,
)
LLM_TOKEN_USAGE = Family(
    "llm_token_usage_total",
    "counter",
    ("service", "provider", "model", "type"),
    "Tokens by disjoint type (input, cache_read, cache_write, output, reasoning); their sum is the total.",
)
LLM_TOKEN_COST = Family(
    "llm_token_cost_usd_total",
    "counter",
    ("service", "provider", "model", "type", "source"),
    "Cost in US dollars by token type and by where the price came from (provider, price_list, override).",
)
LLM_DAILY_COST = Family("llm_daily_cost_usd", "gauge", ("model", "date"), "Cost of a UTC day in US dollars.")
LLM_UNPRICED_REQUESTS = Family(
    "llm_unpriced_requests_total",
    "counter",
    ("provider", "model"),
    "LLM calls whose cost is unknown because no price list names the model; never counted as $0.",
)
LLM_STREAMING_REQUESTS = Family(
    "llm_streaming_requests_total",
    "counter",
    ("service", "provider", "model"),
    "LLM calls whose answer was streamed.",
)
LLM_REQUESTS_WITHOUT_USAGE = Family(
    "llm_requests_without_usage_total",
    "counter",
    ("service", "provider", "model", "estimated"),
    "Successful LLM calls whose span brought no token usage; estimated: true if the content allowed an estimate.",
)
LLM_ESTIMATED_TOKENS = Family(
    "llm_estimated_tokens_total",
    "counter",
    ("service", "provider", "model", "type"),
    "Tokens estimated from the content of calls whose usage nobody reported; not part of llm_token_usage_total.",
)
LLM_ESTIMATED_COST = Family(
    "llm_estimated_cost_usd_total",
    "counter",
    ("service", "provider", "model"),
    "Cost in US dollars of estimated tokens; not part of llm_token_cost_usd_total, but of budgets and daily cost.",
)
LLM_CACHE_SAVINGS = Family(
    "llm_cache_savings_usd_total",
    "counter",
    ("service", "provider", "model"),
    "US dollars that tokens read from the provider's prompt cache would have cost more as plain input.",
)
LLM_DIMENSION_REQUESTS = Family(
    "llm_dimension_requests_total",
    "counter",
    ("dimension", "value", "status"),
    "LLM calls by the value of a dimension of observability.yml, such as team.",
)
LLM_DIMENSION_COST = Family(
    "llm_dimension_cost_usd_total",
    "counter",
    ("dimension", "value"),
    "Cost in US dollars by the value of a dimension of observability.yml, such as team.",
)
LLM_BUDGET_LIMIT = Family("llm_budget_limit_usd", "gauge", ("budget",), "Limit of a budget in US dollars.")
LLM_BUDGET_SPENT = Family(
    "llm_budget_spent_usd",
    "gauge",
    ("budget",),
    "Spent in the running period of a budget, in US dollars.",
)

LLM_BUDGET_SPENDING = Family(
    "llm_budget_spending_usd_total",
    "counter",
    ("budget",),
    "US dollars spent on calls of a budget, ever increasing: the rate that burn and forecast are made of.",
)
LLM_BUDGET_START = Family(
    "llm_budget_period_start_seconds", "gauge", ("budget",), "Unix time at which the running period began.", "seconds"
)
LLM_BUDGET_END = Family(
    "llm_budget_period_end_seconds", "gauge", ("budget",), "Unix time at which the running period ends.", "seconds"
)

# --- Agents and tools -----------------------------------------------------------------------------
LLM_TOOL_CALLS = Family("llm_tool_calls_total", "counter", ("service", "tool", "status"), "Executions of tools.")
LLM_TOOL_DURATION = Family(
    "llm_tool_duration_seconds",
    "histogram",
    ("service", "tool"),
    "Duration of a tool's execution.",
    "seconds",
    DURATION_BUCKETS,
    exemplars=True,
)
LLM_AGENT_RUNS = Family("llm_agent_runs_total", "counter", ("service", "agent", "status"), "Invocations of agents.")
LLM_AGENT_DURATION = Family(
    "llm_agent_duration_seconds",
    "histogram",
    ("service", "agent"),
    "Duration of an agent's invocation.",
    "seconds",
    AGENT_BUCKETS,
    exemplars=True,
)
LLM_AGENT_STEPS = Family(
    "llm_agent_steps",
    "histogram",
    ("service", "agent"),
    "LLM calls and tool executions inside one invocation of an agent, those of agents inside it included.",
    "",
    STEP_BUCKETS,
    exemplars=True,
)
LLM_WORKFLOW_RUNS = Family(
    "llm_workflow_runs_total", "counter", ("service", "workflow", "status"), "Runs of workflows and chains."
)
LLM_WORKFLOW_DURATION = Family(
    "llm_workflow_duration_seconds",
    "histogram",
    ("service", "workflow"),
    "Duration of a run of a workflow or chain.",
    "seconds",
    AGENT_BUCKETS,
    exemplars=True,
)
LLM_GUARDRAIL_CHECKS = Family(
    "llm_guardrail_checks_total",
    "counter",
    ("service", "guardrail", "outcome"),
    "Checks of guardrails by outcome (passed, triggered, error).",
)
LLM_MCP_REQUESTS = Family(
    "llm_mcp_requests_total",
    "counter",
    ("service", "method", "status"),
    "Requests of the Model Context Protocol by method.",
)
LLM_MCP_DURATION = Family(
    "llm_mcp_duration_seconds",
    "histogram",
    ("service", "method"),
    "Duration of a request of the Model Context Protocol.",
    "seconds",
    MCP_BUCKETS,
    exemplars=True,
)

# --- Evaluations ----------------------------------------------------------------------------------
LLM_EVALUATION_SCORE = Family(
    "llm_evaluation_score",
    "histogram",
    ("service", "model", "evaluation"),
    "Scores of evaluations that telemetry brought (gen_ai.evaluation.result events, OpenInference evaluations).",
    "",
    SCORE_BUCKETS,
    exemplars=True,
)
LLM_EVALUATIONS = Family(
    "llm_evaluations_total",
    "counter",
    ("service", "model", "evaluation", "label"),
    "Evaluations by the label that they gave; 'none' without one, 'error' for an evaluation that failed.",
)

# --- Retrieval ------------------------------------------------------------------------------------
RAG_RETRIEVAL_LATENCY = Family(
    "rag_retrieval_latency_seconds",
    "histogram",
    ("service", "retriever"),
    "Duration of a retrieval.",
    "seconds",
    DURATION_BUCKETS,
    exemplars=True,
)

RAG_RETRIEVALS = Family(
    "rag_retrievals_total", "counter", ("service", "retriever", "status"), "Retrievals of documents."
)
RAG_RETRIEVED_DOCUMENTS = Family(
    "rag_retrieved_documents",
    "histogram",
    ("service", "retriever"),
    "Documents that one retrieval returned.",
    "",
    DOCUMENT_BUCKETS,
    exemplars=True,
)
RAG_DOCUMENT_SCORE = Family(
    "rag_document_score",
    "histogram",
    ("service", "retriever"),
    "Scores of retrieved documents, on the scale of the retriever.",
    "",
    SCORE_BUCKETS,
)
RAG_RERANK_LATENCY = Family(
    "rag_rerank_latency_seconds",
    "histogram",
    ("service", "reranker"),
    "Duration of a reranking.",
    "seconds",
    DURATION_BUCKETS,
    exemplars=True,
)

# --- Drift ----------------------------------------------------------------------------------------
DATA_DRIFT_DETECTED = Family(
    "data_drift_detected",
    "gauge",
    ("model",),
    "1 while the dataset of a model is judged drifted, else 0; absent without data.",
)

# --- The sidecar on itself ------------------------------------------------------------------------
EXPORTER_BUILD = Family("exporter_build_info", "gauge", ("version", "python"), "Version of the exporter; always 1.")
EXPORTER_PRICE_LIST = Family(
    "exporter_price_list_info",
    "gauge",
    ("source", "version"),
    "Price list in use; always 1.",
)
EXPORTER_PRICE_LIST_TIMESTAMP = Family(
    "exporter_price_list_timestamp_seconds",
    "gauge",
    (),
    "Unix time of the newest change of the price list in use.",
    "seconds",
)
EXPORTER_RECEIVED = Family(
    "exporter_received_total", "counter", ("signal",), "Items accepted (spans, log records, notifications)."
)
EXPORTER_REJECTED = Family(
    "exporter_rejected_total", "counter", ("signal", "reason"), "Items or bodies refused, by reason."
)
EXPORTER_LAG = Family(
    "exporter_span_lag_seconds",
    "histogram",
    (),
    "Time from the end of a span to its numbers being exposed.",
    "seconds",
    LAG_BUCKETS,
)
EXPORTER_QUEUE = Family("exporter_queue_items", "gauge", ("queue",), "Items waiting in a bounded queue.")
EXPORTER_FOLDED = Family(
    "exporter_folded_series_total",
    "counter",
    ("family", "label"),
    "Samples whose label value was folded into 'other' because the label had reached its limit.",
)
EXPORTER_SERIES = Family("exporter_series", "gauge", ("family",), "Series that a family exposes now.")
EXPORTER_RETIRED = Family(
    "exporter_retired_series_total",
    "counter",
    ("family",),
    "Series that were taken off the page because they had not moved for limits.idle_series.",
)
EXPORTER_DUPLICATES = Family(
    "exporter_duplicate_spans_total",
    "counter",
    ("reason",),
    "Spans that speak of a call that is counted already: same_span, same_call (response id, nesting or time), wrapper.",
)
EXPORTER_UNTRANSLATED = Family(
    "exporter_untranslated_attributes_total",
    "counter",
    ("attribute",),
    "Attributes in a GenAI namespace that no dialect table understands.",
)
EXPORTER_MASKED = Family(
    "exporter_masked_values_total", "counter", ("kind",), "Personal data and secrets masked before writing, by kind."
)
EXPORTER_MASKING_FAILURES = Family(
    "exporter_masking_failures_total", "counter", (), "Contents that could not be masked and were dropped therefore."
)
EXPORTER_INTERACTIONS = Family(
    "exporter_interactions_total",
    "counter",
    ("outcome",),
    "Rows of the interaction log by outcome (written, sampled_out, dropped).",
)
EXPORTER_NOTIFICATIONS = Family(
    "exporter_notifications_total",
    "counter",
    ("status", "severity"),
    "Alerts that reached the local webhook receiver from Alertmanager.",
)
EXPORTER_PROBE_SUCCESS = Family(
    "exporter_probe_success",
    "gauge",
    ("target",),
    "1 if a component without a metrics page answered its health endpoint, else 0.",
)

# --- Recording rules (alerts/ generates them; nothing exposes them) --------------------------------
LLM_REQUESTS_PER_MINUTE = Family(
    "llm_requests_per_minute",
    "recorded",
    ("service", "provider", "model"),
    "LLM calls per minute over 5 minutes.",
)
LLM_ERROR_RATE = Family(
    "llm_error_rate",
    "recorded",
    ("service", "provider", "model"),
    "Share of failed LLM calls over 5 minutes, 0 to 1.",
)
LLM_LATENCY_P95 = Family(
    "llm_request_latency_seconds:p95_5m",
    "recorded",
    ("service", "provider", "model"),
    "95th percentile of the latency of LLM calls over 5 minutes.",
    "seconds",
)
LLM_COST_PER_HOUR = Family(
    "llm_cost_usd_per_hour",
    "recorded",
    ("service", "provider", "model"),
    "Spending rate over 5 minutes in US dollars per hour, estimated cost included.",
)

LLM_TTFT_P95 = Family(
    "llm_time_to_first_token_seconds:p95_5m",
    "recorded",
    ("service", "provider", "model"),
    "95th percentile of the time to first token over 5 minutes.",
    "seconds",
)
LLM_COST_PER_REQUEST = Family(
    "llm_cost_usd_per_request",
    "recorded",
    ("service", "provider", "model"),
    "Mean cost of an LLM call over one hour in US dollars, estimated cost included.",
)
LLM_COST_PER_1K_TOKENS = Family(
    "llm_cost_usd_per_1k_tokens",
    "recorded",
    ("service", "provider", "model"),
    "Mean cost of a thousand tokens over one hour in US dollars.",
)
LLM_CACHE_HIT_RATIO = Family(
    "llm_cache_hit_ratio",
    "recorded",
    ("service", "provider", "model"),
    "Share of the input tokens that came from the provider's prompt cache over 5 minutes, 0 to 1.",
)
LLM_BUDGET_BURN_RATE = Family(
    "llm_budget_burn_rate",
    "recorded",
    ("budget",),
    "Spending of the last hour against the even pace of the budget: at 1 the budget lasts exactly its period.",
)
LLM_BUDGET_FORECAST = Family(
    "llm_budget_forecast_usd",
    "recorded",
    ("budget",),
    "US dollars that will be spent at the end of the running period if the pace of the last six hours holds "
    "(of the last day for budgets of a week or month).",
)
LLM_TOOL_ERROR_RATE = Family(
    "llm_tool_error_rate",
    "recorded",
    ("service", "tool"),
    "Share of failed tool executions over 5 minutes, 0 to 1.",
)

FAMILIES: tuple[Family, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Family))
BY_NAME: dict[str, Family] = {family.name: family for family in FAMILIES}
EXPOSED: tuple[Family, ...] = tuple(family for family in FAMILIES if family.type != "recorded")
RECORDED: tuple[Family, ...] = tuple(family for family in FAMILIES if family.type == "recorded")

if len(BY_NAME) != len(FAMILIES):
    raise RuntimeError("two families share a name")

#: Closed vocabulary of ``error_type``.
ERROR_TYPES = (
    "rate_limit_exceeded",
    "invalid_request",
    "timeout",
    "content_filter",
    "model_not_found",
    "authentication",
    "server_error",
    "other",
)
#: Closed vocabulary of the ``type`` label of token families: disjoint, so their sum is the total.
TOKEN_TYPES = ("input", "cache_read", "cache_write", "output", "reasoning")
