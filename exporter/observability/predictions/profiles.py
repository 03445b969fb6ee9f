"""Kinds of features, and what a column of one looks like in numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from observability.columns import Floats

Kind: TypeAlias = Literal["numeric", "categorical", "boolean", "text", "embedding"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: A column of texts is prose, and no categories, with more distinct values than this ...
MOST_CATEGORIES = 200
#: ... or with texts longer than so many characters on average.
LONGEST_CATEGORY = 40
#: Quantiles of a profile.
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: Categories of a profile that are told with their counts, most frequent first.
TOP = 20


def guessed(column: pa.ChunkedArray, *, categorical: bool = False) -> Kind:
    """The kind of ``column``, whose type is bool, int64, double, large_string or a large_list of doubles.

    Whole numbers are numeric, unless somebody declares otherwise. ``categorical``: the sender declared it (a dictionary
    in Arrow, a category in pandas).
    """
    type_ = column.type
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_large_list(type_):
        return "embedding"
    if categorical:
        return "categorical"
    if not pa.types.is_large_string(type_):
        return "numeric"
    longest = pc.mean(pc.utf8_length(column)).as_py() or 0.0
    many = pc.count_distinct(column).as_py() > MOST_CATEGORIES
    return "text" if many or longest > LONGEST_CATEGORY else "categorical"


def fits(kind: Kind, column: pa.ChunkedArray) -> bool:
    """Whether the values of ``column`` can be of ``kind``."""
    type_ = column.type
    if kind == "embedding" or pa.types.is_large_list(type_):
        return kind == "embedding" and bool(pa.types.is_large_list(type_))
    if kind == "boolean":
        return bool(pa.types.is_boolean(type_))
    if kind == "text":
        return bool(pa.types.is_large_string(type_))
    return kind == "categorical" or not pa.types.is_large_string(type_)


def numbers(column: pa.ChunkedArray) -> Floats:
    """``column`` (n,) as numbers, NaN where one is missing."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)


def embeddings(column: pa.ChunkedArray) -> Floats:
    """The vectors of ``column`` that are not missing, as (m, dimensions)."""
    whole = column.drop_null().combine_chunks()
    flat = np.asarray(whole.flatten().to_numpy(zero_copy_only=False), np.float64)
    return flat.reshape(len(whole), -1) if len(whole) else flat.reshape(0, 0)


def profile(column: pa.ChunkedArray, kind: Kind) -> dict[str, Any]:
    """What is told of ``column``: ``kind``, ``n`` values, ``missing`` ones (null or NaN), and what its kind has.

    Numeric: ``infinite``, ``distinct``, and of the finite values ``min``, ``max``, ``mean``, ``std`` (of the sample,
    n - 1) and ``quantiles`` (linear between neighbours, Hyndman and Fan 1996, definition 7). Categorical and boolean:
    ``distinct`` and ``top``, pairs of value and count. Text: ``distinct`` and ``length``, in characters. Embedding:
    ``dimensions`` and ``norm``.
    """
    missing = column.null_count
    if pa.types.is_floating(column.type):
        missing += pc.sum(pc.is_nan(column)).as_py() or 0
    told: dict[str, Any] = {"kind": kind, "n": len(column) - missing, "missing": missing}
    if kind == "numeric":
        values = numbers(column)
        values = values[~np.isnan(values)]
        finite = values[np.isfinite(values)]
        told |= {"infinite": len(values) - len(finite), "distinct": len(np.unique(values)), **_spread(finite)}
    elif kind == "text":
        lengths = pc.utf8_length(column.drop_null())
        told |= {"distinct": _distinct(column), "length": _spread(numbers(lengths))}
    elif kind == "embedding":
        vectors = embeddings(column)
        told |= {"dimensions": vectors.shape[1], "norm": _spread(np.linalg.norm(vectors, axis=1))}
    else:
        counted = column.value_counts()
        pairs = [(each["values"], each["counts"]) for each in counted.to_pylist() if not _missing(each["values"])]
        pairs.sort(key=lambda pair: (-pair[1], str(pair[0])))
        told |= {"distinct": len(pairs), "top": [list(pair) for pair in pairs[:TOP]]}
    return told


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _distinct(column: pa.ChunkedArray) -> int:
    return int(pc.count_distinct(column, mode="only_valid").as_py())


def _spread(values: Floats) -> dict[str, Any]:
    if not len(values):
        return {"min": None, "max": None, "mean": None, "std": None, "quantiles": {}}
    with np.errstate(over="ignore", invalid="ignore"):  # values near the greatest double
        std = float(values.std(ddof=1)) if len(values) > 1 else None
        mean = float(values.mean())
    quantiles = np.quantile(values, QUANTILES)
    return {
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": mean if math.isfinite(mean) else None,
        "std": std if std is None or math.isfinite(std) else None,
        "quantiles": {f"{share:g}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
    }


def kinds_of(
    columns: Mapping[str, pa.ChunkedArray], declared: Mapping[str, Kind], categorical: frozenset[str]
) -> dict[str, Kind]:
    """Feature → kind, as ``declared`` or guessed. Raises ``ValueError`` if a declared one does not fit the values."""
    kinds: dict[str, Kind] = {}
    for name, column in columns.items():
        kind = declared.get(name)
        if kind is not None and not fits(kind, column):
            raise ValueError(f"feature {name!r} is declared {kind}, but its values are of type {column.type}")
        kinds[name] = kind or guessed(column, categorical=name in categorical)
    return kinds
