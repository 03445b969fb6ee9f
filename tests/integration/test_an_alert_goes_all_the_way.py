"""HighLLMErrorRate, provoked by the simulator, reaches the webhook through the real Alertmanager; so does its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import DemoRun, run_demo
from tests.support import Stack, poll

pytestmark = pytest.mark.integration


def notified(stack: Stack, alertname: str, status: str) -> list[dict[str, Any]]:
    """Alerts of that name and status that the local receiver got from Alertmanager."""
    answer = httpx.get(
        f"{stack.url('exporter')}/v1/notifications", params={"alertname": alertname, "status": status}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return [
        alert
        for notification in answer.json()
        for alert in notification["alerts"]
        if alert["labels"]["alertname"] == alertname and alert["status"] == status
    ]


def test_the_watchdog_arrives(stack: Stack) -> None:
    assert poll("a Watchdog notification", lambda: notified(stack, "Watchdog", "firing"), deadline=120)


def test_a_high_error_rate_is_notified_and_its_resolution_too(stack: Stack, demo: DemoRun, tmp_path: Path) -> None:
    assert notified(stack, "HighLLMErrorRate", "firing") == [], "the demo's usual traffic must not alarm"
    run_demo(stack, tmp_path / "summary.json", 45, "--faults", "error_ratio=0.6")
    alert = poll("HighLLMErrorRate firing", lambda: notified(stack, "HighLLMErrorRate", "firing"), deadline=120)[0]
    assert alert["labels"]["severity"] == "critical"
    assert alert["annotations"]["runbook_url"].endswith("/HighLLMErrorRate.md")
    assert alert["annotations"]["summary"]

    resolved = poll("HighLLMErrorRate resolved", lambda: notified(stack, "HighLLMErrorRate", "resolved"), deadline=240)
    assert resolved[0]["fingerprint"] in {a["fingerprint"] for a in notified(stack, "HighLLMErrorRate", "firing")}


def test_a_drift_of_the_demos_model_is_notified(stack: Stack, demo: DemoRun) -> None:
    """Its data drift half-way; what was before is looked at in tests/unit/demo, with more of it."""
    assert demo.summary["models"]["diagnosis"]["counts"]["disturbed"] > 0
    alert = poll("DataDriftDetected firing", lambda: notified(stack, "DataDriftDetected", "firing"), deadline=120)[0]
    assert alert["labels"]["model"] == "diagnosis"
    quiet = [
        alert for alert in notified(stack, "DataDriftDetected", "firing") if alert["labels"]["model"] != "diagnosis"
    ]
    assert quiet == [], "the other model is asked what it always was"
    drifted = {
        row["metric"]["feature"]
        for row in stack.query('ml_drift_detected{drift_type="sequential", feature!~"@.*"} == 1')
    }
    assert "mean texture" in drifted
    assert "clinic" not in drifted
