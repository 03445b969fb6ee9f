"""Alert rules on LLM calls: latency, errors and their kinds, prompt cache, usage, and what they are about."""

from __future__ import annotations

from typing import Final

from alerts import links
from alerts.model import SLOW_INTERVAL, AlertRule, Group, number
from alerts.promql import increase, series, share
from alerts.shapes import CALLS, PROMPT_TOKENS, Subject, group, quantile_alert, share_alert, window
from observability import catalogue
from observability.settings import ErrorSurgeAlert, Settings

#: Alerts that say why calls fail; where so many fail that HighLLMErrorRate is up, they tell nothing more to act on.
SURGES: Final = ("LLMRateLimitSurge", "LLMTimeoutSurge", "LLMContentFilterSurge")
#: What a prompt cache usually does: that of a whole day, since nights and weekends have other prompts.
CACHE_BASELINE: Final = "1d"
#: What an app asks a model with one prompt, and what it is answered.
TEXTS: Final = Subject(
    ("service", "model", "prompt", "text"),
    "the {{ $labels.text }}s of {{ $labels.service }} → {{ $labels.model }} (prompt {{ $labels.prompt }})",
    links.DRIFT_DASHBOARD,
    (),
)


def llm(settings: Settings) -> Group:
    """Latency and errors of LLM calls. Raises :class:`SettingsError` for thresholds that could never be crossed."""
    return group(
        settings,
        "llm",
        _latency(settings),
        _first_token(settings),
        _errors(settings),
        *_surges(settings),
        _usage(settings),
        _texts(settings),
    )


def prompt_cache(settings: Settings) -> Group:
    """The prompt cache. Its rule reads the counters of a day, so it runs less often."""
    return group(settings, "prompt-cache", _cache(settings), interval=SLOW_INTERVAL)


def _latency(settings: Settings) -> AlertRule:
    alert = settings.alerts.high_llm_latency
    return quantile_alert(
        settings,
        CALLS,
        name="HighLLMLatency",
        family=catalogue.LLM_REQUEST_LATENCY,
        key="alerts.high_llm_latency.p95_seconds",
        limit=alert.p95_seconds,
        least=alert.min_requests,
        for_=alert.for_,
        summary=f"LLM calls of {CALLS.who} are slow",
        things="calls",
        did="took up to",
        in_seconds=True,
        traces_by_limit=True,
    )


def _first_token(settings: Settings) -> AlertRule:
    alert = settings.alerts.slow_first_token
    return quantile_alert(
        settings,
        CALLS,
        name="LLMSlowFirstToken",
        family=catalogue.LLM_TIME_TO_FIRST_TOKEN,
        key="alerts.slow_first_token.p95_seconds",
        limit=alert.p95_seconds,
        least=alert.min_requests,
        for_=alert.for_,
        summary=f"Answers of {CALLS.who} begin late",
        things="streamed answers",
        did="began after up to",
        in_seconds=True,
        # A call whose first token comes late takes at least as long.
        traces_by_limit=True,
    )


def _errors(settings: Settings) -> AlertRule:
    alert, requests = settings.alerts.high_llm_error_rate, catalogue.LLM_REQUESTS
    return share_alert(
        settings,
        CALLS,
        name="HighLLMErrorRate",
        severity="critical",
        part=series(requests, status="error"),
        whole=requests,
        ratio=alert.ratio,
        # The guard against tiny traffic, see docs/runbooks/HighLLMErrorRate.md.
        least=alert.min_errors,
        for_=alert.for_,
        summary=f"LLM calls of {CALLS.who} fail",
        things="calls",
        did="failed",
        short="failed",
    )


def _surges(settings: Settings) -> tuple[AlertRule, ...]:
    alerts = settings.alerts
    rate_limit, timeout, content_filter = SURGES
    return (
        _surge(
            settings,
            rate_limit,
            alerts.rate_limit_surge,
            "rate_limit_exceeded",
            summary="{who} runs into the rate limit",
            did="were refused for the rate limit",
            short="rate limited",
        ),
        _surge(
            settings,
            timeout,
            alerts.timeout_surge,
            "timeout",
            summary="LLM calls of {who} time out",
            did="timed out",
            short="timed out",
        ),
        _surge(
            settings,
            content_filter,
            alerts.content_filter_surge,
            "content_filter",
            summary="The content filter stops calls of {who}",
            did="were stopped by a content filter",
            short="filtered",
        ),
    )


def _surge(
    settings: Settings, name: str, alert: ErrorSurgeAlert, error_type: str, *, summary: str, did: str, short: str
) -> AlertRule:
    return share_alert(
        settings,
        CALLS,
        name=name,
        severity="warning",
        part=series(catalogue.LLM_ERRORS, error_type=error_type),
        whole=catalogue.LLM_REQUESTS,
        ratio=alert.ratio,
        least=alert.min_errors,
        for_=alert.for_,
        summary=summary.replace("{who}", CALLS.who),
        things="calls",
        did=did,
        short=short,
    )


def _usage(settings: Settings) -> AlertRule:
    alert = settings.alerts.usage_not_reported
    return share_alert(
        settings,
        CALLS,
        name="LLMUsageNotReported",
        severity="warning",
        part=series(catalogue.LLM_REQUESTS_WITHOUT_USAGE, estimated="false"),
        whole=series(catalogue.LLM_REQUESTS, status="success"),
        ratio=alert.ratio,
        least=alert.min_requests,
        for_=alert.for_,
        summary=f"Nobody knows the tokens of calls of {CALLS.who}",
        things="successful calls",
        did="reported no token usage and brought nothing to estimate it from",
        short="without usage",
    )


def _cache(settings: Settings) -> AlertRule:
    alert, span, by = settings.alerts.cache_hit_collapse, window(settings), CALLS.labels
    read = series(catalogue.LLM_TOKEN_USAGE, type="cache_read")
    prompt = series(catalogue.LLM_TOKEN_USAGE, type=PROMPT_TOKENS)
    before = share(read, prompt, CACHE_BASELINE, by, offset=span)
    return AlertRule(
        name="LLMCacheHitCollapse",
        severity="warning",
        for_=alert.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=(
            f"{share(read, prompt, span, by)}\n"
            f"< {number(alert.factor)} *\n"
            f"(\n{before}\n>= {number(alert.min_ratio)})\n"
            f"and\n{increase(prompt, span, by)} >= {alert.min_tokens}"
        ),
        summary=f"The prompt cache no longer helps {CALLS.who}",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the input tokens of {CALLS.who} came from the provider's prompt "
            f"cache over the last {span}, less than {number(alert.factor)} times the share of the day before."
        ),
        value="{{ $value | humanizePercentage }} from the cache",
        links=CALLS.links(settings),
    )


def _texts(settings: Settings) -> AlertRule:
    alert = settings.alerts.feature_drift
    return AlertRule(
        name="PromptDriftDetected",
        severity="warning",
        for_=alert.for_,
        expr=f"max by ({', '.join(TEXTS.labels)}) ({catalogue.LLM_TEXT_DRIFT_DETECTED}) == 1",
        summary="The {{ $labels.text }}s of {{ $labels.service }} → {{ $labels.model }} have drifted",
        description=(
            f"For {alert.for_} or longer {TEXTS.who} are not like the first "
            f"{settings.conversations.baseline_calls} that were seen."
        ),
        value="drifted",
        links=TEXTS.links(settings),
    )
