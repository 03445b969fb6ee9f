"""Words as hashes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.columns import Keys
from observability.drift import words as module
from observability.drift.words import Vocabulary, words_of
from tests.support import ROOT

PACKAGES = ROOT / "exporter"

ALL = 10**6


def hashes(text: str) -> list[int]:
    return [int(each) for each in words_of([text], characters=ALL).hashes]


@given(
    words=st.lists(st.text("abcxyzäß0129", min_size=1, max_size=9), max_size=20),
    gaps=st.lists(st.sampled_from([" ", ", ", "\n", " - ", "... "]), min_size=21, max_size=21),
)
@settings(max_examples=100, deadline=None)
def test_a_word_has_one_hash_wherever_it_stands(words: list[str], gaps: list[str]) -> None:
    text = "".join(gap + word for gap, word in zip(gaps, words, strict=False))
    found = words_of([text], characters=ALL)
    assert found.lengths.tolist() == [len(word) for word in words]
    alone = [hashes(word)[0] for word in words]
    assert [int(each) for each in found.hashes] == alone
    assert len(set(alone)) == len(set(words))
    assert (found.words.tolist(), found.read.tolist()) == ([len(words)], [len(text)])


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("Don't say 'never'", [5, 3, 5]),
        ("snake_case, _private", [10, 7]),
        ("3.14 and 1,000", [1, 2, 3, 1, 3]),
        ("日本語 text", [1, 1, 1, 4]),
        ("text日本", [4, 1, 1]),
        ("日本text", [1, 1, 4]),
        ("नमस्ते", [6]),
        ("naïve café", [5, 4]),
        ("🙂 fine 🙂", [4]),
        ("'", []),
        ("", []),
        ("a", [1]),
        ("𠀀𠀁", [1, 1]),
        ("bad \ud800 half", [3, 4]),
    ],
)
def test_texts_are_cut_at_words(text: str, lengths: list[int]) -> None:
    assert words_of([text], characters=ALL).lengths.tolist() == lengths


def test_case_does_not_matter() -> None:
    assert hashes("HELLO Straße ÉTÉ") == hashes("hello straße été")


def test_texts_do_not_run_into_each_other() -> None:
    found = words_of(["one", "two three", "", "four"], characters=ALL)
    assert found.text.tolist() == [0, 1, 1, 3]
    assert found.words.tolist() == [1, 2, 0, 1]
    assert [int(each) for each in found.hashes] == [*hashes("one"), *hashes("two three"), *hashes("four")]


def test_letters_are_counted() -> None:
    found = words_of(["ab 12!", "日本", "..."], characters=ALL)
    assert (found.letters.tolist(), found.read.tolist()) == ([2, 2, 0], [6, 2, 3])


def test_only_the_beginning_is_read() -> None:
    assert words_of(["one two three"], characters=7).words.tolist() == [2]


def test_no_texts_have_no_words() -> None:
    found = words_of([], characters=ALL)
    assert (len(found.hashes), len(found.words)) == (0, 0)


def test_many_texts_are_cut_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["one two", "", "a much longer text than the others", "x", "the end"]
    whole = words_of(texts, characters=ALL)
    monkeypatch.setattr(module, "_TOGETHER", 9)
    parts = words_of(texts, characters=ALL)
    for name in ("hashes", "text", "lengths", "read", "letters", "words"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name


def test_hashes_are_the_same_in_every_process() -> None:
    code = "from observability.drift.words import words_of; print(*words_of(['drift of words'], characters=99).hashes)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGES)
    assert [int(each) for each in done.stdout.split()] == hashes("drift of words")


def random_hashes(count: int, seed: int) -> Keys:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def test_a_vocabulary_has_what_it_was_made_of() -> None:
    known = random_hashes(20_000, 1)
    assert Vocabulary.of(known).contains(known).all()


@pytest.mark.parametrize(("count", "rate"), [(50_000, 9e-4), (100_000, 1e-2), (200_000, 8e-2)])
def test_few_words_are_taken_for_known_as_stated(count: int, rate: float) -> None:
    vocabulary = Vocabulary.of(random_hashes(count, 1))
    found = vocabulary.contains(random_hashes(100_000, 2)).mean()
    assert vocabulary.false_positive_rate == pytest.approx(rate, rel=0.1)
    assert found == pytest.approx(vocabulary.false_positive_rate, rel=0.25)


def test_hashes_of_real_words_are_spread_as_random_ones() -> None:
    vocabulary = Vocabulary.of(words_of([" ".join(f"word{number}" for number in range(50_000))], characters=ALL).hashes)
    others = words_of([" ".join(f"other{number}" for number in range(50_000))], characters=ALL).hashes
    assert vocabulary.contains(others).mean() == pytest.approx(9e-4, rel=0.4)


def test_an_empty_vocabulary_knows_nothing() -> None:
    vocabulary = Vocabulary.of(np.zeros(0, np.uint64))
    assert not vocabulary.contains(random_hashes(100, 3)).any()
    assert vocabulary.false_positive_rate == 0


def test_a_vocabulary_comes_back_from_its_state() -> None:
    known = random_hashes(100, 4)
    state = Vocabulary.of(known).to_state()
    assert state["bits"].nbytes == 128 * 1024
    assert Vocabulary.from_state(state).contains(known).all()
    with pytest.raises(ValueError, match="131072 bytes"):
        Vocabulary.from_state({"bits": np.zeros(5, np.uint8)})
