"""A million predictions through HTTP: how fast, how much memory, and what ``kill -9`` costs."""

from __future__ import annotations

import io
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from bench.intake import Receiver, exporter
from bench.result import Result
from tests.support import poll

PREDICTIONS = 1_000_000
BODY = 5_000
NUMBERS = 8
BASELINE = 5_000
#: How often memory is read, and after how many readings everything that is bounded is full.
_READINGS, _FULL = 20, 10
_JSON = {"Content-Type": "application/json"}
_PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
_WHAT = f"predictions of {NUMBERS} numbers and 2 categories, every one watched for drift, {BODY:,} in a body of JSON"


def run() -> list[Result]:
    """One client that sends as fast as it is answered; then the process is killed, and a new one counts its rows."""
    memory: list[float] = []
    rates: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ProcessPoolExecutor(1) as pool:
        folder = Path(name)
        with exporter(folder) as receiver, httpx.Client(base_url=_base(receiver), timeout=120) as client:
            client.put("/v1/baselines/bench", content=_baseline(), headers=_PARQUET).raise_for_status()
            before = receiver.cpu_seconds()
            for bodies in _parts(pool):
                begin = time.perf_counter()
                for body in bodies:
                    client.post("/v1/predictions", content=body, headers=_JSON).raise_for_status()
                rates.append(len(bodies) * BODY / (time.perf_counter() - begin))
                memory.append(receiver.memory_mib())
            spent = receiver.cpu_seconds() - before
            receiver.process.kill()  # at once, without a word
            receiver.process.wait(30)
        with exporter(folder) as receiver:
            stored = poll("rows are counted", lambda: _stored(receiver), deadline=120)
    early, late = max(memory[_FULL // 2 : _FULL]), max(memory[_FULL:])
    ratio = late / early
    return [
        Result(
            "predictions_intake",
            round(PREDICTIONS / spent),
            "predictions per CPU-second",
            f"{PREDICTIONS:,} {_WHAT}, each answered once it is stored in SQLite; one client, "
            f"{statistics.median(rates):,.0f} a second",
        ),
        Result(
            "memory_over_million_predictions",
            round(late, 1),
            "MiB",
            f"resident memory over {PREDICTIONS:,} {_WHAT}; the ratio is that of the most in the second half of them "
            f"to the most in the quarter before ({early:.0f} MiB)",
            ratio=round(ratio, 3),
            goal="at most 1.05 times as much in the second half",
            met=ratio <= 1.05,
        ),
        Result(
            "predictions_lost_by_kill",
            PREDICTIONS - stored,
            "predictions",
            f"of {PREDICTIONS:,} that were accepted, missing in the store after kill -9 and a new start",
            goal="none",
            met=stored == PREDICTIONS,
        ),
    ]


def _base(receiver: Receiver) -> str:
    return receiver.page.removesuffix("/metrics")


def _stored(receiver: Receiver) -> int:
    """Rows of the store, as the page has them; 0 before they were counted."""
    page = httpx.get(receiver.page, timeout=30).text
    found = [line for line in page.splitlines() if line.startswith('exporter_store_rows{table="predictions"}')]
    return int(float(found[0].rpartition(" ")[2])) if found else 0


def _baseline() -> bytes:
    columns = _columns(BASELINE, 0)
    output = io.BytesIO()
    pq.write_table(pa.table({**columns["features"], "prediction": columns["prediction"]}), output)
    return output.getvalue()


def _columns(rows: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    features: dict[str, Any] = {f"number_{at}": random.normal(size=rows).tolist() for at in range(NUMBERS)}
    features["country"] = random.choice(["DE", "FR", "GB", "US", "IN"], rows).tolist()
    features["plan"] = random.choice(["free", "pro"], rows).tolist()
    return {"features": features, "prediction": random.choice(["yes", "no"], rows).tolist()}


def _parts(pool: ProcessPoolExecutor) -> Iterator[list[bytes]]:
    """The bodies between two readings of memory, made in another process meanwhile."""
    each = PREDICTIONS // BODY // _READINGS
    made = pool.map(body, range(1, each * _READINGS + 1))
    for _ in range(_READINGS):
        yield [next(made) for _ in range(each)]


def body(seed: int) -> bytes:
    """Predictions ``seed``·5000 and so on, as a client sends them."""
    columns = _columns(BODY, seed)
    names = list(columns["features"])
    rows = zip(*columns["features"].values(), strict=True)
    now = time.time()
    return orjson.dumps(
        [
            {
                "prediction_id": f"prediction-{seed * BODY + at:012}",
                "model": "bench",
                "version": "1",
                "timestamp": now,
                "features": dict(zip(names, row, strict=True)),
                "prediction": prediction,
                "confidence": 0.8,
                "latency_seconds": 0.012,
            }
            for at, (row, prediction) in enumerate(zip(rows, columns["prediction"], strict=True))
        ]
    )


if __name__ == "__main__":
    for result in run():
        print(json.dumps(result.as_row(), indent=1))
