"""The local webhook receiver takes Alertmanager's payload, keeps it, counts it and logs it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient

from observability.logs import JsonFormatter
from observability.settings import Limits, Settings
from tests.unit.exporter.support import total


@pytest.fixture
def settings() -> Settings:
    return Settings(limits=Limits(notifications=3))


def webhook(*alerts: tuple[str, str], status: str = "firing") -> dict[str, Any]:
    """Alertmanager's version 4 payload; ``alerts`` are (name, status)."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighLLMErrorRate"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "local",
        "groupLabels": {"alertname": alerts[0][0]},
        "commonLabels": {"severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://localhost:9093",
        "alerts": [
            {
                "status": alert_status,
                "labels": {"alertname": name, "severity": "critical"},
                "annotations": {"summary": f"{name} happened"},
                "startsAt": "2026-11-20T10:00:00.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://localhost:9090/graph",
                "fingerprint": "8b1f",
            }
            for name, alert_status in alerts
        ],
    }


def test_a_webhook_is_kept_as_it_came_with_the_time_of_its_arrival(client: TestClient) -> None:
    sent = webhook(("HighLLMErrorRate", "firing"))
    answer = client.post("/v1/notifications", json=sent)
    assert (answer.status_code, answer.json()) == (202, {"alerts": 1})
    (kept,) = client.get("/v1/notifications").json()
    assert kept["received_at"].endswith("Z")
    assert (kept["status"], kept["receiver"], kept["groupKey"]) == ("firing", "local", sent["groupKey"])
    (alert,) = kept["alerts"]
    assert alert["labels"] == sent["alerts"][0]["labels"]
    assert alert["annotations"] == {"summary": "HighLLMErrorRate happened"}
    assert alert["generatorURL"] == "http://localhost:9090/graph"


def test_the_newest_comes_first_and_the_oldest_leaves(client: TestClient) -> None:
    for name in ("A", "B", "C", "D"):
        client.post("/v1/notifications", json=webhook((name, "firing")))
    kept = client.get("/v1/notifications").json()
    assert [each["alerts"][0]["labels"]["alertname"] for each in kept] == ["D", "C", "B"]


def test_notifications_are_found_by_status_and_name_of_one_and_the_same_alert(client: TestClient) -> None:
    client.post("/v1/notifications", json=webhook(("A", "resolved"), ("B", "firing")))
    client.post("/v1/notifications", json=webhook(("A", "resolved"), status="resolved"))

    def found(**query: str) -> int:
        return len(client.get("/v1/notifications", params=query).json())

    assert found(alertname="A") == 2
    assert found(status="resolved") == 2
    assert found(status="firing", alertname="B") == 1
    assert found(status="firing", alertname="A") == 0


def test_alerts_are_counted_by_status_and_severity(client: TestClient) -> None:
    client.post("/v1/notifications", json=webhook(("A", "firing"), ("B", "firing"), ("C", "resolved")))
    assert total(client, "exporter_notifications_total", status="firing", severity="critical") == 2
    assert total(client, "exporter_notifications_total", status="resolved", severity="critical") == 1
    assert total(client, "exporter_received_total", signal="notifications") == 1


def test_each_notification_is_one_json_log_line(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.post("/v1/notifications", json=webhook(("A", "firing"), ("B", "resolved")))
    (record,) = [each for each in caplog.records if getattr(each, "event", "") == "notification"]
    line = json.loads(JsonFormatter().format(record))
    assert (line["event"], line["status"], line["message"]) == ("notification", "firing", "firing: A, B")
    assert [alert["summary"] for alert in line["alerts"]] == ["A happened", "B happened"]


@pytest.mark.parametrize("broken", [{}, {"status": "firing", "alerts": []}, {"status": "odd", "alerts": [{}]}])
def test_a_payload_that_is_none_is_a_problem_that_names_the_place(client: TestClient, broken: dict[str, Any]) -> None:
    answer = client.post("/v1/notifications", json=broken)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["pointer"].startswith("/body/")
    assert client.get("/v1/notifications").json() == []
