"""docker-compose.yml in a real engine: healthy as a whole, unprivileged, and the way of one trace through it."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from testcontainers.compose import DockerCompose

from tests.containers.conftest import ADDRESS
from tests.support import poll
from tests.unit.configs.support import services

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]
EXPECTED = {name for name, service in services().items() if not service.get("profiles")}
TRACE = f"{time.time_ns():032x}"


def _get(port: int, path: str, **parameters: str) -> httpx.Response:
    return httpx.get(f"http://{ADDRESS}:{port}{path}", params=parameters, timeout=10)


def test_every_service_is_healthy(containers: DockerCompose) -> None:
    assert {entry.Service: entry.Health for entry in containers.get_containers()} == dict.fromkeys(EXPECTED, "healthy")


def test_prometheus_reaches_every_target(containers: DockerCompose) -> None:
    def down() -> list[str] | None:
        found = _get(9090, "/api/v1/query", query="up").json()["data"]["result"]
        jobs = {entry["metric"]["job"]: entry["value"][1] for entry in found}
        complete = set(jobs) >= {*EXPECTED, "spanmetrics"} - {"apps"}
        return ["all"] if complete and set(jobs.values()) == {"1"} else None

    poll("up == 1 for every job", down, deadline=120)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_container_runs_as_the_user_and_with_the_bounds_of_the_file(containers: DockerCompose, name: str) -> None:
    info = containers.get_container(name).get_container_info()
    assert info is not None
    assert info.Config is not None
    assert info.HostConfig is not None
    assert info.Config.User == services()[name]["user"]
    assert info.HostConfig.ReadonlyRootfs is True
    assert info.HostConfig.CapDrop == ["ALL"]
    assert not info.HostConfig.CapAdd
    assert info.HostConfig.PidsLimit == services()[name]["pids_limit"]
    assert info.HostConfig.Memory
    assert info.HostConfig.SecurityOpt == ["no-new-privileges:true"]


def test_the_exporters_image_has_no_installer_and_its_root_cannot_be_written(containers: DockerCompose) -> None:
    probe = (
        "import importlib.util as u, json, os, shutil\n"
        "def writable(path):\n"
        "    try: open(path, 'w').close(); os.remove(path); return True\n"
        "    except OSError: return False\n"
        "print(json.dumps({'uid': os.getuid(), 'pip': bool(u.find_spec('pip')), 'uv': shutil.which('uv'),"
        " 'root': writable('/opt/venv/x'), 'data': writable('/var/lib/ai-observability/x')}))"
    )
    output, _, _ = containers.exec_in_container(["python3", "-c", probe], "exporter")
    assert json.loads(output) == {"uid": 10001, "pip": False, "uv": None, "root": False, "data": True}


def test_one_trace_sent_to_the_gateway_is_in_jaeger_and_a_number_of_the_exporter(containers: DockerCompose) -> None:
    now = time.time_ns()
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini",
    }
    span = {
        "traceId": TRACE,
        "spanId": f"{now:016x}"[:16],
        "name": "chat gpt-4o-mini",
        "kind": 3,
        "startTimeUnixNano": str(now - 500_000_000),
        "endTimeUnixNano": str(now),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "containers-test"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    assert httpx.post(f"http://{ADDRESS}:4318/v1/traces", json=body, timeout=10).status_code == 200
    poll("the trace in Jaeger", lambda: _get(16686, f"/api/traces/{TRACE}").status_code == 200, deadline=60)
    poll("a number of it", lambda: 'service="containers-test"' in _get(9464, "/metrics").text, deadline=60)


def test_promtail_ships_the_exporters_log_to_loki(containers: DockerCompose) -> None:
    def lines() -> list[object]:
        answer = _get(3100, "/loki/api/v1/query_range", query='{job="stack", component="exporter"}')
        found: list[object] = answer.json()["data"]["result"]
        return found

    poll("the exporter's log", lines, deadline=60)


def test_grafana_has_a_password_of_its_own_and_its_data_sources_answer(containers: DockerCompose) -> None:
    output, _, _ = containers.exec_in_container(["cat", "/var/lib/grafana/admin_password"], "grafana")
    password = output.strip()
    assert len(password) >= 32
    url = f"http://{ADDRESS}:3000"
    assert httpx.get(f"{url}/api/user", auth=("admin", "admin"), timeout=10).status_code == 401
    assert httpx.get(f"{url}/api/user", timeout=10).status_code == 401
    with httpx.Client(base_url=url, auth=("admin", password), timeout=10) as grafana:
        assert grafana.get("/api/user").json()["login"] == "admin"
        for uid in ("prometheus", "loki", "jaeger"):  # Alertmanager's /health answers 500 always
            answer = grafana.get(f"/api/datasources/uid/{uid}/health")
            assert answer.status_code == 200, f"{uid}: {answer.text}"
        found = {entry["uid"] for entry in grafana.get("/api/search", params={"type": "dash-db"}).json()}
        assert found >= {"ai-overview", "ai-llm"}


def test_prometheus_is_on_no_network_where_apps_are(containers: DockerCompose) -> None:
    networks = containers.get_container("prometheus").get_container_info()
    assert networks is not None
    assert networks.NetworkSettings is not None
    assert not any("telemetry" in name for name in networks.NetworkSettings.Networks or {})
