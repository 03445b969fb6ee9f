"""Real binaries as processes, and local stand-ins for the far ends of a notification: Slack, PagerDuty, mail."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from alerts import alertmanager_config
from observability.settings import Settings
from tests.components import free_port, process
from tests.support import ROOT

RULES = ROOT / "prometheus" / "rules"


def alert_rules(*files: Path) -> list[dict[str, Any]]:
    """Every alert rule of ``files``; by default of the committed Prometheus and Loki rules."""
    chosen = files or (*sorted(RULES.glob("*.yml")), *sorted((ROOT / "loki" / "rules" / "fake").glob("*.yml")))
    groups = [group for file in chosen for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


@dataclass
class Received:
    """What a stand-in got: request path and JSON body (other bodies as ``{}``)."""

    url: str
    requests: list[tuple[str, Any]] = field(default_factory=list)
    #: Gives the text that the stand-in serves to GET.
    page: Callable[[], str] = str
    #: Status of the answers to POST by path; 200 for all others.
    answers: dict[str, int] = field(default_factory=dict)

    def bodies(self, path: str) -> list[Any]:
        return [body for seen, body in list(self.requests) if seen == path]

    def alerts(self, name: str, status: str, path: str = "/webhook") -> list[dict[str, Any]]:
        """Alerts of that name and status in the webhook payloads received so far."""
        return [
            alert
            for body in self.bodies(path)
            for alert in body["alerts"]
            if alert["labels"]["alertname"] == name and alert["status"] == status
        ]


@contextmanager
def http_stand_in() -> Iterator[Received]:
    """An HTTP server that keeps every JSON body posted to it and serves a metrics page that the test writes."""
    received = Received("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = "json" in self.headers.get("Content-Type", "")
            received.requests.append((self.path, json.loads(body) if is_json else {}))
            self._answer(received.answers.get(self.path, 200), "text/plain", b"ok")

        def do_GET(self) -> None:
            self._answer(200, "text/plain; version=0.0.4", received.page().encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test asserts on what was received."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def mail_stand_in() -> Iterator[tuple[str, list[bytes]]]:
    """A mail server (RFC 5321, no TLS) that keeps each message; yields its ``host:port`` and the messages."""
    messages: list[bytes] = []

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 stand-in")
            while line := self.rfile.readline():
                verb = line.split(maxsplit=1)[0].upper() if line.strip() else b""
                if verb == b"DATA":
                    self._say("354 go on")
                    lines = []
                    while (part := self.rfile.readline()) not in (b".\r\n", b""):
                        lines.append(part.removeprefix(b".") if part.startswith(b"..") else part)
                    messages.append(b"".join(lines))
                    self._say("250 kept")
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 stand-in")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Session) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", messages
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running_alertmanager(
    binary: Path, folder: Path, settings: Settings, secrets: dict[str, str], pagerduty_url: str = ""
) -> Iterator[str]:
    """Alertmanager with the configuration of ``settings``, laid out as the native engine does it; yields its URL.

    ``pagerduty_url`` stands for the address of PagerDuty's API, which the generated configuration leaves alone.
    """
    folder.mkdir(parents=True)
    config = alertmanager_config.render(settings)
    if pagerduty_url:
        config["global"] = {"pagerduty_url": pagerduty_url}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    (folder / "templates").symlink_to(ROOT / "alerts" / "templates")
    (folder / "secrets").mkdir()
    for name, text in secrets.items():
        (folder / "secrets" / name).write_text(text + "\n")
    url = f"http://127.0.0.1:{free_port()}"
    argv: list[str | Path] = [
        binary,
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    with process(argv, folder, f"{url}/-/ready"):
        yield url
