"""Memory over a million spans of a hundred thousand users."""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from bench import spans
from bench.intake import BODY_SPANS, exporter, pour
from bench.result import Result

SPANS = 1_000_000
USERS = 100_000
#: How often memory is read, and after how many readings everything that is bounded is full.
_READINGS, _FULL = 20, 10


def run() -> list[Result]:
    """Send the spans with their users as a dimension, and look at the memory of the process all the while."""
    bodies = -(-SPANS // BODY_SPANS // _READINGS) * _READINGS
    memory: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        exporter(Path(name), dimensions=[{"name": "user", "attributes": ["user.id"]}]) as receiver,
        ProcessPoolExecutor(2) as pool,
    ):
        each = bodies // _READINGS
        for start in range(0, bodies, each):
            made = list(pool.map(partial(spans.body, BODY_SPANS, users=USERS), range(start, start + each)))
            pour(receiver, made)
            memory.append(receiver.memory_mib())
    early, late = max(memory[_FULL // 2 : _FULL]), max(memory[_FULL:])
    ratio = late / early
    how = (
        f"resident memory after {bodies * BODY_SPANS} spans of {USERS} users, who are a dimension; the ratio is that "
        f"of the most in the second half of them to the most in the quarter before ({early:.0f} MiB)"
    )
    return [
        Result(
            "memory_over_million_spans", round(late, 1), "MiB", how,
            ratio=round(ratio, 3), goal="at most 1.05 times as much in the second half", met=ratio <= 1.05,
        )
    ]  # fmt: skip
