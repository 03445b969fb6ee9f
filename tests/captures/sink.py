"""A local OTLP/HTTP receiver that keeps bodies as they came, by scenario."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SIGNALS = ("traces", "logs", "metrics")


@dataclass(slots=True)
class Recorded:
    """One scenario: bodies as (signal, protobuf) in order of arrival, and the provider's calls [first, last)."""

    name: str
    first_call: int
    last_call: int = -1
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)


class Sink:
    """Serves on a free loopback port; ``calls`` tells how many calls the provider has served so far."""

    def __init__(self, calls: Callable[[], int]) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self.scenarios: list[Recorded] = []
        self.outside: list[tuple[str, bytes]] = []
        self.refused: list[str] = []
        self._running: Recorded | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def take(self, path: str, kind: str, body: bytes) -> int:
        """Handle one request; returns the HTTP status."""
        signal = path.rsplit("/", 1)[-1]
        with self._lock:
            if path == "/scenario/begin":
                self._running = Recorded(json.loads(body)["name"], self._calls())
                self.scenarios.append(self._running)
            elif path == "/scenario/end" and self._running is not None:
                self._running.facts = json.loads(body)["facts"]
                self._running.last_call = self._calls()
                self._running = None
            elif signal in SIGNALS and "protobuf" in kind:
                kept = self._running.bodies if self._running else self.outside
                kept.append((signal, body))
            else:
                self.refused.append(f"{path} ({kind})")
                return 415 if signal in SIGNALS else 404
        return 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self._body()
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                kind = self.headers.get("content-type", "")
                self.send_response(sink.take(self.path, kind, body))
                self.send_header("content-type", kind)
                self.send_header("content-length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def log_message(self, *_: Any) -> None:
                """Nothing: a recording has its own output."""

        return Handler
