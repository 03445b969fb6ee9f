"""What the whole native stack costs: seconds of a warm start, and memory when nothing happens."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.result import Result
from tests.support import Stack, free_offset

#: Seconds that the stack is left alone before its memory is read, so that start-up garbage has gone.
IDLE_SECONDS = 60


def run() -> list[Result]:
    """Start the stack twice in a fresh state folder (everything built and cached) and read its memory."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder) / "state", free_offset())
        try:
            stack.up()  # fills the caches, creates the databases
            stack.down()
            begin = time.perf_counter()
            stack.up()
            warm = time.perf_counter() - begin
            begin = time.perf_counter()
            stack.up()
            again = time.perf_counter() - begin
            time.sleep(IDLE_SECONDS)
            memory = {
                name: row["memory_bytes"] / 2**20
                for name, row in stack.status()["components"].items()
                if row["memory_bytes"]
            }
        finally:
            stack.down()
    results = [
        Result(
            "warm_up_seconds",
            round(warm, 2),
            "s",
            "make up after make down, everything in the cache, until all is healthy",
        ),
        Result("up_again_seconds", round(again, 2), "s", "make up while everything is healthy"),
        Result(
            "idle_memory",
            round(sum(memory.values()), 1),
            "MiB",
            f"resident memory of all processes {IDLE_SECONDS} s after the start, no traffic",
        ),
    ]
    results += [
        Result(f"idle_memory_{name}", round(value, 1), "MiB", "resident memory of the component's processes")
        for name, value in sorted(memory.items(), key=lambda item: -item[1])
    ]
    return results
