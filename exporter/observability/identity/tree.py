"""The tree of the spans at hand, as arrays."""

from __future__ import annotations

import numpy as np

from observability.columns import Bools, Ints, Keys
from observability.records import Links

#: Deeper nesting than any real trace has; it ends walks around a ring of parents.
_DEEPEST = 512
NOWHERE = -1


class Tree:
    """Positions of spans and of their parents in ``links``, which holds no span twice; n rows."""

    def __init__(self, links: Links, order: Ints | None = None) -> None:
        """``order`` sorts ``links.key``, if that is known already."""
        self.key = links.key
        self.parent_key = links.parent
        self._order = np.argsort(links.key) if order is None else order
        self._sorted = links.key.take(self._order)
        self.parent = self.position(links.parent)
        #: Whether no span has its parent here: then there is nothing to walk.
        self.flat = bool((self.parent == NOWHERE).all())

    def position(self, keys: Keys) -> Ints:
        """Row of each span; :data:`NOWHERE` if it is not here."""
        if not len(self._sorted) or not keys.any():
            return np.full(len(keys), NOWHERE, np.int64)
        if len(keys) == len(self.key) and bool((keys == self.key).all()):
            return np.arange(len(keys))
        place = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where((self._sorted.take(place) == keys) & (keys != 0), self._order.take(place), NOWHERE)

    def nearest_above(self, rows: Ints, wanted: Bools | None, barrier: Bools) -> tuple[Ints, Bools, Keys]:
        """For each of ``rows``: the nearest ancestor that is ``wanted``, NOWHERE without one; whether a ``barrier``
        stands between; and the key of the parent where the walk left the spans at hand, 0 if it did not.

        Without ``wanted`` all walk on until they leave.
        """
        found = np.full(len(rows), NOWHERE, np.int64)
        crossed = np.zeros(len(rows), np.bool_)
        if self.flat:
            return found, crossed, self.parent_key[rows]
        exit_ = np.zeros(len(rows), np.uint64)
        at = rows.copy()
        active = np.arange(len(rows))
        for _ in range(_DEEPEST):
            above = self.parent[at[active]]
            outside = above == NOWHERE
            exit_[active[outside]] = self.parent_key[at[active[outside]]]
            active, above = active[~outside], above[~outside]
            if wanted is not None:
                hit = wanted[above]
                found[active[hit]] = above[hit]
                active, above = active[~hit], above[~hit]
            if not len(active):
                break
            crossed[active] |= barrier[above]
            at[active] = above
        return found, crossed, exit_

    def count_inside(self, rows: Ints, amounts: Ints, wanted: Bools) -> Ints:
        """For every span: the sum of ``amounts`` over those of ``rows`` inside it, if it is ``wanted``; shape (n,)."""
        total = np.zeros(len(self.key), np.int64)
        at, amount = rows, amounts
        for _ in range(_DEEPEST):
            above = self.parent[at]
            inside = above != NOWHERE
            at, amount = above[inside], amount[inside]
            if not len(at):
                break
            hit = wanted[at]
            np.add.at(total, at[hit], amount[hit])
        return total
