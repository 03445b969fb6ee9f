"""Alert rules on the stack itself: can what the other alerts say be believed, and does it reach anybody?"""

from __future__ import annotations

from typing import Final

from alerts import links
from alerts.model import AlertRule, Group, Severity
from alerts.promql import increase
from alerts.shapes import group
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
    return group(
        settings,
        "targets",
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


def alerting(settings: Settings) -> Group:
    """Rules, notifications and configuration: the alerting on itself."""
    held, span = settings.alerts.stack_health.for_, window(settings)
    return group(
        settings,
        "alerting",
        AlertRule(
            name="RuleEvaluationFailing",
            severity="critical",
            for_=held,
            expr="\nor\n".join(
                f"{increase(name, span, ('job', 'rule_group'))} > 0"
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
            expr=f"{increase('alertmanager_notifications_failed_total', span, ('integration',))} > 0",
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
            expr=("prometheus_config_last_reload_successful == 0\nor\nalertmanager_config_last_reload_successful == 0"),
            summary="{{ $labels.job }} runs with an old configuration",
            description=(
                "{{ $labels.job }} ({{ $labels.instance }}) could not load its configuration and keeps the one before."
            ),
            value="last reload failed",
        ),
    )
