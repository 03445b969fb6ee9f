"""LLM calls, agents, tools, retrieval and evaluations."""

from __future__ import annotations

from observability.catalogue.family import Family

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
