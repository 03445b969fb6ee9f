"""The columns of an export: which features, classes and segments there are, and of what types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from observability.predictions import jsontext
from observability.predictions.rows import feature_columns
from observability.predictions.stored import Stored

FEATURE = "feature."
PROBABILITY = "probabilities."
SEGMENT = "segment."

_TIME = pa.timestamp("us", "UTC")
_TEXT = pa.string()
_EMBEDDING = pa.list_(pa.float64())
#: Type of a Python value → type of a column.
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: _TEXT, list: _EMBEDDING}
_LARGEST = 2**63 - 1


class Shape:
    """Columns of what was :meth:`seen`."""

    def __init__(self) -> None:
        self._types: dict[str, pa.DataType | None] = {}
        self._mixed: dict[str, set[str]] = {}
        self._classes: dict[str, None] = {}
        self._segments: dict[str, None] = {}
        self._values: dict[str, pa.DataType | None] = {"prediction": None, "label": None}

    def see(self, stored: Stored) -> None:
        """Take note of the names and types of these rows."""
        for name, values in feature_columns(stored.predictions.features).items():
            self._types[name] = self._merged(FEATURE + name, self._types.get(name), values)
        for name, values in (("prediction", stored.predictions.prediction), ("label", stored.label)):
            self._values[name] = self._merged(name, self._values[name], values)
        for classes in stored.predictions.probabilities:
            if classes:
                self._classes.update(dict.fromkeys(classes))
        for segment in stored.predictions.segment:
            self._segments.update(dict.fromkeys(segment))

    def _merged(self, name: str, known: pa.DataType | None, values: Iterable[Any]) -> pa.DataType | None:
        """The type for what is ``known`` and ``values``; numbers of both kinds are double, other mixtures are texts."""
        types = {} if known is None else {known: None}
        kept = list(values)
        for each in set(map(type, kept)) - {type(None)}:
            type_ = _TYPES[each]
            if each is int and any(type(value) is int and abs(value) > _LARGEST for value in kept):
                type_ = pa.float64()
            types[type_] = None
        if len(types) < 2:
            return next(iter(types), None)
        if set(types) == {pa.int64(), pa.float64()}:
            return pa.float64()
        self._mixed.setdefault(name, set()).update(str(each) for each in types)
        return _TEXT

    def mixed(self) -> dict[str, list[str]]:
        """Column → types of its values, of those that became texts because their types disagree."""
        return {name: sorted(types) for name, types in self._mixed.items()}

    def schema(self) -> pa.Schema:
        """Of :meth:`table`."""
        fields = [
            ("prediction_id", _TEXT),
            ("model", _TEXT),
            ("version", _TEXT),
            ("timestamp", _TIME),
            ("received", _TIME),
            ("prediction", self._values["prediction"] or _TEXT),
            ("confidence", pa.float64()),
            ("label", self._values["label"] or _TEXT),
            ("label_timestamp", _TIME),
            ("latency_seconds", pa.float64()),
            ("error_type", _TEXT),
            ("variant", _TEXT),
            ("trace_id", _TEXT),
            ("span_id", _TEXT),
            ("baseline_hash", _TEXT),
            ("writer", _TEXT),
            *((PROBABILITY + name, pa.float64()) for name in self._classes),
            *((SEGMENT + name, _TEXT) for name in self._segments),
            *((FEATURE + name, type_ or _TEXT) for name, type_ in self._types.items()),
        ]
        return pa.schema(fields)

    def table(self, stored: Stored) -> pa.Table:
        """``stored`` (n) as a table of n rows; what a row does not have is null."""
        each, schema = stored.predictions, self.schema()
        features = feature_columns(each.features)
        none = [None] * len(stored)
        columns: dict[str, Iterable[Any]] = {
            "prediction_id": each.prediction_id,
            "model": each.model,
            "version": [version or None for version in each.version],
            "timestamp": _micros(each.timestamp.tolist()),
            "received": _micros(stored.received.tolist()),
            "prediction": each.prediction,
            "confidence": _numbers(each.confidence.tolist()),
            "label": stored.label,
            "label_timestamp": _micros(stored.label_timestamp.tolist()),
            "latency_seconds": _numbers(each.latency_seconds.tolist()),
            "error_type": each.error_type,
            "variant": each.variant,
            "trace_id": each.trace_id,
            "span_id": each.span_id,
            "baseline_hash": stored.baseline_hash,
            "writer": stored.writer,
        }
        for name in self._classes:
            columns[PROBABILITY + name] = [(classes or {}).get(name) for classes in each.probabilities]
        for name in self._segments:
            columns[SEGMENT + name] = [segment.get(name) for segment in each.segment]
        for name in self._types:
            columns[FEATURE + name] = features.get(name, none)
        arrays = [_array(columns[field.name], field.type) for field in schema]
        return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Iterable[Any], type_: pa.DataType) -> pa.Array:
    if type_ == _TEXT:
        return pa.array([None if value is None else text_of(value) for value in values], type_)
    if type_ == pa.float64():
        return pa.array([None if value is None else float(value) for value in values], type_)
    return pa.array(values, type_)


def text_of(value: Any) -> str:
    """``value`` as a text: a text itself, all else as in JSON."""
    return value if isinstance(value, str) else jsontext.dumps(value).decode()


def _micros(seconds: Iterable[float]) -> list[int | None]:
    return [None if each != each else round(each * 1e6) for each in seconds]  # noqa: PLR0124 - NaN


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [None if each != each else each for each in values]  # noqa: PLR0124 - NaN
