"""Keeps what is to be posted until the exporter has taken it, however long it is away."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from demo.serving.exporter import Exporter, Kind, Refused, Unavailable

#: Predictions that are kept, and as many labels: sixteen minutes of 20 a second. Beyond, the oldest are lost.
CAPACITY = 20_000
#: Items of one request at most.
CHUNK = 500
#: Seconds until a request that failed is tried again: the first pause, twice as much after each further failure, and
#: the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
#: Share of requests that are sent twice, as by a sender that did not see the answer.
AGAIN = 0.05


class Backoff:
    """When to try again: ever later while it fails. ``due`` says whether that time has come."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = 0.0
        self._until = 0.0

    @property
    def due(self) -> bool:
        return self.left <= 0

    @property
    def left(self) -> float:
        """Seconds until the next attempt; 0 if it may be made now."""
        return max(0.0, self._until - self._clock())

    def failed(self) -> None:
        self._pause = min(LONGEST_PAUSE, 2 * self._pause or FIRST_PAUSE)
        self._until = self._clock() + self._pause

    def worked(self) -> None:
        self._pause = self._until = 0.0


class Outbox:
    """For one thread. ``say`` tells a person, once at the begin and once at the end of each time without exporter.

    ``counts``: ``predictions`` and ``labels`` that were taken, ``rejected`` items, ``lost_predictions`` and
    ``lost_labels`` that were dropped because too many were waiting, ``outages``.
    """

    def __init__(
        self,
        exporter: Exporter,
        say: Callable[[str], None],
        *,
        capacity: int = CAPACITY,
        draw: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exporter = exporter
        self._say = say
        self._capacity = capacity
        self._draw = draw or random.Random()
        self._clock = clock
        self._waiting: dict[Kind, deque[dict[str, Any]]] = {kind: deque() for kind in Kind}
        self._backoff = Backoff(clock)
        self._away_since: float | None = None
        self.counts: Counter[str] = Counter()
        #: Why something was refused for good; the first reason.
        self.refusal = ""

    @property
    def waiting(self) -> int:
        """Items that are kept."""
        return sum(map(len, self._waiting.values()))

    def baseline(self, model: str, version: str, table: bytes, stop: threading.Event) -> None:
        """Set a baseline, now: return when it was taken or ``stop`` is set. Raises :class:`Refused` if it never is."""
        while not stop.is_set():
            try:
                self._exporter.baseline(model, version, table)
            except Unavailable as error:
                self._failed(str(error))
                stop.wait(self._backoff.left)
            else:
                self._worked()
                return

    def put(self, kind: Kind, items: list[dict[str, Any]]) -> None:
        """Keep ``items``; where there is no room, the oldest of their kind are lost."""
        waiting = self._waiting[kind]
        waiting.extend(items)
        while len(waiting) > self._capacity:
            waiting.popleft()
            self.counts[f"lost_{kind.counted_as}"] += 1

    def flush(self) -> None:
        """Send what is kept, oldest first; nothing while the pause after a failure lasts."""
        if not self._backoff.due:
            return
        try:
            for kind, waiting in self._waiting.items():
                while waiting:
                    self._send(kind, waiting)
        except Unavailable as error:
            self._failed(str(error))

    def drain(self, seconds: float, wait: Callable[[float], None] = time.sleep) -> None:
        """Send all that is kept, for at most ``seconds``; what is left then is lost."""
        end = self._clock() + seconds
        self.flush()
        while self.waiting and self._clock() < end:
            wait(min(self._backoff.left, end - self._clock()))
            self.flush()
        for kind, waiting in self._waiting.items():
            if waiting:
                self.counts[f"lost_{kind.counted_as}"] += len(waiting)
                waiting.clear()

    def _send(self, kind: Kind, waiting: deque[dict[str, Any]]) -> None:
        chunk = [waiting[at] for at in range(min(CHUNK, len(waiting)))]
        try:
            rejected = self._exporter.post(kind, chunk)
            if self._draw.random() < AGAIN:
                self._exporter.post(kind, chunk)
        except Refused as error:
            self.refusal = self.refusal or str(error)
            rejected = len(chunk)
        self._worked()
        for _ in chunk:
            waiting.popleft()
        self.counts[kind.counted_as] += len(chunk) - rejected
        self.counts["rejected"] += rejected

    def _failed(self, reason: str) -> None:
        self._backoff.failed()
        if self._away_since is None:
            self._away_since = self._clock()
            self.counts["outages"] += 1
            self._say(
                f"the exporter takes nothing ({reason}); up to {self._capacity:,} predictions and as many labels are "
                "kept and sent when it does"
            )

    def _worked(self) -> None:
        self._backoff.worked()
        if self._away_since is not None:
            self._say(
                f"the exporter is back after {self._clock() - self._away_since:.0f} s; "
                f"the {self.waiting:,} items that were kept are sent"
            )
            self._away_since = None
