"""The first predictions of a model as its baseline, where nobody posted one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from observability.predictions.baselines import Baseline, BaselineLimits, baseline_of
from observability.predictions.profiles import Kind
from observability.predictions.rows import Predictions, feature_columns

_LARGEST = 2**63 - 1


def baseline_of_predictions(
    predictions: Predictions, limits: BaselineLimits, kinds: Mapping[str, Kind] | None = None
) -> Baseline:
    """The baseline of ``predictions`` (n,), none of which failed.

    A feature is of the type that most of its values have; the others are missing, as are embeddings of another length
    than most, or with numbers that are not finite. Labels are left out: few are known so early.

    Raises :class:`~observability.predictions.bodies.Malformed` if no usable table comes of it: no rows, more features
    than ``limits.features``, or values that are not of a declared kind.
    """
    columns = {
        "timestamp": pa.array(predictions.timestamp),
        "prediction": _column(predictions.prediction),
        "confidence": pa.array(predictions.confidence, from_pandas=True),
    }
    classes = dict.fromkeys(name for each in predictions.probabilities if each for name in each)
    for name in classes:
        chances = [(each or {}).get(name) for each in predictions.probabilities]
        columns[f"probabilities.{name}"] = pa.array(chances, pa.float64())
    for name, values in feature_columns(predictions.features).items():
        columns[f"feature.{name}"] = _column(values)
    return baseline_of(pa.table(columns), limits, kinds)


def _column(values: Sequence[Any]) -> pa.Array:
    """Values (n,) as the type that most of them have, null where one is missing or of another type."""
    types = Counter(_type(value) for value in values if value is not None)
    if not types:
        return pa.nulls(len(values), pa.float64())
    most = types.most_common(1)[0][0]
    kept = [value if value is not None and _type(value) is most else None for value in values]
    if most is list:
        return pa.array(_embeddings(kept), pa.large_list(pa.float64()))
    if most is float:
        whole = all(type(value) is not float and abs(value) <= _LARGEST for value in kept if value is not None)
        if not whole:
            return pa.array([None if value is None else float(value) for value in kept], pa.float64())
    return pa.array(kept, {bool: pa.bool_(), str: pa.large_string(), float: pa.int64()}[most])


def _type(value: Any) -> type:
    """Of a value; all numbers are of one."""
    return float if type(value) is int else type(value)


def _embeddings(values: Sequence[list[float] | None]) -> list[list[float] | None]:
    length = Counter(len(value) for value in values if value is not None).most_common(1)[0][0]
    return [value if value and len(value) == length and np.isfinite(value).all() else None for value in values]
