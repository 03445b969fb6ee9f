"""Spans that were seen, with a word about each: dictionaries of 64-bit hashes that are asked for many at once."""

from __future__ import annotations

import secrets

import numpy as np

from observability.columns import Bools, Ints, Keys

_FIRST_PLACES = 2**12
_ONE = np.int64(1)


class Seen:
    """A mapping of non-zero 64-bit keys to 64-bit words that keeps at least the last ``size``, at most twice as many
    (but for the last batch). For one thread.

    Two tables: when the younger one has ``size`` entries it becomes the older, whose entries are forgotten at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young, self._old = _Table(_FIRST_PLACES), _Table(_FIRST_PLACES)

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
            places = table.find(keys)
            rows = np.flatnonzero(places >= 0)
            held[rows] = True
            words[rows] = table.words[places[rows]]
        return held, words

    def update(self, keys: Keys, words: Keys) -> None:
        """Remember ``words`` under ``keys``, both of shape (n,); of a key that comes twice one of its words."""
        self._young = self._young.with_room(len(keys))
        self._young.put(keys, words)
        if len(self._young) >= self._size:
            self._young, self._old = _Table(len(self._young.words)), self._young


class _Table:
    """Open addressing with linear probing, at most half full: a step of all keys at once instead of a key at a time.

    The place of a key depends on a multiplier of its own, so that nobody can send keys that lie in one place.
    """

    def __init__(self, places: int) -> None:
        """``places`` is a power of two."""
        self._keys = np.zeros(places, np.uint64)
        self.words = np.zeros(places, np.uint64)
        self._factor = np.uint64(secrets.randbits(64) | 1)
        self._shift = np.uint64(64 - (places.bit_length() - 1))
        self._last = np.int64(places - 1)
        self._entries = 0

    def __len__(self) -> int:
        return self._entries

    def find(self, keys: Keys) -> Ints:
        """The place of each key; -1 where it is not here."""
        found = np.full(len(keys), -1, np.int64)
        if not self._entries:
            return found
        places = self._places(keys)
        there = self._keys.take(places)
        hit = (there == keys) & (keys != 0)
        found[hit] = places[hit]
        left = np.flatnonzero(~hit & (there != 0) & (keys != 0))
        wanted, places = keys[left], places[left]
        while len(left):
            places = (places + _ONE) & self._last
            there = self._keys.take(places)
            hit = there == wanted
            found[left[hit]] = places[hit]
            on = ~hit & (there != 0)
            left, wanted, places = left[on], wanted[on], places[on]
        return found

    def put(self, keys: Keys, words: Keys) -> None:
        """Put ``words`` under ``keys``, for which there must be room."""
        if not keys.all():
            keys, words = keys[keys != 0], words[keys != 0]
        places = self._places(keys)
        while len(keys):
            free = self._keys.take(places) == 0
            taken = places[free]
            self._keys[taken] = keys[free]  # of several that want a place one gets it
            mine = self._keys.take(places) == keys
            self.words[places[mine]] = words[mine]
            self._entries += int(np.count_nonzero(free & mine))
            left = ~mine
            keys, words, places = keys[left], words[left], (places[left] + _ONE) & self._last

    def with_room(self, more: int) -> _Table:
        """This table, or a larger one with its entries if ``more`` would fill it beyond the half."""
        needed = 2 * (self._entries + more)
        if needed <= len(self.words):
            return self
        larger = _Table(2 ** int(2 * needed - 1).bit_length())
        rows = np.flatnonzero(self._keys)
        larger.put(self._keys[rows], self.words[rows])
        return larger

    def _places(self, keys: Keys) -> Ints:
        return ((keys * self._factor) >> self._shift).view(np.int64)
