"""Learning a baseline from the first texts of a stream, and watching those that come later."""

from __future__ import annotations

import numpy as np
import pytest

from observability.conversations.allowance import Allowance
from observability.conversations.learners import MeaningLearner, WordLearner
from observability.conversations.stream import Exchange, Key, Stream
from observability.conversations.texts import answer_of, prompt_of
from observability.drift.embedders import HashingEmbedder
from observability.drift.projection import EmbeddingProjection
from observability.drift.text import TextFeatures
from observability.settings import Drift
from tests.unit.conversations.support import COOKING, SHIPPING, texts

_RUN_LENGTH = 20_000
_BASELINE, _WATCHED = 400, 2000


def _stream(embedder: HashingEmbedder | None = None, *, run_length: float = _RUN_LENGTH) -> Stream:
    drift = Drift(average_run_length=run_length)
    return Stream(Key("shop", "gpt-4o", "unknown"), drift, _BASELINE, lambda: embedder)


def _take(stream: Stream, prompts: list[str], *, batch: int = 100) -> None:
    for start in range(0, len(prompts), batch):
        stream.take([Exchange(prompt, None, embed=True) for prompt in prompts[start : start + batch]])


def _looked_until_alarm(stream: Stream, prompts: list[str]) -> int:
    for at in range(0, len(prompts), 20):
        _take(stream, prompts[at : at + 20])
        if any(monitor.alarm for _, monitor in stream.monitors):
            return at + 20
    raise AssertionError("no alarm")


def test_quiet_streams_alarm_as_rarely_as_the_settings_say() -> None:
    """Each of 40 streams may alarm within 2000 texts with a chance of 2000 / 20,000 at most: more than 9 of them by a
    chance below 1 %."""
    alarms = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        stream = _stream(HashingEmbedder(32))
        _take(stream, texts(random, _BASELINE + _WATCHED))
        alarms += any(monitor.alarms for _, monitor in stream.monitors)
    assert alarms <= 9


@pytest.mark.parametrize(
    ("topic", "words", "most"),
    [(COOKING, 14, 60), (SHIPPING, 28, 60), (SHIPPING[:12] + COOKING[:12], 14, 200), (SHIPPING, 18, 300)],
    ids=["another topic", "twice as long", "half another topic", "a little longer"],
)
def test_prompts_that_changed_raise_an_alarm_soon(topic: tuple[str, ...], words: int, most: int) -> None:
    for seed in range(5):
        random = np.random.default_rng(seed)
        stream = _stream(HashingEmbedder(32), run_length=10_000_000)
        _take(stream, texts(random, _BASELINE + 500))
        assert not any(monitor.alarms for _, monitor in stream.monitors)
        assert _looked_until_alarm(stream, texts(random, 1000, topic, words=words)) <= most


def test_prompts_that_are_sent_again_and_again_are_no_drift() -> None:
    """A job that asks each question ten times in a row says a tenth as much as one that asks each once."""
    alarms = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        stream = _stream()
        _take(stream, [text for text in texts(random, (_BASELINE + _WATCHED) // 10) for _ in range(10)])
        alarms += any(monitor.alarms for _, monitor in stream.monitors)
    assert alarms <= 3


def test_answers_that_become_empty_are_a_drift_of_their_length() -> None:
    random = np.random.default_rng(1)
    stream = _stream()
    stream.take([Exchange(None, text, embed=False) for text in texts(random, 700)])
    stream.take([Exchange(None, "", embed=False)] * 100)
    assert {monitor.name for side, monitor in stream.monitors if monitor.alarm and side == "answer"} >= {"length"}


def test_a_stream_of_nothing_but_empty_answers_is_quiet_until_there_are_some() -> None:
    random = np.random.default_rng(1)
    stream = _stream(HashingEmbedder(32))
    stream.take([Exchange(None, "", embed=True)] * 1000)
    assert {monitor.name for _, monitor in stream.monitors} == {"length", "words"}
    assert not any(monitor.alarm for _, monitor in stream.monitors)
    stream.take([Exchange(None, text, embed=True) for text in texts(random, 100)])
    assert any(monitor.alarm for _, monitor in stream.monitors)


def test_words_are_learned_in_parts_as_they_are_at_once() -> None:
    random = np.random.default_rng(3)
    learned, new = texts(random, 200), texts(random, 50, SHIPPING + COOKING)
    learner = WordLearner()
    for start in range(0, 200, 30):
        learner.learn(learned[start : start + 30])
    learner.finish()
    features, _ = TextFeatures.fit_apart([*learned, *learned])
    found, known = learner.columns(new), TextFeatures(features.vocabulary).transform(new)
    assert found.keys() == known.keys()
    for name in ("length", "words", "word_length", "letter_share"):
        np.testing.assert_array_equal(found[name], known[name])
    assert 0.1 < found["unknown_share"].mean() < 0.4


def test_a_projection_of_sums_is_the_one_of_all_rows() -> None:
    rows = np.random.default_rng(4).normal(0.5, 1, (300, 16)) * np.linspace(1, 4, 16)
    whole = EmbeddingProjection.fit(rows)
    sums = EmbeddingProjection.of_moments(300, rows.sum(axis=0), rows.T @ rows)
    np.testing.assert_allclose(sums.centroid, whole.centroid)
    np.testing.assert_allclose(sums.components, whole.components, atol=1e-9)
    with pytest.raises(ValueError, match="two rows or more"):
        EmbeddingProjection.of_moments(1, rows[0], np.outer(rows[0], rows[0]))


def test_a_learner_goes_on_where_its_state_was_taken() -> None:
    random = np.random.default_rng(5)
    first, second, new = texts(random, 100), texts(random, 100), texts(random, 20)
    for make in (WordLearner, lambda: MeaningLearner(HashingEmbedder(32))):
        whole, before, after = make(), make(), make()
        whole.learn([*first, *second])
        before.learn(first)
        after.from_state(before.to_state())
        after.learn(second)
        whole.finish()
        after.finish()
        again = make()
        again.from_state(after.to_state())
        for learner in (after, again):
            for name, values in whole.columns(new).items():
                np.testing.assert_allclose(learner.columns(new)[name], values, atol=1e-9)


def test_vectors_of_another_embedder_are_not_gone_on_with() -> None:
    with pytest.raises(ValueError, match="hashing-32, not of hashing-64"):
        MeaningLearner(HashingEmbedder(64)).from_state(MeaningLearner(HashingEmbedder(32)).to_state())


@pytest.mark.parametrize(
    ("value", "prompt"),
    [
        ([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}], "Hello"),
        ([{"role": "user", "content": "One"}, {"role": "assistant"}, {"role": "user", "content": "Two"}], "Two"),
        ([{"role": "user", "content": "Look it up"}, {"role": "tool", "content": "AB-1 is late"}], "Look it up"),
        ([{"role": "tool", "content": "AB-1 is late"}], "AB-1 is late"),
        ([{"role": "system", "content": "Be brief."}], None),
        ("Just a text", "Just a text"),
        (None, None),
    ],
)  # fmt: skip
def test_the_prompt_is_what_the_user_said_last(value: object, prompt: str | None) -> None:
    assert prompt_of(value) == prompt


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ([{"role": "assistant", "content": "On its way."}], "On its way."),
        ([{"role": "assistant", "content": ""}], ""),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}]}], "look {}"),
        (None, None),
    ],
)  # fmt: skip
def test_the_answer_has_the_calls_of_tools_in_it(value: object, answer: str | None) -> None:
    assert answer_of(value) == answer


def test_an_allowance_grants_so_many_a_second_and_chooses_among_all() -> None:
    now = [0.0]
    allowance = Allowance(10, clock=lambda: now[0])
    rows = np.arange(1000)
    first = allowance.some_of(rows)
    assert len(first) == 10 and (np.diff(first) > 0).all() and first.max() > 100, "chosen by chance, in their order"
    assert len(allowance.some_of(rows)) == 0
    now[0] = 0.5
    assert len(allowance.some_of(rows)) == 5
    now[0] = 100.0
    assert len(allowance.some_of(rows)) == 10, "no more than one second is saved up"
    assert allowance.refused() == 4000 - 25
    assert allowance.refused() == 0
    np.testing.assert_array_equal(Allowance(10, clock=lambda: 0.0).some_of(rows[:3]), rows[:3])


def test_less_than_one_a_second_is_granted_now_and_then() -> None:
    now = [0.0]
    allowance = Allowance(0.1, clock=lambda: now[0])
    granted = 0
    for second in range(101):
        now[0] = float(second)
        granted += len(allowance.some_of(np.arange(5)))
    assert granted in (10, 11)
