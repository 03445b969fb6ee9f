"""The gateway as a process with more than one config file, and backends that keep the bytes that they get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from google.protobuf.message import Message

from tests.components import binary, free_port, process
from tests.support import ROOT, poll
from tests.unit.configs.live import Backend

CONFIG = ROOT / "jaeger" / "config.yml"
DROP = ROOT / "jaeger" / "privacy-drop.yml"
_PORTS = ("OTLP_GRPC", "OTLP_HTTP", "JAEGER_UI", "JAEGER_GRPC", "JAEGER_METRICS", "SPANMETRICS", "JAEGER_HEALTH")


@dataclass
class Sink(Backend):
    """Takes what is posted and keeps it as it came."""

    bodies: list[bytes] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        with self._lock:
            self.bodies.append(body)

    @property
    def bytes(self) -> bytes:
        return b"\n".join(self.bodies)


@dataclass
class Gateway:
    """A running gateway and what stands behind it."""

    environment: dict[str, str]
    exporter: Sink
    phoenix: Sink
    loki: Sink

    def url(self, port: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.environment[port]}{path}"

    def send(self, path: str, request: Message) -> None:
        answer = httpx.post(
            self.url("OTLP_HTTP_PORT", path),
            content=request.SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text

    def stored(self, trace_id: str) -> str:
        """The trace as Jaeger's API shows it, once it is in storage."""

        def answer() -> str | None:
            found = httpx.get(self.url("JAEGER_UI_PORT", f"/api/traces/{trace_id}"), timeout=5)
            return found.text if found.status_code == 200 else None

        return poll("the trace in storage", answer, deadline=15)


@contextmanager
def gateway(folder: Path, *configs: Path) -> Iterator[Gateway]:
    """Run Jaeger with ``configs``, the later over the earlier, in front of three sinks that listen."""
    exporter, phoenix, loki = Sink(free_port()), Sink(free_port()), Sink(free_port())
    environment = {
        "LISTEN_HOST": "127.0.0.1",
        **{f"{name}_PORT": str(free_port()) for name in _PORTS},
        "EXPORTER_URL": f"http://127.0.0.1:{exporter.port}",
        "PHOENIX_URL": f"http://127.0.0.1:{phoenix.port}",
        "LOKI_URL": f"http://127.0.0.1:{loki.port}",
        "PROMETHEUS_URL": f"http://127.0.0.1:{free_port()}",
        "JAEGER_DATA_DIR": str(folder / "jaeger"),
    }
    running = Gateway(environment, exporter, phoenix, loki)
    argv: list[str | Path] = [binary("jaeger"), *(f"--config={file}" for file in configs)]
    ready = running.url("JAEGER_HEALTH_PORT", "/status")
    with exporter.up(), phoenix.up(), loki.up(), process(argv, folder, ready, environment):
        yield running
