"""What recording rules make of the families (alerts/ generates them; nothing exposes them)."""

from __future__ import annotations

from observability.catalogue.family import Family

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

# --- Models ---------------------------------------------------------------------------------------
ML_PREDICTIONS_PER_MINUTE = Family(
    "ml_predictions_per_minute", "recorded", ("model", "version"), "Predictions per minute over 5 minutes."
)
ML_PREDICTION_ERROR_RATE = Family(
    "ml_prediction_error_rate", "recorded", ("model", "version"), "Share of failed predictions over 5 minutes, 0 to 1."
)
ML_PREDICTION_LATENCY_P99 = Family(
    "ml_prediction_latency_seconds:p99_5m",
    "recorded",
    ("model", "version"),
    "99th percentile of the latency of predictions over 5 minutes.",
    "seconds",
)
_BINNED = ("model", "baseline", "feature", "window")
ML_FEATURE_BIN_SAMPLES = Family(
    "ml_feature_bin_samples",
    "recorded",
    ("model", "baseline", "feature", "bin", "window"),
    "Values of a feature in one bin of the baseline within the window, of all replicas.",
)
ML_FEATURE_SAMPLES = Family(
    "ml_feature_samples", "recorded", _BINNED, "Values of a feature in the window, of all replicas."
)
ML_FEATURE_PSI = Family(
    "ml_feature_psi", "recorded", _BINNED, "Population stability index of the window against the baseline."
)
ML_FEATURE_PSI_THRESHOLD = Family(
    "ml_feature_psi_threshold", "recorded", _BINNED, "What the index stays below in 99 % of windows of this size."
)
ML_FEATURE_JENSEN_SHANNON = Family(
    "ml_feature_jensen_shannon", "recorded", _BINNED, "Jensen–Shannon distance (base 2) of the window, 0 to 1."
)
ML_FEATURE_CHI2 = Family(
    "ml_feature_chi2", "recorded", _BINNED, "Statistic of the χ² test of homogeneity of window and baseline."
)
ML_FEATURE_KS_BOUND = Family(
    "ml_feature_ks_bound",
    "recorded",
    _BINNED,
    "Lower bound of the Kolmogorov–Smirnov statistic, from the edges of the bins; numeric features only.",
)

# --- Anomalies of any metric ----------------------------------------------------------------------
_WATCHED = ("watch",)
METRIC_VALUE = Family(
    "watched_metric_value", "recorded", _WATCHED, "Value of a watched metric, with the labels of its expression."
)
METRIC_SCORE = Family(
    "watched_metric_anomaly_score",
    "recorded",
    _WATCHED,
    "How many robust standard deviations a watched metric is from its own past.",
)
METRIC_CHANGE = Family(
    "watched_metric_regression_ratio",
    "recorded",
    _WATCHED,
    "Mean of a watched metric over the last hour against the same hour of the season before.",
)
