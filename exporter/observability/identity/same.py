"""When two spans speak of one call, and what is then known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from observability.columns import ABSENT, Blobs, Bools, Coded, Ints, Text
from observability.records import CACHE_READ, CACHE_WRITE, INPUT, NO_TOKENS, OUTPUT, UNKNOWN, Calls

#: Clocks of two spans of one call are read at different moments.
SLACK_NS = 2_000_000
#: One moment or many, nanoseconds.
_Times: TypeAlias = Ints | np.int64


def may_be_same(calls: Calls, outer: int, inner: int) -> bool:
    """Whether a call and the one inside it can be views of one: nothing that both say may contradict it."""
    if _kind(calls, outer) != _kind(calls, inner):
        return False
    if calls.error_type[inner] is not None and calls.error_type[outer] is None:
        return False  # it was tried once more
    if equal_usage(calls, outer, inner):
        return True
    answer, other = int(calls.answer[outer]), int(calls.answer[inner])
    if answer and other and answer != other:
        return False
    return same_model(calls, outer, inner)


def same_model(calls: Calls, one: int, other: int) -> bool:
    """Whether a model that one names can be the other's: equal, or one's name begins the other's (an alias)."""
    ours = _models(calls, one)
    theirs = _models(calls, other)
    if not ours or not theirs:
        return True
    return any(a.startswith(b) or b.startswith(a) for a in ours for b in theirs)


def equal_usage(calls: Calls, one: int, other: int) -> bool:
    """Whether both report tokens, and the same totals."""
    ours, theirs = totals(calls, one), totals(calls, other)
    return ours == theirs and any(ours)


def totals(calls: Calls, row: int) -> tuple[int, int]:
    """Input and output tokens of a call; 0 where nobody said."""
    given, read, write, said, thought = (max(count, 0) for count in calls.usage[row, :5].tolist())
    return given + read + write, said + thought


def all_totals(calls: Calls) -> Ints:
    """:func:`totals` of every call, shape (n, 2)."""
    usage = np.maximum(calls.usage, 0)
    return np.stack((usage[:, [INPUT, CACHE_READ, CACHE_WRITE]].sum(axis=1), usage[:, 3:5].sum(axis=1)), axis=1)


def is_own(calls: Calls) -> Bools:
    """Mask of the provider SDK's own spans that begin a trace."""
    return np.asarray(calls.near_wire & (calls.parent == 0))


def contains(outer_start: _Times, outer_end: _Times, start: _Times, end: _Times) -> Bools:
    """Whether the intervals (nanoseconds) lie in the outer ones."""
    return np.asarray((outer_start - SLACK_NS <= start) & (end <= outer_end + SLACK_NS))


def overlap(start_ns: int, end_ns: int, other_start_ns: int, other_end_ns: int) -> bool:
    return start_ns <= other_end_ns + SLACK_NS and other_start_ns <= end_ns + SLACK_NS


def _kind(calls: Calls, row: int) -> bool:
    return calls.operation[row] == "embeddings"


def _models(calls: Calls, row: int) -> list[str]:
    found = (calls.request_model[row], calls.response_model[row])
    return [name.rpartition("/")[2].lower() for name in found if name]


def _detail(calls: Calls, row: int) -> int:
    return sum(count != NO_TOKENS for count in calls.usage[row, :5].tolist())


def merge(calls: Calls, views: Sequence[int]) -> int:
    """Bring what ``views`` (innermost first) say of one call into one of them, in place; returns that row.

    The view nearest the wire speaks where they differ, the others fill its gaps. Of two usages with equal totals the
    more detailed one counts.
    """
    ranked = sorted(views, key=lambda row: not calls.near_wire[row])  # stable: innermost first among equals
    kept = ranked[0]
    for other in ranked[1:]:
        _fill(calls, kept, other)
    rooted = next((row for row in views if calls.parent[row] != 0), None)
    if calls.parent[kept] == 0 and rooted is not None:  # the trace that leads to the app is the one to look at
        for column in (calls.key, calls.parent, calls.trace, calls.trace_id, calls.span_id):
            column[kept] = column[rooted]
    return kept


def _fill(calls: Calls, kept: int, other: int) -> None:
    if calls.provider[kept] == UNKNOWN:
        _copy(calls.provider, kept, other)
    for column in (calls.request_model, calls.response_model, calls.error_type, calls.service_tier, calls.prompt):
        if column.codes[kept] == ABSENT:
            _copy(column, kept, other)
    for column in calls.dimensions.values():
        if column.codes[kept] == ABSENT:
            _copy(column, kept, other)
    if calls.model[kept] == UNKNOWN or (calls.response_model[kept] not in {None, calls.model[kept]}):
        _copy(calls.model, kept, other)
    ours, theirs = _detail(calls, kept), _detail(calls, other)
    empty_input = calls.usage[kept, INPUT] <= 0 and totals(calls, kept)[0] == 0
    if theirs and (
        not ours
        or (empty_input and totals(calls, other)[0] > 0)
        or (theirs > ours and _more_of_the_same(calls, kept, other))
    ):
        calls.usage[kept] = calls.usage[other]
    if np.isnan(calls.reported_cost[kept]).all():
        calls.reported_cost[kept] = calls.reported_cost[other]
    if np.isnan(calls.time_to_first_token[kept]):
        calls.time_to_first_token[kept] = calls.time_to_first_token[other]
    calls.streaming[kept] |= calls.streaming[other]
    if calls.answer[kept] == 0:
        calls.answer[kept] = calls.answer[other]
        calls.response_id.rows[kept] = calls.response_id.rows[other]
    for content in (calls.input, calls.output, calls.exchange):
        if content[kept] is None and content[other] is not None:
            content.values[kept] = content[other]


def _more_of_the_same(calls: Calls, kept: int, other: int) -> bool:
    """Whether the more detailed usage of ``other`` can be the one of ``kept``: it has the same totals, or what ``kept``
    has for all is what ``other`` has beside its cache or its reasoning.

    A wrapper's sum over several calls is neither.
    """
    if equal_usage(calls, kept, other):
        return True
    ours, theirs = calls.usage[kept], calls.usage[other]
    return not calls.near_wire[kept] and bool(ours[INPUT] == theirs[INPUT] and ours[OUTPUT] == theirs[OUTPUT])


def _copy(column: Text, to: int, from_: int) -> None:
    column.codes[to] = column.codes[from_]


def writable(calls: Calls) -> Calls:
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
        prompt=copied(calls.prompt),
        answer=calls.answer.copy(),
        response_id=Blobs(calls.response_id.rows.copy(), calls.response_id.data),
        dimensions={name: copied(column) for name, column in calls.dimensions.items()},
        key=calls.key.copy(),
        parent=calls.parent.copy(),
        trace=calls.trace.copy(),
        trace_id=calls.trace_id.copy(),
        span_id=calls.span_id.copy(),
        usage=calls.usage.copy(),
        reported_cost=calls.reported_cost.copy(),
        time_to_first_token=calls.time_to_first_token.copy(),
        streaming=calls.streaming.copy(),
        input=replace(calls.input, values=dict(calls.input.values)),
        output=replace(calls.output, values=dict(calls.output.values)),
    )
