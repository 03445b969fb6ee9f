"""One trace id of a demo request is found in every place where an engineer would look for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import DemoRun
from tests.support import Stack, poll

pytestmark = pytest.mark.integration

SERVICES = ("rag-assistant", "support-triage", "research-agent")


def trace_ids(demo: DemoRun, service: str) -> list[str]:
    ids: list[str] = demo.summary["traces"][service]
    assert ids, f"the demo named no trace of {service}"
    return ids


def exemplar_trace_ids(stack: Stack, service: str) -> set[str]:
    answer = httpx.get(
        f"{stack.url('prometheus')}/api/v1/query_exemplars",
        params={
            "query": f'llm_request_latency_seconds_bucket{{service="{service}"}}',
            "start": "0",
            "end": "9999999999",
        },
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return {item["labels"]["trace_id"] for series in answer.json()["data"] for item in series["exemplars"]}


def jaeger_trace(stack: Stack, trace_id: str) -> dict[str, Any] | None:
    answer = httpx.get(f"{stack.url('jaeger')}/api/traces/{trace_id}", timeout=30)
    return answer.json()["data"][0] if answer.status_code == 200 else None


def loki_lines(stack: Stack, trace_id: str) -> list[Any]:
    answer = httpx.get(
        f"{stack.url('loki')}/loki/api/v1/query_range",
        params={"query": f'{{service_name=~".+"}} | trace_id="{trace_id}"', "since": "6h", "limit": "10"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    result: list[Any] = answer.json()["data"]["result"]
    return result


def phoenix_has(stack: Stack, trace_id: str) -> bool:
    """Ask Phoenix's REST API project by project, since a trace belongs to the project of its service."""
    base = stack.url("phoenix")
    projects = httpx.get(f"{base}/v1/projects", timeout=30)
    assert projects.status_code == 200, projects.text
    for project in projects.json()["data"]:
        answer = httpx.get(
            f"{base}/v1/projects/{project['id']}/spans", params={"trace_id": trace_id, "limit": 1}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        if answer.json()["data"]:
            return True
    return False


@pytest.mark.parametrize("service", SERVICES)
def test_one_trace_id_is_in_jaeger_phoenix_loki_and_as_an_exemplar_in_prometheus(
    stack: Stack, demo: DemoRun, service: str
) -> None:
    # An exemplar is a sample of the traffic, so the walk starts there and not at an arbitrary request.
    def common() -> str | None:
        shared = exemplar_trace_ids(stack, service) & set(trace_ids(demo, service))
        return min(shared) if shared else None

    trace_id = poll(f"an exemplar of {service} in Prometheus", common)
    trace = poll("the trace in Jaeger", lambda: jaeger_trace(stack, trace_id))
    assert {process["serviceName"] for process in trace["processes"].values()} >= {service}
    assert poll("a log line with the trace id in Loki", lambda: loki_lines(stack, trace_id))
    assert poll("the trace in Phoenix", lambda: phoenix_has(stack, trace_id))


def test_an_invented_trace_id_is_found_nowhere(stack: Stack, demo: DemoRun) -> None:
    invented = "0123456789abcdef0123456789abcdef"
    assert jaeger_trace(stack, invented) is None
    assert loki_lines(stack, invented) == []
    assert not phoenix_has(stack, invented)
