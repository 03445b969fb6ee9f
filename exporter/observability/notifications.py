"""The local webhook receiver: what Alertmanager sends is kept, counted and logged.

So alerts work before anyone owns a Slack token.

Payload: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config (version 4).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from observability import catalogue
from observability.metrics import Metrics
from observability.records import UNKNOWN

_LOG = logging.getLogger(__name__)

AlertStatus = Literal["firing", "resolved"]
_Strings = dict[str, str]


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow", frozen=True)


class Alert(_Payload):
    """One alert of a notification."""

    status: AlertStatus
    labels: _Strings
    annotations: _Strings = {}
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = Field(default="", alias="generatorURL")
    fingerprint: str = ""


class Webhook(_Payload):
    """What Alertmanager posts."""

    version: str = "4"
    group_key: str = ""
    status: AlertStatus
    receiver: str = ""
    group_labels: _Strings = {}
    common_labels: _Strings = {}
    common_annotations: _Strings = {}
    external_url: str = Field(default="", alias="externalURL")
    truncated_alerts: int = 0
    alerts: Annotated[tuple[Alert, ...], Field(min_length=1)]


class Notification(_Payload):
    """A webhook as it is kept: with the moment of its arrival; key names as Alertmanager writes them."""

    received_at: datetime = Field(alias="received_at")
    status: AlertStatus
    receiver: str
    group_key: str
    alerts: tuple[Alert, ...]


class Notifications:
    """The latest notifications, in memory."""

    def __init__(self, metrics: Metrics, kept: int) -> None:
        self._metrics = metrics
        self._kept: deque[Notification] = deque(maxlen=kept)
        self._lock = threading.Lock()

    def receive(self, webhook: Webhook) -> None:
        """Keep, count and log one webhook."""
        notification = Notification(
            received_at=datetime.now(UTC),
            status=webhook.status,
            receiver=webhook.receiver,
            group_key=webhook.group_key,
            alerts=webhook.alerts,
        )
        with self._lock:
            self._kept.appendleft(notification)
            self._metrics.increase(catalogue.EXPORTER_RECEIVED, ("notifications",))
            for alert in webhook.alerts:
                severity = alert.labels.get("severity", UNKNOWN)
                self._metrics.increase(catalogue.EXPORTER_NOTIFICATIONS, (alert.status, severity))
        names = sorted({_name(alert) for alert in webhook.alerts})
        _LOG.info(
            "%s: %s",
            webhook.status,
            ", ".join(names),
            extra={
                "event": "notification",
                "status": webhook.status,
                "receiver": webhook.receiver,
                "alerts": [_summary(alert) for alert in webhook.alerts],
            },
        )

    def latest(self, status: AlertStatus | None, alertname: str | None) -> list[Notification]:
        """Newest first; only those that hold an alert of this status and name, where given."""
        with self._lock:
            kept = list(self._kept)
        return [
            notification
            for notification in kept
            if any(
                status in (None, alert.status) and alertname in (None, _name(alert)) for alert in notification.alerts
            )
        ]


def _name(alert: Alert) -> str:
    return alert.labels.get("alertname", UNKNOWN)


def _summary(alert: Alert) -> dict[str, Any]:
    return {
        "alertname": _name(alert),
        "status": alert.status,
        "labels": alert.labels,
        "summary": alert.annotations.get("summary", ""),
    }
