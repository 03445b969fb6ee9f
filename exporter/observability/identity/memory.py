"""What is remembered of spans that were measured, in bounded space."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeAlias, TypeVar

from observability.records import Calls

_Value = TypeVar("_Value")
_RECENT_CALLS = 20_000


class Generations(Generic[_Value]):
    """A mapping that keeps at least the last ``size`` entries, and at most twice as many.

    Two dictionaries: when the younger one is full it becomes the older, whose entries are forgotten at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[int, _Value] = {}
        self._old: dict[int, _Value] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __contains__(self, key: int) -> bool:
        return key in self._young or key in self._old

    def get(self, key: int) -> _Value | None:
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def known(self, keys: Iterable[int]) -> set[int]:
        """Those of ``keys`` that are remembered."""
        wanted = set(keys)
        return {key for part in (self._young, self._old) for key in wanted & part.keys()}

    def update(self, entries: Iterable[tuple[int, _Value]]) -> None:
        self._young.update(entries)
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}

    def pop(self, key: int) -> _Value | None:
        """Forget ``key``; returns what it stood for."""
        found = self._young.pop(key, None)
        old = self._old.pop(key, None)
        return old if found is None else found


#: When a call was made (Unix nanoseconds), and the instrumentation that said so.
Interval: TypeAlias = tuple[int, int, str | None]

#: What was counted inside a span that has not arrived yet, in one number, so that numbers add up: calls with no tool or
#: agent between in the upper bits, calls and tool executions at any depth in the lower.
CALLS_SHIFT = 32
STEPS_MASK = 2**CALLS_SHIFT - 1


class Memory:
    """Counted calls and the spans around them, by the hashes of their ids; ``size`` of each kind."""

    def __init__(self, size: int) -> None:
        self.parents: Generations[int] = Generations(size)  # span → its parent, 0 for a root
        self.calls: Generations[bool] = Generations(size)  # spans of counted calls
        self.barriers: Generations[bool] = Generations(size)  # tools and agents: a call above is another call
        self.beneath: Generations[int] = Generations(size)  # span that has not come → what is inside it
        self.answers: Generations[Interval] = Generations(size)  # hash of a response id → when
        self._recent: list[Calls] = []

    def remember_calls(self, calls: Calls) -> None:
        """Keep the last calls as they are, for comparison by time."""
        if len(calls):
            self._recent.append(calls)
        while len(self._recent) > 1 and sum(map(len, self._recent)) - len(self._recent[0]) >= _RECENT_CALLS:
            del self._recent[0]

    def recent_calls(self) -> Calls | None:
        """The last calls; ``None`` before the first."""
        if len(self._recent) > 1:
            self._recent = [Calls.concat(self._recent)]
        return self._recent[0] if self._recent else None

    @property
    def has_own(self) -> bool:
        """Whether a provider SDK's own span is among the last calls."""
        return any(bool((part.near_wire & (part.parent == 0)).any()) for part in self._recent)
