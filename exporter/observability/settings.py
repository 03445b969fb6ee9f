"""``observability.yml``: the one file a team edits, read by the exporter and by the generators.

Unknown keys are errors, and every error names the file and the key. Environment variables carry only
what differs between machines (paths, host names, ports); see :class:`Runtime`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from observability.privacy import KINDS, Masker

CONFIG_VARIABLE = "OBSERVABILITY_CONFIG"
DEFAULT_CONFIG = "observability.yml"

_DURATION = re.compile(r"(?:\d+(?:ms|s|m|h|d|w))+")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

DURATION_PATTERN = rf"^{_DURATION.pattern}$"
#: A Prometheus duration such as ``30s``, ``5m`` or ``1h30m``.
Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN)]
#: A name that can stand in a label or a file name.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,128}$")]


#: What pydantic says in terms of Python, said in terms of YAML.
_MESSAGES = {
    "extra_forbidden": "unknown key",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping",
    "missing": "is required",
}


class SettingsError(ValueError):
    """``observability.yml`` cannot be used; the message names the file, the key and what is wrong."""


def seconds(duration: str) -> float:
    """Length of a Prometheus duration in seconds: ``seconds("1m30s") == 90.0``.

    Raises ``ValueError`` for anything else than a Prometheus duration.
    """
    if not _DURATION.fullmatch(duration):
        raise ValueError(f"{duration!r} is not a duration such as 30s, 5m or 1h30m")
    return sum(float(n) * _UNIT_SECONDS[unit] for n, unit in re.findall(r"(\d+)(ms|s|m|h|d|w)", duration))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Budget(_Strict):
    """Money that a selection of calls may cost in a UTC period."""

    name: Name
    limit_usd: float = Field(gt=0)
    period: Literal["day", "week", "month"] = Field(default="day", description="UTC; a week begins on Monday")
    service: Name | None = Field(default=None, description="only this service; all if left out")
    model: Name | None = Field(default=None, description="only this model; all if left out")
    provider: Name | None = Field(default=None, description="only this provider; all if left out")
    where: dict[Name, str] = Field(
        default_factory=dict, description="only calls with these values of dimensions, such as {team: search}"
    )


class Dimension(_Strict):
    """An attribute that calls may be told apart by, such as a team or a tenant: money and calls are kept by it."""

    name: Name
    attributes: tuple[str, ...] = Field(
        default=(), description="span or resource attributes that hold it, best first; the name itself if left out"
    )
    services: dict[Name, str] = Field(
        default_factory=dict, description="the value of services that do not send it, such as {rag-assistant: search}"
    )


class PriceOverride(_Strict):
    """Prices of a model in US dollars per million tokens, in place of the price list's."""

    model: str = Field(description="name of the model; * stands for any characters")
    provider: Name | None = Field(default=None, description="only from this provider (gen_ai.provider.name)")
    since: datetime | None = Field(default=None, description="calls before this time keep the price list's; UTC")
    input: float | None = Field(default=None, ge=0, description="of plain input tokens")
    cache_read: float | None = Field(default=None, ge=0, description="of tokens read from the cache; else input")
    cache_write: float | None = Field(default=None, ge=0, description="of tokens written to the cache; else input")
    output: float | None = Field(default=None, ge=0, description="of output tokens")
    reasoning: float | None = Field(default=None, ge=0, description="of reasoning tokens; else output")
    request: float | None = Field(default=None, ge=0, description="US dollars per request")
    discount: float | None = Field(
        default=None, ge=0, lt=1, description="share off the price list's prices, in place of prices of its own"
    )

    @model_validator(mode="after")
    def _says_a_price(self) -> PriceOverride:
        prices = (self.input, self.cache_read, self.cache_write, self.output, self.reasoning, self.request)
        if (self.discount is None) == all(price is None for price in prices):
            raise ValueError("either prices or a discount, and one of them")
        if self.discount is None and self.input is None and self.output is None and self.request is None:
            raise ValueError("input, output or request is needed")
        return self


class Prices(_Strict):
    """Where prices come from, after a cost that the provider or the app sent."""

    overrides: tuple[PriceOverride, ...] = Field(default=(), description="the first that matches counts")
    trust_reported: bool = Field(default=True, description="whether a cost that a span brings is taken as it is")


class Privacy(_Strict):
    """What happens to prompts, answers, documents and tool arguments."""

    content: Literal["keep", "mask", "drop"] = Field(
        default="mask",
        description="keep: as it is; mask: personal data masked in all that the exporter writes; "
        "drop: content also removed at the gateway, so that Jaeger, Phoenix and Loki never see it",
    )
    kinds: tuple[str, ...] | None = Field(default=None, description="kinds that are masked; all known ones if left out")
    patterns: dict[Name, str] = Field(default_factory=dict, description="more kinds: name and regular expression")
    max_chars: int = Field(default=200_000, gt=0, description="longer texts are dropped, and counted as not masked")

    @model_validator(mode="after")
    def _can_be_masked(self) -> Privacy:
        self.masker()
        return self

    def masker(self) -> Masker:
        """What masks as these settings say; raises ``ValueError`` for an unknown kind or an unusable pattern."""
        return Masker(KINDS if self.kinds is None else self.kinds, self.patterns, max_chars=self.max_chars)


class LatencyAlert(_Strict):
    p95_seconds: float = Field(default=30.0, gt=0)
    min_requests: int = Field(default=3, ge=1, description="calls in the window below which a percentile says nothing")
    for_: Duration = Field(default="5m", alias="for")


class ErrorRateAlert(_Strict):
    ratio: float = Field(default=0.05, gt=0, lt=1)
    min_errors: int = Field(default=3, ge=1, description="failed calls in the window below which a ratio says nothing")
    for_: Duration = Field(default="5m", alias="for")


class HeldAlert(_Strict):
    for_: Duration = Field(default="10m", alias="for")


class TargetDownAlert(_Strict):
    for_: Duration = Field(default="2m", alias="for")


class BudgetAlert(_Strict):
    for_: Duration = Field(default="1m", alias="for")
    notice_ratio: float = Field(default=0.8, gt=0, lt=1, description="share at which BudgetNearlySpent tells")


class UnpricedAlert(_Strict):
    window: Duration = Field(default="1h", description="how long one call without a price keeps the alert up")


class TargetMissingAlert(_Strict):
    jobs: tuple[Name, ...] = Field(
        default=("prometheus", "alertmanager", "exporter", "jaeger", "spanmetrics", "loki", "promtail"),
        description="scrape jobs that must have at least one target",
    )
    for_: Duration = Field(default="5m", alias="for")


class RejectedAlert(_Strict):
    per_minute: float = Field(default=1.0, ge=0, description="refused items or bodies per minute and reason")
    for_: Duration = Field(default="5m", alias="for")


class LagAlert(_Strict):
    p95_seconds: float = Field(default=60.0, gt=0)
    for_: Duration = Field(default="10m", alias="for")


class GatewayAlert(_Strict):
    for_: Duration = Field(default="5m", alias="for")


class StackHealthAlert(_Strict):
    for_: Duration = Field(default="1m", alias="for")


class BudgetBurnAlert(_Strict):
    factor: float = Field(default=6.0, gt=1, description="times the even pace of the budget, over 1 h and over 5 m")
    for_: Duration = Field(default="5m", alias="for")


class BudgetForecastAlert(_Strict):
    ratio: float = Field(default=1.0, gt=0, description="share of the limit that the forecast must exceed")
    for_: Duration = Field(default="30m", alias="for")


class ErrorSurgeAlert(_Strict):
    ratio: float = Field(gt=0, lt=1, description="share of the calls that fail for this reason")
    min_errors: int = Field(default=3, ge=1, description="failed calls in the window below which a ratio says nothing")
    for_: Duration = Field(default="5m", alias="for")


class TimeToFirstTokenAlert(_Strict):
    p95_seconds: float = Field(default=5.0, gt=0)
    min_requests: int = Field(default=3, ge=1, description="calls in the window below which a percentile says nothing")
    for_: Duration = Field(default="5m", alias="for")


class CacheCollapseAlert(_Strict):
    factor: float = Field(default=0.5, gt=0, lt=1, description="share of the hit ratio of the day before")
    min_ratio: float = Field(default=0.1, gt=0, lt=1, description="hit ratio of the day before that is worth an alert")
    min_tokens: int = Field(default=10_000, ge=1, description="input tokens in the window, at least")
    for_: Duration = Field(default="15m", alias="for")


class FoldedAlert(_Strict):
    for_: Duration = Field(default="10m", alias="for")


class UnreportedUsageAlert(_Strict):
    ratio: float = Field(default=0.5, gt=0, lt=1, description="share of the calls without usage and without estimate")
    min_requests: int = Field(default=10, ge=1, description="such calls in the window, at least")
    for_: Duration = Field(default="15m", alias="for")


class ToolErrorAlert(_Strict):
    ratio: float = Field(default=0.2, gt=0, lt=1, description="share of the executions that fail")
    min_errors: int = Field(default=3, ge=1, description="failed executions in the window, at least")
    for_: Duration = Field(default="5m", alias="for")


class AgentStepsAlert(_Strict):
    p95_steps: float = Field(default=32.0, gt=0, description="LLM calls and tool executions of one agent invocation")
    min_runs: int = Field(default=3, ge=1, description="invocations in the window, at least")
    for_: Duration = Field(default="10m", alias="for")


class MaskingAlert(_Strict):
    for_: Duration = Field(default="0s", alias="for")


class PriceListAlert(_Strict):
    # In the year before November 2026 the longest pause between two dated changes of genai-prices was 67 days.
    max_age: Duration = Field(default="90d", description="age of the newest change in the price list")


class ErrorLogAlert(_Strict):
    min_lines: int = Field(default=20, ge=1, description="error lines of a service in the window, at least")
    factor: float = Field(default=3.0, gt=1, description="times the service's own mean of the hour before")
    for_: Duration = Field(default="2m", alias="for")


class Alerts(_Strict):
    """Thresholds of the generated alert rules."""

    window: Duration = Field(default="5m", description="range of the rates that alert rules look at")
    evaluation_interval: Duration = Field(default="15s", description="how often Prometheus evaluates the rule groups")
    high_llm_latency: LatencyAlert = LatencyAlert()
    high_llm_error_rate: ErrorRateAlert = ErrorRateAlert()
    high_daily_cost: BudgetAlert = BudgetAlert()
    data_drift_detected: HeldAlert = HeldAlert()
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


class Slack(_Strict):
    channel: str
    api_url_file: str = Field(default="slack_api_url", description="file under the secrets folder with the webhook URL")


class Email(_Strict):
    to: str
    from_: str = Field(alias="from")
    smarthost: str
    username: str | None = None
    password_file: str = "smtp_password"  # noqa: S105 - the name of a file
    require_tls: bool = True


class PagerDuty(_Strict):
    routing_key_file: str = "pagerduty_routing_key"


class Links(_Strict):
    """Addresses that a reader of a notification can open; no slash at the end."""

    grafana: str = Field(default="http://localhost:3000", pattern=r"^https?://[^\s\"]*[^/\s\"]$")
    jaeger: str = Field(default="http://localhost:16686", pattern=r"^https?://[^\s\"]*[^/\s\"]$")
    alertmanager: str = Field(default="http://localhost:9093", pattern=r"^https?://[^\s\"]*[^/\s\"]$")


class Notifications(_Strict):
    """Who hears of an alert. Without any channel every alert goes to the local webhook receiver."""

    group_wait: Duration = "10s"
    group_interval: Duration = "1m"
    repeat_interval: Duration = "4h"
    watchdog_interval: Duration = Field(default="1h", description="how often the Watchdog is sent again")
    links: Links = Links()
    slack: Slack | None = None
    email: Email | None = None
    pagerduty: PagerDuty | None = None


class Interactions(_Strict):
    """The JSONL log of LLM interactions."""

    enabled: bool = True
    content: bool = Field(
        default=False, description="also write prompts and answers; off, because they hold personal data"
    )
    input: bool = Field(default=True, description="with content: write the prompts")
    output: bool = Field(default=True, description="with content: write the answers")
    sample_ratio: float = Field(default=1.0, ge=0, le=1, description="share of the traces whose calls are written")
    max_per_second: int = Field(
        default=200, gt=0, description="rows a second beyond which successful calls are sampled out; failed ones stay"
    )
    max_age: Duration = Field(default="7d", description="rotated files older than this are removed")
    max_bytes: int = Field(default=10_000_000, gt=0, description="size at which the file is rotated")
    backups: int = Field(default=5, ge=1, description="rotated files that are kept")


class Label(_Strict):
    """Which values of one label are shown as they are."""

    allow: tuple[str, ...] = Field(default=(), description="values that are always shown, and never folded")
    values: int | None = Field(default=None, ge=0, description="values besides them; limits.label_values if left out")


class Limits(_Strict):
    """Every bound of the exporter."""

    body_bytes: int = Field(default=20_000_000, gt=0, description="largest request body after decompression")
    queue_batches: int = Field(default=256, gt=0, description="batches waiting to be measured before 429 is answered")
    label_values: int = Field(default=200, gt=0, description="distinct values of one label before the rest is 'other'")
    series_per_family: int = Field(
        default=5000, gt=0, description="series of one family before new ones are folded into 'other'"
    )
    idle_series: Duration = Field(default="6h", description="series that have not moved for so long are taken off")
    settle_seconds: float = Field(
        default=1.0,
        ge=0,
        description="how long the spans of a trace wait for others of it, so that wrappers count nothing twice",
    )
    settling_spans: int = Field(
        default=200_000, gt=0, description="spans that wait at most; above it they are counted before they settled"
    )
    remembered_calls: int = Field(
        default=200_000,
        gt=0,
        description="spans, and answers of calls, that later ones are known by (duplicates, wrappers)",
    )
    label_length: int = Field(default=128, gt=0, description="characters of a label value that are kept")
    daily_cost_days: int = Field(default=7, gt=0, description="UTC days of llm_daily_cost_usd that are exposed")
    ledger_rows_per_day: int = Field(
        default=5000, gt=0, description="rows of the cost ledger per UTC day before values of dimensions are 'other'"
    )
    notifications: int = Field(default=200, gt=0, description="received notifications kept in memory")
    shutdown_seconds: float = Field(default=10.0, gt=0, description="time to finish accepted work when asked to stop")


class Settings(_Strict):
    """The whole of ``observability.yml``. An empty file is valid: every key has a default."""

    budgets: tuple[Budget, ...] = (Budget(name="daily-total", limit_usd=100.0),)
    dimensions: tuple[Dimension, ...] = Field(
        default=(Dimension(name="team"),), description="attributes that money and calls are kept by"
    )
    labels: dict[Name, Label] = Field(default_factory=dict, description="limits of single labels, such as model")
    prices: Prices = Prices()
    privacy: Privacy = Privacy()
    alerts: Alerts = Alerts()
    notifications: Notifications = Notifications()
    interactions: Interactions = Interactions()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _budget_names_are_unique(self) -> Settings:
        names = [budget.name for budget in self.budgets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"budgets: the name {twice[0]!r} is used twice")
        known = {dimension.name for dimension in self.dimensions}
        for budget in self.budgets:
            strange = sorted(set(budget.where) - known)
            if strange:
                raise ValueError(f"budgets: {budget.name}: {strange[0]!r} is not one of the dimensions {sorted(known)}")
        return self


@dataclass(frozen=True, slots=True)
class Runtime:
    """What differs between machines; from the environment. Folders are made when they are first needed."""

    state_dir: Path = Path(".stack")
    host: str = "127.0.0.1"
    port: int = 9464
    log_dir: Path = Path(".stack/logs")
    log_file: Path | None = None
    phoenix_url: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Runtime:
        """``STATE_DIR EXPORTER_HOST EXPORTER_PORT LOG_DIR EXPORTER_LOG_FILE PHOENIX_URL``; empty is as good as unset.

        Raises :class:`SettingsError` if ``EXPORTER_PORT`` is no port.
        """
        state_dir = Path(environ.get("STATE_DIR") or ".stack")
        port = environ.get("EXPORTER_PORT") or "9464"
        if not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise SettingsError(f"EXPORTER_PORT: {port!r} is not a port")
        log_file = environ.get("EXPORTER_LOG_FILE")
        return cls(
            state_dir=state_dir,
            host=environ.get("EXPORTER_HOST") or "127.0.0.1",
            port=int(port),
            log_dir=Path(environ.get("LOG_DIR") or state_dir / "logs"),
            log_file=Path(log_file) if log_file else None,
            phoenix_url=(environ.get("PHOENIX_URL") or "").rstrip("/") or None,
        )

    @property
    def ledger_file(self) -> Path:
        return self.state_dir / "exporter" / "ledger.sqlite"

    @property
    def interactions_file(self) -> Path:
        return self.log_dir / "interactions" / "llm.jsonl"


def load(path: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read settings from ``path``, else from ``$OBSERVABILITY_CONFIG``, else from ``./observability.yml``.

    A file that was named must exist; without a name a missing ``./observability.yml`` means the defaults.
    Raises :class:`SettingsError` naming the file and every wrong key.
    """
    named = path if path is not None else environ.get(CONFIG_VARIABLE)
    file = Path(named) if named else Path(DEFAULT_CONFIG)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if named:
            raise SettingsError(f"{file}: no such file") from error
        return Settings()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{file}: not YAML: {error}") from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError(f"{file}: the top level must be a mapping, not {type(data).__name__}")
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "(top level)"
            message = _MESSAGES.get(problem["type"], problem["msg"])
            lines.append(f"{file}: {key}: {message}")
        raise SettingsError("\n".join(lines)) from error
