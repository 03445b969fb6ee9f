"""Projection of embeddings to a handful of numbers, each of which is watched like any other numeric feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Floats
from observability.drift.vectors import as_vectors

#: Columns besides the principal components.
COSINE, DISTANCE = "cosine", "distance"


@dataclass(frozen=True)
class EmbeddingProjection:
    """What is kept of a reference: its ``centroid`` (d,) and its first principal components ``components`` (k, d), rows
    of length 1 at right angles. Its size does not grow with what it is fitted to or applied to.
    """

    centroid: Floats
    components: Floats

    def __post_init__(self) -> None:
        if self.centroid.ndim != 1 or self.components.ndim != 2 or self.components.shape[1] != len(self.centroid):
            raise ValueError(
                f"a centroid (d,) and components (k, d) belong together, not {self.centroid.shape} and "
                f"{self.components.shape}"
            )

    @classmethod
    def fit(cls, reference: Any, components: int = 4) -> EmbeddingProjection:
        """Fit to ``reference`` (m, d); at most m − 1 and at most d components are kept.

        The rows it is fitted to lie closer to it than any other rows will: for a test, compare with rows that it has
        not seen (:meth:`fit_apart`). Raises ValueError for rows that are not finite or fewer than two of them.
        """
        rows = as_vectors(reference, "reference", least=2).astype(np.float64)
        centroid = rows.mean(axis=0)
        centred = rows - centroid
        kept = max(0, min(components, len(rows) - 1, rows.shape[1]))
        if len(rows) < rows.shape[1]:
            # the small matrix of products has the same eigenvalues
            values, left = np.linalg.eigh(centred @ centred.T)
            vectors = centred.T @ left[:, ::-1][:, :kept]
            lengths = np.sqrt(np.maximum(values[::-1][:kept], np.finfo(np.float64).tiny))
            axes = (vectors / lengths).T
        else:
            axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :kept].T
        return cls(centroid, _signed(axes))

    @classmethod
    def of_moments(cls, rows: int, total: Floats, products: Floats, components: int = 4) -> EmbeddingProjection:
        """:meth:`fit` to ``rows`` (m, d) of which only the sum ``total`` (d,) and the sum of their outer products
        ``products`` (d, d) are known. Raises ValueError for fewer than two rows.
        """
        if rows < 2:
            raise ValueError(f"two rows or more are needed, not {rows}")
        centroid = total / rows
        kept = max(0, min(components, rows - 1, len(total)))
        axes = np.linalg.eigh(products - rows * np.outer(centroid, centroid))[1][:, ::-1][:, :kept].T
        return cls(centroid, _signed(axes))

    @classmethod
    def fit_apart(
        cls, reference: Any, components: int = 4, *, seed: int = 0
    ) -> tuple[EmbeddingProjection, dict[str, Floats]]:
        """Fit to a random half of ``reference`` (m, d), and return with it the columns of the other half: the reference
        that new rows may be compared with. Raises ValueError as :meth:`fit`, and for fewer than four rows.
        """
        rows = as_vectors(reference, "reference", least=4)
        order = np.random.default_rng(seed).permutation(len(rows))
        half = len(rows) // 2
        projection = cls.fit(rows[order[:half]], components)
        return projection, projection.transform(rows[order[half:]])

    @property
    def dimensions(self) -> int:
        return len(self.centroid)

    @property
    def names(self) -> tuple[str, ...]:
        """``cosine``, ``distance``, ``pc1``, ``pc2``, …"""
        return (COSINE, DISTANCE, *(f"pc{number}" for number in range(1, len(self.components) + 1)))

    def transform(self, vectors: Any) -> dict[str, Floats]:
        """Columns (n,) of ``vectors`` (n, d): the cosine of the angle to the centroid, the Euclidean distance from it,
        and the coordinate on each principal component.

        A row that is zero or not finite has NaN in all of them: it stands for no text. A cosine to a centroid of 0 is
        NaN. Raises ValueError where the dimensions differ.
        """
        rows = np.asarray(vectors)
        if rows.ndim != 2 or rows.shape[1] != self.dimensions:
            raise ValueError(f"embeddings of the shape (rows, {self.dimensions}) are expected, not {rows.shape}")
        rows = rows.astype(np.float64)
        there = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
        rows[~there] = np.nan
        away = rows - self.centroid
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * float(np.linalg.norm(self.centroid))
        cosine = np.divide(rows @ self.centroid, lengths, out=np.full(len(rows), np.nan), where=lengths > 0)
        distance = np.sqrt(np.einsum("ij,ij->i", away, away))
        coordinates = away @ self.components.T
        return dict(zip(self.names, (np.clip(cosine, -1, 1), distance, *coordinates.T), strict=True))

    def to_state(self) -> dict[str, Floats]:
        """Arrays for :meth:`from_state`, 8·d·(1 + k) bytes of them."""
        return {"centroid": self.centroid, "components": self.components}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> EmbeddingProjection:
        """The projection of :meth:`to_state`. Raises ValueError for arrays that do not belong together."""
        missing = {"centroid", "components"} - set(state)
        if missing:
            raise ValueError(f"the state of a projection lacks {', '.join(sorted(missing))}")
        return cls(np.asarray(state["centroid"], np.float64), np.asarray(state["components"], np.float64))


def _signed(axes: Floats) -> Floats:
    """The sign of an axis is free: its largest coordinate is made positive, so that it is always the same."""
    if not len(axes):
        return np.ascontiguousarray(axes)
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return np.ascontiguousarray(axes * np.where(largest < 0, -1.0, 1.0))
