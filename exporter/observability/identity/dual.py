"""Views of one call by two instrumentations that share neither a parent nor a response id, but its time.

A framework and the SDK below it, both instrumented, tell of a failed call or of a stream in two spans beside each
other, often in two traces. The inner one lies within the time of the outer; of calls made at once, each instrumentation
tells of each one once, so they are matched one to one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from observability.columns import Bools, Ints, Objects, missing
from observability.grouping import group_codes, group_texts
from observability.identity import same
from observability.identity.groups import SAME_CALL, Groups
from observability.identity.memory import bare
from observability.identity.nesting import Nesting
from observability.identity.tree import NOWHERE
from observability.records import UNKNOWN, Calls

#: Calls that are remembered, and services whose instrumentations are.
_REMEMBERED = 20_000
_SERVICES = 10_000


class Duals:
    """Finds the views; for one thread. Costs next to nothing while each service has one instrumentation."""

    def __init__(self) -> None:
        self._scopes: dict[str, set[str]] = {}  # by service
        self._recent: list[tuple[Calls, Objects]] = []
        #: Of each call the instrumentations that told of it, ``None`` for its own alone.
        self._tellers: Objects = np.empty(0, np.object_)

    def match(self, calls: Calls, nesting: Nesting, groups: Groups) -> None:
        """Join the views of one call among ``calls``, and drop those of one that was counted before."""
        self._tellers = np.full(len(calls), None, np.object_)
        open_ = self._several(calls)
        if open_ is None:
            return
        open_[list(groups.dropped)] = False
        for row, scopes in _tellers(calls, groups).items():
            if len(scopes) >= len(self._scopes[calls.service[row] or ""]):
                open_[row] = False
        _Matching(calls, np.flatnonzero(open_), nesting, groups).run()
        for row, scopes in _tellers(calls, groups).items():
            self._tellers[row] = scopes
        left = np.flatnonzero(open_ & missing(self._tellers))
        if len(left):
            self._drop_counted(calls, left, groups)

    def remember(self, calls: Calls, rows: Ints) -> None:
        """Remember ``calls``, which were counted: the ``rows`` of those that were matched last."""
        if not len(calls):
            return
        self._recent.append((bare(calls), self._tellers[rows]))
        while len(self._recent) > 1 and sum(len(part) for part, _ in self._recent[1:]) >= _REMEMBERED:
            del self._recent[0]

    def _several(self, calls: Calls) -> Bools | None:
        """Mask of the calls of services that have several instrumentations; ``None`` if there is none."""
        first, group = group_texts(calls.service, calls.scope)
        pairs = [(calls.service[row] or "", calls.scope[row] or "") for row in first.tolist()]
        if len(self._scopes) > _SERVICES:
            self._scopes.clear()
        for service, scope in pairs:
            self._scopes.setdefault(service, set()).add(scope)
        several = np.array([len(self._scopes[service]) > 1 for service, _ in pairs], np.bool_)
        return several[group] if several.any() else None

    def _drop_counted(self, calls: Calls, left: Ints, groups: Groups) -> None:
        """Drop those of the rows ``left`` that are views of a call that was counted before, in another trace."""
        begin, end = int(calls.start_ns[left].min()), int(calls.end_ns[left].max())
        near: list[tuple[Calls, Objects]] = []
        for part, tellers in self._recent:
            rows = np.flatnonzero((part.start_ns <= end) & (part.end_ns >= begin))
            if len(rows):
                near.append((part.take(rows), tellers[rows]))
        if not near:
            return
        fitting = _Fitting(Calls.concat([*(part for part, _ in near), bare(calls).take(left)]))
        told = np.concatenate([tellers for _, tellers in near])
        earlier = np.arange(len(fitting.calls)) < len(told)
        for place, row in enumerate(left.tolist(), len(told)):
            found = np.concatenate([fitting.around(place, earlier), fitting.inside(place, earlier)])
            found = found[fitting.calls.trace[found] != calls.trace[row]]
            if any(calls.scope[row] not in (told[each] or ()) for each in found.tolist()):
                groups.drop_elsewhere(calls, row, SAME_CALL)


def _tellers(calls: Calls, groups: Groups) -> dict[int, frozenset[str]]:
    """Of the calls with views of several instrumentations: row → those."""
    found: dict[int, frozenset[str]] = {}
    for row in groups.rows_joined:
        if row not in found:
            views = groups.views(row)
            scopes = frozenset(calls.scope[view] or "" for view in views)
            if len(scopes) > 1:
                found.update(dict.fromkeys(views, scopes))
    return found


class _Matching:
    """One to one, among the ``rows`` of calls at hand: those with equal usage before those of which one has none."""

    def __init__(self, calls: Calls, rows: Ints, nesting: Nesting, groups: Groups) -> None:
        self._calls = calls
        self._rows = rows
        self._outer = nesting.outer
        self._groups = groups
        self._fitting = _Fitting(bare(calls).take(rows))
        self._place = {row: place for place, row in enumerate(rows.tolist())}
        #: By instrumentation: which calls it has told of.
        self._told: dict[str | None, Bools] = {}

    def run(self) -> None:
        calls = self._fitting.calls
        nameless = calls.answer == 0
        nameless[nameless] = self._fitting.crowded[nameless] if nameless.any() else False
        if not nameless.any():
            return
        for row in self._groups.rows_joined:
            if row in self._place:
                self._meet(row)
        places = np.flatnonzero(nameless)
        inner = places[np.lexsort((calls.key[places], calls.start_ns[places]))].tolist()
        outer = places[np.lexsort((calls.key[places], calls.end_ns[places]))].tolist()
        for equal in (True, False):
            for place in inner:
                self._join(place, self._outer_of(place, equal))
            for place in outer:
                self._join(place, self._inner_of(place, equal))

    def _outer_of(self, place: int, equal: bool) -> Iterator[int]:
        """The calls during which the one at ``place`` was made: who begins first chooses, and what ends first.

        Later ones have the same calls to choose from and more, so what ends first is of the least use to them.
        """
        calls = self._fitting.calls
        found = self._fitting.around(place, self._free(place), equal=equal)
        return iter(found[np.lexsort((calls.key[found], -calls.start_ns[found], calls.end_ns[found]))].tolist())

    def _inner_of(self, place: int, equal: bool) -> Iterator[int]:
        """The calls that were made during the one at ``place``: the same, seen from the other end."""
        calls = self._fitting.calls
        found = self._fitting.inside(place, self._free(place), equal=equal)
        return iter(found[np.lexsort((calls.key[found], -calls.end_ns[found], calls.start_ns[found]))].tolist())

    def _free(self, place: int) -> Bools:
        """Calls that no instrumentation has told of that tells of the one at ``place`` too."""
        taken = np.zeros(len(self._rows), np.bool_)
        for scope in {self._calls.scope[row] for row in self._groups.views(int(self._rows[place]))}:
            taken |= self._told.get(scope, False)
        return ~taken

    def _join(self, place: int, candidates: Iterator[int]) -> None:
        row = int(self._rows[place])
        ours = {self._calls.scope[view] for view in self._groups.views(row)}
        for other in candidates:
            found = int(self._rows[other])
            theirs = {self._calls.scope[view] for view in self._groups.views(found)}
            if not ours & theirs and not self._nested(row, found):
                self._groups.join(row, found)
                self._meet(row)
                return

    def _meet(self, row: int) -> None:
        """Every view of ``row``'s call has met the instrumentations of all the others."""
        views = self._groups.views(row)
        places = [self._place[view] for view in views if view in self._place]
        for scope in {self._calls.scope[view] for view in views}:
            self._told.setdefault(scope, np.zeros(len(self._rows), np.bool_))[places] = True

    def _nested(self, one: int, other: int) -> bool:
        """Whether one of two calls is inside the other: then its place in the tree has said what it is."""
        if self._calls.trace[one] != self._calls.trace[other]:
            return False
        return self._is_inside(one, other) or self._is_inside(other, one)

    def _is_inside(self, row: int, outer: int) -> bool:
        walked: set[int] = set()
        while row != NOWHERE and row not in walked:
            walked.add(row)
            row = int(self._outer[row])
            if row == outer:
                return True
        return False


class _Fitting:
    """Which calls may be views of one, as far as their time, service, model, outcome, id and usage tell."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self._failed = calls.error_type.present.astype(np.int64)
        first, self._kind = group_codes(
            *(
                (column.codes + np.int32(1), len(column.values) + 1)
                for column in (
                    calls.service, calls.scope, calls.provider, calls.request_model, calls.response_model,
                    calls.operation,
                )
            ),
            (self._failed, 2),
        )  # fmt: skip
        self._kinds = calls.take(first)
        self._fits: dict[int, Bools] = {}
        self._order = np.argsort(calls.start_ns, kind="stable")
        self._starts = calls.start_ns[self._order]
        self._longest = int((calls.end_ns - calls.start_ns).max(initial=0))
        self._totals = same.all_totals(calls)
        self._named = calls.answer != 0

    @property
    def crowded(self) -> Bools:
        """Mask of the calls in whose time, or in the time of which, another instrumentation of the service tells of one
        with the same outcome.
        """
        calls = self.calls
        found = np.zeros(len(calls), np.bool_)
        services = (calls.service.codes + np.int32(1), len(calls.service.values) + 1)
        first, group = group_codes(services, (self._failed, 2))
        for number in range(len(first)):
            rows = np.flatnonzero(group == number)
            codes = calls.scope.codes[rows]
            for code in np.unique(codes).tolist():
                ours, theirs = rows[codes == code], rows[codes != code]
                if len(theirs):
                    found[ours] |= _any_around(calls, ours, theirs) | _any_inside(calls, ours, theirs)
        return found

    def around(self, place: int, among: Bools, *, equal: bool | None = None) -> Ints:
        """Places of ``among`` during which the call at ``place`` was made; ``equal``: with equal usage, or not."""
        start = self.calls.start_ns[place]
        near = self._between(int(start) - self._longest - same.SLACK_NS, int(start) + same.SLACK_NS)
        near = near[among[near]]
        inside = same.contains(self.calls.start_ns[near], self.calls.end_ns[near], start, self.calls.end_ns[place])
        return self._alike(place, near[inside], equal)

    def inside(self, place: int, among: Bools, *, equal: bool | None = None) -> Ints:
        """Places of ``among`` that were made during the call at ``place``."""
        start, end = self.calls.start_ns[place], self.calls.end_ns[place]
        near = self._between(int(start) - same.SLACK_NS, int(end) + same.SLACK_NS)
        near = near[among[near]]
        inside = same.contains(start, end, self.calls.start_ns[near], self.calls.end_ns[near])
        return self._alike(place, near[inside], equal)

    def _between(self, first: int, last: int) -> Ints:
        """Places of the calls that began from ``first`` to ``last``."""
        begin, end = np.searchsorted(self._starts, (first, last + 1))
        return np.asarray(self._order[begin:end])

    def _alike(self, place: int, found: Ints, equal: bool | None) -> Ints:
        found = found[self._fitting(int(self._kind[place]))[self._kind[found]]]
        if self._named[place]:
            found = found[~self._named[found]]
        ours, theirs = self._totals[place], self._totals[found]
        identical = (theirs == ours).all(axis=1) & bool(ours.any())
        if equal:
            return np.asarray(found[identical])
        agreeing = ((theirs == ours) | (theirs == 0) | (ours == 0)).all(axis=1)
        return np.asarray(found[agreeing if equal is None else agreeing & ~identical])

    def _fitting(self, kind: int) -> Bools:
        """Mask of the kinds that may be views of a call of this one."""
        known = self._fits.get(kind)
        if known is not None:
            return known
        kinds = self._kinds
        mask = np.zeros(len(kinds), np.bool_)
        for other in range(len(kinds)):
            mask[other] = (
                kinds.service[other] == kinds.service[kind]
                and kinds.scope[other] != kinds.scope[kind]
                and (kinds.error_type[other] is None) == (kinds.error_type[kind] is None)
                and (kinds.operation[other] == "embeddings") == (kinds.operation[kind] == "embeddings")
                and same.same_model(kinds, kind, other)
                and (_names_model(kinds, kind, other) or _same_provider(kinds, kind, other))
            )
        self._fits[kind] = mask
        return mask


def _names_model(kinds: Calls, one: int, other: int) -> bool:
    """Whether both name a model: then a provider under two names (of its API, of its cloud) is no contradiction."""
    return all(kinds.request_model[row] or kinds.response_model[row] for row in (one, other))


def _same_provider(kinds: Calls, one: int, other: int) -> bool:
    ours, theirs = kinds.provider[one], kinds.provider[other]
    return ours == theirs or UNKNOWN in (ours, theirs)


def _any_around(calls: Calls, rows: Ints, others: Ints) -> Bools:
    """Mask of ``rows`` that lie in the time of one of ``others``."""
    order = others[np.argsort(calls.start_ns[others], kind="stable")]
    latest = np.maximum.accumulate(calls.end_ns[order])
    before = np.searchsorted(calls.start_ns[order], calls.start_ns[rows] + same.SLACK_NS, "right")
    return np.asarray((before > 0) & (latest[np.maximum(before, 1) - 1] >= calls.end_ns[rows] - same.SLACK_NS))


def _any_inside(calls: Calls, rows: Ints, others: Ints) -> Bools:
    """Mask of ``rows`` in whose time one of ``others`` lies."""
    order = others[np.argsort(calls.start_ns[others], kind="stable")]
    earliest = np.minimum.accumulate(calls.end_ns[order][::-1])[::-1]
    after = np.searchsorted(calls.start_ns[order], calls.start_ns[rows] - same.SLACK_NS, "left")
    there = after < len(order)
    return np.asarray(there & (earliest[np.minimum(after, len(order) - 1)] <= calls.end_ns[rows] + same.SLACK_NS))
