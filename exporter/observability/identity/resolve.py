"""Records as they came → each call, step and verdict once.

The rules, from sure to likely: the same span id; the same response id at the same time; a call inside a call; a
provider SDK's own span, in a trace of its own, inside the time of a call; what two instrumentations of a service tell
of one time, one to one. A call that has several other calls inside is
a wrapper and counts nothing. What was counted before is remembered, so a span that comes late adds nothing twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from observability.columns import Bools, Ints, Keys
from observability.identity import views
from observability.identity.dual import Duals
from observability.identity.groups import SAME_SPAN, Groups
from observability.identity.layers import Layers
from observability.identity.memory import BARRIER, CALL, CALLS_SHIFT, KINDS, STEPS_MASK, Memory
from observability.identity.nesting import Nesting
from observability.identity.times import match_times
from observability.identity.tree import NOWHERE, Tree
from observability.records import Calls, Evaluations, Links, Records, Steps, Table

_AGENT = "invoke_agent"
_TOOL = "execute_tool"
_T = TypeVar("_T", bound=Table)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Each thing once; ``inside`` are the calls and tool executions in each step that is an agent, shape (steps,)."""

    calls: Calls
    steps: Steps
    inside: Ints
    evaluations: Evaluations
    duplicates: Counter[str]


class Resolver:
    """For one thread; remembers ``size`` calls."""

    def __init__(self, size: int) -> None:
        self._memory = Memory(size)
        self._duals = Duals()
        self._layers = Layers(size)

    def resolve(self, records: Records) -> Resolved:
        """What of ``records`` has not been counted yet. The records of a trace should come together."""
        order = np.argsort(records.links.key)
        repeated = self._repeated(records.links, order)
        if repeated is None:
            tree = Tree(records.links, order)
        else:
            records = self._once(records, repeated)
            tree = Tree(records.links)
        groups = Groups(len(records.calls))
        groups.duplicates[SAME_SPAN] = 0 if repeated is None else int(np.count_nonzero(repeated))
        steps = records.steps
        earlier, kinds = self._around(records.links, tree)
        if len(earlier):
            tree = Tree(Links.concat([records.links, earlier]))
        barrier = _mask(tree, steps.key[_is(steps, _AGENT, _TOOL)])
        before = np.zeros(len(tree.key), np.bool_)
        barrier[len(records.links) :] = kinds & BARRIER
        before[len(records.links) :] = kinds & CALL
        steps = self._layers.outermost(tree, steps, barrier)
        counted = self._distinct(tree, records.calls, barrier, before, groups)
        keys = np.concatenate([counted.key, records.calls.key[groups.elsewhere]]) if groups.elsewhere else counted.key
        inner = np.concatenate([tree.position(keys), tree.position(steps.key[_is(steps, _TOOL)])])
        inside = self._inside(tree, inner, steps)
        self._remember(tree, inner, len(keys), barrier, before)
        self._memory.remember_calls(counted)
        return Resolved(counted, steps, inside, records.evaluations, groups.duplicates)

    def _repeated(self, links: Links, order: Ints) -> Bools | None:
        """Mask of the spans that were here before, in these records or earlier; ``None`` if there are none."""
        mask = self._memory.spans.look_up(links.key)[0]
        ordered = links.key.take(order)
        if (ordered[1:] == ordered[:-1]).any():
            order = np.argsort(links.key, kind="stable")
            ordered = links.key.take(order)
            mask[order[1:][ordered[1:] == ordered[:-1]]] = True  # all but the first
        return mask if mask.any() else None

    def _around(self, links: Links, tree: Tree) -> tuple[Links, Keys]:
        """The spans that came earlier and are around some of ``links``, as far as they are known; and their kinds."""
        found = [np.empty(0, np.uint64)]
        told = [np.empty(0, np.uint64)]
        at = np.unique(links.parent[tree.parent == NOWHERE])
        while len(at):
            at = at[(tree.position(at) == NOWHERE) & ~np.isin(at, np.concatenate(found))]  # it may be a ring
            held, words = self._memory.spans.look_up(at)
            found.append(at[held])
            told.append(words[held])
            at = np.unique(words[held] & ~KINDS)
        keys, words = np.concatenate(found), np.concatenate(told)
        return Links(keys, words & ~KINDS, np.zeros(len(keys), np.uint64)), words & KINDS

    def _once(self, records: Records, repeated: Bools) -> Records:
        """``records`` without the spans that are ``repeated``."""
        links = records.links.take(~repeated)
        steps = records.steps
        return Records(
            links,
            _first_of(records.calls, records.calls.key, records.calls.key, links),
            _first_of(steps, steps.key + steps.operation.equals("mcp").astype(np.uint64), steps.key, links),
            _first_of(records.evaluations, records.evaluations.key, records.evaluations.span, links),
        )

    def _distinct(self, tree: Tree, calls: Calls, barrier: Bools, before: Bools, groups: Groups) -> Calls:
        """The calls that count, with all that their views say merged."""
        if not len(calls):
            return calls
        nesting = Nesting(tree, calls.key, barrier, before)
        views.drop_counted(tree, nesting, self._memory, groups)
        if not tree.flat:
            views.nest(calls, nesting, groups)
        views.match_answers(calls, self._memory, groups)
        match_times(calls, self._memory, groups)
        self._duals.match(calls, nesting, groups)
        calls, kept = groups.settle(calls)
        counted = calls if len(kept) == len(calls) else calls.take(kept)
        self._duals.remember(counted, kept)
        return counted

    def _inside(self, tree: Tree, inner: Ints, steps: Steps) -> Ints:
        """Calls and tool executions (``inner`` rows of the tree) inside each step that is an agent."""
        agents = _is(steps, _AGENT)
        if not agents.any():
            return np.zeros(len(steps), np.int64)
        wanted = _mask(tree, steps.key[agents])
        total = tree.count_inside(inner, np.ones(len(inner), np.int64), wanted)
        waited = self._memory.beneath.known(tree.key)
        if waited:
            places = tree.position(np.fromiter(waited, np.uint64, len(waited)))
            earlier = np.array([(self._memory.beneath.get(key) or 0) & STEPS_MASK for key in waited], np.int64)
            total[places] += np.where(wanted[places], earlier, 0)
            total += tree.count_inside(places, earlier, wanted)
        return np.where(agents, total[tree.position(steps.key)], 0)

    def _remember(self, tree: Tree, inner: Ints, calls: int, barrier: Bools, before: Bools) -> None:
        """Remember the spans of ``tree``; the first ``calls`` of its rows ``inner`` are calls, the others tools."""
        memory = self._memory
        _, crossed, exit_ = tree.nearest_above(inner, None, barrier)
        direct = np.zeros(len(inner), np.int64)
        direct[:calls] = ~crossed[:calls]
        self._put_beneath(exit_, (direct << CALLS_SHIFT) + 1)
        waited = memory.beneath.known(tree.key)
        if waited:
            places = tree.position(np.fromiter(waited, np.uint64, len(waited)))
            found = np.array([memory.beneath.pop(int(tree.key[place])) or 0 for place in places.tolist()], np.int64)
            _, crossed, exit_ = tree.nearest_above(places, None, barrier)
            self._put_beneath(exit_, np.where(crossed | barrier[places], found & STEPS_MASK, found))
        is_call = before.copy()
        is_call[inner[:calls]] = True
        memory.spans.update(tree.key, tree.parent_key | is_call * CALL | barrier * BARRIER)

    def _put_beneath(self, exits: Keys, amounts: Ints) -> None:
        """Add ``amounts`` to what is inside the spans ``exits``, that have not come."""
        leaving = exits != 0
        if not leaving.any():
            return
        unique, group = np.unique(exits[leaving], return_inverse=True)
        sums = np.zeros(len(unique), np.int64)
        np.add.at(sums, group, amounts[leaving])
        beneath = self._memory.beneath
        for key in beneath.known(unique):
            sums[np.searchsorted(unique, np.uint64(key))] += beneath.get(key) or 0
        beneath.update(unique, sums.tolist())


def _mask(tree: Tree, keys: Keys) -> Bools:
    """Mask of the tree's rows with ``keys``."""
    mask = np.zeros(len(tree.key), np.bool_)
    if len(keys):
        found = tree.position(keys)
        mask[found[found != NOWHERE]] = True
    return mask


def _is(steps: Steps, *operations: str) -> Bools:
    mask = np.zeros(len(steps), np.bool_)
    for operation in operations:
        mask |= steps.operation.equals(operation)
    return mask


def _first_of(table: _T, keys: Keys, spans: Keys, links: Links) -> _T:
    """The first row of each key, of the spans in ``links`` only."""
    if not len(keys):
        return table
    first = np.sort(np.unique(keys, return_index=True)[1])
    return table.take(first[np.isin(spans[first], links.key)])
