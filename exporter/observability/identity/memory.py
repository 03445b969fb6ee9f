"""What is remembered of spans that were measured, in bounded space."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from observability.columns import Ints, Keys, Text
from observability.marks import Marks
from observability.records import Calls

_Value = TypeVar("_Value")
_RECENT_CALLS = 20_000

#: When a call was made (Unix nanoseconds), and the instrumentation that said so.
Interval: TypeAlias = tuple[int, int, str | None]

#: What was counted inside a span that has not arrived yet, in one number, so that numbers add up: calls with no tool or
#: agent between in the upper bits, calls and tool executions at any depth in the lower.
CALLS_SHIFT = 32
STEPS_MASK = 2**CALLS_SHIFT - 1


class Generations(Generic[_Value]):
    """A mapping that keeps at least the last ``size`` entries, and at most twice as many.

    Two dictionaries: when the younger one is full it becomes the older, whose entries are forgotten at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[int, _Value] = {}
        self._old: dict[int, _Value] = {}
        self._marks = [Marks(), Marks()]

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __contains__(self, key: int) -> bool:
        return key in self._young or key in self._old

    def get(self, key: int) -> _Value | None:
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def known(self, keys: Keys) -> set[int]:
        """Those of ``keys`` that are remembered."""
        perhaps = self._marks[0].may_hold(keys) | self._marks[1].may_hold(keys)
        return {key for key in keys[perhaps].tolist() if key in self} if perhaps.any() else set()

    def update(self, keys: Keys, values: Iterable[_Value]) -> None:
        """Remember ``values`` under ``keys``, in this order."""
        self._young.update(zip(keys.tolist(), values, strict=False))
        self._marks[0].add(keys)
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
            self._marks = [Marks(), self._marks[0]]

    def pop(self, key: int) -> _Value | None:
        """Forget ``key``; returns what it stood for."""
        found = self._young.pop(key, None)
        old = self._old.pop(key, None)
        return old if found is None else found


class Answers:
    """When and by whom the last ``size`` calls were told, by the hash of their response id.

    What is looked up for every call are marks; the times stand in columns that only a hit is looked for in.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._marks = [Marks(), Marks()]
        self._tables: list[list[_Told]] = [[], []]

    def __len__(self) -> int:
        return sum(len(told.hashes) for tables in self._tables for told in tables)

    def intervals(self, hashes: Keys) -> dict[int, list[Interval]]:
        """When calls with these response ids were made: place in ``hashes`` → intervals."""
        perhaps = np.flatnonzero(self._marks[0].may_hold(hashes) | self._marks[1].may_hold(hashes))
        found: dict[int, list[Interval]] = {}
        if not len(perhaps):
            return found
        wanted = hashes[perhaps]
        for told in (told for tables in self._tables for told in tables):
            for row in np.flatnonzero(np.isin(told.hashes, wanted)).tolist():
                interval = (int(told.start_ns[row]), int(told.end_ns[row]), told.scope[row])
                for place in perhaps[wanted == told.hashes[row]].tolist():
                    found.setdefault(place, []).append(interval)
        return found

    def add(self, hashes: Keys, calls: Calls) -> None:
        """Remember ``calls``, whose response ids have these ``hashes``."""
        self._marks[0].add(hashes)
        self._tables[0].append(_Told(hashes, calls))
        if sum(len(told.hashes) for told in self._tables[0]) >= self._size:
            self._tables = [[], self._tables[0]]
            self._marks = [Marks(), self._marks[0]]


class _Told:
    def __init__(self, hashes: Keys, calls: Calls) -> None:
        self.hashes = hashes
        self.start_ns: Ints = calls.start_ns
        self.end_ns: Ints = calls.end_ns
        self.scope: Text = calls.scope


class Memory:
    """Counted calls and the spans around them, by the hashes of their ids; ``size`` of each kind."""

    def __init__(self, size: int) -> None:
        self.parents: Generations[int] = Generations(size)  # span → its parent, 0 for a root
        self.calls: Generations[bool] = Generations(size)  # spans of counted calls
        self.barriers: Generations[bool] = Generations(size)  # tools and agents: a call above is another call
        self.beneath: Generations[int] = Generations(size)  # span that has not come → what is inside it
        self.answers = Answers(size)
        self._recent: list[Calls] = []
        self.has_own = False  # a provider SDK's own span is among the recent calls

    def remember_calls(self, calls: Calls) -> None:
        """Keep the last calls as they are, without their content, for comparison by time."""
        if len(calls):
            nothing = np.full(len(calls), None, np.object_)
            self._recent.append(replace(calls, input=nothing, output=nothing))
        while len(self._recent) > 1 and sum(map(len, self._recent)) - len(self._recent[0]) >= _RECENT_CALLS:
            del self._recent[0]
        self.has_own = any(bool((part.near_wire & (part.parent == 0)).any()) for part in self._recent)

    def recent_calls(self) -> Calls | None:
        """The last calls; ``None`` before the first."""
        if len(self._recent) > 1:
            self._recent = [Calls.concat(self._recent)]
        return self._recent[0] if self._recent else None
