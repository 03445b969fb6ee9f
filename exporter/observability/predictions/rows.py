"""Canonical records: predictions and labels in columns, the one form that everything after the intake reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from observability.columns import Bools, Floats, Ints

#: What a prediction or a label may be: a class, or a number.
Value: TypeAlias = "str | float | bool"
#: One value of a feature: a number, a text or category, true or false, an embedding, or missing.
FeatureValue: TypeAlias = "str | float | bool | list[float] | None"


@dataclass(frozen=True, slots=True)
class Predictions:
    """``n`` predictions, a column for each field; every list and array has length n.

    Times are Unix seconds, ``received`` is that of the whole batch. NaN stands for a ``confidence`` or
    ``latency_seconds`` that nobody gave, ``""`` for such a ``version``, ``None`` or an empty mapping for all else.
    A ``prediction`` is ``None`` only where ``error_type`` says that it failed. ``features_json`` has the bytes of
    ``features`` as they are stored (:mod:`observability.predictions.jsontext`). ``trace_id`` and ``span_id`` are 32 and
    16 lower-case hexadecimal digits.
    """

    prediction_id: list[str]
    model: list[str]
    version: list[str]
    timestamp: Floats
    received: float
    features: list[dict[str, Any]]
    features_json: list[bytes]
    prediction: list[Any]
    confidence: Floats
    probabilities: list[dict[str, float] | None]
    latency_seconds: Floats
    variant: list[str | None]
    segment: list[dict[str, str]]
    trace_id: list[str | None]
    span_id: list[str | None]
    error_type: list[str | None]

    def __len__(self) -> int:
        return len(self.prediction_id)

    def take(self, rows: Ints | Bools | Sequence[int]) -> Predictions:
        """These rows, in this order; ``rows`` are indices (m,) or a mask (n,)."""
        return Predictions(**_taken(self, rows))

    @classmethod
    def concat(cls, parts: Sequence[Predictions]) -> Predictions:
        """All rows of ``parts``, one after the other; ``received`` is the latest. Raises ``ValueError`` of none."""
        return parts[0] if len(parts) == 1 else cls(**_together(parts))


@dataclass(frozen=True, slots=True)
class Labels:
    """``n`` labels: what turned out to be true of a prediction. Times are Unix seconds."""

    prediction_id: list[str]
    label: list[Any]
    timestamp: Floats
    received: float

    def __len__(self) -> int:
        return len(self.prediction_id)

    def take(self, rows: Ints | Bools | Sequence[int]) -> Labels:
        """These rows, in this order; ``rows`` are indices (m,) or a mask (n,)."""
        return Labels(**_taken(self, rows))

    @classmethod
    def concat(cls, parts: Sequence[Labels]) -> Labels:
        """All rows of ``parts``, one after the other; ``received`` is the latest. Raises ``ValueError`` of none."""
        return parts[0] if len(parts) == 1 else cls(**_together(parts))


def _taken(batch: Predictions | Labels, rows: Ints | Bools | Sequence[int]) -> dict[str, Any]:
    indices = np.asarray(rows)
    indices = np.flatnonzero(indices) if indices.dtype == np.bool_ else indices.astype(np.int64, copy=False)
    places = indices.tolist()
    values: dict[str, Any] = {}
    for name in _names(batch):
        column = getattr(batch, name)
        if isinstance(column, list):
            values[name] = [column[place] for place in places]
        elif isinstance(column, np.ndarray):
            values[name] = column.take(indices)
        else:
            values[name] = column
    return values


def _together(parts: Sequence[Predictions] | Sequence[Labels]) -> dict[str, Any]:
    if not parts:
        raise ValueError("there is nothing to put together")
    values: dict[str, Any] = {}
    for name in _names(parts[0]):
        columns = [getattr(part, name) for part in parts]
        if isinstance(columns[0], list):
            values[name] = [value for column in columns for value in column]
        elif isinstance(columns[0], np.ndarray):
            values[name] = np.concatenate(columns)
        else:
            values[name] = max(columns)
    return values


def _names(batch: Predictions | Labels) -> list[str]:
    return [field.name for field in fields(batch)]


def group_by_model(predictions: Predictions) -> list[tuple[str, str, Ints]]:
    """(model, version, indices of its rows), models in the order in which they first come."""
    if not len(predictions):
        return []
    keys = list(zip(predictions.model, predictions.version, strict=True))
    places: dict[tuple[str, str], int] = {}
    codes = np.fromiter((places.setdefault(key, len(places)) for key in keys), np.int64, len(keys))
    if len(places) == 1:
        return [(*keys[0], np.arange(len(keys)))]
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(places)))
    return [(*key, rows) for key, rows in zip(places, np.split(order, ends[:-1]), strict=True)]


def feature_columns(features: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Name → values (n,) of ``features`` (n,), ``None`` where a row has none; names in the order they first come."""
    if not features:
        return {}
    shapes = {tuple(row) for row in features}
    if len(shapes) == 1:
        names = shapes.pop()
        columns: Iterable[tuple[Any, ...]] = zip(*map(dict.values, features), strict=True)
        return {name: list(column) for name, column in zip(names, columns, strict=True)}
    ordered = dict.fromkeys(name for row in _one_of_each(features, len(shapes)) for name in row)
    return {name: [row.get(name) for row in features] for name in ordered}


def _one_of_each(features: Sequence[dict[str, Any]], shapes: int) -> list[dict[str, Any]]:
    """The first row of each shape, in their order."""
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in features:
        first.setdefault(tuple(row), row)
        if len(first) == shapes:
            break
    return list(first.values())


def class_names(prediction: Any) -> tuple[str, ...]:
    """The names that the class ``prediction`` may have in ``probabilities``, whose keys are texts; likeliest first."""
    if isinstance(prediction, bool):
        return ("true", "True", "1") if prediction else ("false", "False", "0")
    if isinstance(prediction, float) and prediction.is_integer():
        return (str(int(prediction)), str(prediction))
    return () if prediction is None else (str(prediction),)
