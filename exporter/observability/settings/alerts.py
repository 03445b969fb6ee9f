"""Thresholds of the generated alert rules."""

from __future__ import annotations

from pydantic import Field

from observability.settings.base import Duration, Name, Strict


class LatencyAlert(Strict):
    p95_seconds: float = Field(default=30.0, gt=0)
    min_requests: int = Field(default=3, ge=1, description="calls in the window below which a percentile says nothing")
    for_: Duration = Field(default="5m", alias="for")


class ErrorRateAlert(Strict):
    ratio: float = Field(default=0.05, gt=0, lt=1)
    min_errors: int = Field(default=3, ge=1, description="failed calls in the window below which a ratio says nothing")
    for_: Duration = Field(default="5m", alias="for")


class HeldAlert(Strict):
    for_: Duration = Field(default="10m", alias="for")


class TargetDownAlert(Strict):
    for_: Duration = Field(default="2m", alias="for")


class BudgetAlert(Strict):
    for_: Duration = Field(default="1m", alias="for")
    notice_ratio: float = Field(default=0.8, gt=0, lt=1, description="share at which BudgetNearlySpent tells")


class UnpricedAlert(Strict):
    window: Duration = Field(default="1h", description="how long one call without a price keeps the alert up")


class TargetMissingAlert(Strict):
    jobs: tuple[Name, ...] = Field(
        default=("prometheus", "alertmanager", "exporter", "jaeger", "spanmetrics", "loki", "promtail"),
        description="scrape jobs that must have at least one target",
    )
    for_: Duration = Field(default="5m", alias="for")


class RejectedAlert(Strict):
    per_minute: float = Field(default=1.0, ge=0, description="refused items or bodies per minute and reason")
    for_: Duration = Field(default="5m", alias="for")


class LagAlert(Strict):
    p95_seconds: float = Field(default=60.0, gt=0)
    for_: Duration = Field(default="10m", alias="for")


class GatewayAlert(Strict):
    for_: Duration = Field(default="5m", alias="for")


class StackHealthAlert(Strict):
    for_: Duration = Field(default="1m", alias="for")


class BudgetBurnAlert(Strict):
    factor: float = Field(default=6.0, gt=1, description="times the even pace of the budget, over 1 h and over 5 m")
    for_: Duration = Field(default="5m", alias="for")


class BudgetForecastAlert(Strict):
    ratio: float = Field(default=1.0, gt=0, description="share of the limit that the forecast must exceed")
    for_: Duration = Field(default="30m", alias="for")


class ErrorSurgeAlert(Strict):
    ratio: float = Field(gt=0, lt=1, description="share of the calls that fail for this reason")
    min_errors: int = Field(default=3, ge=1, description="failed calls in the window below which a ratio says nothing")
    for_: Duration = Field(default="5m", alias="for")


class TimeToFirstTokenAlert(Strict):
    p95_seconds: float = Field(default=5.0, gt=0)
    min_requests: int = Field(default=3, ge=1, description="calls in the window below which a percentile says nothing")
    for_: Duration = Field(default="5m", alias="for")


class CacheCollapseAlert(Strict):
    factor: float = Field(default=0.5, gt=0, lt=1, description="share of the hit ratio of the day before")
    min_ratio: float = Field(default=0.1, gt=0, lt=1, description="hit ratio of the day before that is worth an alert")
    min_tokens: int = Field(default=10_000, ge=1, description="input tokens in the window, at least")
    for_: Duration = Field(default="15m", alias="for")


class FoldedAlert(Strict):
    for_: Duration = Field(default="10m", alias="for")


class UnreportedUsageAlert(Strict):
    ratio: float = Field(default=0.5, gt=0, lt=1, description="share of the calls without usage and without estimate")
    min_requests: int = Field(default=10, ge=1, description="such calls in the window, at least")
    for_: Duration = Field(default="15m", alias="for")


class ToolErrorAlert(Strict):
    ratio: float = Field(default=0.2, gt=0, lt=1, description="share of the executions that fail")
    min_errors: int = Field(default=3, ge=1, description="failed executions in the window, at least")
    for_: Duration = Field(default="5m", alias="for")


class AgentStepsAlert(Strict):
    p95_steps: float = Field(default=32.0, gt=0, description="LLM calls and tool executions of one agent invocation")
    min_runs: int = Field(default=3, ge=1, description="invocations in the window, at least")
    for_: Duration = Field(default="10m", alias="for")


class MaskingAlert(Strict):
    for_: Duration = Field(default="0s", alias="for")


class PriceListAlert(Strict):
    # In the year before November 2026 the longest pause between two dated changes of genai-prices was 67 days.
    max_age: Duration = Field(default="90d", description="age of the newest change in the price list")


class ErrorLogAlert(Strict):
    min_lines: int = Field(default=20, ge=1, description="error lines of a service in the window, at least")
    factor: float = Field(default=3.0, gt=1, description="times the service's own mean of the hour before")
    for_: Duration = Field(default="2m", alias="for")


class ModelLatencyAlert(Strict):
    p99_seconds: float = Field(default=0.5, gt=0, description="99th percentile in seconds above which the alert fires")
    min_predictions: int = Field(
        default=20, ge=1, description="predictions in the window below which a percentile says nothing"
    )
    for_: Duration = Field(default="5m", alias="for")


class ModelErrorAlert(Strict):
    ratio: float = Field(default=0.01, gt=0, lt=1)
    min_errors: int = Field(default=3, ge=1, description="failed predictions in the window, at least")
    for_: Duration = Field(default="5m", alias="for")


class DataQualityAlert(Strict):
    ratio: float = Field(default=0.05, gt=0, lt=1, description="share of such values above the baseline's")
    min_values: int = Field(default=50, ge=1, description="such values in the window, at least")
    for_: Duration = Field(default="10m", alias="for")


class LabelsMissingAlert(Strict):
    window: Duration = Field(default="6h", description="how long no label came while predictions did")
    before: Duration = Field(default="1d", description="how far back labels must have come for them to be missed")
    min_predictions: int = Field(default=100, ge=1, description="predictions in the window, at least")
    for_: Duration = Field(default="30m", alias="for")


class AccuracyFallAlert(Strict):
    drop: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="how far the upper end of the interval of accuracy, f1 or auc lies below the baseline",
    )
    error_ratio: float = Field(
        default=1.2, gt=1, description="times the baseline's mae or rmse that the lower end of the interval exceeds"
    )
    for_: Duration = Field(default="5m", alias="for")


class PredictionsStoppedAlert(Strict):
    after: Duration = Field(default="30m", description="silence of a model that predicted within the day before")
    for_: Duration = Field(default="5m", alias="for")


class Alerts(Strict):
    """Thresholds of the generated alert rules."""

    window: Duration = Field(default="5m", description="range of the rates that alert rules look at")
    evaluation_interval: Duration = Field(default="15s", description="how often Prometheus evaluates the rule groups")
    high_llm_latency: LatencyAlert = LatencyAlert()
    high_llm_error_rate: ErrorRateAlert = ErrorRateAlert()
    high_daily_cost: BudgetAlert = BudgetAlert()
    data_drift_detected: HeldAlert = HeldAlert()
    feature_drift: HeldAlert = Field(
        default=HeldAlert(),
        description="a feature with a proven drift above drift.score; texts and embeddings too",
    )
    concept_drift: HeldAlert = Field(default=HeldAlert(), description="a model that errs more than it used to")
    model_latency: ModelLatencyAlert = ModelLatencyAlert()
    model_errors: ModelErrorAlert = ModelErrorAlert()
    data_quality: DataQualityAlert = DataQualityAlert()
    labels_missing: LabelsMissingAlert = LabelsMissingAlert()
    accuracy_fall: AccuracyFallAlert = AccuracyFallAlert()
    predictions_stopped: PredictionsStoppedAlert = PredictionsStoppedAlert()
    store_failing: HeldAlert = Field(
        default=HeldAlert.model_validate({"for": "1m"}), description="PredictionStoreFailing"
    )
    target_down: TargetDownAlert = TargetDownAlert()
    target_missing: TargetMissingAlert = TargetMissingAlert()
    llm_unpriced_requests: UnpricedAlert = UnpricedAlert()
    budget_burn: BudgetBurnAlert = BudgetBurnAlert()
    budget_forecast: BudgetForecastAlert = BudgetForecastAlert()
    rate_limit_surge: ErrorSurgeAlert = ErrorSurgeAlert(ratio=0.02)
    timeout_surge: ErrorSurgeAlert = ErrorSurgeAlert(ratio=0.02)
    content_filter_surge: ErrorSurgeAlert = ErrorSurgeAlert(ratio=0.02)
    slow_first_token: TimeToFirstTokenAlert = TimeToFirstTokenAlert()
    cache_hit_collapse: CacheCollapseAlert = CacheCollapseAlert()
    series_folded: FoldedAlert = FoldedAlert()
    usage_not_reported: UnreportedUsageAlert = UnreportedUsageAlert()
    tool_errors: ToolErrorAlert = ToolErrorAlert()
    agent_steps: AgentStepsAlert = AgentStepsAlert()
    masking_failed: MaskingAlert = MaskingAlert()
    price_list_stale: PriceListAlert = PriceListAlert()
    exporter_rejects_data: RejectedAlert = RejectedAlert()
    exporter_lag_high: LagAlert = LagAlert()
    gateway_export_failing: GatewayAlert = GatewayAlert()
    stack_health: StackHealthAlert = Field(
        default=StackHealthAlert(),
        description="RuleEvaluationFailing, ConfigReloadFailed, AlertmanagerNotificationsFailing and GatewayDropsData",
    )
    error_log_surge: ErrorLogAlert = ErrorLogAlert()
    keep_firing_for: Duration = Field(
        default="5m", description="how long alerts that flap (latency, errors, data refused) stay up"
    )
    runbook_url: str = Field(
        default="https://github.com/ai-observability/ai-observability/blob/main/docs/runbooks",
        description="where docs/runbooks is published; each alert links to <runbook_url>/<AlertName>.md",
    )
