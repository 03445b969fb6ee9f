"""Retrievals and rerankings that frameworks tell of once for each of their layers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from observability.columns import Bools, Ints
from observability.identity.memory import Generations
from observability.identity.tree import NOWHERE, Tree
from observability.records import Steps

#: A step of these operations inside another of the same is part of it.
_LAYERED = ("retrieval", "rerank")


class Layers:
    """Keeps the outermost of nested retrievals, and of nested rerankings, if they come together; for one thread.

    Of those that do not, the one that came first counts.
    """

    def __init__(self, size: int) -> None:
        """``size`` spans of each kind are remembered."""
        self._counted: dict[str, Generations[bool]] = {name: Generations(size) for name in _LAYERED}
        #: Spans that have not come → a counted step is inside.
        self._around: dict[str, Generations[bool]] = {name: Generations(size) for name in _LAYERED}

    def outermost(self, tree: Tree, steps: Steps, barrier: Bools) -> Steps:
        """``steps`` without those that are part of another; ``barrier`` is a mask of the tree's tools and agents."""
        gone: list[int] = []
        for name in _LAYERED:
            rows = np.flatnonzero(steps.operation.equals(name))
            if len(rows) or len(self._around[name]):
                dropped, steps = self._layer(name, tree, steps, rows, barrier)
                gone += dropped
        if not gone:
            return steps
        kept = np.ones(len(steps), np.bool_)
        kept[gone] = False
        return steps.take(kept)

    def _layer(self, name: str, tree: Tree, steps: Steps, rows: Ints, barrier: Bools) -> tuple[list[int], Steps]:
        """Which of the ``rows`` of ``steps`` are part of another; and ``steps``, with the documents of those parts."""
        counted, around = self._counted[name], self._around[name]
        places = tree.position(steps.key[rows])
        row_of = dict(zip(places.tolist(), rows.tolist(), strict=True))
        is_step = np.zeros(len(tree.key), np.bool_)
        is_step[places] = True
        is_step[tree.position(counted.of(tree.key))] = True
        above, crossed, exit_ = tree.nearest_above(places, is_step, barrier)
        nested = (above != NOWHERE) & ~crossed
        outside = self._outside_counted(around, tree, is_step, barrier)
        gone = {*rows[nested].tolist(), *(row_of[place] for place in outside if place in row_of)}
        left = np.array([row not in gone for row in rows.tolist()], np.bool_)
        counted.update(steps.key[rows[left]], itertools.repeat(True))
        exits = exit_[left & ~crossed]
        around.update(exits[exits != 0], itertools.repeat(True))
        parts = zip(above[nested].tolist(), rows[nested].tolist(), strict=True)
        return sorted(gone), _documented(steps, [(row_of[place], row) for place, row in parts if place in row_of])

    def _outside_counted(self, around: Generations[bool], tree: Tree, is_step: Bools, barrier: Bools) -> set[int]:
        """Places of the steps that come now, and inside of which one was counted before."""
        found: set[int] = set()
        waited = around.of(tree.key)
        at = tree.position(waited)
        for key in waited.tolist():
            around.pop(key)
        while len(at):
            found.update(at[is_step[at]].tolist())
            at = at[~barrier[at]]
            above, crossed, exit_ = tree.nearest_above(at, is_step, barrier)
            exits = exit_[(above == NOWHERE) & ~crossed]
            around.update(exits[exits != 0], itertools.repeat(True))
            at = np.setdiff1d(above[(above != NOWHERE) & ~crossed], np.fromiter(found, np.int64, len(found)))
        return found


def _documented(steps: Steps, pairs: list[tuple[int, int]]) -> Steps:
    """``steps`` in which the outer of two has the documents of the inner one, where it has none itself."""
    silent = [(outer, inner) for outer, inner in pairs if steps.documents[outer] < 0 <= steps.documents[inner]]
    scored = [(outer, inner) for outer, inner in pairs if steps.scores[outer] is None]
    if not silent and not scored:
        return steps
    documents, scores = steps.documents.copy(), steps.scores.copy()
    for outer, inner in silent:
        documents[outer] = documents[inner]
    for outer, inner in scored:
        scores[outer] = scores[inner]
    return replace(steps, documents=documents, scores=scores)
