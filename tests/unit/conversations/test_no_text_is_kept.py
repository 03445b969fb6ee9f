"""Numbers are kept of prompts and answers, and never their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from observability.conversations.watcher import Conversations
from observability.drift.words import Vocabulary, words_of
from observability.monitoring.state import unpack
from observability.settings import Runtime, Settings
from tests.unit.conversations.support import ask, calls, conversations_of, running, texts
from tests.unit.exporter.support import OPENMETRICS, total

#: Words that stand nowhere else.
SECRETS = ("Xylophagous", "Quetzalcoatlus", "Zwitterion", "Borborygmus")


class Talkative:
    """An embedder that says in its errors what it was asked."""

    name = "talkative"
    dimensions = 4

    def embed(self, given: Sequence[str]) -> NDArray[np.float32]:
        raise ValueError(f"cannot embed {given[0]}")


def _told(random: np.random.Generator, count: int) -> list[str]:
    return [f"{SECRETS[at % 2]} {text} {SECRETS[2 + at % 2]}" for at, text in enumerate(texts(random, count))]


def _holds_a_secret(content: bytes) -> bool:
    return any(
        word.encode(encoding) in content
        for secret in SECRETS
        for word in (secret, secret.lower())
        for encoding in ("utf-8", "utf-16-le", "utf-32-le")
    )


def _leaves(state: Any) -> Iterator[bytes]:
    """Everything in a state, as bytes."""
    if isinstance(state, dict):
        for name, value in state.items():
            yield name.encode()
            yield from _leaves(value)
    elif isinstance(state, list):
        for value in state:
            yield from _leaves(value)
    else:
        yield state.tobytes() if isinstance(state, np.ndarray) else str(state).encode()


def _sizes(conversations: Conversations) -> list[int]:
    return [len(leaf) for leaf in _leaves(unpack(conversations.state())["streams"][0]["words"]) if len(leaf) > 20]


@pytest.mark.parametrize("count", [50, 150, 390, 1000])
def test_no_word_is_in_the_state_nor_in_any_file_nor_on_any_page(
    settings: Settings, runtime: Runtime, random: np.random.Generator, count: int
) -> None:
    with running(settings, runtime) as client:
        ask(client, calls(_told(random, count), _told(random, count)))
        assert total(client, "exporter_conversations_total", outcome="measured") == count
        state = conversations_of(client).state()
        assert not any(map(_holds_a_secret, [state, *_leaves(unpack(state))]))
        pages = [client.get("/metrics", headers=OPENMETRICS).content, client.get("/v1/conversations").content]
        assert not any(map(_holds_a_secret, pages))

    files = [file for folder in (runtime.state_dir, runtime.log_dir) for file in folder.rglob("*") if file.is_file()]
    assert any(file.name == "predictions.sqlite" for file in files), "the state was saved"
    assert not any(_holds_a_secret(file.read_bytes()) for file in files)


def test_the_test_finds_a_word_where_there_is_one() -> None:
    assert _holds_a_secret(b"\0" + SECRETS[0].lower().encode())
    assert any(map(_holds_a_secret, _leaves({"words": [{"a": np.array([SECRETS[1]])}]})))


def test_what_is_kept_does_not_grow_with_the_calls(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        ask(client, calls(_told(random, 1000)))
        before = sum(_sizes(conversations_of(client)))
        ask(client, calls(_told(random, 2000)))
        assert sum(_sizes(conversations_of(client))) <= before + 128 * 8 * 5, "values wait for the next block"


def test_personal_data_are_masked_before_the_words_are_learned(settings: Settings, runtime: Runtime) -> None:
    with running(settings, runtime) as client:
        ask(client, calls(["please write to ada.lovelace@example.com"] * 300))
        state = unpack(conversations_of(client).state())
    known = Vocabulary.from_state(state["streams"][0]["words"]["prompt"]["learner"])

    def knows(word: str) -> bool:
        return bool(known.contains(words_of([word], characters=100).hashes).all())

    assert knows("please") and knows("write") and knows("email")
    assert not knows("ada") and not knows("lovelace") and not knows("example")


def test_an_error_that_repeats_a_text_is_told_without_it(
    settings: Settings, runtime: Runtime, random: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    drift = settings.drift.model_copy(update={"embedder": f"{__name__}:Talkative"})
    with running(settings.model_copy(update={"drift": drift}), runtime) as client:
        ask(client, calls(_told(random, 10)))
        assert total(client, "exporter_conversations_total", outcome="failed") == 10
        assert total(client, "llm_requests_total") == 10
    assert "ValueError" in caplog.text
    assert not _holds_a_secret(caplog.text.encode())
