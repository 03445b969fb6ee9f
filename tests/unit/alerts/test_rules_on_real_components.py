"""Rules on what the gateway and Loki say, against the real gateway and the real Loki with their configurations."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts import generate
from alerts.model import SLOW_INTERVAL
from observability.settings import Settings
from tests.components import free_port, process
from tests.support import ROOT, poll
from tests.unit.alerts.support import Received, http_stand_in
from tests.unit.alerts.test_runbooks import fenced

MINUTE_NS = 60_000_000_000


def otlp_logs(service: str, severity: str, times_ns: list[int]) -> dict[str, Any]:
    """OTLP/JSON with one record of ``severity`` per time (Unix nanoseconds)."""
    records = [
        {"timeUnixNano": str(when), "severityText": severity, "body": {"stringValue": f"line {number}"}}
        for number, when in enumerate(times_ns)
    ]
    attributes = [{"key": "service.name", "value": {"stringValue": service}}]
    return {
        "resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [{"scope": {}, "logRecords": records}]}]
    }


def otlp_trace() -> dict[str, Any]:
    now = time.time_ns()
    span = {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(now - 10**9),
        "endTimeUnixNano": str(now),
    }
    attributes = [{"key": "service.name", "value": {"stringValue": "rag"}}]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": [span]}]}]}


# --- Loki -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ruler:
    url: str
    alertmanager: Received

    def notified(self) -> dict[str, dict[str, Any]]:
        """ErrorLogSurge alerts by service, as Loki posted them to Alertmanager."""
        return {
            alert["labels"]["service_name"]: alert
            for body in self.alertmanager.bodies("/api/v2/alerts")
            for alert in body
            if alert["labels"]["alertname"] == "ErrorLogSurge"
        }


@pytest.fixture(scope="module")
def ruler(loki: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruler]:
    """Loki with the committed configuration and the generated rules, evaluated every second."""
    folder = tmp_path_factory.mktemp("loki")
    settings = Settings.model_validate({"alerts": {"error_log_surge": {"for": "0s"}}})
    rules = folder / "rules" / "fake" / "logs.yml"
    rules.parent.mkdir(parents=True)
    text = generate.documents(settings)["loki/rules/fake/logs.yml"]
    rules.write_text(text.replace(f"interval: {SLOW_INTERVAL}", "interval: 1s"))
    port = free_port()
    with http_stand_in() as alertmanager:
        env = {
            "LISTEN_HOST": "127.0.0.1",
            "LOKI_PORT": str(port),
            "LOKI_GRPC_PORT": str(free_port()),
            "LOKI_DATA_DIR": str(folder / "data"),
            "LOKI_RULES_DIR": str(folder / "rules"),
            "ALERTMANAGER_URL": alertmanager.url,
        }
        url = f"http://127.0.0.1:{port}"
        argv: list[str | Path] = [loki, f"-config.file={ROOT / 'loki' / 'loki.yml'}", "-config.expand-env=true"]
        with process(argv, folder, f"{url}/ready", env):
            yield Ruler(url, alertmanager)


def test_a_surge_of_error_lines_is_told_and_steady_errors_are_not(ruler: Ruler) -> None:
    now = time.time_ns()
    recent = [now - second * 1_000_000_000 for second in range(25, 0, -1)]
    hour_before = [now - 60 * MINUTE_NS + part * 27_000_000_000 for part in range(120)]  # up to 6.5 minutes ago
    for service, severity, times in (
        ("steady", "ERROR", hour_before),
        ("steady", "ERROR", recent),
        ("worse", "ERROR", hour_before[:40]),
        ("worse", "FATAL", recent),
        ("few", "ERROR", recent[:19]),
        ("chatty", "INFO", recent),
        ("new", "ERROR", recent),
    ):
        answer = httpx.post(f"{ruler.url}/otlp/v1/logs", json=otlp_logs(service, severity, times), timeout=30)
        assert answer.status_code in {200, 204}, answer.text

    poll("alerts of two services", lambda: len(ruler.notified()) >= 2, deadline=90)
    found = ruler.notified()
    assert set(found) == {"new", "worse"}
    annotations = found["new"]["annotations"]
    assert annotations["value"] == "25 error lines"
    assert "wrote 25 error lines over the last 5m, more than 3 times" in annotations["description"]
    assert found["new"]["labels"]["severity"] == "warning"
    assert "%7Bservice_name%3D%5C%22new%5C%22%7D" in annotations["logs_url"]


def test_the_ruler_loaded_the_rules_and_none_fails(ruler: Ruler) -> None:
    def health() -> list[str]:
        groups = httpx.get(f"{ruler.url}/prometheus/api/v1/rules", timeout=30).json()["data"]["groups"]
        return [rule["health"] for group in groups for rule in group["rules"]]

    assert poll("evaluated rules", lambda: health() == ["ok"])
    assert "loki_prometheus_rule_evaluation_failures_total{" in httpx.get(f"{ruler.url}/metrics", timeout=30).text


@pytest.mark.parametrize(("alert", "query"), fenced("logql"))
def test_loki_takes_the_query_of_a_runbook(ruler: Ruler, alert: str, query: str) -> None:
    answer = httpx.get(f"{ruler.url}/loki/api/v1/query_range", params={"query": query, "since": "5m"}, timeout=30)
    assert answer.status_code == 200, f"{alert}: {answer.text}"


# --- the gateway ----------------------------------------------------------------------------------


def test_the_gateway_counts_what_waits_what_arrives_and_what_is_dropped_under_the_names_in_the_rules(
    jaeger: Path, tmp_path: Path
) -> None:
    """Phoenix is dead (its spans wait), the exporter answers (sent), Loki refuses for good (dropped)."""
    ports = {
        name: str(free_port())
        for name in (
            "OTLP_GRPC_PORT",
            "OTLP_HTTP_PORT",
            "JAEGER_UI_PORT",
            "JAEGER_GRPC_PORT",
            "JAEGER_METRICS_PORT",
            "SPANMETRICS_PORT",
            "JAEGER_HEALTH_PORT",
        )
    }
    with http_stand_in() as backends:
        backends.answers["/otlp/v1/logs"] = 400
        env = {
            **ports,
            "LISTEN_HOST": "127.0.0.1",
            "JAEGER_DATA_DIR": str(tmp_path / "data"),
            "EXPORTER_URL": backends.url,
            "LOKI_URL": backends.url,
            "PHOENIX_URL": f"http://127.0.0.1:{free_port()}",
        }
        ready = f"http://127.0.0.1:{ports['JAEGER_HEALTH_PORT']}/status"
        with process([jaeger, "--config", ROOT / "jaeger" / "config.yml"], tmp_path, ready, env):
            intake = f"http://127.0.0.1:{ports['OTLP_HTTP_PORT']}"
            logs = otlp_logs("rag", "ERROR", [time.time_ns()])
            httpx.post(f"{intake}/v1/traces", json=otlp_trace(), timeout=30).raise_for_status()
            httpx.post(f"{intake}/v1/logs", json=logs, timeout=30).raise_for_status()

            def value(name: str, exporter: str) -> float:
                page = httpx.get(f"http://127.0.0.1:{ports['JAEGER_METRICS_PORT']}/metrics", timeout=30).text
                lines = [line for line in page.splitlines() if line.startswith(f"{name}{{")]
                return sum(float(line.rsplit(" ", 1)[1]) for line in lines if f'exporter="{exporter}"' in line)

            assert poll("waiting", lambda: value("otelcol_exporter_queue_size", "otlphttp/phoenix") > 0)
            assert poll("sent", lambda: value("otelcol_exporter_sent_spans_total", "otlphttp/exporter") == 1)
            assert poll(
                "dropped", lambda: value("otelcol_exporter_send_failed_log_records_total", "otlphttp/loki") == 1
            )
            assert value("otelcol_exporter_sent_spans_total", "otlphttp/phoenix") == 0

            backends.answers["/otlp/v1/logs"] = 200
            httpx.post(f"{intake}/v1/logs", json=logs, timeout=30).raise_for_status()
            assert poll("sent logs", lambda: value("otelcol_exporter_sent_log_records_total", "otlphttp/loki") == 1)
