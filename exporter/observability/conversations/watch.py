"""One kind of numbers of the prompts, or of the answers, of one stream: learned first, then watched."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from observability.columns import Floats
from observability.conversations.learners import Learner
from observability.drift.binning import Binning
from observability.monitoring.feature import FeatureMonitor

#: Makes the monitor of one feature.
Make = Callable[[str, Binning], FeatureMonitor]


class Watch:
    """Of the first ``baseline`` texts the learner sees one half, and the numbers of the other half are the baseline
    that all later ones are compared with: texts that were learned from have no unknown words, and lie closer to their
    own centre than others do.
    """

    def __init__(self, name: str, baseline: int, learner: Learner, make: Make, bins: int) -> None:
        self._name = name
        self._learned_from = baseline // 2
        self._compared_with = baseline - self._learned_from
        self._learner = learner
        self._make = make
        self._bins = bins
        self._learned = 0
        self._rows: dict[str, Floats] = {}
        self._watched: dict[str, FeatureMonitor] = {}

    @property
    def monitors(self) -> list[FeatureMonitor]:
        """Those of the features that the baseline has any number of; none before there is a baseline."""
        return list(self._watched.values())

    @property
    def progress(self) -> float:
        """Share of the baseline that is there, 0 to 1."""
        compared = len(next(iter(self._rows.values()), ()))
        return min((self._learned + compared) / (self._learned_from + self._compared_with), 1.0)

    def take(self, texts: Sequence[str]) -> None:
        """Texts (n,) in the order in which they came."""
        if self._learned < self._learned_from:
            part = texts[: self._learned_from - self._learned]
            self._learner.learn(part)
            self._learned += len(part)
            texts = texts[len(part) :]
            if self._learned < self._learned_from:
                return
            self._learner.finish()
        if not texts:
            return
        columns = self._learner.columns(texts)
        if not self._watched:
            taken = self._compare(columns)
            columns = {name: values[taken:] for name, values in columns.items()}
        for name, monitor in self._watched.items():
            if len(columns[name]):
                monitor.take_numbers(columns[name], np.zeros(len(columns[name]), np.bool_))

    def _compare(self, columns: Mapping[str, Floats]) -> int:
        """Add to the numbers that later ones are compared with, as many as are missing; returns how many they were."""
        have = len(next(iter(self._rows.values()), ()))
        taken = self._compared_with - have
        for name, values in columns.items():
            self._rows[name] = np.concatenate((self._rows.get(name, np.zeros(0)), values[:taken]))
        if len(next(iter(self._rows.values()))) == self._compared_with:
            self._begin()
        return taken

    def _begin(self) -> None:
        """Compare from now on. The numbers are put in order: which of them were of one call is nobody's business."""
        self._rows = {name: np.sort(values) for name, values in self._rows.items()}
        for name, values in self._rows.items():
            if not np.isnan(values).all():
                random = np.random.default_rng(zlib.crc32(f"baseline {self._name}.{name}".encode()))
                self._watched[name] = self._make(name, Binning.numeric(values, self._bins, random))

    def to_state(self) -> dict[str, Any]:
        """Numbers only."""
        return {
            "learned": self._learned,
            "learner": self._learner.to_state(),
            "rows": self._rows,
            "monitors": {name: monitor.to_state() for name, monitor in self._watched.items()},
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`to_state` was called. Raises ``ValueError`` for the state of another watch, or of one with
        a baseline of another size."""
        rows = {name: np.asarray(values, np.float64) for name, values in state["rows"].items()}
        compared = len(next(iter(rows.values()), ()))
        if state["learned"] > self._learned_from or (bool(state["monitors"]) and compared != self._compared_with):
            raise ValueError("the state has a baseline of another size")
        self._learner.from_state(state["learner"])
        self._learned, self._rows = int(state["learned"]), rows
        if state["monitors"]:
            self._begin()
            for name, monitor in self._watched.items():
                monitor.from_state(state["monitors"][name])
