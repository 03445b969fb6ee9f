"""A running simulator and a small OTLP/HTTP receiver, for tests that need the other end of a connection."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import openai
import uvicorn
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from demo.simulator.app import Simulator, create_app
from tests.support import poll

#: One client for all plain HTTP calls: making one loads the trust store, which is slow.
HTTP = httpx.Client(timeout=20)


@contextmanager
def serving(simulator: Simulator) -> Iterator[str]:
    """Serve ``simulator`` on a free loopback port; yields its base URL."""
    with served_at(create_app(simulator)) as url:
        yield url


@contextmanager
def served_at(app: Any, port: int = 0) -> Iterator[str]:
    """Serve an ASGI app on a loopback port, 0 for a free one; yields its base URL."""
    config = uvicorn.Config(app, port=port, log_level="warning", lifespan="auto", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        poll("the app is up", lambda: server.started, deadline=20, every=0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def client_of(url: str, service: str = "tests", timeout: float = 10.0) -> openai.OpenAI:
    """The real client, without retries."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key=f"sk-demo-{service}", timeout=timeout, max_retries=0)


def ledger_of(url: str) -> dict[str, Any]:
    """The simulator's ledger over HTTP."""
    ledger: dict[str, Any] = HTTP.get(f"{url}/admin/ledger").raise_for_status().json()
    return ledger


def attributes(pairs: Any) -> dict[str, Any]:
    """OTLP attributes as a dictionary."""

    def value(of: AnyValue) -> Any:
        kind = of.WhichOneof("value")
        if kind == "array_value":
            return [value(item) for item in of.array_value.values]
        return getattr(of, kind) if kind else None

    result: dict[str, Any] = {}
    pair: KeyValue
    for pair in pairs:
        result[pair.key] = value(pair.value)
    return result


class Receiver:
    """Takes OTLP/HTTP and keeps what came. ``status`` is what it answers with."""

    def __init__(self) -> None:
        self.status = 200
        self.lock = threading.Lock()
        self.traces: list[ExportTraceServiceRequest] = []
        self.logs: list[ExportLogsServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                with receiver.lock:
                    if receiver.status == 200:
                        receiver.keep(self.path, body)
                self.send_response(receiver.status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Not on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def keep(self, path: str, body: bytes) -> None:
        """Decode one export; an unknown path is a test's mistake and raises KeyError."""
        {"/v1/traces": self._keep_traces, "/v1/logs": self._keep_logs, "/v1/metrics": self._keep_metrics}[path](body)

    def _keep_traces(self, body: bytes) -> None:
        self.traces.append(ExportTraceServiceRequest.FromString(body))

    def _keep_logs(self, body: bytes) -> None:
        self.logs.append(ExportLogsServiceRequest.FromString(body))

    def _keep_metrics(self, body: bytes) -> None:
        self.metrics.append(ExportMetricsServiceRequest.FromString(body))

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def spans(self, service: str | None = None) -> list[Span]:
        """All spans received, or those of one service."""
        with self.lock:
            return [
                span
                for request in self.traces
                for resource in request.resource_spans
                if service in (None, attributes(resource.resource.attributes)["service.name"])
                for scope in resource.scope_spans
                for span in scope.spans
            ]

    def records(self) -> list[LogRecord]:
        """All log records received."""
        with self.lock:
            return [
                record
                for request in self.logs
                for resource in request.resource_logs
                for scope in resource.scope_logs
                for record in scope.log_records
            ]

    def metric_names(self) -> set[str]:
        """Names of all metrics received."""
        with self.lock:
            return {
                metric.name
                for request in self.metrics
                for resource in request.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
            }
