"""What a detector does with a stream, and what is kept of it; needs nothing but numpy, as peers run it too."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.alarms import streams
from bench.alarms.streams import STEP, WINDOW, Floats, Stream

#: (values seen, alarms) at each look.
Looks = Iterator[tuple[int, int]]


@dataclass(frozen=True)
class Bound:
    """What a detector promises of its false alarms: a share of the chances to alarm, or the values between two."""

    share: float | None = None
    run_length: float | None = None

    @property
    def text(self) -> str:
        if self.share is not None:
            return f"{self.share * 100:.3g} %"
        return "none" if self.run_length is None else f"one in {self.run_length:,.0f} values"


@dataclass(frozen=True)
class Watcher:
    """``watch(stream, begin)`` gives looks from about ``begin`` values on; at each it could alarm ``chances`` times."""

    name: str
    watch: Callable[[Stream, int], Looks]
    bound: Bound = Bound()
    kinds: Sequence[str] = tuple(streams.QUIET)
    chances: float = 1.0

    def scenarios(self) -> list[str]:
        """Quiet streams and changes of the kinds that it takes."""
        changes = [name for name, change in streams.CHANGES.items() if change.kind in self.kinds]
        return [*(kind for kind in streams.QUIET if kind in self.kinds), *changes]


def windows(stream: Stream, begin: int) -> Iterator[tuple[int, Floats]]:
    """The newest values at each look, of which :data:`~bench.alarms.streams.STEP` are new."""
    first = max(WINDOW, begin)
    for seen in range(first + (WINDOW - first) % STEP, len(stream.values) + 1, STEP):
        yield seen, stream.values[seen - WINDOW : seen]


def follow(watcher: Watcher, stream: Stream) -> dict[str, Any]:
    """Of a quiet stream, how many of its looks alarmed and when the first did; of one that changes, how many values
    after the change the first alarm came, ``None`` for never."""
    if stream.change is not None:
        found = (seen for seen, alarms in watcher.watch(stream, stream.change) if alarms and seen > stream.change)
        first = next(found, None)
        return {"quiet": False, "delay": None if first is None else first - stream.change}
    looks = alarms = 0
    first = None
    for seen, alarmed in watcher.watch(stream, 0):
        looks += 1
        alarms += alarmed
        if alarmed and first is None:
            first = seen
    return {"quiet": True, "looks": looks, "alarms": alarms, "first": first, "values": len(stream.values)}


def median(delays: list[float | None]) -> float:
    """Of delays of which some are never; infinite where most are."""
    ordered = sorted(math.inf if each is None else each for each in delays)
    return ordered[(len(ordered) - 1) // 2] if ordered else math.nan
