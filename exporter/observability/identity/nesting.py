"""Which calls are inside which, among the spans at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np

from observability.columns import Bools, Ints, Keys
from observability.identity.tree import NOWHERE, Tree


class Nesting:
    """Calls in a tree of spans; n calls.

    ``outer`` (n,) is the call around each call, or NOWHERE; ``crossed`` (n,) whether a tool or agent stands between;
    ``inside_counted`` are the calls inside one that was counted before.
    """

    def __init__(self, tree: Tree, keys: Keys, barrier: Bools, counted: Bools) -> None:
        """``keys`` are those of the calls; of the tree's spans ``barrier`` are tools or agents, ``counted`` calls that
        were counted before.
        """
        self._tree = tree
        self._barrier = barrier
        self._rows = tree.position(keys)
        self._is_call = counted.copy()
        self._is_call[self._rows] = True
        above, self.crossed, _ = tree.nearest_above(self._rows, self._is_call, barrier)
        self.outer: Ints = above if tree.flat else self._call_of[above]
        self.inside_counted: list[int] = []
        if counted.any():
            self.inside_counted = np.flatnonzero((above != NOWHERE) & counted[above] & ~self.crossed).tolist()

    @cached_property
    def _call_of(self) -> Ints:
        """The call that each span is; the last entry stands for NOWHERE."""
        calls = np.full(len(self._tree.key) + 1, NOWHERE, np.int64)
        calls[self._rows] = np.arange(len(self._rows))
        return calls

    def calls_around(self, spans: Ints) -> Ints:
        """The call that each of the tree's rows ``spans`` is or is inside of, with no tool or agent between; else
        NOWHERE.
        """
        above, crossed, _ = self._tree.nearest_above(spans, self._is_call, self._barrier)
        above = np.where(crossed, NOWHERE, above)
        return self._call_of[np.where(self._barrier[spans], NOWHERE, np.where(self._is_call[spans], spans, above))]

    def inside(self) -> dict[int, list[int]]:
        """Call → the calls directly inside it, with no tool or agent between."""
        found: dict[int, list[int]] = defaultdict(list)
        for inner in np.flatnonzero((self.outer != NOWHERE) & ~self.crossed).tolist():
            found[int(self.outer[inner])].append(inner)
        return found

    def depths(self, inside: Mapping[int, Iterable[int]]) -> dict[int, int]:
        """How many calls are around each call that has, or is, one of ``inside``."""
        depth: dict[int, int] = {}
        for row in (*inside, *(each for inner in inside.values() for each in inner)):
            path: dict[int, None] = {}  # an ordered set: it ends a walk around a ring of parents
            at = row
            while at != NOWHERE and at not in depth and at not in path:
                path[at] = None
                at = int(self.outer[at])
            below = depth.get(at, 0)
            for each in reversed(path):
                below += 1
                depth[each] = below
        return depth
