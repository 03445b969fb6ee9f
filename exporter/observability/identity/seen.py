"""Spans that were seen, with a word about each: dictionaries of 64-bit hashes that are asked for many at once."""

from __future__ import annotations

import numpy as np

from observability.columns import Bools, Keys
from observability.hashtable import Table

_FEWEST_PLACES = 2**12


class Seen:
    """A mapping of non-zero 64-bit keys to 64-bit words that keeps at least the last ``size``, at most twice as many
    (but for the last batch). For one thread.

    Two tables: when the younger one has ``size`` entries it becomes the older, whose entries are forgotten at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        # As large as they become: entries are never moved, and what nothing was written to takes no memory.
        places = max(_FEWEST_PLACES, 1 << (2 * size + size // 4).bit_length())
        self._young, self._old = Table(places), Table(places)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def of(self, keys: Keys) -> Keys:
        """Those of ``keys`` that are remembered, each once."""
        return np.unique(keys[self.look_up(keys)[0]])

    def look_up(self, keys: Keys) -> tuple[Bools, Keys]:
        """Which of ``keys`` are remembered, and their words (0 for the others). Both have the shape of ``keys``."""
        held = np.zeros(len(keys), np.bool_)
        words = np.zeros(len(keys), np.uint64)
        for table in (self._old, self._young):
            if not len(table):
                continue
            places = table.find(keys)
            rows = np.flatnonzero(places >= 0)
            if len(rows):
                held[rows] = True
                words[rows] = table.words.take(places.take(rows))
        return held, words

    def update(self, keys: Keys, words: Keys) -> None:
        """Remember ``words`` under ``keys``, both of shape (n,); of a key that comes twice one of its words."""
        self._young = self._young.with_room(len(keys))
        self._young.put(keys, words)
        if len(self._young) >= self._size:
            self._young, self._old = self._old, self._young
            self._young.clear()
