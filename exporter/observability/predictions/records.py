"""Rows of the tables ↔ canonical records, by columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from observability.columns import Floats, Ints
from observability.predictions import jsontext
from observability.predictions.rows import Predictions
from observability.predictions.schema import LABELS, PREDICTIONS
from observability.predictions.stored import Joined, Stored, StoredBaseline

#: Columns of :class:`~observability.predictions.stored.Joined` that predictions have.
JOINED_NAMES = (
    "seq", "prediction_id", "model", "version", "timestamp", "prediction", "confidence", "probabilities", "segment",
    "variant", "error_type", "writer",
)  # fmt: skip
JOINED = [PREDICTIONS.c[name] for name in JOINED_NAMES]
#: Columns of :class:`~observability.predictions.stored.Stored`.
STORED = (*PREDICTIONS.c, LABELS.c.label.label("label"), LABELS.c.timestamp.label("label_timestamp"))


def taken(stored: Stored, rows: list[int]) -> Stored:
    return Stored(
        predictions=stored.predictions.take(rows) if rows else stored.predictions.take(ints(())),
        seq=stored.seq[rows],
        received=stored.received[rows],
        writer=[stored.writer[row] for row in rows],
        baseline_hash=[stored.baseline_hash[row] for row in rows],
        labelled=stored.labelled[rows],
        label=[stored.label[row] for row in rows],
        label_timestamp=stored.label_timestamp[rows],
    )


def stored_rows(rows: Sequence[Any]) -> Stored:
    """Rows of :data:`STORED`."""
    columns = list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in STORED]
    named = dict(zip([column.name for column in STORED], columns, strict=True))
    texts = [text_.encode() for text_ in named["features"]]
    received = np.array(named["received"], np.float64)
    labels = named["label"]
    predictions = Predictions(
        prediction_id=named["prediction_id"],
        model=named["model"],
        version=named["version"],
        timestamp=np.array(named["timestamp"], np.float64),
        received=float(received.max()) if len(received) else math.nan,
        features=list(map(jsontext.loads, texts)),
        features_json=texts,
        prediction=values_of(named["prediction"]),
        confidence=np.array(named["confidence"], np.float64),
        probabilities=values_of(named["probabilities"]),
        latency_seconds=np.array(named["latency_seconds"], np.float64),
        variant=named["variant"],
        segment=mappings_of(named["segment"]),
        trace_id=named["trace_id"],
        span_id=named["span_id"],
        error_type=named["error_type"],
    )
    return Stored(
        predictions=predictions,
        seq=ints(named["seq"]),
        received=received,
        writer=named["writer"],
        baseline_hash=named["baseline_hash"],
        labelled=np.array([label is not None for label in labels], np.bool_),
        label=values_of(labels),
        label_timestamp=np.array(named["label_timestamp"], np.float64),
    )


def joined_rows(
    rows: Sequence[Any], labels: Sequence[str], timestamps: Sequence[float], previous: Sequence[str | None]
) -> Joined:
    """Rows of :data:`JOINED` with their labels in JSON."""
    columns: list[list[Any]] = list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in JOINED]
    named = dict(zip(JOINED_NAMES, columns, strict=True))
    return Joined(
        seq=ints(named["seq"]),
        prediction_id=named["prediction_id"],
        model=named["model"],
        version=named["version"],
        timestamp=np.array(named["timestamp"], np.float64),
        prediction=values_of(named["prediction"]),
        confidence=np.array(named["confidence"], np.float64),
        probabilities=values_of(named["probabilities"]),
        segment=mappings_of(named["segment"]),
        variant=named["variant"],
        error_type=named["error_type"],
        writer=named["writer"],
        label=values_of(labels),
        label_timestamp=np.array(timestamps, np.float64),
        previous=values_of(previous),
    )


def baseline_row(row: Any, content: bytes) -> StoredBaseline:
    return StoredBaseline(
        model=row.model,
        version=row.version,
        hash=row.hash,
        rows=int(row.rows),
        created=float(row.created),
        profile=jsontext.loads(row.profile),
        content=content,
    )


def texts_of(values: Sequence[Any]) -> list[str | None]:
    """JSON of ``values``, ``None`` for ``None``."""
    dumps = jsontext.dumps
    return [None if value is None else dumps(value).decode() for value in values]


def values_of(texts: Sequence[str | None]) -> list[Any]:
    """What :func:`_texts` was made of."""
    loads = jsontext.loads
    return [None if each is None else loads(each) for each in texts]


def mappings_of(texts: Sequence[str | None]) -> list[dict[str, str]]:
    return [orjson.loads(each) if each else {} for each in texts]


def numbers_of(values: Floats) -> list[float | None]:
    """``None`` for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def ints(values: Sequence[int]) -> Ints:
    return np.array(values, np.int64)
