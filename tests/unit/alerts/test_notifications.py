"""Who hears of an alert, and what they read: routes by amtool, payloads as the real Alertmanager delivers them."""

from __future__ import annotations

import email
import email.policy
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts import alertmanager_config, generate
from observability.settings import Settings
from tests.components import run
from tests.support import ROOT, poll
from tests.unit.alerts.support import (
    Received,
    alert_rules,
    http_stand_in,
    mail_stand_in,
    running_alertmanager,
)
from tests.unit.alerts.test_runbooks import fenced

SLACK = {"slack": {"channel": "#ai-alerts"}}
EMAIL = {"email": {"to": "oncall@example.com", "from": "alerts@example.com", "smarthost": "smtp.example.com:587"}}
LOGIN = {"email": {**EMAIL["email"], "username": "alerts"}}
PAGERDUTY: dict[str, Any] = {"pagerduty": {}}
CHANNELS = {
    "none": {},
    "slack": SLACK,
    "email": EMAIL,
    "login": LOGIN,
    "pagerduty": PAGERDUTY,
    "all": {**SLACK, **EMAIL, **PAGERDUTY},
}
QUICK = {"group_wait": "0s", "group_interval": "1s"}


def with_channels(**notifications: Any) -> Settings:
    return Settings.model_validate({"notifications": notifications})


@pytest.fixture(params=sorted(CHANNELS))
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Alertmanager's configuration for one choice of channels, with its templates beside it."""
    generate.write(with_channels(**CHANNELS[request.param]), tmp_path)
    (tmp_path / "alerts" / "templates").symlink_to(ROOT / "alerts" / "templates")
    return tmp_path / "alerts" / "alertmanager.yml"


def test_amtool_finds_the_committed_configuration_and_its_templates_valid(amtool: Path) -> None:
    done = run(amtool, "check-config", ROOT / "alerts" / "alertmanager.yml")
    assert done.returncode == 0, done.stderr
    assert "1 templates" in done.stdout


def test_amtool_finds_the_configuration_of_every_choice_of_channels_valid(amtool: Path, config: Path) -> None:
    done = run(amtool, "check-config", config)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=HighLLMErrorRate", "severity=critical", "service=rag"], "critical"),
        (["alertname=HighLLMLatency", "severity=warning", "service=rag"], "warning"),
        (["alertname=BudgetNearlySpent", "severity=info"], "default"),
        (["alertname=Watchdog", "severity=none"], "watchdog"),
        (["alertname=OfATeam"], "default"),
        (["alertname=OfATeam", "severity=page"], "default"),
    ],
)
def test_alerts_are_routed_by_severity_and_the_watchdog_apart(
    amtool: Path, config: Path, labels: list[str], receiver: str
) -> None:
    done = run(amtool, "config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receiver}", *labels)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("channels", "critical", "warning"),
    [
        ("none", set(), set()),
        ("slack", {"slack"}, {"slack"}),
        ("email", {"email"}, {"email"}),
        ("pagerduty", {"pagerduty"}, set()),
        ("all", {"pagerduty", "email"}, {"slack"}),
    ],
)
def test_each_severity_reaches_its_channels_and_the_local_webhook_always(
    channels: str, critical: set[str], warning: set[str]
) -> None:
    document = alertmanager_config.render(with_channels(**CHANNELS[channels]))
    receivers = {
        receiver["name"]: {key.removesuffix("_configs") for key in receiver if key != "name"}
        for receiver in document["receivers"]
    }
    assert receivers == {
        "default": {"webhook"},
        "watchdog": {"webhook"},
        "critical": {"webhook"} | critical,
        "warning": {"webhook"} | warning,
    }


def test_every_channel_tells_the_end_of_an_alert_too() -> None:
    document = alertmanager_config.render(with_channels(**CHANNELS["all"]))
    configs = [
        entry
        for receiver in document["receivers"]
        for key, entries in receiver.items()
        if key != "name"
        for entry in entries
    ]
    assert len(configs) == 7
    assert all(entry["send_resolved"] is True for entry in configs)


def test_no_secret_is_in_the_configuration_only_names_of_files() -> None:
    text = generate.documents(with_channels(**{**SLACK, **LOGIN, **PAGERDUTY}))["alerts/alertmanager.yml"]
    for name in ("webhook_url", "slack_api_url", "smtp_password", "pagerduty_routing_key"):
        assert f"_file: secrets/{name}" in text
    for forbidden in ("api_url:", "auth_password:", "routing_key:", " url:"):
        assert forbidden not in text


def test_every_label_that_tells_alerts_apart_is_compared_before_one_hides_another() -> None:
    """Two alerts that both lack a label count as equal in it, so a missing label in the list would hide strangers."""
    # A rule of severity none hides nothing, and depends_on follows from exporter.
    by = {"service", "provider", "model", "budget", "job", "instance", "target", "exporter"}
    assert by <= set(alertmanager_config.SAME_SUBJECT)


def test_every_cause_that_an_alert_depends_on_has_an_inhibition() -> None:
    needed = {rule["labels"]["depends_on"] for rule in alert_rules() if "depends_on" in rule["labels"]}
    assert needed
    # otlphttp/<job> in the gateway's configuration; label_replace makes the label from it.
    needed |= {"exporter", "loki", "phoenix"}
    assert needed <= set(alertmanager_config.CAUSES)


# --- the real Alertmanager ------------------------------------------------------------------------


def alert(name: str, severity: str, ended: bool = False, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus posts it, with the annotations of ours; its text holds what could break a template."""
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {
            "summary": f"summary of {name} <!channel> & 'co'",
            "value": "7.5%",
            "description": f"description of {name}",
            "runbook_url": f"https://runbooks.example.com/{name}.md",
            "dashboard_url": "http://localhost:3000/d/ai-llm?from=now-1h&to=now&var-service=rag",
            "traces_url": "http://localhost:16686/search?service=rag&lookback=1h",
            "logs_url": "http://localhost:3000/explore?schemaVersion=1&panes=%7B%7D",
        },
        "startsAt": (now - timedelta(minutes=3)).isoformat(),
        "endsAt": (now - timedelta(seconds=1) if ended else now + timedelta(minutes=10)).isoformat(),
        "generatorURL": "http://localhost:9090/graph",
    }


def post(url: str, *alerts: dict[str, Any]) -> None:
    httpx.post(f"{url}/api/v2/alerts", json=list(alerts), timeout=30).raise_for_status()


@dataclass(frozen=True)
class Delivery:
    """A running Alertmanager with every channel, and what reached the far ends."""

    url: str
    http: Received
    mail: list[bytes]

    def messages(self, subject: str) -> list[email.message.EmailMessage]:
        parsed = [email.message_from_bytes(raw, policy=email.policy.default) for raw in list(self.mail)]
        return [message for message in parsed if str(message["Subject"]).startswith(subject)]


@pytest.fixture(scope="module")
def delivery(alertmanager: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    with http_stand_in() as http, mail_stand_in() as (smarthost, mail):
        http.answers["/pagerduty"] = 202
        mail_settings = {**EMAIL["email"], "smarthost": smarthost, "require_tls": False}
        settings = with_channels(**QUICK, **SLACK, **PAGERDUTY, email=mail_settings)
        secrets = {
            "webhook_url": f"{http.url}/webhook",
            "slack_api_url": f"{http.url}/slack",
            "pagerduty_routing_key": "key-of-the-test",
        }
        folder = tmp_path_factory.mktemp("alertmanager") / "all"
        with running_alertmanager(alertmanager, folder, settings, secrets, f"{http.url}/pagerduty") as url:
            yield Delivery(url, http, mail)


def test_a_warning_reaches_slack_with_its_value_and_links_and_so_does_its_end(delivery: Delivery) -> None:
    post(delivery.url, alert("Slow", "warning", service="rag"))
    body = poll("Slack", lambda: delivery.http.bodies("/slack"))[0]
    assert body["channel"] == "#ai-alerts"
    (attachment,) = body["attachments"]
    assert attachment["title"] == "[FIRING 1] Slow"
    assert attachment["color"] == "warning"
    assert attachment["title_link"] == "http://localhost:3000/d/ai-llm?from=now-1h&to=now&var-service=rag"
    text = attachment["text"]
    assert "*summary of Slow &lt;!channel&gt; &amp; 'co'* — 7.5%" in text, "no label may call the channel"
    assert "description of Slow" in text
    assert "<https://runbooks.example.com/Slow.md|Runbook>" in text
    assert "<http://localhost:16686/search?service=rag&lookback=1h|Traces>" in text
    assert "<http://localhost:3000/explore?schemaVersion=1&panes=%7B%7D|Logs>" in text
    assert "|Dashboard>" in text

    post(delivery.url, alert("Slow", "warning", ended=True, service="rag"))
    ended = poll("the end in Slack", lambda: delivery.http.bodies("/slack")[1:])[0]["attachments"][0]
    assert ended["title"] == "[RESOLVED] Slow"
    assert ended["color"] == "good"
    assert delivery.http.alerts("Slow", "firing")
    assert delivery.http.alerts("Slow", "resolved")
    assert delivery.messages("[FIRING 1 warning] Slow") == [], "no mail for a warning while there is Slack"


def test_a_critical_alert_reaches_pagerduty_mail_and_webhook_and_so_does_its_end(delivery: Delivery) -> None:
    post(delivery.url, alert("Failing", "critical", service="rag", provider="openai"))
    page = poll("PagerDuty", lambda: delivery.http.bodies("/pagerduty"))[0]
    assert page["routing_key"] == "key-of-the-test"
    assert page["event_action"] == "trigger"
    payload = page["payload"]
    assert payload["severity"] == "critical"
    assert payload["summary"] == "[FIRING 1 critical] Failing: summary of Failing <!channel> & 'co'"
    assert (payload["class"], payload["component"], payload["group"]) == ("Failing", "rag", "openai")
    assert payload["custom_details"]["value"].strip() == "7.5%"
    assert payload["custom_details"]["runbook"] == "https://runbooks.example.com/Failing.md"
    assert [link["text"] for link in page["links"]] == ["Runbook", "Dashboard"]

    message = poll("a mail", lambda: delivery.messages("[FIRING 1 critical] Failing"))[0]
    assert (message["To"], message["From"]) == ("oncall@example.com", "alerts@example.com")
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    for part in (plain.get_content(), html.get_content()):
        assert "7.5%" in part
        assert "description of Failing" in part
        assert "https://runbooks.example.com/Failing.md" in part
        assert "http://localhost:16686/search" in part
        assert "service=rag" in part
    assert "&lt;!channel&gt; &amp;" in html.get_content()
    assert "<!channel>" in plain.get_content()
    assert " UTC" in plain.get_content()

    post(delivery.url, alert("Failing", "critical", ended=True, service="rag", provider="openai"))
    resolved = poll("the end in PagerDuty", lambda: delivery.http.bodies("/pagerduty")[1:])[0]
    assert resolved["event_action"] == "resolve"
    assert resolved["dedup_key"] == page["dedup_key"]
    assert poll("the end by mail", lambda: delivery.messages("[RESOLVED critical] Failing"))
    (firing,) = delivery.http.alerts("Failing", "firing")
    (ended,) = delivery.http.alerts("Failing", "resolved")
    assert firing["fingerprint"] == ended["fingerprint"]
    assert not [body for body in delivery.http.bodies("/slack") if "Failing" in str(body)], "not in Slack too"


def test_the_watchdog_and_an_info_reach_the_webhook_alone(delivery: Delivery) -> None:
    slack, pages, mails = (
        len(delivery.http.bodies("/slack")),
        len(delivery.http.bodies("/pagerduty")),
        len(delivery.mail),
    )
    post(delivery.url, alert("Watchdog", "none"), alert("Notice", "info"))
    poll("the Watchdog", lambda: delivery.http.alerts("Watchdog", "firing"))
    poll("the info", lambda: delivery.http.alerts("Notice", "firing"))
    receivers = {body["receiver"] for body in delivery.http.bodies("/webhook") if body["groupLabels"]["alertname"]}
    assert {"watchdog", "default"} <= receivers
    assert (slack, pages, mails) == (
        len(delivery.http.bodies("/slack")),
        len(delivery.http.bodies("/pagerduty")),
        len(delivery.mail),
    )


def test_causes_hide_their_symptoms_and_nothing_else(delivery: Delivery) -> None:
    post(
        delivery.url,
        alert("TargetDown", "critical", job="exporter", instance="exporter:9464"),
        alert("TargetDown", "warning", job="loki", instance="loki:3100"),
        alert("TargetMissing", "warning", job="phoenix"),
        alert("ExporterLagHigh", "warning", depends_on="exporter"),
        alert("GatewayExportFailing", "warning", depends_on="phoenix", exporter="otlphttp/phoenix"),
        alert("GatewayExportFailing", "warning", exporter="jaeger_storage_exporter"),
        alert("HighLLMErrorRate", "critical", service="rag", provider="openai", model="a"),
        alert("LLMRateLimitSurge", "warning", service="rag", provider="openai", model="a"),
        alert("LLMTimeoutSurge", "warning", service="rag", provider="openai", model="b"),
        alert("LLMContentFilterSurge", "warning", service="shop", provider="openai", model="a"),
        alert("HighLLMLatency", "warning", service="rag", provider="openai", model="a"),
        alert("HighDailyCost", "warning", budget="day"),
        alert("BudgetNearlySpent", "info", budget="month"),
        alert("LLMBudgetForecastExceeded", "info", budget="day"),
        alert("LLMBudgetBurn", "warning", budget="day"),
        alert("LLMUnpricedRequests", "warning", provider="openai", model="a"),
        alert("TwoLevels", "critical", service="rag", provider="openai", model="a"),
        alert("TwoLevels", "warning", service="rag", provider="openai", model="a"),
        alert("TwoLevels", "warning", service="rag", provider="openai", model="b"),
    )

    def states() -> dict[tuple[str, ...], bool] | None:
        answer = httpx.get(f"{delivery.url}/api/v2/alerts", timeout=30).json()
        if any(found["status"]["state"] == "unprocessed" for found in answer):
            return None
        return {
            tuple(
                found["labels"].get(name, "")
                for name in ("alertname", "severity", "job", "exporter", "depends_on", "model", "budget")
            ): bool(found["status"]["inhibitedBy"])
            for found in answer
            if found["labels"]["alertname"] not in {"Watchdog", "Notice", "Slow", "Failing"}
        }

    found = poll("all alerts processed", states)
    assert {key for key, hidden in found.items() if hidden} == {
        ("ExporterLagHigh", "warning", "", "", "exporter", "", ""),
        ("GatewayExportFailing", "warning", "", "otlphttp/phoenix", "phoenix", "", ""),
        ("LLMRateLimitSurge", "warning", "", "", "", "a", ""),
        ("LLMBudgetForecastExceeded", "info", "", "", "", "", "day"),
        ("LLMBudgetBurn", "warning", "", "", "", "", "day"),
        ("TwoLevels", "warning", "", "", "", "a", ""),
    }
    assert len(found) == 19


@pytest.mark.parametrize(("name", "command"), [block for block in fenced("sh") if "silence add" in block[1]])
def test_the_silence_of_a_runbook_silences_that_alert(
    delivery: Delivery, amtool: Path, name: str, command: str
) -> None:
    words = shlex.split(command.replace("\\\n", " ").replace("http://localhost:9093", delivery.url))
    done = run(amtool, *words[1:])
    assert done.returncode == 0, done.stderr
    silence = httpx.get(f"{delivery.url}/api/v2/silence/{done.stdout.strip()}", timeout=30).json()
    assert {matcher["name"]: matcher["value"] for matcher in silence["matchers"]}["alertname"] == name
