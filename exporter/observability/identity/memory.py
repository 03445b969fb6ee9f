"""What is remembered of spans that were measured, in bounded space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np

from observability.columns import Blobs, Coded, Ints, Keys, Sparse, Text
from observability.identity.same import is_own
from observability.identity.seen import Seen
from observability.marks import Marks
from observability.records import Calls

_Value = TypeVar("_Value")
_RECENT_CALLS = 20_000
#: Small tables of answers are joined at this number, so that a look at all of them stays quick.
_MOST_TABLES = 32

#: When a call was made (Unix nanoseconds), and the instrumentation that said so.
Interval: TypeAlias = tuple[int, int, str | None]

#: What a span is, in the bits that identities of spans leave free: a counted call; a tool or agent, above which a call
#: is another call.
CALL, BARRIER, KINDS = np.uint64(1), np.uint64(2), np.uint64(3)

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
        self._added = 0

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

    def of(self, keys: Keys) -> Keys:
        """The same as an array."""
        found = self.known(keys)
        return np.fromiter(found, np.uint64, len(found))

    def update(self, keys: Keys, values: Iterable[_Value]) -> None:
        """Remember ``values`` under ``keys``, in this order."""
        self._young.update(zip(keys.tolist(), values, strict=False))
        self._marks[0].add(keys)
        self._added += len(keys)
        if self._added >= self._size:  # also if few are left of them: the marks must not fill up
            self._old, self._young, self._added = self._young, {}, 0
            self._marks = [Marks(), self._marks[0]]

    def pop(self, key: int) -> _Value | None:
        """Forget ``key``; returns what it stood for."""
        found = self._young.pop(key, None)
        old = self._old.pop(key, None)
        return old if found is None else found


class Answers:
    """When and by whom the last calls were told, by the hash of their response id; at least ``size`` of them.

    What every call is looked up in are the hashes alone; the times stand in columns that only a hit is looked for in.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen = Seen(size)
        self._told: list[list[_Told]] = [[], []]
        self._rows = 0

    def __len__(self) -> int:
        return sum(len(told.hashes) for tables in self._told for told in tables)

    def intervals(self, hashes: Keys) -> dict[int, Interval]:
        """When the calls with these response ids were made: place in ``hashes`` → interval.

        An id that several counted calls have says nothing: it is a provider that repeats its ids.
        """
        perhaps = np.flatnonzero(self._seen.look_up(hashes)[0])
        if not len(perhaps):
            return {}
        tables = [told for tables in self._told for told in tables]
        rows = [np.flatnonzero(np.isin(told.hashes, hashes[perhaps])) for told in tables]
        found = _Told.concat([told.take(each) for told, each in zip(tables, rows, strict=True) if len(each)])
        if found is None:
            return {}
        _, first, times = np.unique(found.hashes, return_index=True, return_counts=True)
        at = {int(found.hashes[row]): row for row in first[times == 1].tolist()}
        places = ((place, at.get(int(hashes[place]))) for place in perhaps.tolist())
        return {place: found.interval(row) for place, row in places if row is not None}

    def add(self, calls: Calls) -> None:
        """Remember ``calls``, which have response ids all."""
        hashes = calls.answer
        self._seen.update(hashes, hashes)
        young = self._told[0]
        young.append(_Told(hashes, calls.start_ns, calls.end_ns, calls.scope))
        if len(young) >= _MOST_TABLES and (joined := _Told.concat(young)) is not None:
            self._told[0] = [joined]
        self._rows += len(hashes)
        if self._rows >= self._size:
            self._told, self._rows = [[], self._told[0]], 0


class _Told(NamedTuple):
    hashes: Keys
    start_ns: Ints
    end_ns: Ints
    scope: Text

    @classmethod
    def concat(cls, parts: Sequence[_Told]) -> _Told | None:
        """All of ``parts``; ``None`` of none."""
        if not parts:
            return None
        hashes, start, end, scope = zip(*parts, strict=True)
        return cls(np.concatenate(hashes), np.concatenate(start), np.concatenate(end), Coded.concat(scope))

    def take(self, rows: Ints) -> _Told:
        return _Told(self.hashes[rows], self.start_ns[rows], self.end_ns[rows], self.scope.take(rows))

    def interval(self, row: int) -> Interval:
        return int(self.start_ns[row]), int(self.end_ns[row]), self.scope[row]


class Memory:
    """Counted calls and the spans around them, by the hashes of their ids; ``size`` of each kind."""

    def __init__(self, size: int) -> None:
        self.spans = Seen(size)  # span → its parent (0 for a root) and what it is
        self.beneath: Generations[int] = Generations(size)  # span that has not come → what is inside it
        self.answers = Answers(size)
        self._recent: list[Calls] = []
        self.has_own = False  # a provider SDK's own span is among the recent calls

    def counted_inside(self, keys: Keys) -> dict[int, int]:
        """Those of the spans ``keys`` inside which calls were counted before they came, with how many."""
        found = {key: (self.beneath.get(key) or 0) >> CALLS_SHIFT for key in self.beneath.known(keys)}
        return {key: inside for key, inside in found.items() if inside}

    def remember_calls(self, calls: Calls) -> None:
        """Keep the last calls for comparison by time, and by their response ids."""
        told = np.flatnonzero(calls.answer)
        if len(told):
            self.answers.add(calls if len(told) == len(calls) else calls.take(told))
        if len(calls):
            self._recent.append(bare(calls))
        while len(self._recent) > 1 and sum(map(len, self._recent)) - len(self._recent[0]) >= _RECENT_CALLS:
            del self._recent[0]
        self.has_own = any(bool(is_own(part).any()) for part in self._recent)

    def recent_calls(self) -> Calls | None:
        """The last calls, as :func:`bare` leaves them; ``None`` before the first."""
        if len(self._recent) > 1:
            self._recent = [_compact(Calls.concat(self._recent).take(slice(-_RECENT_CALLS, None)))]
        return self._recent[0] if self._recent else None


def bare(calls: Calls) -> Calls:
    """``calls`` without content, dimensions and the text of response ids."""
    nothing = Sparse(len(calls))
    return replace(calls, input=nothing, output=nothing, response_id=Blobs.absent(len(calls)), dimensions={})


def _compact(calls: Calls) -> Calls:
    """``calls`` with no value in their columns that no row has."""
    columns = {each.name: getattr(calls, each.name) for each in fields(calls)}
    changes: Any = {name: Coded.of(each.to_list()) for name, each in columns.items() if isinstance(each, Coded)}
    return replace(calls, **changes)
