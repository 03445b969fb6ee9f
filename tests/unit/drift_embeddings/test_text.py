"""Texts as numeric features, and their drift."""

from __future__ import annotations

import io

import numpy as np
import pytest
from scipy.stats import ks_2samp

from observability.columns import Floats
from observability.drift.embedders import Embedder, HashingEmbedder, WordLlamaEmbedder
from observability.drift.embeddings import EmbeddingDriftDetector
from observability.drift.projection import EmbeddingProjection
from observability.drift.text import TextFeatures

THINGS = {
    "orders": (
        ["My parcel", "The order", "This delivery", "The package I bought", "My shipment"],
        ["has not arrived", "came broken", "was sent to a wrong address", "is two weeks late", "was lost on its way"],
        ["Please refund me.", "Can you send a new one?", "Where is it now?", "I want my money back.", "Who can help?"],
    ),
    "medicine": (
        ["The patient", "A woman of forty", "His left knee", "The blood sample", "Her heart"],
        ["shows signs of inflammation", "responded well to antibiotics", "needs an examination", "is free of pain"],
        ["Surgery is planned.", "The dose stays the same.", "A doctor decides.", "The nurse measures once more."],
    ),
}


def texts(topic: str, count: int, seed: int) -> list[str]:
    """Sentences about ``topic``, each put together at random."""
    random = np.random.default_rng(seed)
    return [" ".join(str(random.choice(part)) for part in THINGS[topic]) for _ in range(count)]


def numbered(count: int, seed: int) -> list[str]:
    """Texts of one kind in which every fifth word is rare: a number of an order."""
    random = np.random.default_rng(seed)
    return [f"please look at order {random.integers(0, 100_000)}" for _ in range(count)]


def different(reference: Floats, current: Floats) -> float:
    """p-value of a Kolmogorov-Smirnov test."""
    return float(ks_2samp(reference, current, method="asymp").pvalue)


@pytest.fixture(scope="module")
def wordllama() -> WordLlamaEmbedder:
    return WordLlamaEmbedder()


@pytest.fixture(params=["wordllama", "hashing"])
def embedder(request: pytest.FixtureRequest, wordllama: WordLlamaEmbedder) -> Embedder:
    return wordllama if request.param == "wordllama" else HashingEmbedder()


def test_columns_are_what_they_are_called() -> None:
    features, _ = TextFeatures.fit_apart(["one two three", "four five six"] * 10)
    found = features.transform(["One, TWO: seven!", "12 eight"])
    assert {name: column.tolist() for name, column in found.items()} == {
        "length": [16, 8],
        "words": [3, 2],
        "word_length": [pytest.approx(11 / 3), 3.5],
        "letter_share": [11 / 16, 5 / 8],
        "unknown_share": [pytest.approx(1 / 3), 1],
    }
    assert tuple(found) == features.names


def test_no_text_is_missing_and_an_empty_one_is_short() -> None:
    features, _ = TextFeatures.fit_apart(texts("orders", 20, 1), HashingEmbedder())
    found = features.transform([None, "", "...", "my order"])
    missing = {name: np.isnan(column).tolist() for name, column in found.items()}
    assert missing.pop("length") == missing.pop("words") == [True, False, False, False]
    assert missing.pop("letter_share") == [True, True, False, False]
    assert all(each == [True, True, True, False] for each in missing.values())
    assert found["length"][1:].tolist() == [0, 3, 8]
    assert found["words"][1:].tolist() == [0, 0, 2]


@pytest.mark.parametrize("given", [[], [None, None]])
def test_nothing_comes_of_nothing(given: list[str | None]) -> None:
    features, _ = TextFeatures.fit_apart(texts("orders", 20, 1), HashingEmbedder())
    assert all(
        column.shape == (len(given),) and np.isnan(column).all() for column in features.transform(given).values()
    )


def test_length_is_that_of_the_whole_text() -> None:
    features, _ = TextFeatures.fit_apart(texts("orders", 20, 1))
    found = features.transform(["word " * 10_000])
    assert (found["length"][0], found["words"][0]) == (50_000, 4000)


def test_rare_words_of_the_usual_kind_are_no_drift() -> None:
    """A number that no text had is unknown in new texts as in those that were not learned from."""
    rounds = 40
    fair, unfair = 0, 0
    for seed in range(rounds):
        baseline = numbered(1000, 2 * seed)
        features, reference = TextFeatures.fit_apart(baseline, seed=seed)
        new = features.transform(numbered(300, 2 * seed + 1))["unknown_share"]
        learned = features.transform(baseline)["unknown_share"]  # half of these
        fair += different(reference["unknown_share"], new) <= 0.05
        unfair += different(learned, new) <= 0.05
    assert fair / rounds <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / rounds)
    assert unfair == rounds


def test_new_words_are_drift() -> None:
    features, reference = TextFeatures.fit_apart(texts("orders", 200, 1))
    assert reference["unknown_share"].max() == 0
    assert features.transform(texts("medicine", 50, 2))["unknown_share"].min() > 0.5


def test_the_topic_shows_in_the_columns_of_the_embedding(embedder: Embedder) -> None:
    rounds = 30
    columns = ("embedding_cosine", "embedding_distance", "embedding_pc1")
    quiet, moved = dict.fromkeys(columns, 0), dict.fromkeys(columns, 0)
    for seed in range(rounds):
        features, reference = TextFeatures.fit_apart(texts("orders", 400, 3 * seed), embedder, seed=seed)
        same = features.transform(texts("orders", 100, 3 * seed + 1))
        other = features.transform(texts("medicine", 100, 3 * seed + 2))
        for name in columns:
            quiet[name] += different(reference[name], same[name]) <= 0.05
            moved[name] += different(reference[name], other[name]) <= 1e-6
    for name in columns:
        assert quiet[name] / rounds <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / rounds), name
    assert moved["embedding_cosine"] == moved["embedding_distance"] == rounds


def test_another_topic_is_detected_and_the_same_is_quiet(embedder: Embedder) -> None:
    detector = EmbeddingDriftDetector(embedder.embed(texts("orders", 300, 1)))
    same = detector.detect(embedder.embed(texts("orders", 200, 2)))
    other = detector.detect(embedder.embed(texts("medicine", 200, 3)))
    assert (same.is_drift, other.is_drift) == (False, True)
    assert all(part.p_value == 1 / (1 + detector.permutations) for part in other.parts.values())


def test_a_tenth_of_another_topic_is_detected(wordllama: WordLlamaEmbedder) -> None:
    detector = EmbeddingDriftDetector(wordllama.embed(texts("orders", 400, 1)))
    mixed = texts("orders", 270, 2) + texts("medicine", 30, 3)
    assert detector.detect(wordllama.embed(mixed)).is_drift


def test_no_text_is_kept() -> None:
    features, _ = TextFeatures.fit_apart([f"secret{number} passwords" for number in range(50)], HashingEmbedder())
    file = io.BytesIO()
    np.savez(file, **features.to_state())
    assert b"secret" not in file.getvalue()
    assert b"passwords" not in file.getvalue()


@pytest.mark.parametrize("embedder", [None, HashingEmbedder()])
def test_features_come_back_from_a_file(embedder: Embedder | None) -> None:
    features, _ = TextFeatures.fit_apart(texts("orders", 40, 1), embedder)
    file = io.BytesIO()
    np.savez(file, **features.to_state())
    file.seek(0)
    with np.load(file, allow_pickle=False) as state:
        again = TextFeatures.from_state(state, embedder)
    new = texts("medicine", 20, 2)
    one, other = features.transform(new), again.transform(new)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_another_embedder_is_refused() -> None:
    features, _ = TextFeatures.fit_apart(texts("orders", 40, 1), HashingEmbedder())
    for other in (None, HashingEmbedder(64)):
        with pytest.raises(ValueError, match="fitted with the embedder hashing-256, not with"):
            TextFeatures.from_state(features.to_state(), other)
    with pytest.raises(ValueError, match="given together"):
        TextFeatures(features.vocabulary, features.projection)
    with pytest.raises(ValueError, match="the projection has 3 dimensions, hashing-256 has 256"):
        TextFeatures(features.vocabulary, EmbeddingProjection.fit(np.eye(3)), HashingEmbedder())


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="there are 3"):
        TextFeatures.fit_apart(["a", None, "b", "c"])
    with pytest.raises(ValueError, match="2 embeddings or more are needed"):
        TextFeatures.fit_apart([""] * 20, HashingEmbedder())
