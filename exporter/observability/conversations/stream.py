"""The calls of one app to one model with one prompt: all that is watched of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from observability.columns import Bools
from observability.conversations.learners import MeaningLearner, WordLearner
from observability.conversations.watch import Watch
from observability.drift.binning import Binning
from observability.drift.embedders import Embedder
from observability.drift.sequential import judge
from observability.monitoring.feature import FeatureMonitor
from observability.monitoring.statistics import Table, evaluate
from observability.settings import Drift

#: The two sides of a call; values of the label ``text``.
PROMPT, ANSWER = "prompt", "answer"
SIDES = (PROMPT, ANSWER)


class Key(NamedTuple):
    """Whose calls they are; ``prompt`` is the name of the prompt, ``unknown`` where spans have none."""

    service: str
    model: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """The texts of one call, ``None`` where one was not recorded; ``embed``: its embeddings are looked at too."""

    prompt: str | None
    answer: str | None
    embed: bool

    def text(self, side: str) -> str | None:
        """That of one of :data:`SIDES`."""
        return self.prompt if side == PROMPT else self.answer


@dataclass
class Stream:
    """For one thread at a time; of a size that does not grow with the calls."""

    key: Key
    drift: Drift
    baseline: int
    embedder: Callable[[], Embedder | None]
    used: float = 0.0
    table: Table | None = None
    alarms: dict[tuple[str, str], int] = field(default_factory=dict)  # raised since somebody took them away

    def __post_init__(self) -> None:
        self._words = {side: self._watch(side, "words", WordLearner()) for side in SIDES}
        self._meanings: dict[str, Watch] = {}
        self._dirty = False

    def _watch(self, side: str, kind: str, learner: WordLearner | MeaningLearner) -> Watch:
        name = f"{'.'.join(self.key)}.{side}.{kind}"
        return Watch(name, self.baseline, learner, self._monitor, self.drift.bins)

    def _monitor(self, name: str, binning: Binning) -> FeatureMonitor:
        return FeatureMonitor.of(name, binning, self.drift)

    def watches(self, side: str) -> list[Watch]:
        """What is watched of the prompts or of the answers."""
        return [self._words[side], *([self._meanings[side]] if side in self._meanings else [])]

    @property
    def monitors(self) -> list[tuple[str, FeatureMonitor]]:
        """(side, monitor) of every feature that is compared with a baseline."""
        return [(side, each) for side in SIDES for watch in self.watches(side) for each in watch.monitors]

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Calls (n,) in the order in which they came."""
        for side in SIDES:
            there = [(text, each.embed) for each in exchanges if (text := each.text(side)) is not None]
            if there:
                self._words[side].take([text for text, _ in there])
            embedded = [text for text, embed in there if embed]
            if embedded and (meanings := self._meaning(side)) is not None:
                meanings.take(embedded)
        self._judge()
        self._dirty = True

    def _meaning(self, side: str) -> Watch | None:
        if side not in self._meanings:
            embedder = self.embedder()
            if embedder is None:
                return None
            self._meanings[side] = self._watch(side, "meaning", MeaningLearner(embedder))
        return self._meanings[side]

    def _judge(self) -> None:
        """Features whose evidence is enough, in view of how many are looked at, raise an alarm."""
        monitors = self.monitors
        if not monitors:
            return
        values = np.array([max(monitor.sequential.peak, 0.0) for _, monitor in monitors])
        enough: Bools = judge(values, self.drift.average_run_length)
        for (side, monitor), alarm in zip(monitors, enough.tolist(), strict=True):
            if monitor.alarm:
                monitor.clear()
            elif alarm and self.known(monitor):
                monitor.raise_alarm()
                place = (side, monitor.name)
                self.alarms[place] = self.alarms.get(place, 0) + 1

    def known(self, monitor: FeatureMonitor) -> bool:
        """Whether enough has come to say anything. Texts are counted as they came: right after a sudden change they
        seem to repeat one another, and the test takes them one by one only as far as they do not."""
        return monitor.window.total >= self.drift.min_samples

    def drifted(self, side: str) -> bool | None:
        """Whether the prompts or the answers are judged drifted; ``None`` while too little has come to say so."""
        seen = [each for of, each in self.monitors if of == side and self.known(each)]
        return any(monitor.alarm for monitor in seen) if seen else None

    def refresh(self) -> None:
        """Compute the distances anew, if anything came since."""
        monitors = [monitor for _, monitor in self.monitors]
        if self._dirty and monitors:
            self.table = evaluate(monitors, self.drift.min_samples)
        self._dirty = False

    def document(self) -> dict[str, Any]:
        """What is known of it, for people."""
        return {
            **self.key._asdict(),
            "texts": {
                side: {
                    "baseline": round(self._words[side].progress, 3),
                    "drift_detected": self.drifted(side),
                    "features": {
                        each.name: {
                            "drift_detected": each.alarm,
                            "effective_samples": each.effective,
                            "e_value": each.sequential.e_value,
                            "alarms": each.alarms,
                        }
                        for of, each in self.monitors
                        if of == side
                    },
                }
                for side in SIDES
            },
        }

    def to_state(self) -> dict[str, Any]:
        """Numbers, and the labels of the stream."""
        return {
            "key": list(self.key),
            "words": {side: watch.to_state() for side, watch in self._words.items()},
            "meanings": {side: watch.to_state() for side, watch in self._meanings.items()},
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`to_state` was called. Raises ``ValueError`` for the state of other settings."""
        for side, held in state["words"].items():
            self._words[side].from_state(held)
        for side, held in state["meanings"].items():
            meanings = self._meaning(side)
            if meanings is not None:
                meanings.from_state(held)
        self._dirty = True
