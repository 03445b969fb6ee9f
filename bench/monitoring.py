"""What it costs to watch a model of fifty features: each value, the gauges, the page, and memory."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from bench.result import Result
from observability.metrics import Metrics
from observability.monitoring.gauges import Gauges
from observability.monitoring.model import Against, ModelMonitor
from observability.predictions.baselines import decode_baseline
from observability.predictions.decode import decode_predictions
from observability.predictions.rows import Predictions
from observability.settings import Drift, Model, Settings

NUMBERS, CATEGORIES = 40, 10
FEATURES = NUMBERS + CATEGORIES
BASELINE, WINDOW, STREAM = 10_000, 10_000, 12_000
#: Predictions that come together.
BATCHES = (1, 64, 1000)
ROUNDS, PAGES = 15, 200
SCRAPE_GOAL, STATE_GOAL = 1.0, 10_000
_WHAT = f"a model of {FEATURES} features ({NUMBERS} numbers, {CATEGORIES} of 12 categories), baseline {BASELINE:,} rows"


def run() -> list[Result]:
    """Measure each in this process, as the exporter does it."""
    monitor = _monitor()
    rows = _predictions(STREAM)
    watched = len(monitor.monitors)
    monitor.take(rows)
    costs = {}
    for size in BATCHES:
        parts = [rows.take(np.arange(at, at + size)) for at in range(0, 200 if size == 1 else 8 * size, size)]
        seconds = statistics.median(_timed(partial(_take, monitor, parts), 5))
        costs[size] = seconds / (len(parts) * size * watched)
    gauges, none = Gauges(), Gauges()
    computing = _median(lambda: _show(gauges, monitor, rows))
    full, empty = (
        Metrics(label_values=10**6, label_length=128, readings=each.readings(), series_per_family=10**6)
        for each in (gauges, none)
    )
    pages = [(_timed(lambda: full.page(""), 1)[0], _timed(lambda: empty.page(""), 1)[0]) for _ in range(PAGES)]
    whole, without = (statistics.median(each) for each in zip(*pages, strict=True))
    samples = len(full.page("")[0].splitlines()) - len(empty.page("")[0].splitlines())
    sizes = [each.bytes for each in monitor.monitors]
    return [
        Result(
            "drift_observation",
            round(costs[64] * 1e6, 2),
            "µs",
            f"CPU time for one value of one feature when 64 predictions come together: bins, window, sequential test, "
            f"data quality, feature importance; {_WHAT}; one by one {costs[1] * 1e6:.0f} µs, 1000 together "
            f"{costs[1000] * 1e6:.2f} µs; median of 5",
        ),
        Result(
            "drift_scrape_50_features",
            round(max(whole - without, 0.0) * 1000, 3),
            "ms",
            f"CPU time of a page with all gauges of {_WHAT} ({samples:,} samples) less that of one without them, which "
            f"is {without * 1000:.2f} ms; medians of {PAGES} in turns. They are computed and written before, once a "
            f"second if anything came: {computing * 1000:.1f} ms",
            goal=f"less than {SCRAPE_GOAL:g} ms",
            met=(whole - without) * 1000 < SCRAPE_GOAL,
        ),
        Result(
            "drift_state_bytes",
            max(sizes),
            "bytes",
            f"largest state of one feature at a window of {WINDOW:,}, with what it is compared with; {_WHAT}; mean "
            f"{statistics.mean(sizes):,.0f}",
            goal=f"at most {STATE_GOAL:,} bytes",
            met=max(sizes) <= STATE_GOAL,
        ),
    ]


def _take(monitor: ModelMonitor, parts: Sequence[Predictions]) -> None:
    for part in parts:
        monitor.take(part)


def _show(gauges: Gauges, monitor: ModelMonitor, rows: Predictions) -> None:
    monitor.take(rows.take(np.arange(1)))
    monitor.refresh()
    gauges.show([monitor], {})


def _monitor() -> ModelMonitor:
    columns = _columns(BASELINE, np.random.default_rng(1))
    output = io.BytesIO()
    pq.write_table(pa.table(columns), output)
    baseline = decode_baseline(output.getvalue(), "application/vnd.apache.parquet")
    settings = Settings(drift=Drift(window=WINDOW))
    against = Against(baseline.hash, time.time(), baseline)
    return ModelMonitor("bench", "1", settings, Model(name="bench"), against, lambda: None)


def _columns(rows: int, random: np.random.Generator) -> dict[str, Any]:
    numbers = {f"number_{at}": random.normal(size=rows) for at in range(NUMBERS)}
    names = np.array([f"kind-{at}" for at in range(12)])
    categories = {f"category_{at}": names[random.integers(0, 12, rows)] for at in range(CATEGORIES)}
    return {**numbers, **categories, "prediction": np.where(random.random(rows) < 0.3, "yes", "no")}


def _predictions(rows: int) -> Predictions:
    columns = {name: column.tolist() for name, column in _columns(rows, np.random.default_rng(2)).items()}
    answers = columns.pop("prediction")
    items = [
        {
            "prediction_id": str(row),
            "model": "bench",
            "timestamp": 1_790_000_000.0 + row,
            "features": {name: column[row] for name, column in columns.items()},
            "prediction": answers[row],
            "latency_seconds": 0.01,
        }
        for row in range(rows)
    ]
    return decode_predictions(orjson.dumps(items), None).rows


def _timed(work: Callable[[], object], rounds: int) -> list[float]:
    """CPU seconds of each round."""
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return taken


def _median(work: Callable[[], object]) -> float:
    work()
    return statistics.median(_timed(work, ROUNDS))
