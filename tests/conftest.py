"""Fixtures of the integration and browser tests: one real stack and one real demo run for the whole session."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, Stack, free_offset

#: Seconds of demo traffic that the tests look at.
DEMO_SECONDS = int(os.environ.get("TEST_DEMO_SECONDS", "60"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack, started by ``make up`` with short alert windows; down again at the end.

    ``TEST_STACK=<state folder>:<port offset>`` uses one that already runs (and leaves it running).
    """
    config = ROOT / "tests" / "integration" / "observability.yml"
    running = os.environ.get("TEST_STACK")
    if running:
        folder, _, offset = running.rpartition(":")
        yield Stack(Path(folder), int(offset), config)
        return
    started = Stack(tmp_path_factory.mktemp("stack"), free_offset(), config)
    try:
        started.up()
        yield started
    finally:
        started.down()


@dataclass(frozen=True)
class DemoRun:
    """What a finished demo run says of itself: the simulator's ledger and trace ids per service."""

    summary: dict[str, Any]
    output: str


def run_demo(stack: Stack, summary: Path, seconds: int, *arguments: str) -> DemoRun:
    """Run ``python -m demo`` against ``stack`` and return its summary."""
    done = subprocess.run(
        [
            str(ROOT / ".venv/bin/python"),
            "-m",
            "demo",
            "--seconds",
            str(seconds),
            "--summary",
            str(summary),
            *arguments,
        ],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, f"the demo failed\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return DemoRun(json.loads(summary.read_text()), done.stdout)


@pytest.fixture(scope="session")
def demo(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """One demo run of :data:`DEMO_SECONDS` through the session's stack."""
    return run_demo(stack, tmp_path_factory.mktemp("demo") / "summary.json", DEMO_SECONDS)
