"""What an app counts of its own doings, so that the numbers on the boards can be held against something."""

from __future__ import annotations

import math
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Tally:
    """Counts under names such as ``("tool", "read_page", "error")``; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, ...]] = Counter()

    def add(self, *name: str, amount: int = 1) -> None:
        """Count ``amount`` more of ``name``."""
        with self._lock:
            self._counts[name] += amount

    @contextmanager
    def outcome(self, *name: str) -> Iterator[None]:
        """Count ``name`` as a success, or as an error if the block raises (and let that pass)."""
        try:
            yield
        except Exception:
            self.add(*name, "error")
            raise
        self.add(*name, "success")

    def as_json(self) -> list[list[str | int]]:
        """``[["tool", "read_page", "error", 3], ...]``, sorted: each name with its count at the end."""
        with self._lock:
            return [[*name, count] for name, count in sorted(self._counts.items())]


def careless(name: str) -> str:
    """``name`` with an id in it, as from code that makes a name for each run."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


class Evenly:
    """Says of every so manieth event that it is due, spaced as evenly as a share of them allows.

    A share of 0.1 makes each tenth event due, beginning with the fifth (Bresenham's rule), so that a short demo shows
    some too. For any number of threads. Raises ValueError for a share outside 0 to 1.
    """

    def __init__(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"a share must be between 0 and 1, not {share}")
        self.share = share
        self._lock = threading.Lock()
        self._events = 0

    def due(self) -> bool:
        """Whether this event is one of the share."""
        with self._lock:
            before = self._passed()
            self._events += 1
            return self._passed() > before

    def _passed(self) -> int:
        return math.floor(self._events * self.share + 0.5 + 1e-9)
