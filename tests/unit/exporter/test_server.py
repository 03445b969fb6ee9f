"""``python -m observability.server`` as a process: settings, ports, logs, and a stop that loses nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from observability.settings import Runtime, SettingsError
from tests.support import ROOT, poll
from tests.unit.exporter.support import PROTOBUF, chat, request, span

BATCHES = 20
SPANS = 200
ALL_ROWS = "{max_per_second: 100000}"


@dataclass(frozen=True)
class Server:
    """A running exporter process."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "out").read_text().splitlines()]

    def rows(self) -> int:
        return (self.folder / "logs" / "interactions" / "llm.jsonl").read_bytes().count(b"\n")


@contextlib.contextmanager
def serving(folder: Path, *, config: str = "{}", **environ: str) -> Iterator[Server]:
    """The exporter on a free port with its files in ``folder``; killed at the end if it still runs."""
    (folder / "observability.yml").write_text(config)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "observability.server", "--port", str(port)],
            cwd=ROOT,
            env={
                **os.environ,
                "STATE_DIR": str(folder / "state"),
                "LOG_DIR": str(folder / "logs"),
                "OBSERVABILITY_CONFIG": str(folder / "observability.yml"),
                "PHOENIX_URL": "",
                "EXPORTER_LOG_FILE": "",
                **environ,
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    server = Server(process, f"http://127.0.0.1:{port}", folder)
    try:
        poll("the exporter is ready", lambda: httpx.get(f"{server.url}/readyz").is_success)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def body(model: str) -> bytes:
    return request(span(chat(model)) for _ in range(SPANS)).SerializeToString()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_measures_what_was_accepted_writes_it_and_exits_with_zero(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path, config=f"interactions: {ALL_ROWS}") as server:
        with httpx.Client(base_url=server.url, headers=PROTOBUF) as client:
            accepted = [client.post("/v1/traces", content=body("gpt-4o")).status_code for _ in range(BATCHES)]
        assert accepted == [200] * BATCHES
        assert server.stop(number) == 0
        assert server.rows() == BATCHES * SPANS
        assert [line["lost_items"] for line in server.lines() if line["event"] == "stopped"] == [0]
    with serving(tmp_path) as again:
        page = httpx.get(f"{again.url}/metrics").text
        spent = next(line for line in page.splitlines() if line.startswith("llm_budget_spent_usd"))
        assert float(spent.split()[1]) == pytest.approx(BATCHES * SPANS * (100 * 2.5 + 20 * 10) / 1e6)


def test_what_cannot_be_finished_in_time_is_said_in_the_log(tmp_path: Path) -> None:
    with serving(
        tmp_path, config=f"limits: {{shutdown_seconds: 0.01, queue_batches: 1000}}\ninteractions: {ALL_ROWS}"
    ) as server:
        with httpx.Client(base_url=server.url, headers=PROTOBUF) as client:
            accepted = sum(client.post("/v1/traces", content=body("gpt-4o")).is_success for _ in range(BATCHES))
        assert server.stop() == 0
        lost = [line for line in server.lines() if line["event"] == "lost"]
        assert server.rows() + sum(line["items"] for line in lost) == accepted * SPANS
        assert [line["lost_items"] for line in server.lines() if line["event"] == "stopped"] == [
            sum(line["items"] for line in lost)
        ]
        assert all(line["level"] == "error" for line in lost)


def test_every_log_line_is_json_with_the_standard_keys_and_goes_to_the_log_file_too(tmp_path: Path) -> None:
    log_file = tmp_path / "elsewhere" / "exporter.log"
    with serving(tmp_path, EXPORTER_LOG_FILE=str(log_file)) as server:
        assert server.stop() == 0
        lines = server.lines()
    assert lines
    for line in lines:
        assert {"timestamp", "level", "logger", "event", "message"} <= line.keys()
    assert {"uvicorn.error", "observability.exporter"} <= {line["logger"] for line in lines}
    assert [json.loads(line) for line in log_file.read_text().splitlines()] == lines


def test_wrong_settings_stop_it_before_it_starts_with_the_key_in_the_message(tmp_path: Path) -> None:
    config = tmp_path / "observability.yml"
    config.write_text("limits: {label_valeus: 3}")
    done = subprocess.run(
        [sys.executable, "-m", "observability.server", "--config", str(config)],
        cwd=ROOT,
        env={**os.environ, "STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "limits.label_valeus: unknown key" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("in_the_way", "environ"),
    [
        ("state", {"STATE_DIR": "state"}),
        ("logs", {"LOG_DIR": "logs"}),
        ("log", {"EXPORTER_LOG_FILE": "log/exporter.log"}),
    ],
)
def test_a_folder_that_cannot_be_made_is_named_without_a_traceback(
    tmp_path: Path, in_the_way: str, environ: dict[str, str]
) -> None:
    (tmp_path / in_the_way).write_text("a file, not a folder")
    folders = {"STATE_DIR": "state", "LOG_DIR": "logs", **environ}
    done = subprocess.run(
        [sys.executable, "-m", "observability.server", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, **{name: str(tmp_path / folder) for name, folder in folders.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert str(tmp_path / in_the_way) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_an_error_that_names_the_address(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "observability.server", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "STATE_DIR": str(tmp_path), "LOG_DIR": str(tmp_path / "logs")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode not in (0, 2)
    assert f"{port}" in done.stdout
    assert "address already in use" in done.stdout


def test_runtime_comes_from_the_environment_and_empty_is_unset() -> None:
    assert Runtime.from_environ({}) == Runtime()
    told = Runtime.from_environ(
        {
            "STATE_DIR": "/s",
            "EXPORTER_HOST": "0.0.0.0",
            "EXPORTER_PORT": "23464",
            "EXPORTER_LOG_FILE": "",
            "PHOENIX_URL": "http://phoenix:6006/",
        }
    )
    assert (told.host, told.port, told.log_file) == ("0.0.0.0", 23464, None)
    assert told.ledger_file == Path("/s/exporter/ledger.sqlite")
    assert told.interactions_file == Path("/s/logs/interactions/llm.jsonl")
    assert told.phoenix_url == "http://phoenix:6006"


@pytest.mark.parametrize("port", ["http", "-1", "70000"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(SettingsError, match="EXPORTER_PORT"):
        Runtime.from_environ({"EXPORTER_PORT": port})
