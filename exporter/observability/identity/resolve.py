"""Records as they came → each call, step and verdict once.

The rules, from sure to likely: the same span id; the same response id at the same time; a call inside a call; a
provider SDK's own span, in a trace of its own, inside the time of a call. A call that has several other calls inside is
a wrapper and counts nothing. What was counted before is remembered, so a span that comes late adds nothing twice.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from observability.columns import Bools, Coded, Ints, Keys, Text
from observability.identity import same
from observability.identity.memory import CALLS_SHIFT, STEPS_MASK, Interval, Memory
from observability.identity.tree import NOWHERE, Tree
from observability.records import Calls, Evaluations, Records, Steps, Table

SAME_SPAN, SAME_CALL, WRAPPER = "same_span", "same_call", "wrapper"
_AGENT = "invoke_agent"
_TOOL = "execute_tool"
_BARRIERS = (_AGENT, _TOOL)
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

    def resolve(self, records: Records) -> Resolved:
        """What of ``records`` has not been counted yet. The records of a trace should come together."""
        duplicates: Counter[str] = Counter()
        new = self._unseen(records.links.key)
        duplicates[SAME_SPAN] = len(new) - int(np.count_nonzero(new))
        seen = records.links.key[~new] if duplicates[SAME_SPAN] else np.empty(0, np.uint64)
        links = records.links.take(new)
        tree = Tree(links)
        calls = _once(records.calls, records.calls.key, self._known(seen, new, records))
        steps = _once(records.steps, _step_keys(records.steps), self._known(seen, new, records), records.steps.key)
        evaluations = _once(
            records.evaluations, records.evaluations.key, self._known(seen, new, records), records.evaluations.span
        )
        calls = _writable(calls)
        kept = self._distinct(tree, calls, steps, duplicates)
        counted = calls.take(kept)
        inside = self._inside(tree, counted, steps)
        self._remember(tree, links.key, links.parent, counted, steps)
        return Resolved(counted, steps, inside, evaluations, duplicates)

    def _unseen(self, keys: Keys) -> Bools:
        """Mask of the first row of each span that was never here."""
        new = np.zeros(len(keys), np.bool_)
        _, first = np.unique(keys, return_index=True)
        new[first] = True
        known = self._memory.parents.known(keys.tolist())
        if known:
            new &= ~np.isin(keys, np.fromiter(known, np.uint64, len(known)))
        return new

    def _known(self, seen: Keys, new: Bools, records: Records) -> set[int]:
        """Spans that came again and are remembered from before."""
        if not len(seen):
            return set()
        return set(seen.tolist()) - set(records.links.key[new].tolist())

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _distinct(self, tree: Tree, calls: Calls, steps: Steps, duplicates: Counter[str]) -> Ints:
        """Rows of ``calls`` that count, after merging into them what other views of them say."""
        if not len(calls):
            return np.empty(0, np.int64)
        rows = tree.position(calls.key)
        is_call = np.zeros(len(tree.key), np.bool_)
        is_call[rows] = True
        above, crossed, exit_ = tree.nearest_above(rows, is_call, self._barriers(tree, steps))
        row_of = np.full(len(tree.key) + 1, NOWHERE, np.int64)
        row_of[rows] = np.arange(len(calls))
        outer = row_of[above]  # the last entry stands for NOWHERE

        dropped = self._counted_before(calls, exit_, crossed, duplicates)
        groups = _Groups(len(calls))
        wrappers = self._nest(calls, outer, crossed, groups, dropped)
        duplicates[WRAPPER] += len(wrappers)
        dropped |= wrappers
        self._match_answers(calls, groups, dropped, duplicates)
        self._match_times(calls, groups, dropped, duplicates)
        return groups.settle(calls, dropped, duplicates)

    def _barriers(self, tree: Tree, steps: Steps) -> Bools:
        mask = np.zeros(len(tree.key), np.bool_)
        found = tree.position(steps.key[_is(steps, *_BARRIERS)])
        mask[found[found != NOWHERE]] = True
        return mask

    def _counted_before(self, calls: Calls, exit_: Keys, crossed: Bools, duplicates: Counter[str]) -> set[int]:
        """Calls around, or inside, one that was counted with an earlier batch."""
        memory = self._memory
        dropped: set[int] = set()
        for key in memory.beneath.known(calls.key.tolist()):
            beneath = memory.beneath.get(key)
            inside = (beneath or 0) >> CALLS_SHIFT
            if inside:
                found = np.flatnonzero(calls.key == key).tolist()
                dropped.update(found)
                duplicates[WRAPPER if inside > 1 else SAME_CALL] += len(found)
        leaving = memory.parents.known(exit_[exit_ != 0].tolist())
        if leaving:
            for row in np.flatnonzero(np.isin(exit_, np.fromiter(leaving, np.uint64, len(leaving)))).tolist():
                if row not in dropped and not crossed[row] and self._inside_counted(int(exit_[row])):
                    dropped.add(row)
                    duplicates[SAME_CALL] += 1
        return dropped

    def _inside_counted(self, key: int) -> bool:
        memory = self._memory
        walked: set[int] = set()
        while key and key not in walked:
            if key in memory.calls:
                return True
            if key in memory.barriers:
                return False
            walked.add(key)
            key = memory.parents.get(key) or 0
        return False

    def _nest(self, calls: Calls, outer: Ints, crossed: Bools, groups: _Groups, dropped: set[int]) -> set[int]:
        """Join each call with the one call inside it; returns the wrappers of several."""
        inside: dict[int, list[int]] = defaultdict(list)
        for inner in np.flatnonzero((outer != NOWHERE) & ~crossed).tolist():
            inside[int(outer[inner])].append(inner)
        wrappers: set[int] = set()
        for row in _innermost_first(inside, outer):
            left = [each for each in inside[row] if each not in dropped]
            if len(left) > 1 and not _independent(calls, row, left):
                wrappers.add(row)
            elif len(left) == 1:
                only = left[0]
                if only in wrappers:
                    if same.may_be_same(calls, row, only) or _sums(calls, row, inside[only]):
                        wrappers.add(row)
                elif same.may_be_same(calls, row, only):
                    groups.join(only, row)
        return wrappers

    def _match_answers(self, calls: Calls, groups: _Groups, dropped: set[int], duplicates: Counter[str]) -> None:
        """Views with one response id at one time; the same id at another time is a provider that repeats its ids."""
        views: dict[bytes, list[int]] = defaultdict(list)
        ids = calls.response_id.tolist()
        if len(set(ids)) < len(ids):
            for row, identity in enumerate(ids):
                if identity is not None:
                    views[identity].append(row)
        for rows in views.values():
            if len(rows) > 1:
                self._join_views(calls, rows, groups, dropped)
        hashes = {row: hash(identity) for row, identity in enumerate(ids) if identity is not None}
        known = self._memory.answers.known(hashes.values())
        for row, hashed in hashes.items() if known else ():
            interval = self._memory.answers.get(hashed) if hashed in known else None
            if interval is not None and row not in dropped and _is_view(calls, row, interval):
                groups.drop(row, dropped)
                duplicates[SAME_CALL] += 1

    def _join_views(self, calls: Calls, rows: list[int], groups: _Groups, dropped: set[int]) -> None:
        for place, one in enumerate(rows):
            for other in rows[place + 1 :]:
                if (
                    one not in dropped
                    and other not in dropped
                    and calls.scope[one] != calls.scope[other]
                    and same.overlap(
                        int(calls.start_ns[one]), int(calls.end_ns[one]),
                        int(calls.start_ns[other]), int(calls.end_ns[other]),
                    )
                ):  # fmt: skip
                    groups.join(one, other)

    def _match_times(self, calls: Calls, groups: _Groups, dropped: set[int], duplicates: Counter[str]) -> None:
        """A provider SDK's own root span belongs to the call during which it was made, one to one."""
        own = calls.near_wire & (calls.parent == 0)
        recent = self._memory.recent_calls() if own.any() or self._memory.has_own else None
        if own.any():
            free = [row for row in range(len(calls)) if not own[row] and row not in dropped]
            for row in sorted(
                np.flatnonzero(own).tolist(), key=lambda row: (int(calls.start_ns[row]), int(calls.key[row]))
            ):
                if row in dropped or groups.joined(row):
                    continue
                match = _closest(calls, row, [each for each in free if not groups.has_own(each, own)])
                if match is not None:
                    groups.join(row, match)
                elif recent is not None and _seen_around(recent, calls, row):
                    groups.drop(row, dropped)
                    duplicates[SAME_CALL] += 1
        if recent is not None and self._memory.has_own:
            for row in np.flatnonzero(~own).tolist():
                if row not in dropped and not groups.has_own(row, own) and _seen_inside(recent, calls, row):
                    groups.drop(row, dropped)
                    duplicates[SAME_CALL] += 1

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _inside(self, tree: Tree, counted: Calls, steps: Steps) -> Ints:
        """Calls and tool executions inside each step that is an agent."""
        agents = _is(steps, _AGENT)
        if not agents.any():
            return np.zeros(len(steps), np.int64)
        wanted = np.zeros(len(tree.key), np.bool_)
        places = tree.position(steps.key)
        wanted[places[agents & (places != NOWHERE)]] = True
        inner = tree.position(np.concatenate([counted.key, steps.key[_is(steps, _TOOL)]]))
        inner = inner[inner != NOWHERE]
        total = tree.count_inside(inner, np.ones(len(inner), np.int64), wanted)
        for key in self._memory.beneath.known(tree.key.tolist()):
            beneath = (self._memory.beneath.get(key) or 0) & STEPS_MASK
            place = tree.position(np.array([key], np.uint64))
            if beneath:
                if wanted[place[0]]:
                    total[place[0]] += beneath
                total += tree.count_inside(place, np.array([beneath], np.int64), wanted)
        return np.where(agents & (places != NOWHERE), total[places], 0)

    def _remember(self, tree: Tree, keys: Keys, parents: Keys, counted: Calls, steps: Steps) -> None:
        memory = self._memory
        nothing = np.zeros(len(tree.key), np.bool_)
        barrier = self._barriers(tree, steps)
        inner = tree.position(np.concatenate([counted.key, steps.key[_is(steps, _TOOL)]]))
        _, crossed, exit_ = tree.nearest_above(inner, nothing, barrier)
        is_call = np.arange(len(inner)) < len(counted)
        self._put_beneath(exit_, (is_call & ~crossed).astype(np.int64), np.ones(len(inner), np.int64))
        known = memory.beneath.known(keys.tolist())
        if known:
            waiting = np.fromiter(known, np.uint64, len(known))
            places = tree.position(waiting)
            found = np.array([memory.beneath.pop(int(key)) or 0 for key in waiting.tolist()], np.int64)
            _, crossed, exit_ = tree.nearest_above(places, nothing, barrier)
            direct = np.where(crossed | barrier[places], 0, found >> CALLS_SHIFT)
            self._put_beneath(exit_, direct, found & STEPS_MASK)
        memory.parents.update(zip(keys.tolist(), parents.tolist(), strict=True))
        memory.calls.update(zip(counted.key.tolist(), itertools.repeat(True)))
        memory.barriers.update((key, True) for key in tree.key[barrier].tolist())
        times = zip(counted.start_ns.tolist(), counted.end_ns.tolist(), counted.scope.to_list(), strict=True)
        answers = zip(counted.response_id.tolist(), times, strict=True)
        memory.answers.update((hash(identity), time) for identity, time in answers if identity is not None)
        memory.remember_calls(counted)

    def _put_beneath(self, exits: Keys, calls: Ints, steps: Ints) -> None:
        leaving = np.flatnonzero(exits != 0)
        if not len(leaving):
            return
        unique, group = np.unique(exits[leaving], return_inverse=True)
        packed = (calls[leaving] << CALLS_SHIFT) + steps[leaving]
        sums = np.zeros(len(unique), np.int64)
        np.add.at(sums, group, packed)
        keys, amounts = unique.tolist(), sums.tolist()
        beneath = self._memory.beneath
        before = {key: beneath.get(key) or 0 for key in beneath.known(keys)}
        beneath.update(zip(keys, amounts, strict=True))
        if before:
            more = dict(zip(keys, amounts, strict=True))
            beneath.update((key, more[key] + amount) for key, amount in before.items())


class _Groups:
    """Rows that are views of one call (union–find); what was joined first stands innermost."""

    def __init__(self, rows: int) -> None:
        self._group: dict[int, list[int]] = {}
        self._rows = rows

    def join(self, inner: int, outer: int) -> None:
        ours = self._group.get(inner, [inner])
        theirs = self._group.get(outer, [outer])
        if ours is theirs:
            return
        joined = [*ours, *(row for row in theirs if row not in ours)]
        for row in joined:
            self._group[row] = joined

    def joined(self, row: int) -> bool:
        return row in self._group

    def has_own(self, row: int, own: Bools) -> bool:
        """Whether a provider SDK's own span is among the views of ``row``'s call."""
        return any(own[each] for each in self._group.get(row, [row]))

    def drop(self, row: int, dropped: set[int]) -> None:
        """``row`` and all other views of its call were counted before."""
        dropped.update(self._group.get(row, [row]))

    def settle(self, calls: Calls, dropped: set[int], duplicates: Counter[str]) -> Ints:
        """Merge the views of each call; returns the rows that count, ascending."""
        gone = set(dropped)
        done: set[int] = set()
        for views in list(self._group.values()):
            if id(views) in done:
                continue
            done.add(id(views))
            left = [row for row in views if row not in dropped]
            if len(left) > 1:
                kept = same.merge(calls, left)
                gone.update(row for row in left if row != kept)
                duplicates[SAME_CALL] += len(left) - 1
        mask = np.ones(self._rows, np.bool_)
        mask[list(gone)] = False
        return np.flatnonzero(mask)


def _is_view(calls: Calls, row: int, interval: Interval) -> bool:
    """Whether a call is a view of one that was counted, by another instrumentation at the same time."""
    start, end, scope = interval
    return scope != calls.scope[row] and same.overlap(int(calls.start_ns[row]), int(calls.end_ns[row]), start, end)


def _is(steps: Steps, *operations: str) -> Bools:
    mask = np.zeros(len(steps), np.bool_)
    for operation in operations:
        mask |= steps.operation.equals(operation)
    return mask


def _step_keys(steps: Steps) -> Keys:
    """Identity of a step: one span may be a tool's execution and a request of MCP."""
    return steps.key + steps.operation.equals("mcp").astype(np.uint64)


def _once(table: _T, keys: Keys, known: set[int], spans: Keys | None = None) -> _T:
    """The first row of each key; none of a span that is ``known``."""
    if not len(keys):
        return table
    first = np.sort(np.unique(keys, return_index=True)[1])
    if known:
        spans = keys if spans is None else spans
        first = first[~np.isin(spans[first], np.fromiter(known, np.uint64, len(known)))]
    return table.take(first) if len(first) < len(keys) else table


def _writable(calls: Calls) -> Calls:
    """With copies of the columns that merging writes to."""

    def copied(column: Text) -> Text:
        return Coded(column.codes.copy(), column.values)

    return replace(
        calls,
        provider=copied(calls.provider),
        model=copied(calls.model),
        request_model=copied(calls.request_model),
        response_model=copied(calls.response_model),
        error_type=copied(calls.error_type),
        service_tier=copied(calls.service_tier),
        response_id=calls.response_id.copy(),
        dimensions={name: copied(column) for name, column in calls.dimensions.items()},
        trace_id=calls.trace_id.copy(),
        span_id=calls.span_id.copy(),
        usage=calls.usage.copy(),
        reported_cost=calls.reported_cost.copy(),
        time_to_first_token=calls.time_to_first_token.copy(),
        streaming=calls.streaming.copy(),
        input=calls.input.copy(),
        output=calls.output.copy(),
    )


def _innermost_first(inside: dict[int, list[int]], outer: Ints) -> Iterable[int]:
    """Calls that have calls inside, each after those inside it."""
    depth: dict[int, int] = {}
    for row in inside:
        at, walked = row, 0
        while at != NOWHERE and walked <= len(outer):
            at, walked = int(outer[at]), walked + 1
        depth[row] = walked
    return sorted(inside, key=lambda row: (-depth[row], row))


def _independent(calls: Calls, outer: int, inner: list[int]) -> bool:
    """Whether ``outer`` is a call of its own during which others began: it has an answer that none of these has."""
    if _sums(calls, outer, inner):
        return False
    own = calls.response_id[outer]
    ids = {calls.response_id[row] for row in inner}
    return own is not None and None not in ids and own not in ids and calls.usage[outer, 0] >= 0


def _sums(calls: Calls, outer: int, inner: list[int]) -> bool:
    """Whether the tokens of ``outer`` are those of ``inner`` together."""
    ours = same.totals(calls, outer)
    theirs = [same.totals(calls, row) for row in inner]
    return any(ours) and ours == (sum(each[0] for each in theirs), sum(each[1] for each in theirs))


def _closest(calls: Calls, own: int, rows: list[int]) -> int | None:
    """The call during which the SDK's span ``own`` was made: of those that fit, the one that began last before it."""
    fitting = [row for row in rows if _fits(calls, row, calls, own)]
    return min(
        fitting, key=lambda row: (int(calls.start_ns[own] - calls.start_ns[row]), int(calls.key[row])), default=None
    )


def _fits(around: Calls, outer: int, calls: Calls, own: int) -> bool:
    return (
        around.service[outer] == calls.service[own]
        and around.trace[outer] != calls.trace[own]
        and around.scope[outer] != calls.scope[own]
        and _alike(around.provider[outer], calls.provider[own])
        and (around.error_type[outer] is None) == (calls.error_type[own] is None)
        and _models_fit(around, outer, calls, own)
        and same.contains(around, outer, int(calls.start_ns[own]), int(calls.end_ns[own]))
        and not _different_answers(around.response_id[outer], calls.response_id[own])
    )


def _alike(one: str | None, other: str | None) -> bool:
    return one == other or "unknown" in (one, other)


def _different_answers(one: bytes | None, other: bytes | None) -> bool:
    return one is not None and other is not None and one != other


def _models_fit(around: Calls, outer: int, calls: Calls, own: int) -> bool:
    ours = [name for name in (around.request_model[outer], around.response_model[outer]) if name]
    theirs = [name for name in (calls.request_model[own], calls.response_model[own]) if name]
    return not ours or not theirs or any(a.startswith(b) or b.startswith(a) for a in ours for b in theirs)


def _seen_around(recent: Calls, calls: Calls, own: int) -> bool:
    """Whether a call that was counted before was made around the SDK's span ``own``."""
    near = np.flatnonzero(
        (recent.start_ns <= calls.start_ns[own] + 2_000_000) & (recent.end_ns + 2_000_000 >= calls.end_ns[own])
    )
    return any(_fits(recent, row, calls, own) for row in near.tolist())


def _seen_inside(recent: Calls, calls: Calls, row: int) -> bool:
    """Whether an SDK's span that was counted before was made inside the call ``row``."""
    near = np.flatnonzero(
        recent.near_wire & (recent.parent == 0)
        & (recent.start_ns + 2_000_000 >= calls.start_ns[row]) & (recent.end_ns <= calls.end_ns[row] + 2_000_000)
    )  # fmt: skip
    return any(_fits(calls, row, recent, own) for own in near.tolist())
