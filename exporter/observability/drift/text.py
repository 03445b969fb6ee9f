"""Texts as numeric features, so that they can be watched for drift and need not be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Floats
from observability.drift.embedders import Embedder
from observability.drift.projection import EmbeddingProjection
from observability.drift.words import Vocabulary, share, words_of

#: Characters of a text that words are looked for in; its length is that of the whole text.
CHARACTERS = 20_000
#: Before the name of a column that comes from the embedding.
_EMBEDDING = "embedding_"
_VOCABULARY, _PROJECTION = "vocabulary.", "projection."


@dataclass(frozen=True)
class TextFeatures:
    """What is kept of baseline texts: a ``vocabulary`` of fixed size and, with an embedder, a ``projection``; no text.

    Columns of :meth:`transform`: ``length`` in characters, ``words``, ``word_length`` (mean, in characters),
    ``letter_share`` (of the characters), ``unknown_share`` (of the words that the baseline does not have), and
    ``embedding_cosine``, ``embedding_distance``, ``embedding_pc1``, … of :class:`EmbeddingProjection`.
    """

    vocabulary: Vocabulary
    projection: EmbeddingProjection | None = None
    embedder: Embedder | None = None

    def __post_init__(self) -> None:
        if (self.projection is None) != (self.embedder is None):
            raise ValueError("a projection and the embedder that its vectors come from are given together")
        if self.projection and self.embedder and self.projection.dimensions != self.embedder.dimensions:
            raise ValueError(
                f"the projection has {self.projection.dimensions} dimensions, "
                f"{self.embedder.name} has {self.embedder.dimensions}"
            )

    @classmethod
    def fit_apart(
        cls, texts: Sequence[str | None], embedder: Embedder | None = None, *, components: int = 4, seed: int = 0
    ) -> tuple[TextFeatures, dict[str, Floats]]:
        """Learn from a random half of the baseline ``texts``, and return with it the columns of the other half.

        Texts that were learned from have no unknown words, and new ones of the same kind do: only texts that were not
        can be the reference for new ones. ``None`` is a missing text, and is left out of what is learned.

        Raises ValueError where fewer than four texts are there (with an embedder: that are not empty).
        """
        there = [text for text in texts if text is not None]
        if len(there) < 4:
            raise ValueError(f"four texts or more are needed to learn what is usual, there are {len(there)}")
        order = np.random.default_rng(seed).permutation(len(there))
        learned = [there[row] for row in order[: len(there) // 2]]
        others = [there[row] for row in order[len(there) // 2 :]]
        vocabulary = Vocabulary.of(np.unique(words_of(learned, characters=CHARACTERS).hashes))
        projection = None
        if embedder is not None:
            vectors = embedder.embed(learned)
            projection = EmbeddingProjection.fit(vectors[vectors.any(axis=1)], components)
        features = cls(vocabulary, projection, embedder)
        return features, features.transform(others)

    @property
    def names(self) -> tuple[str, ...]:
        own = ("length", "words", "word_length", "letter_share", "unknown_share")
        return own if self.projection is None else (*own, *(_EMBEDDING + name for name in self.projection.names))

    def transform(self, texts: Sequence[str | None]) -> dict[str, Floats]:
        """Columns (n,) of ``texts``; NaN throughout where a text is ``None``.

        An empty text has length 0 and no words; what is a share or a mean of nothing is NaN, and so are the columns of
        its embedding.
        """
        columns = {name: np.full(len(texts), np.nan) for name in self.names}
        rows = np.array([row for row, text in enumerate(texts) if text is not None], np.int64)
        there = [text for text in texts if text is not None]
        if not there:
            return columns
        words = words_of(there, characters=CHARACTERS)
        unknown = np.bincount(words.text, ~self.vocabulary.contains(words.hashes), len(there))
        found: dict[str, Floats] = {
            "length": np.array([len(text) for text in there], np.float64),
            "words": words.words.astype(np.float64),
            "word_length": share(np.bincount(words.text, words.lengths, len(there)), words.words),
            "letter_share": share(words.letters, words.read),
            "unknown_share": share(unknown, words.words),
        }
        if self.projection is not None and self.embedder is not None:
            scalars = self.projection.transform(self.embedder.embed(there))
            found |= {_EMBEDDING + name: values for name, values in scalars.items()}
        for name, values in found.items():
            columns[name][rows] = values
        return columns

    def to_state(self) -> dict[str, Any]:
        """Arrays for :meth:`from_state`, 128 KiB and 8·d·(1 + k) bytes; the embedder is named in ``embedder``."""
        state: dict[str, Any] = {_VOCABULARY + key: value for key, value in self.vocabulary.to_state().items()}
        if self.projection is not None and self.embedder is not None:
            state |= {_PROJECTION + key: value for key, value in self.projection.to_state().items()}
            state["embedder"] = np.array(self.embedder.name)
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any], embedder: Embedder | None = None) -> TextFeatures:
        """The features of :meth:`to_state`, with the ``embedder`` that they were fitted with.

        Raises ValueError where ``embedder`` is another one, or missing, or where there was none.
        """
        fitted = str(state["embedder"]) if "embedder" in state else None
        given = None if embedder is None else embedder.name
        if fitted != given:
            raise ValueError(f"these features were fitted with the embedder {fitted}, not with {given}")
        projection = EmbeddingProjection.from_state(_part(state, _PROJECTION)) if fitted else None
        return cls(Vocabulary.from_state(_part(state, _VOCABULARY)), projection, embedder)


def _part(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
