"""How many calls a second are looked at, and which."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from observability.columns import Ints


class Allowance:
    """Grants ``per_second`` things a second, and what was left over of the last ``saved`` seconds; for any thread."""

    def __init__(self, per_second: float, *, saved: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` tells seconds that never go back."""
        self._per_second = per_second
        self._clock = clock
        self._most = max(per_second * saved, 1.0)
        self._left = self._most
        self._refilled = clock()
        self._refused = 0
        self._random = np.random.default_rng()
        self._lock = threading.Lock()

    def some_of(self, rows: Ints) -> Ints:
        """As many of ``rows`` (n,) as are granted now, chosen by chance and left in their order."""
        with self._lock:
            now = self._clock()
            self._left = min(self._most, self._left + (now - self._refilled) * self._per_second)
            self._refilled = now
            count = min(len(rows), int(self._left))
            self._left -= count
            self._refused += len(rows) - count
            if count == len(rows):
                return rows
            chosen: Ints = rows[np.sort(self._random.permutation(len(rows))[:count])]
            return chosen

    def refused(self) -> int:
        """How many were not granted since this was asked last."""
        with self._lock:
            count, self._refused = self._refused, 0
            return count
