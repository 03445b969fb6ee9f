"""Embedders, and how they are chosen."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from observability.drift.embedders import (
    Embedder,
    HashingEmbedder,
    WordLlamaEmbedder,
    load_embedder,
)
from tests.support import ROOT

PACKAGES = ROOT / "exporter"

TEXTS = ["The train to Bern leaves at nine.", "", "Der Zug fährt um neun.", "日本語", "a " * 3000, "bad \ud800 half"]


class LengthEmbedder:
    """An embedder of a user."""

    name = "length"
    dimensions = 1

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[len(text)] for text in texts], np.float32)


class NoEmbedder:
    name = "none"


@pytest.fixture(scope="module")
def wordllama() -> WordLlamaEmbedder:
    return WordLlamaEmbedder()


@pytest.fixture(params=["wordllama", "hashing"])
def embedder(request: pytest.FixtureRequest, wordllama: WordLlamaEmbedder) -> Embedder:
    return wordllama if request.param == "wordllama" else HashingEmbedder()


def test_every_text_has_a_finite_vector(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


def test_an_empty_text_is_the_zero_vector(embedder: Embedder) -> None:
    assert embedder.embed(TEXTS).any(axis=1).tolist() == [True, False, True, True, True, True]
    assert embedder.embed([]).shape == (0, embedder.dimensions)


def test_the_vector_of_a_text_depends_on_it_alone(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS * 20)
    for row, text in enumerate(TEXTS):
        assert np.array_equal(embedder.embed([text])[0], together[row])


def test_texts_about_one_thing_are_closer(embedder: Embedder) -> None:
    one, other, third = embedder.embed(
        [
            "My card was charged twice for the same order, please refund one payment.",
            "I was charged twice on my card, please refund the second payment for my order.",
            "The river flows through three valleys before it reaches the sea.",
        ]
    )

    def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    assert cosine(one, other) > cosine(one, third) + 0.2


def test_only_the_beginning_of_a_text_is_read() -> None:
    for short in (WordLlamaEmbedder(characters=9), HashingEmbedder(characters=9)):
        assert np.array_equal(*short.embed(["the train is late", "the train was early"]))
    with pytest.raises(ValueError, match="characters is 1 or more, not 0"):
        HashingEmbedder(characters=0)


def test_wordllama_gives_what_wordllama_gives(wordllama: WordLlamaEmbedder) -> None:
    import wordllama as package

    texts = [TEXTS[0], TEXTS[2], TEXTS[3]]
    model = package.WordLlama.load(cache_dir=Path(package.__file__).parent, disable_download=True)
    assert wordllama.embed(texts) == pytest.approx(model.embed(texts), abs=1e-6)


def test_wordllama_needs_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("somebody opens a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert WordLlamaEmbedder().embed(["offline"]).any()


def test_wordllama_leaves_the_log_of_the_process_as_it_is() -> None:
    code = (
        "import logging; from observability.drift.embedders import WordLlamaEmbedder; WordLlamaEmbedder();"
        "print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGES)
    assert done.stdout.strip() == f"[] {logging.WARNING}"


def test_without_wordllama_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(ImportError, match=r"pip install ai-observability\[text\]"):
        load_embedder("wordllama")


def test_hashing_embeds_words_and_their_order() -> None:
    one, other, third = HashingEmbedder(1024).embed(["dog bites man", "man bites dog", "Dog bites man!"])
    assert np.array_equal(one, third)
    assert not np.array_equal(one, other)
    assert np.linalg.norm(one) == pytest.approx(1)


def test_embedders_are_chosen_by_name() -> None:
    assert load_embedder("wordllama").name == "wordllama-l2_supercat-256"
    assert load_embedder("hashing").name == "hashing-256"
    own = load_embedder(f"{__name__}:LengthEmbedder")
    assert own.embed(["four"]).tolist() == [[4]]


def test_what_is_no_embedder_is_refused() -> None:
    with pytest.raises(ValueError, match="wordllama, hashing or module:Class, not 'other'"):
        load_embedder("other")
    with pytest.raises(ValueError, match="has no Missing"):
        load_embedder(f"{__name__}:Missing")
    with pytest.raises(TypeError, match="is no embedder"):
        load_embedder(f"{__name__}:NoEmbedder")
    with pytest.raises(ModuleNotFoundError):
        load_embedder("no_such_module:Class")


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys; import observability.drift.embeddings, observability.drift.text;"
        "print(sorted({'wordllama', 'scipy.stats', 'sklearn', 'pandas', 'requests', 'tokenizers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGES)
    assert done.stdout.strip() == "[]"
