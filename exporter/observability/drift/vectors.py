"""Embeddings as they come in: one vector a row, checked once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from observability.columns import Floats

#: Shape (n, d), float32 or float64.
Vectors: TypeAlias = NDArray[np.float32] | Floats


def as_vectors(values: Any, name: str, *, least: int = 1) -> Vectors:
    """``values`` as an array of shape (n, d), one embedding a row; float32 stays, all else becomes float64.

    Raises ValueError where it has another shape or fewer than ``least`` rows, and where a row holds NaN or ±inf: an
    embedding is whole or it is missing, and what is missing is not given here. ``name`` stands in the message.
    """
    vectors = np.asarray(values)
    if vectors.dtype != np.float32:
        vectors = vectors.astype(np.float64)
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ValueError(f"{name}: embeddings have the shape (rows, dimensions), not {vectors.shape}")
    if len(vectors) < least:
        raise ValueError(f"{name}: {least} embeddings or more are needed, there are {len(vectors)}")
    whole = np.isfinite(vectors).all(axis=1)
    if not whole.all():
        rows = np.flatnonzero(~whole)
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        raise ValueError(f"{name}: row {rows[0]}{more} holds a value that is not finite; leave missing embeddings out")
    return vectors


def as_samples(reference: Any, current: Any, *, least: int = 1) -> tuple[Vectors, Vectors]:
    """Both samples by :func:`as_vectors`, of one type. Raises ValueError where their dimensions differ."""
    first, second = as_vectors(reference, "reference", least=least), as_vectors(current, "current", least=least)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"reference has {first.shape[1]} dimensions, current has {second.shape[1]}")
    if first.dtype != second.dtype:
        return first.astype(np.float64), second.astype(np.float64)
    return first, second


def pooled(reference: Vectors, current: Vectors) -> Vectors:
    """Both samples below each other, shape (n + m, d), with the mean of all rows (taken in float64) at the origin.

    Where all rows are equal, all are exactly 0.
    """
    both = np.concatenate([reference, current])
    away = both.astype(np.float64) - both[0]
    away -= away.mean(axis=0)
    return np.asarray(away, both.dtype)


def unit(rows: Vectors) -> Vectors:
    """``rows`` of length 1, in their type; zero vectors stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    result: Vectors = np.zeros_like(rows)
    np.divide(rows, lengths, out=result, where=lengths > 0)
    return result


def sample(rows: Vectors, most: int, seed: int) -> Vectors:
    """At most ``most`` of ``rows``, drawn at random without replacement and left in their order."""
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), most, replace=False)
    chosen.sort()
    return rows[chosen]
