"""Rows that are views of one call."""

from __future__ import annotations

from collections import Counter

import numpy as np

from observability.columns import Bools, Ints
from observability.identity import same
from observability.records import Calls

SAME_SPAN, SAME_CALL, WRAPPER = "same_span", "same_call", "wrapper"


class Groups:
    """Which of ``rows`` calls are views of one, and which do not count; what was joined first stands innermost."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._group: dict[int, list[int]] = {}
        self.dropped: set[int] = set()
        self.duplicates: Counter[str] = Counter()

    def join(self, inner: int, outer: int) -> None:
        """Two views of one call."""
        ours = self._group.get(inner, [inner])
        theirs = self._group.get(outer, [outer])
        if ours is theirs:
            return
        joined = [*ours, *(row for row in theirs if row not in ours)]
        for row in joined:
            self._group[row] = joined

    def joined(self, row: int) -> bool:
        """Whether ``row`` is one of several views."""
        return row in self._group

    def any_of(self, row: int, mask: Bools) -> bool:
        """Whether a view of ``row``'s call is in ``mask``."""
        return any(mask[each] for each in self._group.get(row, [row]))

    def drop(self, row: int, reason: str) -> None:
        """``row`` does not count, nor does any other view of its call."""
        for each in self._group.get(row, [row]):
            if each not in self.dropped:
                self.dropped.add(each)
                self.duplicates[reason] += 1

    def settle(self, calls: Calls) -> tuple[Calls, Ints]:
        """Merge the views of each call; returns the calls and the rows of them that count, ascending."""
        if not self._group and not self.dropped:
            return calls, np.arange(self._rows)
        gone = set(self.dropped)
        done: set[int] = set()
        if self._group:
            calls = same.writable(calls)
        for views in list(self._group.values()):
            if id(views) in done:
                continue
            done.add(id(views))
            left = [row for row in views if row not in self.dropped]
            if len(left) > 1:
                kept = same.merge(calls, left)
                gone.update(row for row in left if row != kept)
                self.duplicates[SAME_CALL] += len(left) - 1
        mask = np.ones(self._rows, np.bool_)
        mask[list(gone)] = False
        return calls, np.flatnonzero(mask)
