"""Ports that are taken, two commands at once, and what the command line says of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from native import phoenix_env
from native.context import Context
from native.locking import exclusive
from native.ports import conflicts, holder_of
from native.supervision import marked_processes
from tests.support import ROOT, poll
from tests.unit.native.conftest import environment, native


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every component does
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def test_a_taken_port_names_its_component_and_its_holder(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    name = psutil.Process().name()
    found = conflicts({"loki": {"loki": port}, "exporter": {"exporter": _free_port()}}, "127.0.0.1")
    assert [str(conflict) for conflict in found] == [
        f"port {port}, needed by loki, is taken by {name} (pid {os.getpid()})"
    ]


def test_a_port_that_is_taken_on_every_interface_is_taken_on_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        port = server.getsockname()[1]
        assert len(conflicts({"loki": {"loki": port}}, "127.0.0.1")) == 1
        assert holder_of(port) == (f"{psutil.Process().name()} (pid {os.getpid()})", os.getpid())


def test_a_connection_in_time_wait_does_not_count_as_taken(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    served, _ = listener.accept()
    served.close()  # the side that closes first is the one that waits
    client.close()
    listener.close()
    assert conflicts({"loki": {"loki": port}}, "127.0.0.1") == []


def test_up_with_a_taken_port_says_so_and_starts_nothing(context: Context) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", context.ports["alertmanager"]))
        server.listen()
        done = native(context, "up")
    assert done.returncode == 1
    taken = f"port {context.ports['alertmanager']}, needed by alertmanager, is taken by"
    assert taken in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert "PORT_OFFSET" in done.stderr
    assert marked_processes(context.state) == []


def test_up_with_a_wrong_config_names_the_key_and_starts_nothing(context: Context, tmp_path: Path) -> None:
    config = tmp_path / "observability.yml"
    config.write_text("budgtes: []\n")
    done = native(context, "up", OBSERVABILITY_CONFIG=str(config))
    assert done.returncode == 1
    assert f"{config}: budgtes: unknown key" in done.stderr
    assert "Traceback" not in done.stderr
    assert marked_processes(context.state) == []


def test_up_without_go_says_what_it_is_for_and_starts_nothing(context: Context) -> None:
    done = native(context, "up")
    assert done.returncode == 1
    assert "prometheus, alertmanager, jaeger, loki, promtail has to be built, and there is no Go on PATH" in done.stderr
    assert "https://go.dev/dl/" in done.stderr
    assert marked_processes(context.state) == []


def test_two_commands_at_once_are_refused_by_name(context: Context) -> None:
    with exclusive(context, "up"):
        done = native(context, "down")
    assert done.returncode == 1
    assert f"make up (pid {os.getpid()}) is at work on {context.state}" in done.stderr


def test_down_is_safe_where_nothing_ever_ran(context: Context, tmp_path: Path) -> None:
    done = native(context, "down", STATE_DIR=str(tmp_path / "never"))
    assert (done.returncode, done.stdout) == (0, "nothing runs here\n")
    assert not (tmp_path / "never").exists()


def test_status_of_a_stack_that_is_down_is_json_and_not_healthy(context: Context) -> None:
    done = native(context, "status", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["engine"] == "native"
    assert document["healthy"] is False
    assert set(document["components"]) >= {"exporter", "prometheus", "jaeger", "loki", "phoenix", "preview"}
    row = document["components"]["exporter"]
    assert (row["state"], row["pid"], row["memory_bytes"], row["uptime_seconds"]) == ("stopped", None, None, None)
    assert document["urls"]["OTLP/HTTP"] == context.url("jaeger_otlp_http")


def test_a_component_of_another_stack_on_the_same_port_does_not_count_as_healthy(context: Context) -> None:
    # Something answers 200 to everything on the exporter's port, and it is not ours.
    code = (
        "import http.server, sys\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        "    def log_message(self, *a): pass\n"
        "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(context.ports["exporter"])]) as other:
        try:
            poll("the other server", lambda: httpx.get(context.url("exporter") + "/readyz").status_code == 200)
            document = json.loads(native(context, "status", "--json").stdout)
        finally:
            other.kill()
    assert document["components"]["exporter"]["state"] == "stopped"


def test_an_unknown_engine_is_refused(context: Context) -> None:
    done = native(context, "up", ENGINE="podman")
    assert done.returncode == 1
    assert "ENGINE='podman' must be docker or native" in done.stderr


def test_logs_of_a_stack_without_logs_say_so(context: Context) -> None:
    done = native(context, "logs", "loki")
    assert done.returncode == 1
    assert f"there is no log in {context.logs}" in done.stderr


@pytest.mark.timeout(180)
def test_an_interrupted_up_leaves_what_is_up_and_the_next_one_goes_on(
    context: Context, commands: Callable[..., str], tmp_path: Path
) -> None:
    """A Go that compiles for ever stands for the builds; exporter and preview are the real ones."""
    pids = tmp_path / "compilers"
    path = commands(
        go='if [ "$1" = env ]; then echo \'{"GOVERSION": "go1.99.0", "GOTOOLCHAIN": "local"}\'; exit 0; fi\n'
        f"echo $$ >> {pids}\nexec sleep 600"
    )
    _pretend_phoenix(context)

    def interrupt_once_up() -> tuple[int, str]:
        # A job in the background of a script ignores SIGINT, and so do its children; one in a terminal does not.
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            [sys.executable, "-m", "native", "up"],
            cwd=ROOT,
            env=environment(context, PATH=path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        signal.signal(signal.SIGINT, ours)
        try:
            poll("the exporter", lambda: _pid(context, "exporter"), deadline=60)
            poll("the preview", lambda: httpx.get(context.url("preview") + "/healthz").status_code == 200)
            poll("a compiler", lambda: pids.exists() and pids.read_text().split())
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, output

    code, output = interrupt_once_up()
    assert code == 130, output
    assert "left running: exporter, phoenix, preview" in output
    first = _pid(context, "exporter")
    assert first is not None
    assert [pid for pid in map(int, pids.read_text().split()) if psutil.pid_exists(pid)] == [], "a compiler lives on"

    pids.unlink()
    code, output = interrupt_once_up()
    assert code == 130, output
    assert _pid(context, "exporter") == first, "the second run must leave alone what is up"

    # The supervisor is killed: what it had started is found and ended all the same.
    for process in marked_processes(context.state):
        if "supervisord" in " ".join(process.cmdline()):
            process.kill()
    done = native(context, "down")
    assert done.returncode == 0, done.stderr
    assert "ended what had no supervisor" in done.stdout
    assert marked_processes(context.state) == []
    assert conflicts({"all": {"exporter": context.ports["exporter"]}}, "127.0.0.1") == []


def _pretend_phoenix(context: Context) -> None:
    """A complete Phoenix environment whose interpreter only waits, so that nothing is downloaded here."""
    python = phoenix_env.python(context)
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexec sleep 600\n")
    python.chmod(0o755)
    phoenix_env.mark_complete(context)


def _pid(context: Context, component: str) -> int | None:
    """The pid of a healthy component."""
    row = json.loads(native(context, "status", "--json").stdout)["components"][component]
    return row["pid"] if row["state"] == "healthy" else None


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
