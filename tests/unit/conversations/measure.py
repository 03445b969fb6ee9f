"""The figures of docs/conversation-drift.md: ``PYTHONPATH=exporter python -m tests.unit.conversations.measure``.

False alarms and delays have fixed seeds; times are CPU time on whatever machine this is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import numpy as np

from observability.conversations.stream import Exchange, Key, Stream
from observability.drift.embedders import load_embedder
from observability.settings import Conversations, Drift
from tests.unit.conversations.support import COOKING, SHIPPING, texts

STREAMS, QUIET, CHANGED = 20, 5000, 2000
CHANGES: dict[str, tuple[Sequence[str], int]] = {
    "another topic": (COOKING, 14),
    "half of them another topic": (SHIPPING[:11] + COOKING[:12], 14),
    "twice as long": (SHIPPING, 28),
    "15 words in place of 14": (SHIPPING, 15),
}


def _stream() -> Stream:
    embedder = load_embedder("wordllama")
    return Stream(Key("shop", "gpt-4o", "unknown"), Drift(), Conversations().baseline_calls, lambda: embedder)


def _take(stream: Stream, prompts: list[str]) -> None:
    stream.take([Exchange(text, None, embed=True) for text in prompts])


def main() -> None:
    """Print false alarms of quiet streams, delays of changes, and the cost of a call."""
    baseline = Conversations().baseline_calls
    delays: dict[str, list[float]] = {name: [] for name in CHANGES}
    false = 0
    for seed in range(STREAMS):
        random = np.random.default_rng(seed)
        quiet = _stream()
        _take(quiet, texts(random, baseline))
        for _ in range(QUIET // 100):
            _take(quiet, texts(random, 100))
        false += any(monitor.alarms for _, monitor in quiet.monitors)
        for name, (topic, words) in CHANGES.items():
            stream = _stream()
            _take(stream, texts(random, baseline + 500))
            delay = float("inf")
            for at in range(0, CHANGED, 10):
                _take(stream, texts(random, 10, topic, words=words))
                if any(monitor.alarm for _, monitor in stream.monitors):
                    delay = at + 10
                    break
            delays[name].append(delay)
    print(f"{STREAMS} quiet streams of {QUIET} prompts: {false} with a false alarm")
    for name, found in delays.items():
        within = sum(delay < float("inf") for delay in found)
        print(f"{name}: median delay {statistics.median(found):g} prompts, {within} of {STREAMS} within {CHANGED}")
    _cost()


def _cost() -> None:
    random = np.random.default_rng(0)
    for embed in (False, True):
        stream = _stream()
        exchanges = [Exchange(text, text, embed) for text in texts(random, 2000, words=150)]
        stream.take(exchanges[:1000])
        before = time.process_time()
        for at in range(1000, 2000, 50):
            stream.take(exchanges[at : at + 50])
        spent = (time.process_time() - before) / 1000
        characters = statistics.mean(len(each.prompt or "") for each in exchanges)
        print(f"embed={embed}: {spent * 1e3:.2f} ms of CPU a call of two texts of {characters:.0f} characters")


if __name__ == "__main__":
    main()
