"""The HTTP surface beside intake: health, problem details, the OpenAPI page, probes."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fastapi.testclient import TestClient

from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Runtime, Settings
from tests.support import poll
from tests.unit.exporter.support import matching, total


def test_health_and_readiness_answer(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/v1/traces", 405)])
def test_an_error_is_problem_details(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json().keys() >= {"type", "title", "status", "detail"}


def test_the_openapi_page_shows_every_operation_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(method.upper() in page for method in methods)
    assert "/v1/traces" in document["paths"]
    assert not re.findall(r"(?:src|href)=\"(?!openapi\.json|data:,)[^\"]*\"", page)
    assert "<script" not in page
    assert "@import" not in page


class _Phoenix(BaseHTTPRequestHandler):
    healthy = True

    def do_GET(self) -> None:
        self.send_response(200 if self.healthy and self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def phoenix() -> Iterator[str]:
    """Something that answers ``/healthz``."""
    with HTTPServer(("127.0.0.1", 0), _Phoenix) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_probe_follows_the_health_of_phoenix(phoenix: str, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("observability.probes.EVERY_SECONDS", 0.02)
    with TestClient(create_app(Exporter(Settings(), replace(runtime, phoenix_url=phoenix)))) as client:

        def healthy(value: float) -> bool:
            found = matching(client, "exporter_probe_success", target="phoenix")
            return [each.value for each in found] == [value]

        poll("the probe succeeds", lambda: healthy(1.0), deadline=10)
        monkeypatch.setattr(_Phoenix, "healthy", False)
        poll("the probe fails", lambda: healthy(0.0), deadline=10)
        monkeypatch.setattr(_Phoenix, "healthy", True)
        poll("the probe succeeds again", lambda: healthy(1.0), deadline=10)


def test_a_component_that_is_not_there_fails_its_probe(runtime: Runtime) -> None:
    with TestClient(create_app(Exporter(Settings(), replace(runtime, phoenix_url="http://127.0.0.1:9")))) as client:
        poll("the probe ran", lambda: matching(client, "exporter_probe_success"), deadline=10)
        assert total(client, "exporter_probe_success", target="phoenix") == 0


def test_nothing_is_probed_when_nobody_is_named(client: TestClient) -> None:
    assert matching(client, "exporter_probe_success") == []
