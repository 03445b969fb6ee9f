"""Who hears of an alert."""

from __future__ import annotations

from pydantic import Field

from observability.settings.base import Duration, Strict


class Slack(Strict):
    channel: str
    api_url_file: str = Field(default="slack_api_url", description="file under the secrets folder with the webhook URL")


class Email(Strict):
    to: str
    from_: str = Field(alias="from")
    smarthost: str
    username: str | None = None
    password_file: str = "smtp_password"  # noqa: S105 - the name of a file
    require_tls: bool = True


class PagerDuty(Strict):
    routing_key_file: str = "pagerduty_routing_key"


class Links(Strict):
    """Addresses that a reader of a notification can open; no slash at the end."""

    grafana: str = Field(default="http://localhost:3000", pattern=r"^https?://[^\s\"]*[^/\s\"]$")
    jaeger: str = Field(default="http://localhost:16686", pattern=r"^https?://[^\s\"]*[^/\s\"]$")
    alertmanager: str = Field(default="http://localhost:9093", pattern=r"^https?://[^\s\"]*[^/\s\"]$")


class Notifications(Strict):
    """Who hears of an alert. Without any channel every alert goes to the local webhook receiver."""

    group_wait: Duration = "10s"
    group_interval: Duration = "1m"
    repeat_interval: Duration = "4h"
    watchdog_interval: Duration = Field(default="1h", description="how often the Watchdog is sent again")
    links: Links = Links()
    slack: Slack | None = None
    email: Email | None = None
    pagerduty: PagerDuty | None = None
