"""The exporter is killed while predictions are posted: whatever was acknowledged is there after a restart."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from observability.predictions.store import PredictionStore, sqlite_url
from tests.support import ROOT, poll


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def exporter(state: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "STATE_DIR": str(state), "LOG_DIR": str(state / "logs"), "EXPORTER_INSTANCE": "one"}
    process = subprocess.Popen(
        [sys.executable, "-m", "observability.server", "--port", str(port)],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/readyz"
        poll("the exporter is ready", lambda: httpx.get(url).status_code == 200, deadline=60)
        yield process
    finally:
        process.kill()
        process.wait()


def test_what_was_acknowledged_survives_kill_nine_and_is_counted_on(tmp_path: Path) -> None:
    port = _free_port()
    acknowledged: list[str] = []
    enough = threading.Event()

    def send() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            for number in itertools.count():
                ids = [f"{number}-{at}" for at in range(20)]
                items = [{"prediction_id": id_, "model": "m", "prediction": 1.5, "features": {"x": 1}} for id_ in ids]
                try:
                    answer = client.post("/v1/predictions", json=items)
                except httpx.TransportError:
                    return
                assert answer.json()["accepted"] == 20
                acknowledged.extend(ids)
                if number == 30:
                    enough.set()

    with exporter(tmp_path, port) as process:
        sender = threading.Thread(target=send)
        sender.start()
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)
        sender.join(30)
    assert len(acknowledged) > 600

    with exporter(tmp_path, port):
        for id_ in (acknowledged[0], acknowledged[-1]):
            assert httpx.get(f"http://127.0.0.1:{port}/v1/audit/{id_}").status_code == 200, id_
        url = f"http://127.0.0.1:{port}/performance?model=m"
        measured = poll("the window is as it was", lambda: httpx.get(url).json().get("models"), deadline=30)
        assert measured[0]["n"] > 600
    store = PredictionStore(sqlite_url(tmp_path / "exporter" / "predictions.sqlite"), writer="reader", create=False)
    stored = {id_ for part in store.tail(0, "one") for id_ in part.predictions.prediction_id}
    store.close()
    assert set(acknowledged) <= stored
