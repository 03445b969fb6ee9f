"""Keys that were seen, for looking up many at once."""

from __future__ import annotations

import numpy as np

from observability.allocator import zeros
from observability.columns import Bools, Ints, Keys

#: At 200,000 keys one in ten others looks as if it had been added.
_PLACES = 2**21
_PLACE = np.uint64(_PLACES - 1)


class Marks:
    """Which keys may be remembered: one look at an array instead of one into a dictionary, for all keys at once.

    A Bloom filter with one hash: keys are hashes already, so their lowest bits are a place.
    """

    def __init__(self) -> None:
        self._marks: Bools = zeros(_PLACES, np.bool_)

    def add(self, keys: Keys) -> None:
        self._marks[_places(keys)] = True

    def may_hold(self, keys: Keys) -> Bools:
        """Mask: ``False`` for keys that were certainly not added. Shape of ``keys``."""
        return self._marks.take(_places(keys))


def _places(keys: Keys) -> Ints:
    return (keys & _PLACE).view(np.int64)
