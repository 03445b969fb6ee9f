"""Rules of the Loki ruler, in LogQL: what only log lines tell."""

from __future__ import annotations

from alerts import links
from alerts.model import SLOW_INTERVAL, AlertRule, Group, number
from alerts.shapes import group
from observability.settings import Settings, seconds

#: OTLP records and lines that Promtail ships alike.
ERRORS = '{service_name=~".+"}' + links.ERROR_LINES
BASELINE = "1h"


def logs(settings: Settings) -> Group:
    """A surge of error lines: many, and many more than the same service wrote in the hour before."""
    alert, window = settings.alerts.error_log_surge, settings.alerts.window
    # Allowed lines per line of the baseline: factor x (length of the window / length of the baseline).
    share = number(round(alert.factor * seconds(window) / seconds(BASELINE), 9))
    now = f"sum by (service_name) (count_over_time({ERRORS} [{window}]))"
    before = f"sum by (service_name) (count_over_time({ERRORS} [{BASELINE}] offset {window}))"
    return group(
        settings,
        "logs",
        AlertRule(
            name="ErrorLogSurge",
            severity="warning",
            for_=alert.for_,
            # "unless": a service without errors in the hour before has no series there, and must still be heard.
            expr=f"({now} >= {alert.min_lines})\nunless\n({now} <= {share} * {before})",
            summary="{{ $labels.service_name }} logs many errors",
            description=(
                f"{{{{ $labels.service_name }}}} wrote {{{{ $value }}}} error lines over the last {window}, "
                f"more than {number(alert.factor)} times its mean of the hour before."
            ),
            value="{{ $value }} error lines",
            links={
                **links.logs(settings.notifications.links, "service_name", links.ERROR_LINES),
                **links.traces(settings.notifications.links, "service_name", errors=True),
            },
        ),
        interval=SLOW_INTERVAL,
    )
