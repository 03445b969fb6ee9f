"""Which calls are views of one: found by nesting and by response ids."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from observability.identity import same
from observability.identity.groups import SAME_CALL, WRAPPER, Groups
from observability.identity.memory import Interval, Memory
from observability.identity.nesting import Nesting
from observability.identity.tree import NOWHERE, Tree
from observability.records import Calls


def drop_counted(tree: Tree, nesting: Nesting, memory: Memory, groups: Groups) -> None:
    """Drop calls around, or inside, one that was counted with an earlier batch."""
    counted = memory.counted_inside(tree.key)
    if counted:
        around: Counter[int] = Counter()
        rows = nesting.calls_around(tree.position(np.fromiter(counted, np.uint64, len(counted))))
        for row, inside in zip(rows.tolist(), counted.values(), strict=True):
            around[row] += inside
        del around[NOWHERE]
        for row, inside in around.items():
            groups.drop(row, WRAPPER if inside > 1 else SAME_CALL)
    within = list(nesting.inside_counted)
    inner = nesting.inside() if within else {}
    while within:
        row = within.pop()
        groups.drop(row, SAME_CALL)
        within.extend(inner.get(row, ()))


def nest(calls: Calls, nesting: Nesting, groups: Groups) -> None:
    """Join each call with the one call inside it, and drop the wrappers of several."""
    inside = nesting.inside()
    groups.depth = nesting.depths(inside)
    wrappers: set[int] = set()
    for row in sorted(inside, key=lambda row: (-groups.depth[row], row)):
        inner = inside[row]
        if row in groups.dropped:
            continue
        if len(inner) > 1:
            if not _independent(calls, row, inner):
                wrappers.add(row)
                groups.drop(row, WRAPPER)
        elif inner[0] in wrappers:
            if same.may_be_same(calls, row, inner[0]) or _sums(calls, row, inside[inner[0]]):
                wrappers.add(row)
                groups.drop(row, WRAPPER)
        elif same.may_be_same(calls, row, inner[0]):
            if inner[0] in groups.dropped:  # it was counted before, and is this very call
                groups.drop(row, SAME_CALL)
            else:
                groups.join(inner[0], row)


def match_answers(calls: Calls, memory: Memory, groups: Groups) -> None:
    """Join views with one response id at one time; at another time it is a provider that repeats its ids."""
    rows = np.flatnonzero(calls.answer)
    hashes = calls.answer if len(rows) == len(calls) else calls.answer.take(rows)
    ordered = np.sort(hashes)
    if bool((ordered[1:] == ordered[:-1]).any()):
        views: dict[int, list[int]] = defaultdict(list)
        for row, hashed in zip(rows.tolist(), hashes.tolist(), strict=True):
            if row not in groups.dropped:
                views[hashed].append(row)
        for together in views.values():
            if len({groups.root(row) for row in together}) > 1:
                _join_views(calls, together, groups)
    for place, interval in memory.answers.intervals(hashes).items():
        row = int(rows[place])
        if _is_view(calls, row, interval):
            groups.drop_elsewhere(calls, row, SAME_CALL)


def _join_views(calls: Calls, rows: list[int], groups: Groups) -> None:
    """Join those of ``rows``, which have one response id, that overlap in time."""
    together: list[int] = []
    until = 0
    for row in sorted(rows, key=lambda row: (int(calls.start_ns[row]), int(calls.key[row]))):
        start, end = int(calls.start_ns[row]), int(calls.end_ns[row])
        if together and not same.overlap(start, end, start, until):
            _join_all(calls, together, groups)
            together = []
        until = max(until, end) if together else end
        together.append(row)
    _join_all(calls, together, groups)


def _join_all(calls: Calls, rows: list[int], groups: Groups) -> None:
    """Join views of one call, unless one instrumentation tells of several: then the provider repeats its ids."""
    tellers = {(groups.root(row), calls.scope[row]) for row in rows}
    if len({scope for _, scope in tellers}) == len(tellers):
        for row in rows[1:]:
            groups.join(rows[0], row)


def _is_view(calls: Calls, row: int, interval: Interval) -> bool:
    """Whether a call is a view of one that was counted, by another instrumentation at the same time."""
    start, end, scope = interval
    return scope != calls.scope[row] and same.overlap(int(calls.start_ns[row]), int(calls.end_ns[row]), start, end)


def _independent(calls: Calls, outer: int, inner: list[int]) -> bool:
    """Whether ``outer`` is a call of its own during which others began: it has an answer that none of these has."""
    if _sums(calls, outer, inner):
        return False
    own = int(calls.answer[outer])
    others = {int(calls.answer[row]) for row in inner}
    return own != 0 and 0 not in others and own not in others and bool(calls.usage[outer, 0] >= 0)


def _sums(calls: Calls, outer: int, inner: list[int]) -> bool:
    """Whether the tokens of ``outer`` are those of ``inner`` together."""
    ours = same.totals(calls, outer)
    theirs = [same.totals(calls, row) for row in inner]
    return any(ours) and ours == (sum(each[0] for each in theirs), sum(each[1] for each in theirs))
