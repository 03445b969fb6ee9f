"""What is learned of texts so that later ones can be turned to numbers: which words there are, and where they lie.

A learner sees each text once and keeps sums and bits of a fixed size, whatever it saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from observability.columns import Floats
from observability.drift.embedders import Embedder
from observability.drift.projection import EmbeddingProjection
from observability.drift.text import CHARACTERS, TextFeatures
from observability.drift.words import Vocabulary, words_of


class Learner(Protocol):
    """One way to make numbers of texts."""

    def learn(self, texts: Sequence[str]) -> None:
        """Take texts (n,) as usual ones."""

    def finish(self) -> None:
        """Nothing more is learned; from now on there are columns."""

    def columns(self, texts: Sequence[str]) -> Mapping[str, Floats]:
        """Numbers of each of ``texts``, by feature, shape (n,); NaN where a text has none."""

    def to_state(self) -> dict[str, Any]: ...

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`to_state` was called. Raises ``ValueError`` for the state of another learner."""


class WordLearner:
    """Length, words, share of letters, and share of words that were not learned: :class:`TextFeatures`."""

    def __init__(self) -> None:
        self._bits = np.zeros_like(Vocabulary.of(np.zeros(0, np.uint64)).bits)
        self._features: TextFeatures | None = None

    def learn(self, texts: Sequence[str]) -> None:
        self._bits |= Vocabulary.of(np.unique(words_of(texts, characters=CHARACTERS).hashes)).bits

    def finish(self) -> None:
        self._features = TextFeatures(Vocabulary(self._bits))

    def columns(self, texts: Sequence[str]) -> Mapping[str, Floats]:
        if self._features is None:
            raise RuntimeError("there are no columns before the words are learned")
        return self._features.transform(texts)

    def to_state(self) -> dict[str, Any]:
        return {"bits": self._bits, "finished": self._features is not None}

    def from_state(self, state: Mapping[str, Any]) -> None:
        self._bits = Vocabulary.from_state(state).bits.copy()
        if state["finished"]:
            self.finish()


class MeaningLearner:
    """What texts are about: similarity to the usual centre, distance from it, and the coordinates on the main axes of
    their embeddings (:class:`EmbeddingProjection`).
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._rows = 0
        self._total: Floats = np.zeros(embedder.dimensions)
        self._products: Floats = np.zeros((embedder.dimensions, embedder.dimensions))
        self._projection: EmbeddingProjection | None = None

    def learn(self, texts: Sequence[str]) -> None:
        vectors = self._embedder.embed(texts).astype(np.float64)
        vectors = vectors[vectors.any(axis=1)]  # an empty text lies nowhere
        self._rows += len(vectors)
        self._total += vectors.sum(axis=0)
        self._products += vectors.T @ vectors

    def finish(self) -> None:
        if self._rows < 2:  # nothing but empty texts: every later one is as far from them as any other
            self._projection = EmbeddingProjection(self._total, np.zeros((0, len(self._total))))
        else:
            self._projection = EmbeddingProjection.of_moments(self._rows, self._total, self._products)
        self._products = np.zeros((0, 0))

    def columns(self, texts: Sequence[str]) -> Mapping[str, Floats]:
        if self._projection is None:
            raise RuntimeError("there are no columns before the embeddings are learned")
        return {
            f"embedding_{name}": values
            for name, values in self._projection.transform(self._embedder.embed(texts)).items()
        }

    def to_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"embedder": self._embedder.name, "rows": self._rows, "total": self._total}
        if self._projection is not None:
            return {**state, "projection": self._projection.to_state()}
        return {**state, "products": self._products[np.triu_indices(len(self._total))]}

    def from_state(self, state: Mapping[str, Any]) -> None:
        if state["embedder"] != self._embedder.name:
            raise ValueError(f"the state is that of the embedder {state['embedder']}, not of {self._embedder.name}")
        self._rows, self._total = int(state["rows"]), np.array(state["total"], np.float64)
        if "projection" in state:
            self._projection = EmbeddingProjection.from_state(state["projection"])
            self._products = np.zeros((0, 0))
            return
        upper = np.zeros((len(self._total), len(self._total)))
        upper[np.triu_indices(len(self._total))] = state["products"]
        self._products = upper + np.triu(upper, 1).T
