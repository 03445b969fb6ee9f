"""How far the centre of embeddings moved, and how much less alike they are to it: both against no drift."""

from __future__ import annotations

from typing import Any

import numpy as np

from observability.drift.permutations import PermutationResult, judged, labellings, rounding, summed
from observability.drift.vectors import Vectors, as_samples, pooled, unit


def centroid_shift(reference: Any, current: Any, permutations: int = 199, *, seed: int = 0) -> PermutationResult:
    """Euclidean distance between the centroids of two samples (n, d) and (m, d), with a permutation p-value.

    Without drift its square is (1/n + 1/m)·tr Σ on average, Σ the covariance of all rows: a distance says nothing
    before it is set against that, and ``expected`` is about its root. Doubling every embedding doubles ``value`` and
    ``expected``, and leaves ``z`` and ``p_value`` as they are; so does any rotation.

    Raises ValueError for an empty sample, rows that are not finite, or dimensions that differ.
    """
    first, second = as_samples(reference, current)
    n, m = len(first), len(second)
    rows = pooled(first, second)
    labels = labellings(n, m, permutations, seed=seed)
    # the rows add up to 0, so the sum of one sample gives both centroids
    difference = summed(labels, rows) * (1 / n + 1 / m)
    values = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return PermutationResult(
        *judged(values, "greater", rounding(rows.dtype, float(np.abs(rows).max()))), permutations, n, m
    )


def cosine_shift(reference: Any, current: Any, permutations: int = 199, *, seed: int = 0) -> PermutationResult:
    """Change of the mean cosine similarity to the reference centroid (current less reference), from −2 to 2, with a
    two-sided permutation p-value.

    The centroid is that of the reference, which is therefore a little more alike to it than new rows are: each
    permutation takes the centroid anew, so that this is in ``expected`` too. A zero vector (an empty text) has
    similarity 0 to everything. Doubling any one embedding's length hardly moves it; that is what it is for.

    Raises ValueError for an empty sample, rows that are not finite, or dimensions that differ.
    """
    first, second = as_samples(reference, current)
    n, m = len(first), len(second)
    rows: Vectors = np.concatenate([first, second])
    directions = unit(rows)
    labels = labellings(n, m, permutations, seed=seed)
    centroids = unit(summed(labels, rows))
    inside = summed(labels, directions)
    outside = directions.sum(axis=0, dtype=np.float64) - inside
    values = np.einsum("ij,ij->i", centroids, outside / m - inside / n)
    return PermutationResult(*judged(values, "both", rounding(rows.dtype, 1.0)), permutations, n, m)
