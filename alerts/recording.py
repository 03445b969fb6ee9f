"""Recording rules: exactly the families that the catalogue calls ``recorded``.

Their names promise a range, so it is fixed and not ``alerts.window``. A series without data in the range is absent,
never ``NaN``: ``max()`` and ``avg()`` over the series stay usable and a chart shows a gap.
"""

from __future__ import annotations

from alerts import budgets, drift_rules, watch_rules
from alerts.model import SLOW_INTERVAL, Group, RecordingRule
from alerts.promql import quantile, rate, series, share, total
from alerts.shapes import CALLS, PROMPT_TOKENS, TOOLS
from observability import catalogue
from observability.settings import Duration, Settings

WINDOW: Duration = "5m"
#: Over five minutes the mean cost of a rarely used model would jump with every call.
MEAN_COST_WINDOW: Duration = "1h"


def of_calls() -> tuple[RecordingRule, ...]:
    """Rates, ratios and quantiles of calls and tools."""
    by = CALLS.labels
    requests, tokens, tools = catalogue.LLM_REQUESTS, catalogue.LLM_TOKEN_USAGE, catalogue.LLM_TOOL_CALLS
    return (
        RecordingRule(catalogue.LLM_REQUESTS_PER_MINUTE, f"60 * {rate(requests, WINDOW, by)}"),
        RecordingRule(catalogue.LLM_ERROR_RATE, share(series(requests, status="error"), requests, WINDOW, by)),
        # ">= 0" is false for NaN, which is what a quantile of no calls is.
        RecordingRule(catalogue.LLM_LATENCY_P95, f"{quantile(0.95, catalogue.LLM_REQUEST_LATENCY, WINDOW, by)} >= 0"),
        RecordingRule(catalogue.LLM_TTFT_P95, f"{quantile(0.95, catalogue.LLM_TIME_TO_FIRST_TOKEN, WINDOW, by)} >= 0"),
        RecordingRule(catalogue.LLM_COST_PER_HOUR, f"3600 * {_spending(WINDOW)}"),
        RecordingRule(
            catalogue.LLM_COST_PER_REQUEST,
            f"{_spending(MEAN_COST_WINDOW)}\n/\n({rate(requests, MEAN_COST_WINDOW, by)} > 0)",
        ),
        RecordingRule(
            # Without estimated cost, because estimated tokens are no part of the tokens.
            catalogue.LLM_COST_PER_1K_TOKENS,
            f"1000 * {rate(catalogue.LLM_TOKEN_COST, MEAN_COST_WINDOW, by)}\n/\n"
            f"({rate(tokens, MEAN_COST_WINDOW, by)} > 0)",
        ),
        RecordingRule(
            catalogue.LLM_CACHE_HIT_RATIO,
            share(series(tokens, type="cache_read"), series(tokens, type=PROMPT_TOKENS), WINDOW, by),
        ),
        RecordingRule(catalogue.LLM_TOOL_ERROR_RATE, share(series(tools, status="error"), tools, WINDOW, TOOLS.labels)),
    )


def _spending(window: Duration) -> str:
    """US dollars per second, estimated cost included as in budgets and in the daily cost.

    Cost by token type has labels that estimated cost lacks, so ``or`` keeps the series of both.
    """
    both = f"rate({catalogue.LLM_TOKEN_COST}[{window}]) or rate({catalogue.LLM_ESTIMATED_COST}[{window}])"
    return total(both, CALLS.labels)


def of_budgets() -> tuple[RecordingRule, ...]:
    """Burn rate and forecast of budgets."""
    return (
        RecordingRule(catalogue.LLM_BUDGET_BURN_RATE, budgets.burn(budgets.BURN_WINDOW)),
        RecordingRule(catalogue.LLM_BUDGET_FORECAST, budgets.forecast()),
    )


def of_models() -> tuple[RecordingRule, ...]:
    """Rates, ratios and quantiles of predictions."""
    by = ("model", "version")
    predictions = catalogue.ML_PREDICTIONS
    return (
        RecordingRule(catalogue.ML_PREDICTIONS_PER_MINUTE, f"60 * {rate(predictions, WINDOW, by)}"),
        RecordingRule(
            catalogue.ML_PREDICTION_ERROR_RATE, share(series(predictions, status="error"), predictions, WINDOW, by)
        ),
        RecordingRule(
            catalogue.ML_PREDICTION_LATENCY_P99,
            f"{quantile(0.99, catalogue.ML_PREDICTION_LATENCY, WINDOW, by)} >= 0",
        ),
    )


def groups(settings: Settings) -> tuple[Group, ...]:
    """One rule per recorded family. Raises ``ValueError`` if the catalogue and the rules here differ."""
    calls, money, models = of_calls(), of_budgets(), of_models()
    drift, watches = drift_rules.rules(settings), watch_rules.recording(settings)
    recorded = [rule.family.name for rule in (*calls, *money, *models, *drift, *watches)]
    wanted = [family.name for family in catalogue.RECORDED]
    if sorted(recorded) != sorted(wanted):
        raise ValueError(f"recorded families without exactly one rule: {sorted(set(recorded) ^ set(wanted))}")
    return (
        Group("ai-observability-recording", settings.alerts.evaluation_interval, calls),
        Group("ai-observability-recording-models", settings.alerts.evaluation_interval, models),
        Group("ai-observability-recording-budgets", SLOW_INTERVAL, money),
        Group("ai-observability-recording-drift", SLOW_INTERVAL, drift),
        Group("ai-observability-recording-watches", SLOW_INTERVAL, watches),
    )
