"""Predictions: decoding and checking them, storing them and their labels, and exporting them."""

from __future__ import annotations

import gc
import io
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bench.result import Result
from observability.export.__main__ import export
from observability.predictions.databases import PREDICTION_COLUMNS
from observability.predictions.decode import decode_predictions
from observability.predictions.rows import Labels, Predictions
from observability.predictions.store import PredictionStore, sqlite_url
from observability.predictions.stored import Filter
from tests.unit.predictions import postgres

ROWS = 20_000
BATCH = 5_000
FEATURES = 10
ROUNDS = 7
#: Rows that are in the tables already, so that indices have their depth.
FILLED = 100_000
_PARQUET = "application/vnd.apache.parquet"
_WHAT = f"predictions of {FEATURES} features (8 numbers, 2 categories)"


class _Prediction(BaseModel):
    """What somebody would write for the same checks with pydantic."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())

    prediction_id: str = Field(min_length=1, max_length=256)
    model: str = Field(min_length=1, max_length=256)
    version: str = Field(default="", max_length=256)
    timestamp: float = Field(ge=0)
    features: dict[str, str | int | float | bool | list[float] | None]
    prediction: str | int | float | bool
    confidence: float = Field(ge=0, le=1)
    latency_seconds: float = Field(ge=0)


def run() -> list[Result]:
    """Measure each in this process."""
    items = made()
    return [*_decoding(items), *_storing(items), *_postgresql(items)]


def made(rows: int = ROWS) -> list[dict[str, Any]]:
    """Predictions as a client sends them."""
    random = np.random.default_rng(7)
    numbers = random.normal(size=(rows, FEATURES - 2)).tolist()
    countries = random.choice(["DE", "FR", "GB", "US", "IN"], rows).tolist()
    confidences = random.random(rows).tolist()
    return [
        {
            "prediction_id": f"prediction-{row:012}",
            "model": "churn",
            "version": "3",
            "timestamp": 1_790_000_000.0 + row / 1000,
            "features": {f"number_{name}": value for name, value in enumerate(numbers[row])}
            | {"country": countries[row], "plan": "pro" if row % 3 else "free"},
            "prediction": "yes" if row % 4 else "no",
            "confidence": confidences[row],
            "latency_seconds": 0.012,
        }
        for row in range(rows)
    ]


def _decoding(items: list[dict[str, Any]]) -> list[Result]:
    body = orjson.dumps(items)
    adapter = TypeAdapter(list[_Prediction])
    mine, theirs = _in_turns(lambda: decode_predictions(body, None), lambda: _columns(adapter.validate_json(body)))
    output = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(items), output)
    parquet = output.getvalue()
    columns, _ = _in_turns(lambda: decode_predictions(parquet, _PARQUET), lambda: None)
    how = f"CPU time to decode and check {ROWS:,} {_WHAT} in one body of {{size:.1f}} MB; median of {ROUNDS}"
    return [
        Result(
            "decode_predictions",
            round(ROWS / mine),
            "rows/s",
            how.format(size=len(body) / 1e6) + " in turns with the peer",
            peer="pydantic's validate_json into a model of these fields, then columns and the features' JSON; one "
            f"bad item costs the body: {ROWS / theirs:,.0f} rows/s",
            ratio=round(mine / theirs, 2),
            goal="at most 1.25 of the peer",
            met=mine / theirs <= 1.25,
        ),
        Result(
            "decode_predictions_parquet",
            round(ROWS / columns),
            "rows/s",
            how.format(size=len(parquet) / 1e6) + " of Parquet, features in a struct",
        ),
    ]


def _columns(items: list[_Prediction]) -> list[list[Any]]:
    """What is stored of ``items``."""
    columns = [[getattr(each, name) for each in items] for name in _Prediction.model_fields]
    return [*columns, [orjson.dumps(each.features) for each in items]]


def _storing(items: list[dict[str, Any]]) -> list[Result]:
    rows = decode_predictions(orjson.dumps(items), None).rows
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        store = PredictionStore(sqlite_url(Path(folder) / "store.sqlite"), writer="bench")
        plain = _plain(Path(folder) / "plain.sqlite")
        for start in range(0, FILLED, ROWS):
            for batch in _batches(rows, f"filled-{start}"):
                store.add(batch)
                _add_plain(plain, _tuples(batch))
        mine, theirs = [], []
        for number in range(ROUNDS):
            batches = _batches(rows, f"round-{number}")
            tuples = [_tuples(batch) for batch in batches]
            mine.append(_cpu(lambda batches=batches: [store.add(batch) for batch in batches]))  # type: ignore[misc]
            theirs.append(_cpu(lambda tuples=tuples: _add_plain(plain, *tuples)))  # type: ignore[misc]
        labelled = [_cpu(lambda number=number: _label(store, rows, f"round-{number}")) for number in range(ROUNDS)]  # type: ignore[misc]
        taken = [_cpu(lambda: export(store, Filter(), Path(folder) / "out.parquet")) for _ in range(3)]
        stored = store.counts()["predictions"]
        size = store.size_bytes() / stored
        store.close()
        plain.close()
    ours, peer, label = statistics.median(mine), statistics.median(theirs), statistics.median(labelled)
    return [
        Result(
            "store_predictions",
            round(ROWS / ours),
            "rows/s",
            f"CPU time to store {ROWS:,} {_WHAT} in SQLite, committed every {BATCH:,}, ids compared with those of "
            f"{FILLED:,} and more that are there; median of {ROUNDS} in turns with the peer",
            peer="sqlite3's executemany of the same rows, already tuples, into a table with the same two indices: "
            f"{ROWS / peer:,.0f} rows/s",
            ratio=round(ours / peer, 2),
            goal="at most 1.5 of the peer",
            met=ours / peer <= 1.5,
        ),
        Result(
            "store_predictions_bytes", round(size), "bytes/row", f"the file after {stored:,} {_WHAT}, half labelled"
        ),
        Result(
            "store_labels",
            round(ROWS / label),
            "labels/s",
            f"CPU time to store {ROWS:,} labels in SQLite, committed every {BATCH:,}, and to give back the predictions "
            f"that they belong to; median of {ROUNDS}",
        ),
        Result(
            "export_predictions",
            round(stored / statistics.median(taken)),
            "rows/s",
            f"CPU time to export {stored:,} {_WHAT} with their labels from SQLite to Parquet; median of 3",
        ),
    ]


def _postgresql(items: list[dict[str, Any]]) -> list[Result]:
    """Nothing where PostgreSQL is not at hand."""
    if postgres.binaries() is None:
        return []
    rows = decode_predictions(orjson.dumps(items), None).rows
    with postgres.running() as server:
        store = PredictionStore(server.url(), writer="bench")
        walls, own = [], []
        for number in range(ROUNDS):
            batches = _batches(rows, f"round-{number}")
            begin, used = time.perf_counter(), time.process_time()
            for batch in batches:
                store.add(batch)
            walls.append(time.perf_counter() - begin)
            own.append(time.process_time() - used)
        store.close()
    how = (
        f"time to store {ROWS:,} {_WHAT} in PostgreSQL on the same machine over a socket, committed every {BATCH:,}; "
        f"median of {ROUNDS}; CPU time of this process alone: {ROWS / statistics.median(own):,.0f} rows/s"
    )
    return [Result("store_predictions_postgresql", round(ROWS / statistics.median(walls)), "rows/s", how)]


def _batches(rows: Predictions, prefix: str) -> list[Predictions]:
    """``rows`` under other ids, in batches."""
    named = replace(rows, prediction_id=[f"{prefix}-{id_}" for id_ in rows.prediction_id])
    return [named.take(np.arange(start, start + BATCH)) for start in range(0, ROWS, BATCH)]


def _label(store: PredictionStore, rows: Predictions, prefix: str) -> None:
    for start in range(0, ROWS, BATCH):
        ids = [f"{prefix}-{id_}" for id_ in rows.prediction_id[start : start + BATCH]]
        store.add_labels(Labels(ids, ["yes"] * BATCH, np.full(BATCH, 1_790_000_100.0), 1_790_000_100.0))


def _plain(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    columns = ", ".join(name for name in PREDICTION_COLUMNS if name not in ("seq", "prediction_id"))
    database.execute(f"CREATE TABLE plain (seq INTEGER PRIMARY KEY, prediction_id TEXT UNIQUE, {columns})")
    database.execute("CREATE INDEX plain_by_time ON plain (timestamp)")
    return database


def _tuples(rows: Predictions) -> list[tuple[Any, ...]]:
    none = [None] * len(rows)
    values: dict[str, list[Any]] = dict.fromkeys(PREDICTION_COLUMNS, none) | {
        "prediction_id": rows.prediction_id,
        "model": rows.model,
        "version": rows.version,
        "timestamp": rows.timestamp.tolist(),
        "received": [rows.received] * len(rows),
        "features": [text.decode() for text in rows.features_json],
        "prediction": [orjson.dumps(value).decode() for value in rows.prediction],
        "confidence": rows.confidence.tolist(),
        "latency_seconds": rows.latency_seconds.tolist(),
    }
    return list(zip(*(values[name] for name in PREDICTION_COLUMNS), strict=True))


def _add_plain(database: sqlite3.Connection, *batches: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(PREDICTION_COLUMNS))
    for rows in batches:
        database.execute("BEGIN")
        database.executemany(f"INSERT INTO plain VALUES ({marks})", rows)  # noqa: S608 - a constant
        database.execute("COMMIT")


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds."""
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median CPU seconds of both."""
    times = [(_cpu(first), _cpu(second)) for _ in range(ROUNDS)]
    return statistics.median(time for time, _ in times), statistics.median(time for _, time in times)
