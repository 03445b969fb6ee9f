"""The preview's server: pages, headers, and read-only ways to backends that are real servers here."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from dashboards_src.preview import backends
from dashboards_src.preview.app import Config, create_app
from tests.support import ROOT, poll

DASHBOARDS = ROOT / "grafana" / "dashboards"
HERE = "http://127.0.0.1:3001"


class Backend(BaseHTTPRequestHandler):
    """Answers like the component that is asked; remembers what arrived."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        broken = "query=broken" in self.path
        body = {"status": "error", "error": "parse error"} if broken else {"status": "success", "path": self.path}
        content = b"x" * 2000 if "query=large" in self.path else json.dumps(body).encode()
        self.send_response(400 if broken else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Set-Cookie", "secret=1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def backend() -> Iterator[str]:
    Backend.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client_of(url: str, dashboards: Path = DASHBOARDS) -> TestClient:
    ways = backends.from_environ(dict.fromkeys(("PROMETHEUS_URL", "LOKI_URL", "JAEGER_URL", "ALERTMANAGER_URL"), url))
    config = Config(dashboards, ways, {"phoenix_url": "http://phoenix.example"})
    return TestClient(create_app(config), base_url=HERE)


@pytest.fixture
def client(backend: str) -> Iterator[TestClient]:
    with client_of(backend) as preview:
        yield preview


@pytest.mark.parametrize("path", ["/", "/d/ai-llm", "/d/ai-llm/llm", "/traces", "/trace/0123abcd"])
def test_a_page_is_served_with_security_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200 and "/static/app.js" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "https://" not in answer.text, "nothing comes from elsewhere"


def test_the_process_is_healthy_without_any_backend() -> None:
    with client_of(f"http://127.0.0.1:{closed_port()}") as preview:
        assert preview.get("/healthz").json() == {"status": "ok"}


def test_the_charting_library_comes_from_the_installed_package_and_is_cached(client: TestClient) -> None:
    packed = client.get("/vendor/plotly.min.js")
    assert packed.headers["content-encoding"] == "gzip" and "plotly.js" in packed.text[:200]
    again = client.get("/vendor/plotly.min.js", headers={"If-None-Match": packed.headers["etag"]})
    assert again.status_code == 304 and not again.content
    plain = client.get("/vendor/plotly.min.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == packed.text
    assert len(gzip.compress(plain.content)) < len(plain.content) / 2


def test_the_dashboards_are_listed_in_the_order_in_which_one_reads_them(client: TestClient) -> None:
    config = client.get("/api/config").json()
    calls, models = ["ai-overview", "ai-llm", "ai-cost", "ai-agents"], ["ai-models", "ai-drift"]
    assert [board["uid"] for board in config["dashboards"]] == [*calls, *models]
    assert config["links"] == {"phoenix_url": "http://phoenix.example"}


def test_a_dashboard_is_served_as_it_lies_on_disk(client: TestClient) -> None:
    on_disk = json.loads((DASHBOARDS / "ai-observability" / "llm.json").read_text())
    assert client.get("/api/dashboards/ai-llm").json() == on_disk


def test_an_unknown_dashboard_is_a_problem_that_names_the_known_ones(client: TestClient) -> None:
    answer = client.get("/api/dashboards/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "ai-overview" in answer.json()["detail"]


def test_a_file_that_is_no_dashboard_is_named(backend: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with client_of(backend, tmp_path) as preview:
        answer = preview.get("/api/config")
    assert answer.status_code == 500 and "broken.json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "prometheus/api/v1/query",
        "prometheus/api/v1/query_exemplars",
        "prometheus/api/v1/label/service/values",
        "prometheus/api/v1/rules",
        "loki/loki/api/v1/query_range",
        "jaeger/api/traces/0123456789abcdef0123456789abcdef",
        "jaeger/api/services",
        "alertmanager/api/v2/alerts",
    ],
)
def test_a_listed_path_is_asked_with_its_query(client: TestClient, path: str) -> None:
    query = {"query": 'sum(up{job=~"a|b+ü"})', "time": "1", "empty": ""}
    answer = client.get(f"/api/{path}?{urlencode(query)}")
    assert answer.status_code == 200
    asked = urlsplit(Backend.asked[0])
    assert asked.path == f"/{path.partition('/')[2]}"
    assert dict(parse_qsl(asked.query, keep_blank_values=True)) == query
    assert len(Backend.asked) == 1
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "prometheus/api/v1/admin/tsdb/delete_series",
        "prometheus/-/quit",
        "prometheus/-/reload",
        "prometheus/metrics",
        "prometheus/api/v1/query/../admin/tsdb/snapshot",
        "prometheus/api/v1/query%2F..%2Fstatus%2Fconfig",
        "prometheus/api/v1/status/config",
        "prometheus/api/v1/label/a%2Fb/values",
        "loki/config",
        "loki/loki/api/v1/delete",
        "jaeger/api/traces/not-a-trace",
        "alertmanager/api/v2/silences",
        "exporter/metrics",
        "prometheus//127.0.0.1:22/",
    ],
)
def test_any_other_path_is_refused_and_never_asked(client: TestClient, path: str) -> None:
    assert client.get(f"/api/{path}").status_code in {403, 404}
    assert Backend.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_but_reading_is_offered(client: TestClient, method: str) -> None:
    assert client.request(method, "/api/prometheus/api/v1/query", content="query=up").status_code == 405
    assert Backend.asked == []


def test_an_unknown_backend_is_not_found(client: TestClient) -> None:
    assert client.get("/api/example/api/v1/query").status_code == 404


def test_the_backends_own_error_reaches_the_panel(client: TestClient) -> None:
    answer = client.get("/api/prometheus/api/v1/query?query=broken")
    assert answer.status_code == 400 and answer.json()["error"] == "parse error"


def test_a_backend_that_is_down_is_named_with_its_address() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with client_of(url) as preview:
        answer = preview.get("/api/prometheus/api/v1/query?query=up")
    assert answer.status_code == 502
    assert answer.json()["detail"] == f"Prometheus does not answer at {url}"


def test_a_backend_that_is_too_slow_is_said_to_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "TIMEOUT", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with client_of(url) as preview:
            answer = preview.get("/api/loki/loki/api/v1/labels")
    assert answer.status_code == 502
    assert answer.json()["detail"] == f"Loki did not answer in time at {url}"


def test_an_answer_beyond_the_limit_is_cut_off(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "LARGEST_ANSWER", 1000)
    answer = client.get("/api/prometheus/api/v1/query?query=large")
    assert answer.status_code == 502 and "shorter time range" in answer.json()["detail"]


def test_a_foreign_name_for_this_machine_gets_nothing(client: TestClient) -> None:
    assert client.get("/api/config", headers={"Host": "attacker.example"}).status_code == 400


def test_static_files_do_not_lead_outside(client: TestClient) -> None:
    assert client.get("/static/%2e%2e/app.py").status_code == 404
    assert client.get("/static/style.css").status_code == 200


def test_the_command_serves_logs_json_and_stops_with_success_when_asked() -> None:
    port = closed_port()
    command = [sys.executable, "-m", "dashboards_src.preview", "--port", str(port), "--dashboards", str(DASHBOARDS)]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'exporter'}"}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            poll("the preview", lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200)
            refused = httpx.get(f"http://127.0.0.1:{port}/api/exporter/v1/notifications")
            assert refused.status_code in {200, 502}
        finally:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    lines = [json.loads(line) for line in output.splitlines()]
    assert lines and all({"timestamp", "level", "logger", "event", "message"} <= set(line) for line in lines)


def test_without_dashboards_the_command_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dashboards_src.preview", "--dashboards", str(tmp_path / "none")]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'exporter'}"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "make generate" in done.stderr
