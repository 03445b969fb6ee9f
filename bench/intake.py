"""Spans in, numbers out: the exporter against the spanmetrics connector of Jaeger v2, on the same bytes.

Both are processes of their own that take the same OTLP/HTTP bodies from the same client and are asked for their
metrics page until it shows every span; what counts is the CPU time (user and system) that each process spent.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import yaml

from bench import spans
from bench.result import Result
from tests.components import find_binary, free_port
from tests.support import poll

BODY_SPANS = 2046  # the gateway sends batches of at most 2048
BODIES = 40
ROUNDS = 10
PROTOBUF = {"Content-Type": "application/x-protobuf"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """A running receiver; ``counter`` is a pattern of the samples whose sum is the number of spans counted."""

    process: psutil.Popen
    intake: str
    page: str
    counter: re.Pattern[str]

    def counted(self) -> int:
        """Spans on the page."""
        page = httpx.get(self.page, timeout=30).text
        return int(sum(float(value) for value in self.counter.findall(page)))

    def cpu_seconds(self) -> float:
        """CPU time of the process so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_mib(self) -> float:
        """Resident memory."""
        return float(self.process.memory_info().rss) / 2**20


@contextmanager
def exporter(folder: Path, **settings: object) -> Iterator[Receiver]:
    """The exporter as a team would run it; ``settings`` go into its ``observability.yml``."""
    config = folder / "observability.yml"
    config.write_text(yaml.safe_dump(settings))
    port = free_port()
    argv = [sys.executable, "-m", "observability.server", "--port", str(port), "--config", str(config)]
    with _running(argv, folder, f"http://127.0.0.1:{port}/readyz", {"STATE_DIR": str(folder / "state")}) as process:
        yield Receiver(
            process,
            f"http://127.0.0.1:{port}/v1/traces",
            f"http://127.0.0.1:{port}/metrics",
            re.compile(r"^llm_requests_total\{.*\} ([0-9.e+]+)", re.MULTILINE),
        )


@contextmanager
def spanmetrics(folder: Path) -> Iterator[Receiver]:
    """Jaeger v2 with OTLP/HTTP in, spanmetrics with the labels of ``llm_requests_total``, Prometheus out."""
    jaeger = find_binary("jaeger")
    if jaeger is None:
        raise SystemExit("jaeger is neither on PATH nor in the cache; `make up` builds it")
    intake, page, health = free_port(), free_port(), free_port()
    config = folder / "jaeger.yaml"
    labels = ("gen_ai.provider.name", "gen_ai.response.model", "gen_ai.operation.name")
    config.write_text(
        yaml.safe_dump(
            {
                "receivers": {
                    "otlp": {
                        "protocols": {"http": {"endpoint": f"127.0.0.1:{intake}", "max_request_body_size": 20_971_520}}
                    }
                },
                "exporters": {"prometheus": {"endpoint": f"127.0.0.1:{page}", "enable_open_metrics": True}},
                "connectors": {
                    "spanmetrics": {
                        "dimensions": [{"name": name} for name in labels],
                        "exemplars": {"enabled": True, "max_per_data_point": 5},
                        "metrics_flush_interval": "1s",
                    }
                },
                "extensions": {"healthcheckv2": {"use_v2": True, "http": {"endpoint": f"127.0.0.1:{health}"}}},
                "service": {
                    "extensions": ["healthcheckv2"],
                    "pipelines": {
                        "traces": {"receivers": ["otlp"], "exporters": ["spanmetrics"]},
                        "metrics": {"receivers": ["spanmetrics"], "exporters": ["prometheus"]},
                    },
                    "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}},
                },
            }
        )
    )
    argv = [str(jaeger), "--config", str(config)]
    with _running(argv, folder, f"http://127.0.0.1:{health}/status", {}) as process:
        yield Receiver(
            process,
            f"http://127.0.0.1:{intake}/v1/traces",
            f"http://127.0.0.1:{page}/metrics",
            re.compile(r"^traces_span_metrics_calls_total\{[^}]*\} ([0-9.e+]+)", re.MULTILINE),
        )


@contextmanager
def _running(argv: list[str], folder: Path, ready: str, environment: dict[str, str]) -> Iterator[psutil.Popen]:
    with (folder / "log").open("wb") as log:
        process = psutil.Popen(argv, cwd=folder, stdout=log, stderr=log, env={**os.environ, **environment})
        try:
            poll(f"{argv[0]} answers", lambda: _answers(ready), deadline=60)
            yield process
        finally:
            if process.is_running():
                process.terminate()
                process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def pour(receiver: Receiver, bodies: list[bytes], size: int = BODY_SPANS) -> float:
    """Send ``bodies``, of ``size`` spans each, as fast as they are taken and wait until all is counted; returns the CPU
    seconds it cost.
    """
    before, counted = receiver.cpu_seconds(), receiver.counted()
    with httpx.Client(timeout=60) as client:
        for body in bodies:
            while client.post(receiver.intake, content=body, headers=PROTOBUF).status_code == 429:
                time.sleep(0.05)
    wanted = counted + len(bodies) * size
    poll("every span is counted", lambda: receiver.counted() >= wanted, deadline=120, every=0.5)
    if receiver.counted() != wanted:
        raise RuntimeError(f"{receiver.counted() - counted} spans counted of {wanted - counted}")
    return receiver.cpu_seconds() - before


def run() -> list[Result]:
    """Rounds that alternate between the two, so that both see the same machine; each round sends new spans."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folders = [Path(name) / each for each in ("exporter", "spanmetrics")]
        for folder in folders:
            folder.mkdir()
        with exporter(folders[0]) as exporter_, spanmetrics(folders[1]) as peer:
            for receiver in (exporter_, peer):  # warm: caches, code paths, series
                pour(receiver, [spans.body(BODY_SPANS, -1 - seed) for seed in range(10)])
            for round_ in range(ROUNDS):
                bodies = [spans.body(BODY_SPANS, round_ * BODIES + seed) for seed in range(BODIES)]
                for receiver, seconds in ((exporter_, ours), (peer, theirs)):
                    seconds.append(pour(receiver, bodies))
            memory = exporter_.memory_mib(), peer.memory_mib()
    sent = ROUNDS * BODIES * BODY_SPANS
    rate, peer_rate = sent / sum(ours), sent / sum(theirs)
    ratio = rate / peer_rate
    how = (
        f"{ROUNDS} rounds of {BODIES} OTLP/HTTP bodies with {BODY_SPANS} spans of 12 attributes and about 1.3 KiB, "
        "uncompressed; CPU time of each process until its page shows every span, over all rounds. The peer has the "
        "labels of llm_requests_total and exemplars, and counts neither tokens nor cost"
    )
    return [
        Result(
            "otlp_intake_vs_spanmetrics", round(rate), "spans per CPU-second", how,
            peer=f"Jaeger v2 spanmetrics: {peer_rate:.0f} spans per CPU-second",
            ratio=round(ratio, 2), goal="at least 1.5 times the peer", met=ratio >= 1.5,
        ),
        Result(
            "otlp_intake_memory", round(memory[0], 1), "MiB", f"resident after {ROUNDS} rounds, see above",
            peer=f"Jaeger v2 spanmetrics: {memory[1]:.1f} MiB", ratio=round(memory[0] / memory[1], 2),
        ),
    ]  # fmt: skip
