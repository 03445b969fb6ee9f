"""Counts of bins over the newest values, in constant memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from observability.columns import Ints

#: Parts that a window is made of: the oldest is dropped as a whole, so a window holds between 95 and 100 % of its size.
PARTS = 20


class SlidingCounts:
    """How many of the last ``size`` values fell into each of ``bins`` bins."""

    def __init__(self, size: int, bins: int) -> None:
        self._part = max(1, size // PARTS)
        kind = np.uint16 if self._part <= np.iinfo(np.uint16).max else np.uint32
        self._parts = np.zeros((PARTS, bins), kind)
        self._filled = np.zeros(PARTS, np.int64)
        self._at = 0
        self.counts: Ints = np.zeros(bins, np.int64)

    @property
    def total(self) -> int:
        """Values in the window."""
        return int(self._filled.sum())

    def add(self, codes: Ints) -> None:
        """Take bins (n,) in the order in which they came."""
        bins = len(self.counts)
        capacity = PARTS * self._part
        codes = codes[-capacity:]
        start = 0
        while start < len(codes):
            room = self._part - int(self._filled[self._at])
            if not room:
                self._at = (self._at + 1) % PARTS
                self.counts -= self._parts[self._at]
                self._parts[self._at] = 0
                self._filled[self._at] = 0
                continue
            piece = np.bincount(codes[start : start + room], minlength=bins)
            taken = min(room, len(codes) - start)
            self._parts[self._at] += piece.astype(self._parts.dtype)
            self._filled[self._at] += taken
            self.counts += piece
            start += taken

    def newest(self, values: int) -> Ints:
        """Counts of the newest parts that hold ``values`` or more together, or of all."""
        counts = np.zeros(len(self.counts), np.int64)
        held = 0
        for back in range(PARTS):
            at = (self._at - back) % PARTS
            counts += self._parts[at]
            held += int(self._filled[at])
            if held >= values:
                break
        return counts

    def clear(self) -> None:
        """Forget all."""
        self._parts[:] = 0
        self._filled[:] = 0
        self.counts[:] = 0

    @property
    def bytes(self) -> int:
        """Memory of the counts."""
        return self._parts.nbytes + self._filled.nbytes + self.counts.nbytes

    def to_state(self) -> dict[str, Any]:
        return {"parts": self._parts, "filled": self._filled, "at": self._at}

    def from_state(self, state: dict[str, Any]) -> None:
        """Raises ``ValueError`` for the state of a window of another shape."""
        if state["parts"].shape != self._parts.shape:
            raise ValueError("the state is that of another window")
        self._parts[:] = state["parts"]
        self._filled[:] = state["filled"]
        self._at = int(state["at"])
        self.counts = self._parts.sum(axis=0, dtype=np.int64)
