"""From the baseline of a model to what is watched: a plain feature is one monitor, a text or an embedding several."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from observability.columns import Bools, Floats
from observability.drift.binning import Binning, category
from observability.drift.embedders import Embedder
from observability.drift.projection import EmbeddingProjection
from observability.drift.text import TextFeatures
from observability.monitoring.feature import FeatureMonitor, Taken
from observability.monitoring.values import texts, vectors
from observability.predictions.baselines import Baseline
from observability.settings import Drift

#: Makes the monitor of one thing that is watched.
Make = Callable[[str, Binning], FeatureMonitor]


class Input(Protocol):
    """One feature as it is sent, and the monitors that watch it."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def monitors(self) -> Sequence[FeatureMonitor]: ...

    def take(self, column: Sequence[Any]) -> list[Taken]:
        """Values (n,), ``None`` where missing; what each of the monitors made of them."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """A number, a category or a truth value."""

    name: str
    kind: str
    monitors: Sequence[FeatureMonitor]

    def take(self, column: Sequence[Any]) -> list[Taken]:
        return [self.monitors[0].take(column)]


@dataclass(frozen=True, slots=True)
class Derived:
    """A text or an embedding: numbers made of it, each watched by itself. What it held is not kept.

    Of the columns that are made of it those are watched that have a monitor, which is named ``name.column``.
    """

    name: str
    kind: str
    monitors: Sequence[FeatureMonitor]
    columns: Callable[[Sequence[Any]], tuple[Mapping[str, Floats], Bools]]

    def take(self, column: Sequence[Any]) -> list[Taken]:
        made, strange = self.columns(column)
        none = np.zeros(len(strange), np.bool_)
        prefix = len(self.name) + 1
        return [
            monitor.take_numbers(made[monitor.name[prefix:]], strange if at == 0 else none)
            for at, monitor in enumerate(self.monitors)
        ]


def inputs_of(
    baseline: Baseline, settings: Drift, make: Make, only: Sequence[str], embedder: Callable[[], Embedder | None]
) -> list[Input]:
    """What is watched of a model with ``baseline``: the features in ``only`` (all if empty), as many as
    ``settings.max_features`` allows. A feature without any value in the baseline is not watched."""
    found: list[Input] = []
    for name in [each for each in baseline.features if not only or each in only]:
        if sum(len(each.monitors) for each in found) >= settings.max_features:
            break
        made = _input(name, baseline.kinds[name], baseline.features[name], settings, make, embedder)
        if made is not None:
            found.append(made)
    return found


def _input(
    name: str, kind: str, column: pa.ChunkedArray, settings: Drift, make: Make, embedder: Callable[[], Embedder | None]
) -> Input | None:
    if column.null_count == len(column):
        return None
    if kind == "embedding":
        return _embedding(name, column, settings, make)
    if kind == "text":
        return _text(name, column.to_pylist(), settings, make, embedder())
    return Plain(name, kind, (make(name, binning_of(name, kind, column, settings)),))


def binning_of(name: str, kind: str, column: pa.ChunkedArray, settings: Drift) -> Binning:
    """Bins of a column of numbers, categories or truth values."""
    random = np.random.default_rng(zlib.crc32(f"baseline {name}".encode()))
    if kind == "numeric":
        return Binning.numeric(_floats(column), settings.bins, random)
    named = [category(value) for value in column.to_pylist()]
    return Binning.categorical(named, settings.categories, random, "boolean" if kind == "boolean" else "categorical")


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64, copy=False))


def _embedding(name: str, column: pa.ChunkedArray, settings: Drift, make: Make) -> Input | None:
    values = column.to_pylist()
    dimensions = next(len(value) for value in values if value)
    rows, _ = vectors(values, dimensions)
    there = rows[np.isfinite(rows).all(axis=1)]
    if len(there) < 4:
        return None
    projection, reference = EmbeddingProjection.fit_apart(there)

    def columns(column: Sequence[Any]) -> tuple[Mapping[str, Floats], Bools]:
        given, strange = vectors(column, dimensions)
        return projection.transform(given), strange

    return Derived(name, "embedding", _monitors(name, reference, settings, make), columns)


def _text(name: str, values: Sequence[Any], settings: Drift, make: Make, embedder: Embedder | None) -> Input | None:
    there = [value for value in values if value]
    if len(there) < 4:
        return None
    features, reference = TextFeatures.fit_apart(there, embedder)

    def columns(column: Sequence[Any]) -> tuple[Mapping[str, Floats], Bools]:
        given, strange = texts(column)
        return features.transform(given), strange

    return Derived(name, "text", _monitors(name, reference, settings, make), columns)


def _monitors(name: str, reference: Mapping[str, Floats], settings: Drift, make: Make) -> tuple[FeatureMonitor, ...]:
    """Of the columns of ``reference`` that say anything: texts without words have no share of unknown ones."""
    made = []
    for part, values in reference.items():
        if np.isnan(values).all():
            continue
        random = np.random.default_rng(zlib.crc32(f"baseline {name}.{part}".encode()))
        made.append(make(f"{name}.{part}", Binning.numeric(values, settings.bins, random)))
    return tuple(made)
