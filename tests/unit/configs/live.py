"""The gateway, Loki and Promtail as processes with the committed configs, and a backend that can come and go."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.components import binary, free_port, process
from tests.support import ROOT, poll


@dataclass
class Backend:
    """Takes OTLP/HTTP traces and remembers them, as Phoenix and the exporter do."""

    port: int
    trace_ids: list[str] = field(default_factory=list)
    largest: int = 0
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def up(self) -> Iterator[None]:
        """Listen until the block ends; before and after it connections are refused."""
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                backend.take(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        spans = [
            span.trace_id.hex()
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self.trace_ids += spans
            self.largest = max(self.largest, len(body))


@dataclass
class Gateway:
    """A running Jaeger with the committed config; ``environment`` is what it was given."""

    environment: dict[str, str]
    exporter: Backend
    phoenix: Backend

    def url(self, port: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.environment[port]}{path}"

    def metrics(self, name: str) -> dict[str, float]:
        """The gateway's own counter ``name`` by exporter."""
        lines = httpx.get(self.url("JAEGER_METRICS_PORT", "/metrics"), timeout=5).text.splitlines()
        found: dict[str, float] = {}
        for line in lines:
            if line.startswith(name + "{"):
                exporter = line.partition('exporter="')[2].partition('"')[0]
                found[exporter] = float(line.rpartition(" ")[2])
        return found

    def send(self, count: int, size: int = 100, service: str = "probe") -> list[str]:
        """Send ``count`` spans in one request, each its own trace with ``size`` bytes of prompt; their trace ids.

        A refusal for want of memory is retried, as every OTLP client does.
        """
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        attribute = group.resource.attributes.add(key="service.name")
        attribute.value.string_value = service
        scope = group.scope_spans.add()
        now = time.time_ns()
        for number in range(count):
            span = scope.spans.add(name="chat gpt-4o", kind=3)
            span.trace_id = now.to_bytes(8, "big") + number.to_bytes(8, "big")
            span.span_id = (number + 1).to_bytes(8, "big")
            span.start_time_unix_nano, span.end_time_unix_nano = now - 20_000_000, now
            span.attributes.add(key="gen_ai.prompt").value.string_value = "x" * size
        body = request.SerializeToString()

        def accepted() -> bool:
            answer = httpx.post(
                self.url("OTLP_HTTP_PORT", "/v1/traces"),
                content=body,
                headers={"content-type": "application/x-protobuf"},
                timeout=30,
            )
            assert answer.status_code in {200, 503}, answer.text  # 503: memory is short, to be sent again
            return answer.status_code == 200

        poll("the gateway to accept spans", accepted, deadline=30)
        return [span.trace_id.hex() for span in scope.spans]


@contextmanager
def gateway(folder: Path, **more: str) -> Iterator[Gateway]:
    """Run Jaeger; of its backends none listens yet, and ``more`` overrides variables of the config."""
    ports = ("OTLP_GRPC", "OTLP_HTTP", "JAEGER_UI", "JAEGER_GRPC", "JAEGER_METRICS", "SPANMETRICS", "JAEGER_HEALTH")
    exporter, phoenix = Backend(free_port()), Backend(free_port())
    environment = {
        "LISTEN_HOST": "127.0.0.1",
        **{f"{name}_PORT": str(free_port()) for name in ports},
        "EXPORTER_URL": f"http://127.0.0.1:{exporter.port}",
        "PHOENIX_URL": f"http://127.0.0.1:{phoenix.port}",
        "LOKI_URL": f"http://127.0.0.1:{free_port()}",
        "PROMETHEUS_URL": f"http://127.0.0.1:{free_port()}",
        "JAEGER_DATA_DIR": str(folder / "jaeger"),
        **more,
    }
    running = Gateway(environment, exporter, phoenix)
    argv: list[str | Path] = [binary("jaeger"), f"--config={ROOT / 'jaeger' / 'config.yml'}"]
    with process(argv, folder, running.url("JAEGER_HEALTH_PORT", "/status"), environment):
        yield running


@contextmanager
def loki(folder: Path) -> Iterator[str]:
    """Run Loki with the committed config and no rules; its base URL."""
    (folder / "rules" / "fake").mkdir(parents=True)
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        "LISTEN_HOST": "127.0.0.1",
        "LOKI_PORT": str(port),
        "LOKI_GRPC_PORT": str(free_port()),
        "LOKI_DATA_DIR": str(folder / "loki"),
        "LOKI_RULES_DIR": str(folder / "rules"),
        "ALERTMANAGER_URL": f"http://127.0.0.1:{free_port()}",
    }
    argv: list[str | Path] = [
        binary("loki"),
        f"-config.file={ROOT / 'loki' / 'loki.yml'}",
        "-config.expand-env=true",
    ]
    with process(argv, folder, f"{url}/ready", environment):
        yield url


@contextmanager
def promtail(folder: Path, loki_url: str, **more: str) -> Iterator[None]:
    """Run Promtail with the committed config on ``folder/logs``."""
    environment = {
        "LISTEN_HOST": "127.0.0.1",
        "PROMTAIL_PORT": str(port := free_port()),
        "PROMTAIL_DATA_DIR": str(folder),
        "LOKI_URL": loki_url,
        "LOG_DIR": str(folder / "logs"),
        **more,
    }
    argv: list[str | Path] = [
        binary("promtail"),
        f"-config.file={ROOT / 'promtail' / 'promtail.yml'}",
        "-config.expand-env=true",
    ]
    with process(argv, folder, f"http://127.0.0.1:{port}/ready", environment):
        yield


def streams(url: str, query: str) -> list[dict[str, Any]]:
    """What Loki found for ``query`` within an hour of now: ``{"stream": labels, "values": [[ns, line], …]}``."""
    now = time.time_ns()
    hour = 3600 * 10**9
    answer = httpx.get(
        f"{url}/loki/api/v1/query_range",
        params={"query": query, "start": str(now - hour), "end": str(now + hour), "limit": "500"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.text)["data"]["result"]
    return found
