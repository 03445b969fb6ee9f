"""Embedders: texts to vectors, by the weights that wordllama brings, without any, or by a class of the user's."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from observability.columns import Keys
from observability.drift.vectors import unit
from observability.drift.words import mixed, words_of

#: Characters of a text that are embedded by default: about 500 words of English, which say what it is about.
CHARACTERS = 4000
#: Texts that are tokenized at a time.
_BATCH = 64


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns texts to vectors.

    ``name`` says which one and which version, and is kept beside what was fitted with it: vectors of two embedders
    cannot be compared. The vector of a text depends on that text alone. Any thread may call :meth:`embed`.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dimensions), all finite; that of a text without anything in it is zero."""
        ...


class WordLlamaEmbedder:
    """Static token embeddings, averaged over the text: 256 dimensions, from the weights in wordllama's wheel.

    ``characters`` is how much of each text is read. Never connects to anything. Raises ImportError, with what to
    install, where wordllama is not.
    """

    name = "wordllama-l2_supercat-256"
    dimensions = 256

    def __init__(self, *, characters: int = CHARACTERS) -> None:
        self._characters = _positive(characters, "characters")
        model = _load_wordllama()
        self._weights: NDArray[np.float32] = model.embedding
        self._tokenizer = model.tokenizer
        self._tokenizer.no_padding()  # texts of a batch would all cost as much as the longest

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the vectors of all tokens of each text, shape (n, 256); zero for an empty text."""
        result = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), _BATCH):
            batch = [_writable(text[: self._characters]) for text in texts[start : start + _BATCH]]
            encoded = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            for row, encoding in enumerate(encoded, start):
                if encoding.ids:
                    result[row] = self._weights.take(encoding.ids, axis=0, mode="clip").mean(axis=0)
        return result


def _load_wordllama() -> Any:
    # its import configures the root logger, which belongs to whoever runs the process
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        wordllama: Any = importlib.import_module("wordllama")
    except ImportError as error:
        raise ImportError("embeddings by wordllama need it: pip install ai-observability[text]") from error
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    if wordllama.__file__ is None:
        raise ImportError("wordllama has no folder, so its weights cannot be found")
    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


class HashingEmbedder:
    """Signed feature hashing of words and of their neighbours (Weinberger et al. 2009, arXiv:0902.2206): nothing to
    install or load. It sees which words are used, not what they mean.

    ``dimensions`` is the length of a vector, ``characters`` how much of each text is read.
    """

    def __init__(self, dimensions: int = 256, *, characters: int = CHARACTERS) -> None:
        self.dimensions = _positive(dimensions, "dimensions")
        self.name = f"hashing-{dimensions}"
        self._characters = _positive(characters, "characters")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, dimensions) of length 1; zero for a text without words.

        A word counts 1, and so does each pair of words that follow each other; each adds +1 or −1 to a coordinate.
        """
        words = words_of(texts, characters=self._characters)
        pairs = np.flatnonzero(words.text[1:] == words.text[:-1]) if len(words.text) else np.zeros(0, np.int64)
        hashes: Keys = np.concatenate(
            [words.hashes, mixed(words.hashes[pairs] * np.uint64(3) + words.hashes[pairs + 1])]
        )
        row = np.concatenate([words.text, words.text[pairs]])
        place = (hashes >> np.uint64(1)) % np.uint64(self.dimensions)
        sign = np.where(hashes & np.uint64(1), 1.0, -1.0)
        cell = row * self.dimensions + place.astype(np.int64)
        sums = np.bincount(cell, sign, len(texts) * self.dimensions).reshape(len(texts), self.dimensions)
        return unit(sums.astype(np.float32)).astype(np.float32, copy=False)


def load_embedder(name: str, *, characters: int = CHARACTERS) -> Embedder:
    """The embedder called ``name``: ``wordllama``, ``hashing``, or ``module:Class``, a class of the user's that is made
    without arguments (and reads as much of each text as it likes).

    Raises ImportError where what it needs is not installed, ValueError for a name of another form, and TypeError for a
    class that makes no :class:`Embedder`.
    """
    if name == "wordllama":
        return WordLlamaEmbedder(characters=characters)
    if name == "hashing":
        return HashingEmbedder(characters=characters)
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"an embedder is wordllama, hashing or module:Class, not {name!r}")
    found = importlib.import_module(module)
    if not hasattr(found, attribute):
        raise ValueError(f"module {module} has no {attribute}")
    made = getattr(found, attribute)()
    if not isinstance(made, Embedder):
        raise TypeError(f"{name} has no name, dimensions and embed, and so is no embedder")
    return made


def _writable(text: str) -> str:
    """``text`` with a question mark for each lone surrogate, which UTF-8, and so the tokenizer, does not have."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _positive(number: int, name: str) -> int:
    if number < 1:
        raise ValueError(f"{name} is 1 or more, not {number}")
    return number
