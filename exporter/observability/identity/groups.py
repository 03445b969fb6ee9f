"""Rows that are views of one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np

from observability.columns import Bools, Ints
from observability.identity import same
from observability.records import Calls

SAME_SPAN, SAME_CALL, WRAPPER = "same_span", "same_call", "wrapper"


class Groups:
    """Which of ``rows`` calls are views of one (union–find), and which do not count."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._root: dict[int, int] = {}
        self._views: dict[int, list[int]] = {}
        self.dropped: set[int] = set()
        #: Rows that stand for a call in a trace where no other row of it counts: what is around them must know.
        self.elsewhere: list[int] = []
        self.duplicates: Counter[str] = Counter()
        #: How many calls are around a row, as far as there are any.
        self.depth: Mapping[int, int] = {}

    def root(self, row: int) -> int:
        """The row that stands for all views of ``row``'s call."""
        return self._root.get(row, row)

    def views(self, row: int) -> list[int]:
        """All views of ``row``'s call, itself included."""
        return self._views.get(self._root.get(row, row), [row])

    def join(self, one: int, other: int) -> None:
        """Two views of one call."""
        root, joining = self._root.get(one, one), self._root.get(other, other)
        if root == joining:
            return
        if len(self.views(root)) < len(self.views(joining)):
            root, joining = joining, root
        moved = self._views.pop(joining, [joining])
        self._views.setdefault(root, [root]).extend(moved)
        self._root[root] = root
        for row in moved:
            self._root[row] = root

    def joined(self, row: int) -> bool:
        """Whether ``row`` is one of several views."""
        return row in self._root

    @property
    def rows_joined(self) -> Collection[int]:
        """All rows that are one of several views."""
        return self._root.keys()

    def any_of(self, row: int, mask: Bools) -> bool:
        """Whether a view of ``row``'s call is in ``mask``."""
        return any(mask[each] for each in self.views(row))

    def drop(self, row: int, reason: str) -> None:
        """``row`` does not count, nor does any other view of its call."""
        for each in self.views(row):
            if each not in self.dropped:
                self.dropped.add(each)
                self.duplicates[reason] += 1

    def drop_elsewhere(self, calls: Calls, row: int, reason: str) -> None:
        """The same for a call that was counted with a span of another trace."""
        if row not in self.dropped:
            self._stand_in(calls, self._ranked(calls, [each for each in self.views(row) if each not in self.dropped]))
            self.drop(row, reason)

    def settle(self, calls: Calls) -> tuple[Calls, Ints]:
        """Merge the views of each call; returns the calls and the rows of them that count, ascending."""
        if not self._root and not self.dropped:
            return calls, np.arange(self._rows)
        gone = set(self.dropped)
        if self._views:
            calls = same.writable(calls)
        for views in self._views.values():
            left = self._ranked(calls, [row for row in views if row not in self.dropped])
            if len(left) > 1:
                traces = {row: int(calls.trace[row]) for row in left}
                kept = same.merge(calls, left)
                gone.update(row for row in left if row != kept)
                self.duplicates[SAME_CALL] += len(left) - 1
                self._stand_in(calls, [row for row in left if traces[row] != int(calls.trace[kept])])
        mask = np.ones(self._rows, np.bool_)
        mask[list(gone)] = False
        return calls, np.flatnonzero(mask)

    def _stand_in(self, calls: Calls, views: list[int]) -> None:
        """Of each trace the innermost of ``views``, which are innermost first."""
        self.elsewhere.extend({int(calls.trace[row]): row for row in reversed(views)}.values())

    def _ranked(self, calls: Calls, rows: list[int]) -> list[int]:
        """Innermost first, whatever the order in which they came."""
        return sorted(
            rows,
            key=lambda row: (
                -self.depth.get(row, 0), int(calls.end_ns[row] - calls.start_ns[row]), int(calls.key[row]),
            ),
        )  # fmt: skip
