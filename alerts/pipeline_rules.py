"""Alert rules on the way of the data: is what the gateway and the exporter were given in the numbers?"""

from __future__ import annotations

from alerts import links
from alerts.model import AlertRule, Group, below_top_bucket, number
from alerts.promql import happened, increase, quantile, rate
from alerts.shapes import group
from alerts.stack_rules import window
from observability import catalogue
from observability.settings import Settings


def pipeline(settings: Settings) -> Group:
    """Gateway, then exporter. Raises :class:`SettingsError` for a threshold that could never be crossed."""
    return group(
        settings,
        "pipeline",
        _gateway_stuck(settings),
        _gateway_drops(settings),
        _rejected(settings),
        _lag(settings),
        _folded(settings),
        _not_masked(settings),
    )


def _dashboard(settings: Settings) -> dict[str, str]:
    return links.dashboard(settings.notifications.links, links.OVERVIEW_DASHBOARD)


def _depends_on(expr: str) -> str:
    """``expr`` with the job behind a gateway exporter (``otlphttp/loki`` → ``loki``) as label ``depends_on``."""
    return f'label_replace(\n{expr},\n"depends_on", "$1", "exporter", "otlphttp/(.+)")'


def _gateway_stuck(settings: Settings) -> AlertRule:
    alert, span = settings.alerts.gateway_export_failing, window(settings)
    sent = " or ".join(
        f"{rate(f'otelcol_exporter_sent_{what}_total', span, ('exporter',))} > 0" for what in ("spans", "log_records")
    )
    return AlertRule(
        name="GatewayExportFailing",
        severity="warning",
        for_=alert.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        # Retries hide a dead backend from the failure counters for 15 minutes; a queue that never empties while
        # nothing is sent does not. otlphttp/<job> names the backend, so that its own TargetDown inhibits this alert.
        expr=_depends_on(
            f"(sum by (exporter) (min_over_time(otelcol_exporter_queue_size[{span}])) > 0)\n"
            f"unless on (exporter)\n({sent})"
        ),
        summary="The gateway gets nothing through to {{ $labels.exporter }}",
        description=(
            "{{ $value | humanize1024 }}B wait in the gateway's queue for {{ $labels.exporter }} and nothing "
            f"was delivered over the last {span}. After 15 minutes, or when the queue is full, data is lost."
        ),
        value="{{ $value | humanize1024 }}B waiting",
        links=_dashboard(settings),
    )


def _gateway_drops(settings: Settings) -> AlertRule:
    span = window(settings)
    dropped = " or ".join(
        f"{increase(f'otelcol_exporter_{how}_failed_{what}_total', span, ('exporter',))} > 0"
        for how in ("send", "enqueue")
        for what in ("spans", "log_records")
    )
    return AlertRule(
        name="GatewayDropsData",
        severity="warning",
        for_=settings.alerts.stack_health.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=_depends_on(dropped),
        summary="The gateway drops data for {{ $labels.exporter }}",
        description=(
            "{{ $value | printf `%.0f` }} spans or log lines for {{ $labels.exporter }} were dropped "
            f"over the last {span}: they are missing there for good."
        ),
        value="{{ $value | printf `%.0f` }} dropped",
        links=_dashboard(settings),
    )


def _rejected(settings: Settings) -> AlertRule:
    alert = settings.alerts.exporter_rejects_data
    per_second = rate(catalogue.EXPORTER_REJECTED, window(settings), ("signal", "reason"))
    return AlertRule(
        name="ExporterRejectsData",
        severity="warning",
        for_=alert.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=f"60 * {per_second} > {number(alert.per_minute)}",
        labels={"depends_on": "exporter"},
        summary="The exporter refuses {{ $labels.signal }}: {{ $labels.reason }}",
        description=(
            "The exporter refuses {{ $value | printf `%.1f` }} requests or items of {{ $labels.signal }} "
            "a minute ({{ $labels.reason }}). What is refused for good is missing in every number and cost."
        ),
        value="{{ $value | printf `%.1f` }} a minute",
        links=_dashboard(settings),
    )


def _lag(settings: Settings) -> AlertRule:
    alert = settings.alerts.exporter_lag_high
    limit = below_top_bucket("alerts.exporter_lag_high.p95_seconds", alert.p95_seconds, catalogue.EXPORTER_LAG)
    return AlertRule(
        name="ExporterLagHigh",
        severity="warning",
        for_=alert.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=f"{quantile(0.95, catalogue.EXPORTER_LAG, window(settings))} > {limit}",
        labels={"depends_on": "exporter"},
        summary="Numbers arrive late",
        description=(
            "5 % of the spans took longer than {{ $value | humanizeDuration }} from their end to /metrics; "
            f"the limit is {limit} s. Alerts on LLM calls are late by as much."
        ),
        value="p95 {{ $value | humanizeDuration }}",
        links=_dashboard(settings),
    )


def _folded(settings: Settings) -> AlertRule:
    span = window(settings)
    return AlertRule(
        name="ExporterSeriesFolded",
        severity="info",
        for_=settings.alerts.series_folded.for_,
        expr=f"{increase(catalogue.EXPORTER_FOLDED, span, ('family', 'label'))} > 0",
        summary="Values of {{ $labels.label }} are folded in {{ $labels.family }}",
        description=(
            "{{ $value | printf `%.0f` }} samples of {{ $labels.family }} over the last "
            f'{span} stand under {{{{ $labels.label }}}}="other", because the limit of values is reached. '
            "Sums are right; what is folded cannot be told apart."
        ),
        value="{{ $value | printf `%.0f` }} samples folded",
        links=_dashboard(settings),
    )


def _not_masked(settings: Settings) -> AlertRule:
    span = window(settings)
    return AlertRule(
        name="ExporterMaskingFailed",
        # Not critical: what could not be masked was dropped, so nothing leaked that somebody has to get up for.
        severity="warning",
        for_=settings.alerts.masking_failed.for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=happened(catalogue.EXPORTER_MASKING_FAILURES, span),
        summary="Contents could not be masked and were dropped",
        description=(
            "{{ $value | printf `%.0f` }} prompts, answers or other contents could not be masked "
            f"over the last {span}. They were dropped: nothing leaked, but what was to be written of them is missing."
        ),
        value="{{ $value | printf `%.0f` }} contents dropped",
        links=_dashboard(settings),
    )
