"""One service of the demo as a real process against the simulator, and what it sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from demo.simulator.app import Simulator
from demo.simulator.faults import Faults
from tests.support import ROOT
from tests.unit.demo.support import Receiver, attributes, ledger_of, serving

INTERACTIONS = 30


@dataclass(frozen=True)
class Run:
    """A finished run of one service."""

    service: str
    receiver: Receiver
    ledger: dict[str, Any]
    done: dict[str, Any]

    @property
    def spans(self) -> list[Span]:
        return self.receiver.spans(self.service)

    def named(self, prefix: str) -> list[tuple[Span, dict[str, Any]]]:
        """Spans whose name begins with ``prefix``, with their attributes."""
        return [(span, attributes(span.attributes)) for span in self.spans if span.name.startswith(prefix)]


def run_service(service: str) -> Iterator[Run]:
    receiver = Receiver()
    try:
        with serving(Simulator(latency_scale=0.05, faults=Faults(error_ratio=0.2))) as url:
            module = service.replace("-", "_")
            arguments = ["--base-url", f"{url}/v1", "--interactions", str(INTERACTIONS), "--think", "0"]
            arguments += ["--latency-scale", "0.05"]
            finished = subprocess.run(
                [sys.executable, "-m", f"demo.{module}", *arguments, "--timeout", "0.8"],
                cwd=ROOT,
                env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "PYTHONWARNINGS": "error"},
                capture_output=True,
                text=True,
                timeout=120,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            assert finished.returncode == 0, finished.stderr
            assert finished.stderr == ""
            ready, done = map(json.loads, finished.stdout.splitlines())
            assert (ready["event"], done["event"]) == ("ready", "done")
            yield Run(service, receiver, ledger_of(url), done)
    finally:
        receiver.close()


def calls_in_ledger(run: Run, operation: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for row in run.ledger["rows"]:
        assert row["service"] == run.service
        if row["operation"] == operation:
            counted.update({"success": row["success"], **row["errors"]})
    return counted
