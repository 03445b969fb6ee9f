"""A dictionary of 64-bit hashes that is asked for many at once."""

from __future__ import annotations

import secrets

import numpy as np

from observability.allocator import zeros
from observability.columns import Ints, Keys

_ONE = np.int64(1)


class Table:
    """Non-zero 64-bit keys → 64-bit words. For one thread.

    Open addressing with linear probing, at most half full: a step of all keys at once instead of a key at a time. The
    place of a key depends on a multiplier of its own, so that nobody can send keys that lie in one place.
    """

    def __init__(self, places: int) -> None:
        """``places`` is a power of two."""
        self._keys: Keys = zeros(places, np.uint64)
        self.words: Keys = zeros(places, np.uint64)
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
        rows = np.flatnonzero((self._keys.take(places) != 0) & (keys != 0))  # at a free place a search ends
        keys, places = keys.take(rows), places.take(rows)
        while len(rows):
            there = self._keys.take(places)
            hit = np.flatnonzero(there == keys)
            found[rows.take(hit)] = places.take(hit)
            on = np.flatnonzero((there != keys) & (there != 0))
            rows, keys, places = rows.take(on), keys.take(on), (places.take(on) + _ONE) & self._last
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._keys.fill(0)
        self._entries = 0

    def put(self, keys: Keys, words: Keys) -> None:
        """Put ``words`` under ``keys``, for which there must be room; of a key that comes twice the last word stays."""
        if not keys.all():
            keys, words = keys[keys != 0], words[keys != 0]
        places = self._places(keys)
        while len(keys):
            there = self._keys.take(places)
            free = there == 0
            rows = np.flatnonzero(free | (there == keys))
            taken = places.take(rows)
            self._keys[taken] = keys.take(rows)  # of several that want a place the last one gets it,
            self.words[taken] = words.take(rows)  # and its word
            mine = self._keys.take(places) == keys
            self._entries += int(np.count_nonzero(free & mine))
            left = np.flatnonzero(~mine)
            keys, words, places = keys.take(left), words.take(left), (places.take(left) + _ONE) & self._last

    def with_room(self, more: int) -> Table:
        """This table, or a larger one with its entries if ``more`` would fill it beyond the half."""
        needed = 2 * (self._entries + more)
        if needed <= len(self.words):
            return self
        larger = Table(2 ** int(2 * needed - 1).bit_length())
        rows = np.flatnonzero(self._keys)
        larger.put(self._keys[rows], self.words[rows])
        return larger

    def _places(self, keys: Keys) -> Ints:
        return ((keys * self._factor) >> self._shift).view(np.int64)
