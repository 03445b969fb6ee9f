"""A small vector index: what both apps that retrieve documents search in."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """One page."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that was found, and its score: cosine similarity to the question (-1 to 1), or a reranker's relevance."""

    document: Document
    score: float


class Index:
    """An exact vector search over unit vectors."""

    def __init__(self, documents: Sequence[Document], vectors: Sequence[Sequence[float]]) -> None:
        self._rows = list(zip(documents, vectors, strict=True))

    def search(self, vector: Sequence[float], k: int) -> list[Hit]:
        """The ``k`` pages nearest to ``vector``, best first."""
        hits = [Hit(document, sum(map(operator.mul, vector, row))) for document, row in self._rows]
        return sorted(hits, key=lambda hit: -hit.score)[:k]
