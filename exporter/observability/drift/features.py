"""Values of features as they come: columns of tables, and their counts over bins that the reference gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from observability.columns import Floats, Ints, Objects
from observability.drift.two_sample import SortedReference, as_numbers, bin_counts, quantile_edges

#: Categories with a bin of their own, the most frequent ones; the rest share one.
MOST_CATEGORIES = 50


class Bins(Protocol):
    """Bins of one feature, with the counts of the reference in them, shape (B,)."""

    @property
    def reference(self) -> Ints: ...

    def count(self, values: Any) -> Ints:
        """How many of ``values`` (m,) lie in each bin, shape (B,); missing ones lie in none."""
        ...


@dataclass(frozen=True)
class Intervals:
    """Quantile bins of numbers: :func:`quantile_edges <observability.drift.two_sample.quantile_edges>`."""

    edges: Floats
    reference: Ints

    @classmethod
    def fit(cls, values: Any, bins: int = 10) -> Intervals:
        reference = SortedReference.fit(values)
        edges = quantile_edges(reference, bins)
        return cls(edges, bin_counts(edges, reference))

    def count(self, values: Any) -> Ints:
        return bin_counts(self.edges, as_numbers(values))


@dataclass(frozen=True)
class Categories:
    """A bin for each category, and a last one for all others: those that are new, and beyond the most frequent 50."""

    index: Mapping[Hashable, int]
    reference: Ints = field(repr=False)

    @classmethod
    def fit(cls, values: Any) -> Categories:
        """Raises ValueError where all values are missing."""
        occurring = _occurring(values)
        if not occurring:
            raise ValueError("no values to compare: all of them are missing")
        index = {category: number for number, (category, _) in enumerate(occurring.most_common(MOST_CATEGORIES))}
        return cls(index, _placed(index, occurring))

    def count(self, values: Any) -> Ints:
        return _placed(self.index, _occurring(values))


def _occurring(values: Any) -> Counter[Hashable]:
    """How often each value that is not missing occurs. Numbers and booleans that are equal are one category."""
    array = as_array(values)
    if array.dtype.kind == "O":
        # only NaN differs from itself
        return Counter(each for each in array if each is not None and each == each)  # noqa: PLR0124
    if array.dtype.kind == "f":
        array = array[~np.isnan(array)]
    distinct, counts = np.unique(array, return_counts=True)
    return Counter(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))


def _placed(index: Mapping[Hashable, int], occurring: Counter[Hashable]) -> Ints:
    counts = np.zeros(len(index) + 1, np.int64)
    for category, count in occurring.items():
        counts[index.get(category, len(index))] += count
    return counts


def as_array(values: Any) -> Any:
    """``values`` as a numpy array of shape (n,), of whatever type. Raises ValueError for another shape."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        array = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    elif isinstance(values, np.ndarray):
        array = values
    elif hasattr(values, "to_numpy"):  # a pandas or polars Series
        array = values.to_numpy()
        if array.dtype.kind == "O":  # pandas' own missing value has no truth, so that it cannot be compared
            array = objects_of([None if type(each).__name__ == "NAType" else each for each in array])
    else:
        objects = list(values)
        plain = all(_is_number(each) for each in objects) or all(isinstance(each, bool | np.bool_) for each in objects)
        array = np.array(objects) if plain else objects_of(objects)
    if array.ndim != 1:
        raise ValueError(f"a feature has one dimension, not {array.ndim}")
    return array


def objects_of(values: Sequence[Any]) -> Objects:
    """As an array of Python objects: numpy would turn numbers beside texts into texts."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def is_numeric(values: Any) -> bool:
    """Whether ``values`` are numbers, missing ones aside; booleans and texts are categories."""
    array = as_array(values)
    if array.dtype.kind == "O":
        present = [each for each in array if each is not None]
        return bool(present) and all(_is_number(each) for each in present)
    return bool(array.dtype.kind in "fiu")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def columns(table: Any, names: Sequence[str]) -> dict[str, Any]:
    """The columns called ``names`` of a 2-D array (rows, len(names)), a mapping, an Arrow table or batch, or a data
    frame (pandas or polars).

    Raises ValueError for an array of another width, KeyError with the names for columns that are not there.
    """
    if isinstance(table, pa.Table | pa.RecordBatch):
        present: Any = table.column_names
    elif isinstance(table, Mapping):
        present = table.keys()
    elif hasattr(table, "columns"):
        present = list(table.columns)
    else:
        array = table if isinstance(table, np.ndarray) else objects_2d(table)
        if array.ndim != 2 or array.shape[1] != len(names):
            raise ValueError(f"an array of {len(names)} features has shape (rows, {len(names)}), not {array.shape}")
        return {name: array[:, number] for number, name in enumerate(names)}
    lacking = [name for name in names if name not in present]
    if lacking:
        raise KeyError(f"no column for the features: {', '.join(lacking)}")
    return {name: table[name] for name in names}


def objects_2d(rows: Any) -> Any:
    """A sequence of rows as an array that keeps the type of each value."""
    array = np.asarray(rows)
    return array if array.dtype.kind in "fiub" else np.array(rows, dtype=object)
