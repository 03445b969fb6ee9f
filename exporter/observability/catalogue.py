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
LLM_BUDGET_LIMIT = Family("llm_budget_limit_usd", "gauge", ("budget",), "Limit of a budget in US dollars.")
LLM_BUDGET_SPENT = Family(
    "llm_budget_spent_usd",
    "gauge",
    ("budget",),
    "Spent in the running period of a budget, in US dollars.",
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
EXPORTER_RECEIVED = Family("exporter_received_total", "counter", ("signal",), "Items accepted (spans, notifications).")
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
EXPORTER_INTERACTIONS = Family(
    "exporter_interactions_total",
    "counter",
    ("outcome",),
    "Rows of the interaction log by outcome (written, dropped).",
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
    "Spending rate over 5 minutes in US dollars per hour.",
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
