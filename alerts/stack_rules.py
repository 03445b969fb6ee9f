"""Alert rules on the stack itself: can what the other alerts say be believed, and does it reach anybody?"""

from __future__ import annotations

from typing import Final

from alerts import links
from alerts.model import AlertRule, Group, Severity, below_top_bucket, number
from observability import catalogue
from observability.settings import Settings, seconds

#: Jobs without which no LLM alert can fire or nobody hears of it; the others only take a view away.
CORE_JOBS: Final = ("alertmanager", "exporter", "jaeger", "prometheus")
#: Components are scraped every 15 s; four scrapes are the shortest range in which a rate is steady.
SHORTEST_WINDOW = "1m"

#: Metrics of the components that the rules read; tests/unit/alerts asks the real components for them.
FOREIGN: Final = frozenset(
    {
        "up",
        "alertmanager_config_last_reload_successful",
        "alertmanager_notifications_failed_total",
        "loki_prometheus_rule_evaluation_failures_total",
        "otelcol_exporter_enqueue_failed_log_records_total",
        "otelcol_exporter_enqueue_failed_spans_total",
        "otelcol_exporter_queue_size",
        "otelcol_exporter_send_failed_log_records_total",
        "otelcol_exporter_send_failed_spans_total",
        "otelcol_exporter_sent_log_records_total",
        "otelcol_exporter_sent_spans_total",
        "prometheus_config_last_reload_successful",
        "prometheus_rule_evaluation_failures_total",
    }
)


def window(settings: Settings) -> str:
    """Range of the rates over the components' own metrics: ``alerts.window``, but never less than four scrapes."""
    wanted = settings.alerts.window
    return wanted if seconds(wanted) >= seconds(SHORTEST_WINDOW) else SHORTEST_WINDOW


def targets(settings: Settings) -> Group:
    """Components that do not answer or are not asked at all, and the Watchdog."""
    core = "|".join(CORE_JOBS)
    probe = f'label_replace(max by (target) ({catalogue.EXPORTER_PROBE_SUCCESS}) == 0, "job", "$1", "target", "(.+)")'
    jobs = settings.alerts.target_missing.jobs
    core_jobs = tuple(job for job in jobs if job in CORE_JOBS)
    other_jobs = tuple(job for job in jobs if job not in CORE_JOBS)
    return Group(
        "ai-observability-targets",
        settings.alerts.evaluation_interval,
        (
            _down(settings, "critical", f'up{{job=~"{core}"}} == 0'),
            # A component without a metrics page (Phoenix natively) is down when no replica of the exporter reaches it.
            _down(settings, "warning", f'up{{job!~"{core}"}} == 0\nor\n{probe}'),
            *((_missing(settings, "critical", core_jobs),) if core_jobs else ()),
            *((_missing(settings, "warning", other_jobs),) if other_jobs else ()),
            AlertRule(
                name="Watchdog",
                severity="none",
                for_="0s",
                expr="vector(1)",
                summary="Alerts travel from Prometheus through Alertmanager",
                description="This alert fires always. If it stops arriving, no other alert arrives either.",
                value="alive",
            ),
        ),
    )


def _down(settings: Settings, severity: Severity, expr: str) -> AlertRule:
    return AlertRule(
        name="TargetDown",
        severity=severity,
        for_=settings.alerts.target_down.for_,
        expr=expr,
        summary="{{ $labels.job }} does not answer",
        description=(
            "{{ $labels.job }}{{ with $labels.instance }} ({{ . }}){{ end }} has not answered "
            f"for {settings.alerts.target_down.for_} or longer."
        ),
        value="down",
        links=links.dashboard(settings.notifications.links, links.OVERVIEW_DASHBOARD),
    )


def _missing(settings: Settings, severity: Severity, jobs: tuple[str, ...]) -> AlertRule:
    return AlertRule(
        name="TargetMissing",
        severity=severity,
        for_=settings.alerts.target_missing.for_,
        expr="\nor\n".join(f'absent(up{{job="{job}"}})' for job in jobs),
        summary="Prometheus has no target of the job {{ $labels.job }}",
        description=(
            "Prometheus has looked at no target of the job {{ $labels.job }} "
            f"for {settings.alerts.target_missing.for_} or longer: it is not down, it is not asked."
        ),
        value="no target",
        links=links.dashboard(settings.notifications.links, links.OVERVIEW_DASHBOARD),
    )


def pipeline(settings: Settings) -> Group:
    """The way of the data: gateway, exporter."""
    alerts, span = settings.alerts, window(settings)
    lag = below_top_bucket(
        "alerts.exporter_lag_high.p95_seconds", alerts.exporter_lag_high.p95_seconds, catalogue.EXPORTER_LAG
    )
    dashboard = links.dashboard(settings.notifications.links, links.OVERVIEW_DASHBOARD)
    sent = " or ".join(
        f"sum by (exporter) (rate(otelcol_exporter_sent_{what}_total[{span}])) > 0" for what in ("spans", "log_records")
    )
    dropped = " or ".join(
        f"sum by (exporter) (increase(otelcol_exporter_{how}_failed_{what}_total[{span}])) > 0"
        for how in ("send", "enqueue")
        for what in ("spans", "log_records")
    )
    return Group(
        "ai-observability-pipeline",
        alerts.evaluation_interval,
        (
            AlertRule(
                name="GatewayExportFailing",
                severity="warning",
                for_=alerts.gateway_export_failing.for_,
                keep_firing_for=alerts.keep_firing_for,
                # Retries hide a dead backend from the failure counters for 15 minutes; a queue that never empties
                # while nothing is sent does not. otlphttp/<job> names the backend, so that its own TargetDown
                # inhibits this alert.
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
                links=dashboard,
            ),
            AlertRule(
                name="GatewayDropsData",
                severity="warning",
                for_=alerts.stack_health.for_,
                keep_firing_for=alerts.keep_firing_for,
                expr=_depends_on(dropped),
                summary="The gateway drops data for {{ $labels.exporter }}",
                description=(
                    "{{ $value | printf `%.0f` }} spans or log lines for {{ $labels.exporter }} were dropped "
                    f"over the last {span}: they are missing there for good."
                ),
                value="{{ $value | printf `%.0f` }} dropped",
                links=dashboard,
            ),
            AlertRule(
                name="ExporterRejectsData",
                severity="warning",
                for_=alerts.exporter_rejects_data.for_,
                keep_firing_for=alerts.keep_firing_for,
                expr=(
                    f"60 * sum by (signal, reason) (rate({catalogue.EXPORTER_REJECTED}[{span}])) "
                    f"> {number(alerts.exporter_rejects_data.per_minute)}"
                ),
                labels={"depends_on": "exporter"},
                summary="The exporter refuses {{ $labels.signal }}: {{ $labels.reason }}",
                description=(
                    "The exporter refuses {{ $value | printf `%.1f` }} requests or items of {{ $labels.signal }} "
                    "a minute ({{ $labels.reason }}). What is refused for good is missing in every number and cost."
                ),
                value="{{ $value | printf `%.1f` }} a minute",
                links=dashboard,
            ),
            AlertRule(
                name="ExporterLagHigh",
                severity="warning",
                for_=alerts.exporter_lag_high.for_,
                keep_firing_for=alerts.keep_firing_for,
                expr=(f"histogram_quantile(0.95, sum by (le) (rate({catalogue.EXPORTER_LAG.bucket}[{span}]))) > {lag}"),
                labels={"depends_on": "exporter"},
                summary="Numbers arrive late",
                description=(
                    "5 % of the spans took longer than {{ $value | humanizeDuration }} from their end to /metrics; "
                    f"the limit is {lag} s. Alerts on LLM calls are late by as much."
                ),
                value="p95 {{ $value | humanizeDuration }}",
                links=dashboard,
            ),
        ),
    )


def _depends_on(expr: str) -> str:
    """``expr`` with the job behind a gateway exporter (``otlphttp/loki`` → ``loki``) as label ``depends_on``."""
    return f'label_replace(\n{expr},\n"depends_on", "$1", "exporter", "otlphttp/(.+)")'


def alerting(settings: Settings) -> Group:
    """Rules, notifications and configuration: the alerting on itself."""
    held, span = settings.alerts.stack_health.for_, window(settings)
    return Group(
        "ai-observability-alerting",
        settings.alerts.evaluation_interval,
        (
            AlertRule(
                name="RuleEvaluationFailing",
                severity="critical",
                for_=held,
                expr="\nor\n".join(
                    f"sum by (job, rule_group) (increase({name}[{span}])) > 0"
                    for name in (
                        "prometheus_rule_evaluation_failures_total",
                        "loki_prometheus_rule_evaluation_failures_total",
                    )
                ),
                summary="Rules of {{ $labels.job }} cannot be evaluated",
                description=(
                    "{{ $value | printf `%.0f` }} evaluations of the rule group {{ $labels.rule_group }} failed "
                    f"over the last {span}: its alerts cannot fire."
                ),
                value="{{ $value | printf `%.0f` }} failed evaluations",
            ),
            AlertRule(
                name="AlertmanagerNotificationsFailing",
                severity="critical",
                for_=held,
                expr=f"sum by (integration) (increase(alertmanager_notifications_failed_total[{span}])) > 0",
                summary="Alertmanager cannot notify by {{ $labels.integration }}",
                description=(
                    "{{ $value | printf `%.0f` }} notifications by {{ $labels.integration }} failed "
                    f"over the last {span}; whoever reads that channel has not heard of an alert."
                ),
                value="{{ $value | printf `%.0f` }} failed notifications",
            ),
            AlertRule(
                name="ConfigReloadFailed",
                severity="warning",
                for_=held,
                expr=(
                    "prometheus_config_last_reload_successful == 0\nor\nalertmanager_config_last_reload_successful == 0"
                ),
                summary="{{ $labels.job }} runs with an old configuration",
                description=(
                    "{{ $labels.job }} ({{ $labels.instance }}) could not load its configuration "
                    "and keeps the one before."
                ),
                value="last reload failed",
            ),
        ),
    )
