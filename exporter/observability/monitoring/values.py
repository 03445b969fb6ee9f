"""Columns of features as they came → numbers or categories, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Bools, Floats
from observability.drift.binning import category

_NUMBERS = frozenset((int, float))
_PLAIN = frozenset((int, float, type(None)))


@dataclass(frozen=True, slots=True)
class Numbers:
    """``values`` (n,), NaN where missing or ``strange`` (n,), which were no numbers."""

    values: Floats
    strange: Bools


def numbers(column: Sequence[Any]) -> Numbers:
    """A column as numbers; booleans, texts and embeddings are none."""
    types = set(map(type, column))
    if types <= _PLAIN:
        return Numbers(np.array(column, np.float64), np.zeros(len(column), np.bool_))
    there = np.fromiter((type(value) in _NUMBERS for value in column), np.bool_, len(column))
    values = np.full(len(column), np.nan)
    values[there] = [float(value) for value in column if type(value) in _NUMBERS]
    lost = np.fromiter((value is None for value in column), np.bool_, len(column))
    return Numbers(values, ~there & ~lost)


def categories(column: Sequence[Any]) -> list[str | None]:
    """A column as categories; an embedding is none that a baseline knows."""
    if set(map(type, column)) <= {str}:
        return list(column)
    return [category(value) if not isinstance(value, list) else "an embedding" for value in column]


def vectors(column: Sequence[Any], dimensions: int) -> tuple[Floats, Bools]:
    """Embeddings (n, d), NaN where missing, and which values were no embedding of ``dimensions``."""
    rows = np.full((len(column), dimensions), np.nan)
    strange = np.zeros(len(column), np.bool_)
    for at, value in enumerate(column):
        if isinstance(value, list) and len(value) == dimensions:
            rows[at] = value
        elif value is not None:
            strange[at] = True
    return rows, strange


def texts(column: Sequence[Any]) -> tuple[list[str | None], Bools]:
    """Texts, ``None`` where missing, and which values were none."""
    strange = np.fromiter((value is not None and not isinstance(value, str) for value in column), np.bool_, len(column))
    return [value if isinstance(value, str) else None for value in column], strange
