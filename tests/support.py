"""What the integration and browser tests share: polling, free ports and a stack started as a user starts it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")

#: Base ports of the native stack (the README's table); PORT_OFFSET is added to each.
PORTS = {
    "grafana": 3000,
    "preview": 3001,
    "prometheus": 9090,
    "alertmanager": 9093,
    "loki": 3100,
    "jaeger": 16686,
    "otlp-grpc": 4317,
    "otlp-http": 4318,
    "phoenix": 6006,
    "exporter": 9464,
    "spanmetrics": 8889,
    "jaeger-metrics": 8888,
    "jaeger-health": 13133,
    "promtail": 9080,
}


#: What a minute of the demo cannot have, by a part of the query.
BEYOND_THE_DEMO = {
    "ml_model_correlation": "twenty times of five minutes must be known of two models",
    "llm_text_drift": "hundreds of calls of an app to a model must be learned first",
    "watched_metric_anomaly_score": "a quarter of a season must be known",
    "watched_metric_regression_ratio": "a whole season must be known",
}


def beyond_the_demo(expr: str) -> str | None:
    """Why a query has no data after a minute of the demo; ``None`` if it must have some."""
    return next((reason for part, reason in BEYOND_THE_DEMO.items() if part in expr), None)


def poll(what: str, probe: Callable[[], T | None], deadline: float = 60.0, every: float = 0.25) -> T:
    """Call ``probe`` until it returns something true, and return that.

    A refused connection counts as "not yet". Raises ``AssertionError`` naming ``what`` and the last answer
    when ``deadline`` seconds have passed.
    """
    end = time.monotonic() + deadline
    last: object = None
    while True:
        try:
            answer = probe()
            if answer:
                return answer
            last = answer
        except (httpx.TransportError, ConnectionError) as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline:.0f} s; last answer: {last!r}")
        time.sleep(every)


def port_is_free(port: int) -> bool:
    """True if nothing listens on the loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_offset(start: int = 30000) -> int:
    """The first PORT_OFFSET from ``start`` on at which every port of the stack is free."""
    for offset in range(start, 48000, 100):
        if all(port_is_free(port + offset) for port in PORTS.values()):
            return offset
    raise AssertionError("no free block of ports")


@dataclass(frozen=True)
class Stack:
    """A native stack under its own state folder and ports, driven through ``make`` as a user does."""

    state_dir: Path
    offset: int
    config: Path | None = None

    def port(self, name: str) -> int:
        return PORTS[name] + self.offset

    def url(self, name: str) -> str:
        """Base URL of a component, such as ``stack.url("prometheus")``."""
        return f"http://127.0.0.1:{self.port(name)}"

    @property
    def environment(self) -> dict[str, str]:
        values = {
            **os.environ,
            "ENGINE": "native",
            "STATE_DIR": str(self.state_dir),
            "PORT_OFFSET": str(self.offset),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url("otlp-http"),
        }
        # The test run's own virtual environment must not leak into the stack's.
        values.pop("PYTHONPATH", None)
        if self.config:
            values["OBSERVABILITY_CONFIG"] = str(self.config)
        return values

    def make(self, *arguments: str, timeout: float = 3600.0) -> subprocess.CompletedProcess[str]:
        """Run ``make`` with this stack's settings; output is captured."""
        return subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def up(self) -> subprocess.CompletedProcess[str]:
        done = self.make("up")
        assert done.returncode == 0, f"make up failed\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done

    def down(self) -> subprocess.CompletedProcess[str]:
        done = self.make("down", timeout=180)
        assert done.returncode == 0, f"make down failed\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def status(self) -> dict[str, Any]:
        """What ``make status`` knows, as data."""
        done = subprocess.run(
            [sys.executable, "-m", "native", "status", "--json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Instant query; the result vector."""
        answer = httpx.get(f"{self.url('prometheus')}/api/v1/query", params={"query": promql}, timeout=30)
        assert answer.status_code == 200, answer.text
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result


def send_span(stack: Stack, service: str, trace_id: bytes) -> None:
    """One GenAI client span by OTLP/HTTP, as any SDK would send it."""
    now = time.time_ns()
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    span = resource.scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name, span.kind = trace_id, b"\x01" * 8, "chat gpt-4o-mini", span.SPAN_KIND_CLIENT
    span.start_time_unix_nano, span.end_time_unix_nano = now - 500_000_000, now
    for key, value in {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini",
    }.items():
        item = span.attributes.add()
        item.key, item.value.string_value = key, value
    for key, number in {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}.items():
        item = span.attributes.add()
        item.key, item.value.int_value = key, number
    answer = httpx.post(
        f"{stack.url('otlp-http')}/v1/traces",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
