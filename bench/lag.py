"""From the end of a span to its number on the metrics page, at a steady load."""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import numpy as np

from bench import spans
from bench.intake import PROTOBUF, Receiver, exporter, pour
from bench.result import Result

SPANS_PER_SECOND = 5000
BODIES_PER_SECOND = 10
SECONDS = 60
#: How often the page is read; what is measured is late by as much at most.
_EVERY = 0.05


def run() -> list[Result]:
    """Send bodies at their times, whose spans end when they are sent, and read the page all the while."""
    size = SPANS_PER_SECOND // BODIES_PER_SECOND // len(spans.SERVICES) * len(spans.SERVICES)
    count = SECONDS * BODIES_PER_SECOND
    with tempfile.TemporaryDirectory(prefix="bench-") as name, exporter(Path(name)) as receiver:
        pour(receiver, [spans.body(size, -1 - seed) for seed in range(5)], size)
        before = receiver.counted()
        started = time.time()
        spans.body(size, -100)
        begin = time.time() + 3 * (time.time() - started) * count  # by then they are made
        due = [begin + number / BODIES_PER_SECOND for number in range(count)]
        with ProcessPoolExecutor(2) as pool:
            bodies = list(pool.map(partial(_body, size), range(count), due))
        if time.time() > begin:
            raise RuntimeError("the spans were not made in time: is the machine busy?")
        sending = threading.Thread(target=_send, args=(receiver, bodies, due))
        sending.start()
        seen = [(time.time(), 0)]
        while seen[-1][1] < count * size:
            if time.time() > due[-1] + 60:
                raise RuntimeError(f"{seen[-1][1]} of {count * size} spans were counted")
            time.sleep(_EVERY)
            asked = time.time()
            seen.append((asked, receiver.counted() - before))
        sending.join()
    moments, counts = (np.array(column) for column in zip(*seen, strict=True))
    visible = moments[np.searchsorted(counts, size * np.arange(1, count + 1))]
    lag = visible - np.array(due)
    how = (
        f"{SECONDS} s of {size * BODIES_PER_SECOND} spans per second in {BODIES_PER_SECOND} OTLP/HTTP bodies each; "
        "from the end of a body's spans, which is when it is due, to the first read of the page (every "
        f"{_EVERY * 1000:.0f} ms) that has them all; limits.settle_seconds is 1"
    )
    return [
        Result("span_to_metric_lag_p99", round(float(np.quantile(lag, 0.99)), 2), "s", how),
        Result("span_to_metric_lag_p50", round(float(np.quantile(lag, 0.5)), 2), "s", "see above"),
    ]


def _body(size: int, seed: int, ended: float) -> bytes:
    return spans.body(size, seed, ended=ended)


def _send(receiver: Receiver, bodies: list[bytes], due: list[float]) -> None:
    with httpx.Client(timeout=60) as client:
        for body, moment in zip(bodies, due, strict=True):
            time.sleep(max(moment - time.time(), 0.0))
            client.post(receiver.intake, content=body, headers=PROTOBUF).raise_for_status()
