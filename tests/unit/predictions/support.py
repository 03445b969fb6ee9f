"""Predictions and labels for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from observability.predictions.decode import Decoded, decode_labels, decode_predictions
from observability.predictions.rows import Labels, Predictions

#: Unix seconds at which everything arrives, if nothing else is said.
NOW = 1_790_000_000.0


def item(prediction_id: str = "p1", **more: Any) -> dict[str, Any]:
    """A prediction as a client sends it."""
    return {"prediction_id": prediction_id, "model": "churn", "prediction": "yes", **more}


def decoded(*items: Any, **options: Any) -> Decoded[Predictions]:
    """``items`` as a JSON array, decoded."""
    return decode_predictions(orjson.dumps(items), "application/json", **({"now": NOW} | options))


def predictions(*items: dict[str, Any], now: float = NOW) -> Predictions:
    """``items``, all of them good."""
    found = decoded(*items, now=now)
    assert not found.errors
    return found.rows


def numbered(numbers: Sequence[int], now: float = NOW, **more: Any) -> Predictions:
    """Predictions ``p0``, ``p1``, … as ``numbers`` say."""
    return predictions(*(item(f"p{number}", features={"n": number}, **more) for number in numbers), now=now)


def labels(*triples: tuple[str, Any, float], now: float = NOW) -> Labels:
    """Labels (id, value, timestamp)."""
    items = [{"prediction_id": id_, "label": label, "timestamp": timestamp} for id_, label, timestamp in triples]
    found = decode_labels(orjson.dumps(items), "application/json", now=now)
    assert not found.errors
    return found.rows


def same(first: Any, second: Any) -> bool:
    """Whether two columns have equal values, NaN being equal to itself."""
    if isinstance(first, np.ndarray):
        return bool(np.array_equal(first, second, equal_nan=first.dtype.kind == "f"))
    return bool(first == second)
