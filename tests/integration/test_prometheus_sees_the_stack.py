"""Prometheus itself is asked whether every job is up and every rule is healthy."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.conftest import DemoRun
from tests.support import Stack, poll, send_span

pytestmark = pytest.mark.integration

JOBS = {"prometheus", "alertmanager", "exporter", "jaeger", "spanmetrics", "loki", "promtail"}


def test_every_job_is_up(stack: Stack, demo: DemoRun) -> None:
    def states() -> dict[str, str] | None:
        found = {row["metric"]["job"]: row["value"][1] for row in stack.query("min by (job) (up)")}
        return found if set(found) >= JOBS and set(found.values()) == {"1"} else None

    poll(f"up == 1 for {sorted(JOBS)}", states)


def test_phoenix_answers_its_health_endpoint(stack: Stack) -> None:
    poll(
        "exporter_probe_success of phoenix",
        lambda: [row for row in stack.query('exporter_probe_success{target="phoenix"}') if row["value"][1] == "1"],
    )


def test_every_rule_is_healthy(stack: Stack, demo: DemoRun) -> None:
    def rules() -> list[dict[str, str]] | None:
        groups = httpx.get(f"{stack.url('prometheus')}/api/v1/rules", timeout=30).json()["data"]["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        return found if found and all(rule["health"] != "unknown" for rule in found) else None

    evaluated = poll("every rule evaluated once", rules, deadline=120)
    wrong = [f"{rule['name']}: {rule.get('lastError')}" for rule in evaluated if rule["health"] != "ok"]
    assert not wrong, wrong
    names = {rule["name"] for rule in evaluated}
    assert names >= {
        "HighLLMLatency",
        "HighLLMErrorRate",
        "HighDailyCost",
        "DataDriftDetected",
        "TargetDown",
        "Watchdog",
    }


def test_prometheus_found_its_alertmanager(stack: Stack) -> None:
    def active() -> list[str]:
        data = httpx.get(f"{stack.url('prometheus')}/api/v1/alertmanagers", timeout=30).json()["data"]
        return [row["url"] for row in data["activeAlertmanagers"]]

    found = poll("an active Alertmanager", active)
    assert found == [f"{stack.url('alertmanager')}/api/v2/alerts"]


def test_jaeger_answers_service_performance_questions_from_prometheus(stack: Stack, demo: DemoRun) -> None:
    def calls() -> list[object] | None:
        answer = httpx.get(
            f"{stack.url('jaeger')}/api/metrics/calls",
            params={"service": "rag-assistant", "lookback": "3600000", "step": "15000", "ratePer": "600000"},
            timeout=30,
        )
        return answer.json().get("metrics") if answer.status_code == 200 else None

    assert poll("call rates in Jaeger's service performance API", calls)


def test_the_very_first_call_of_a_service_counts(stack: Stack) -> None:
    # A counter that appears at 1 has not increased, unless Prometheus knows when it began.
    service = f"newcomer-{uuid.uuid4().hex[:8]}"
    send_span(stack, service, uuid.uuid4().bytes)
    poll(
        "increase of its requests", lambda: stack.query(f'increase(llm_requests_total{{service="{service}"}}[5m]) > 0')
    )
    poll(
        "increase of its cost",
        lambda: stack.query(f'increase(llm_token_cost_usd_total{{service="{service}"}}[5m]) > 0'),
    )


def test_creation_times_are_no_series_of_their_own(stack: Stack, demo: DemoRun) -> None:
    assert stack.query('count({__name__=~"(llm|exporter|rag)_.+_created"})') == []
