"""A provider SDK's own spans, in traces of their own, and the calls during which they were made."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from observability.columns import ABSENT, Bools, Ints, Text
from observability.grouping import group_texts
from observability.identity import same
from observability.identity.groups import SAME_CALL, Groups
from observability.identity.memory import Memory, bare
from observability.records import UNKNOWN, Calls


def match_times(calls: Calls, memory: Memory, groups: Groups) -> None:
    """Join a provider SDK's own root span with the call during which it was made, one to one."""
    own = same.is_own(calls)
    if not own.any() and not memory.has_own:
        return
    counts = np.ones(len(calls), np.bool_)
    counts[list(groups.dropped)] = False
    alone = counts & own & ~_any_view(groups, np.ones(len(calls), np.bool_))
    free = counts & ~own & ~_any_view(groups, own)
    _match(_Around(calls), np.flatnonzero(alone), free, groups)
    recent = memory.recent_calls()
    if recent is None:
        return
    both = _Around(Calls.concat([recent, bare(calls)]))
    shift = len(recent)
    earlier = np.arange(shift + len(calls)) < shift
    for row in np.flatnonzero(alone).tolist():
        if not groups.joined(row) and len(both.around(shift + row, earlier)):
            groups.drop_elsewhere(calls, row, SAME_CALL)
    if memory.has_own:
        seen = earlier & same.is_own(both.calls)
        for row in np.flatnonzero(free).tolist():
            if row not in groups.dropped and not groups.any_of(row, own) and len(both.inside(shift + row, seen)):
                groups.drop_elsewhere(calls, row, SAME_CALL)


def _any_view(groups: Groups, mask: Bools) -> Bools:
    """Mask of the rows that were joined with one in ``mask``."""
    found = np.zeros(len(mask), np.bool_)
    found[[row for row in groups.rows_joined if groups.any_of(row, mask)]] = True
    return found


def _match(around: _Around, alone: Ints, free: Bools, groups: Groups) -> None:
    """Join as many as can be: who begins first chooses, of the calls around it, the one that ends first.

    Later ones have the same calls to choose from and more, so what ends first is of the least use to them. Those with
    equal usage are looked at before all others.
    """
    calls = around.calls
    order = alone[np.lexsort((calls.key[alone], calls.start_ns[alone]))].tolist()
    for equal in (True, False):
        for row in order:
            if groups.joined(row) or (equal and not any(same.totals(calls, row))):
                continue
            wanted = free & around.equal_usage(row) if equal else free
            found = around.around(row, wanted)
            if len(found):
                first = np.lexsort((calls.key[found], -calls.start_ns[found], calls.end_ns[found]))[0]
                for view in groups.views(int(found[first])):
                    free[view] = False
                groups.join(row, int(found[first]))


class _Around:
    """Calls, and which of them fit around or inside one of them."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        first, self._kind = group_texts(
            calls.service, calls.scope, calls.provider, calls.request_model, calls.response_model
        )
        self._kinds = calls.take(first)
        self._fitting: dict[int, Bools] = {}
        self._failed = calls.error_type.present

    def around(self, row: int, among: Bools) -> Ints:
        """Rows of ``among`` during which ``row`` was made."""
        calls = self.calls
        near = same.contains(calls.start_ns, calls.end_ns, calls.start_ns[row], calls.end_ns[row])
        return self._alike(row, among & near)

    def inside(self, row: int, among: Bools) -> Ints:
        """Rows of ``among`` that were made during ``row``."""
        calls = self.calls
        near = same.contains(calls.start_ns[row], calls.end_ns[row], calls.start_ns, calls.end_ns)
        return self._alike(row, among & near)

    def equal_usage(self, row: int) -> Bools:
        """Rows that report the same totals as ``row``."""
        return np.asarray((self._totals == self._totals[row]).all(axis=1))

    @cached_property
    def _totals(self) -> Ints:
        return same.all_totals(self.calls)

    def _alike(self, row: int, rows: Bools) -> Ints:
        """Those of ``rows`` that nothing keeps from being views of ``row``'s call, in another trace."""
        calls = self.calls
        found: Ints = np.flatnonzero(rows)
        found = found[(calls.trace[found] != calls.trace[row]) & (self._failed[found] == self._failed[row])]
        found = found[self._fits(int(self._kind[row]))[self._kind[found]]]
        identity = calls.answer[row]
        if identity != 0 and len(found):
            theirs = calls.answer[found]
            found = found[(theirs == 0) | (theirs == identity)]
        return found

    def _fits(self, kind: int) -> Bools:
        """Mask of the kinds that may be views of a call of this one."""
        known = self._fitting.get(kind)
        if known is not None:
            return known
        kinds = self._kinds
        mask = _equal(kinds.service, kind) & ~_equal(kinds.scope, kind)
        if kinds.provider[kind] != UNKNOWN:
            mask &= _equal(kinds.provider, kind) | kinds.provider.equals(UNKNOWN)
        for other in np.flatnonzero(mask).tolist():
            mask[other] = same.same_model(kinds, kind, other)
        self._fitting[kind] = mask
        return mask


def _equal(column: Text, row: int) -> Bools:
    code = column.codes[row]
    return np.asarray(column.codes == code) if code != ABSENT else ~column.present
