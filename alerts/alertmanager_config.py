"""Alertmanager's configuration: who hears of what.

| severity | default | with channels |
|---|---|---|
| critical | local webhook | + PagerDuty and e-mail; Slack if neither exists |
| warning  | local webhook | + Slack; e-mail if there is no Slack; never a pager |
| info     | local webhook | the same |
| none (Watchdog) | local webhook | the same, on a route of its own |

The local webhook (the exporter's ``/v1/notifications``) hears of everything, so that the stack works before
anybody owns a token and ``GET /v1/notifications`` is the record of what was sent. The fall-backs exist because
a severity that reaches no human as soon as one channel is left out would be worse than one on the wrong channel.

Secrets are files below ``secrets/``. Alertmanager resolves those paths (other than ``templates``) against its
*working directory*, so it must be started in the folder that holds ``alertmanager.yml``.
"""

from __future__ import annotations

from typing import Any, Final

from alerts.cost_rules import BUDGET_NOTICES
from alerts.llm_rules import SURGES
from alerts.model import Document
from alerts.shapes import CALLS
from observability.settings import Email, Notifications, PagerDuty, Settings, Slack

#: Labels that make two alerts "about the same thing". All of them: labels that both lack count as equal, so a
#: shorter list would let a critical TargetDown of one job hide the warning of another.
SAME_SUBJECT = ["alertname", "service", "provider", "model", "job", "instance", "target", "budget", "exporter"]
#: Jobs whose absence explains alerts that carry ``depends_on: <job>``.
CAUSES = ("exporter", "jaeger", "loki", "phoenix")

#: Alerts that have nothing to tell while another one is up on the same subject: (that one, they, the subject).
IMPLIED: Final = (("HighLLMErrorRate", SURGES, CALLS.labels), ("HighDailyCost", BUDGET_NOTICES, ("budget",)))


def render(settings: Settings) -> Document:
    """The whole ``alertmanager.yml``."""
    notifications = settings.notifications
    return {
        "templates": ["templates/*.tmpl"],
        "route": _route(notifications),
        "inhibit_rules": _inhibit_rules(),
        "receivers": _receivers(notifications),
    }


def _route(notifications: Notifications) -> Document:
    return {
        "receiver": "default",
        "group_by": ["alertname", "service", "job", "budget"],
        "group_wait": notifications.group_wait,
        "group_interval": notifications.group_interval,
        "repeat_interval": notifications.repeat_interval,
        "routes": [
            {
                "receiver": "watchdog",
                "matchers": ['alertname="Watchdog"'],
                "group_wait": "0s",
                "repeat_interval": notifications.watchdog_interval,
            },
            {"receiver": "critical", "matchers": ['severity="critical"']},
            {"receiver": "warning", "matchers": ['severity="warning"']},
        ],
    }


def _inhibit_rules() -> list[Document]:
    return [
        {
            "source_matchers": ['severity="critical"'],
            "target_matchers": ['severity=~"warning|info"'],
            "equal": SAME_SUBJECT,
        },
        *(
            {
                "source_matchers": ['alertname=~"TargetDown|TargetMissing"', f'job="{job}"'],
                "target_matchers": [f'depends_on="{job}"'],
            }
            for job in CAUSES
        ),
        *(
            {
                "source_matchers": [f'alertname="{known}"'],
                "target_matchers": [f'alertname=~"{"|".join(implied)}"'],
                "equal": list(same),
            }
            for known, implied, same in IMPLIED
        ),
    ]


def _receivers(notifications: Notifications) -> list[Document]:
    slack, email, pagerduty = notifications.slack, notifications.email, notifications.pagerduty
    webhook: Document = {"webhook_configs": [{"url_file": "secrets/webhook_url", "send_resolved": True}]}
    critical: Document = dict(webhook)
    if pagerduty:
        critical["pagerduty_configs"] = [_pagerduty(pagerduty)]
    if email:
        critical["email_configs"] = [_email(email)]
    if slack and not (pagerduty or email):
        critical["slack_configs"] = [_slack(slack)]
    warning: Document = dict(webhook)
    if slack:
        warning["slack_configs"] = [_slack(slack)]
    elif email:
        warning["email_configs"] = [_email(email)]
    return [
        {"name": "default", **webhook},
        {"name": "watchdog", **webhook},
        {"name": "critical", **critical},
        {"name": "warning", **warning},
    ]


def _slack(slack: Slack) -> Document:
    return {
        "api_url_file": f"secrets/{slack.api_url_file}",
        "channel": slack.channel,
        "send_resolved": True,
        "color": '{{ template "ai.slack.color" . }}',
        "title": '{{ template "ai.slack.title" . }}',
        "title_link": '{{ template "ai.link" . }}',
        "text": '{{ template "ai.slack.text" . }}',
        "fallback": '{{ template "ai.subject" . }}',
    }


def _email(email: Email) -> Document:
    config: dict[str, Any] = {
        "to": email.to,
        "from": email.from_,
        "smarthost": email.smarthost,
        "require_tls": email.require_tls,
        "send_resolved": True,
        "headers": {"Subject": '{{ template "ai.subject" . }}'},
        "html": '{{ template "ai.email.html" . }}',
        "text": '{{ template "ai.email.text" . }}',
    }
    if email.username:
        config |= {"auth_username": email.username, "auth_password_file": f"secrets/{email.password_file}"}
    return config


def _pagerduty(pagerduty: PagerDuty) -> Document:
    return {
        "routing_key_file": f"secrets/{pagerduty.routing_key_file}",
        "send_resolved": True,
        "severity": "critical",
        "description": '{{ template "ai.subject" . }}',
        "client": "ai-observability",
        "client_url": '{{ template "ai.link" . }}',
        "class": "{{ .GroupLabels.alertname }}",
        "component": "{{ with .CommonLabels.service }}{{ . }}{{ else }}{{ .CommonLabels.job }}{{ end }}",
        "group": "{{ .CommonLabels.provider }}",
        "details": {
            "summary": "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ end }}",
            "value": "{{ range .Alerts }}{{ .Annotations.value }}\n{{ end }}",
            "description": "{{ range .Alerts }}{{ .Annotations.description }}\n{{ end }}",
            "runbook": "{{ .CommonAnnotations.runbook_url }}",
        },
        "links": [
            {"href": "{{ .CommonAnnotations.runbook_url }}", "text": "Runbook"},
            {"href": '{{ template "ai.link" . }}', "text": "Dashboard"},
        ],
    }
