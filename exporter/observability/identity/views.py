"""Which calls are views of one: found by nesting, by response ids, and by time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from observability.columns import Bools, Ints, Keys
from observability.identity import same
from observability.identity.groups import SAME_CALL, WRAPPER, Groups
from observability.identity.memory import CALLS_SHIFT, Interval, Memory
from observability.identity.tree import NOWHERE
from observability.records import Calls


def drop_counted(calls: Calls, exit_: Keys, crossed: Bools, memory: Memory, groups: Groups) -> None:
    """Drop calls around, or inside, one that was counted with an earlier batch.

    ``exit_`` (n,) is the span at which the way up from each call leaves the spans at hand (0: it does not), ``crossed``
    (n,) whether a tool or agent stands on that way.
    """
    around = memory.beneath.known(calls.key)
    for row in _rows(calls.key, around):
        inside = (memory.beneath.get(int(calls.key[row])) or 0) >> CALLS_SHIFT
        if inside:
            groups.drop(row, WRAPPER if inside > 1 else SAME_CALL)
    leaving = memory.parents.known(exit_)
    for row in _rows(exit_, leaving):
        if not crossed[row] and _inside_counted(int(exit_[row]), memory):
            groups.drop(row, SAME_CALL)


def nest(calls: Calls, outer: Ints, crossed: Bools, groups: Groups) -> None:
    """Join each call with the one call inside it, and drop the wrappers of several.

    ``outer`` (n,) is the call around each call, or NOWHERE.
    """
    nested = np.flatnonzero((outer != NOWHERE) & ~crossed).tolist()
    if not nested:
        return
    inside: dict[int, list[int]] = defaultdict(list)
    for inner in nested:
        inside[int(outer[inner])].append(inner)
    wrappers: set[int] = set()
    for row in _innermost_first(inside, outer):
        left = [each for each in inside[row] if each not in groups.dropped or each in wrappers]
        if len(left) > 1 and not _independent(calls, row, left):
            wrappers.add(row)
            groups.drop(row, WRAPPER)
        elif len(left) == 1:
            only = left[0]
            if only in wrappers:
                if same.may_be_same(calls, row, only) or _sums(calls, row, inside[only]):
                    wrappers.add(row)
                    groups.drop(row, WRAPPER)
            elif same.may_be_same(calls, row, only):
                groups.join(only, row)


def match_answers(calls: Calls, hashes: Keys, rows: Ints, memory: Memory, groups: Groups) -> None:
    """Join views with one response id at one time; at another time it is a provider that repeats its ids.

    ``hashes`` are those of the response ids of ``rows``.
    """
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    if bool((ordered[1:] == ordered[:-1]).any()):
        views: dict[int, list[int]] = defaultdict(list)
        for row, hashed in zip(rows.tolist(), hashes.tolist(), strict=True):
            views[hashed].append(row)
        for together in views.values():
            if len(together) > 1:
                _join_views(calls, together, groups)
    for place, intervals in memory.answers.intervals(hashes).items():
        row = int(rows[place])
        if any(_is_view(calls, row, each) for each in intervals):
            groups.drop(row, SAME_CALL)


def match_times(calls: Calls, memory: Memory, groups: Groups) -> None:
    """Join a provider SDK's own root span with the call during which it was made, one to one."""
    own = calls.near_wire & (calls.parent == 0)
    if not own.any() and not memory.has_own:
        return
    recent = memory.recent_calls()
    free = [row for row in range(len(calls)) if not own[row] and row not in groups.dropped]
    for row in sorted(np.flatnonzero(own).tolist(), key=lambda row: (int(calls.start_ns[row]), int(calls.key[row]))):
        if row in groups.dropped or groups.joined(row):
            continue
        match = _closest(calls, row, [each for each in free if not groups.any_of(each, own)])
        if match is not None:
            groups.join(row, match)
        elif recent is not None and _seen_around(recent, calls, row):
            groups.drop(row, SAME_CALL)
    if recent is not None and memory.has_own:
        for row in free:
            if row not in groups.dropped and not groups.any_of(row, own) and _seen_inside(recent, calls, row):
                groups.drop(row, SAME_CALL)


def _rows(column: Keys, wanted: set[int]) -> list[int]:
    if not wanted:
        return []
    return np.flatnonzero(np.isin(column, np.fromiter(wanted, np.uint64, len(wanted)))).tolist()


def _inside_counted(key: int, memory: Memory) -> bool:
    """Whether the span ``key``, or one around it, is a call that was counted, with no tool or agent between."""
    walked: set[int] = set()
    while key and key not in walked:
        if key in memory.calls:
            return True
        if key in memory.barriers:
            return False
        walked.add(key)
        key = memory.parents.get(key) or 0
    return False


def _join_views(calls: Calls, rows: list[int], groups: Groups) -> None:
    for place, one in enumerate(rows):
        for other in rows[place + 1 :]:
            interval = (int(calls.start_ns[other]), int(calls.end_ns[other]), calls.scope[other])
            if one not in groups.dropped and other not in groups.dropped and _is_view(calls, one, interval):
                groups.join(one, other)


def _is_view(calls: Calls, row: int, interval: Interval) -> bool:
    """Whether a call is a view of one that was counted, by another instrumentation at the same time."""
    start, end, scope = interval
    return scope != calls.scope[row] and same.overlap(int(calls.start_ns[row]), int(calls.end_ns[row]), start, end)


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
