"""Views of one call by two instrumentations that share neither a parent nor a response id, but its time.

A framework and the SDK below it, both instrumented, tell of a failed call or of a stream in two spans beside each
other, often in two traces. The inner one lies within the time of the outer; of calls made at once, each instrumentation
tells of each one once, so they are matched one to one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from observability.columns import Bools, Ints, Keys, Objects, Text, missing
from observability.grouping import group_texts
from observability.identity import same
from observability.identity.groups import SAME_CALL, Groups
from observability.identity.nesting import Nesting
from observability.identity.tree import NOWHERE
from observability.records import UNKNOWN, Calls, Table

#: Calls that are remembered, and services whose instrumentations are.
_REMEMBERED = 20_000
_SERVICES = 10_000


@dataclass(frozen=True, slots=True)
class _Views(Table):
    """What is compared of calls; n rows."""

    service: Text
    scope: Text
    provider: Text
    request_model: Text
    response_model: Text
    operation: Text
    error_type: Text
    key: Keys
    trace: Keys
    start_ns: Ints
    end_ns: Ints
    usage: Ints
    response_id: Objects
    by: Objects  # the scopes of the views that were merged into it; None: its own alone

    def __len__(self) -> int:
        return len(self.key)


def _views(calls: Calls, by: Objects) -> _Views:
    return _Views(
        calls.service, calls.scope, calls.provider, calls.request_model, calls.response_model, calls.operation,
        calls.error_type, calls.key, calls.trace, calls.start_ns, calls.end_ns, calls.usage, calls.response_id, by,
    )  # fmt: skip


class Duals:
    """Finds the views; for one thread. Costs next to nothing while each service has one instrumentation."""

    def __init__(self) -> None:
        self._scopes: dict[str, set[str]] = {}  # by service
        self._recent: list[_Views] = []
        self._by: Objects = np.empty(0, np.object_)

    def match(self, calls: Calls, nesting: Nesting, groups: Groups) -> None:
        """Join the views of one call among ``calls``, and drop those of one that was counted before."""
        self._by = np.full(len(calls), None, np.object_)
        several = self._several(calls)
        if several is None:
            return
        open_ = several.copy()
        open_[list(groups.dropped)] = False
        matching = _Matching(calls, open_, nesting, groups)
        matching.run()
        for row in groups.rows_joined:
            self._by[row] = frozenset(calls.scope[view] or "" for view in groups.views(row))
        left = np.flatnonzero(open_ & missing(self._by))
        if len(left):
            self._drop_counted(calls, left, groups)

    def remember(self, calls: Calls, rows: Ints) -> None:
        """Remember ``calls``, which were counted: the ``rows`` of those that were matched last."""
        if not len(calls):
            return
        self._recent.append(_views(calls, self._by[rows]))
        while len(self._recent) > 1 and sum(map(len, self._recent)) - len(self._recent[0]) >= _REMEMBERED:
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
        near = [
            part.take(np.flatnonzero(overlapping))
            for part in self._recent
            if (overlapping := (part.start_ns <= end) & (part.end_ns >= begin)).any()
        ]
        if not near:
            return
        own = _views(calls, self._by).take(left)
        both = _Fitting(_Views.concat([*near, own]))
        shift = len(both.views) - len(own)
        earlier = np.arange(len(both.views)) < shift
        for place, row in enumerate(left.tolist(), shift):
            found = [*both.around(place, earlier).tolist(), *both.inside(place, earlier).tolist()]
            scope = calls.scope[row]
            if any(
                both.views.trace[each] != calls.trace[row] and scope not in (both.views.by[each] or ())
                for each in found
            ):
                groups.drop_elsewhere(calls, row, SAME_CALL)


class _Matching:
    """One to one, among calls at hand: those with equal usage before those of which one has none."""

    def __init__(self, calls: Calls, open_: Bools, nesting: Nesting, groups: Groups) -> None:
        self._calls = calls
        self._open = open_
        self._outer = nesting.outer
        self._groups = groups
        self._fitting = _Fitting(_views(calls, np.full(len(calls), None, np.object_)).take(open_))
        self._rows = np.flatnonzero(open_)
        self._met: dict[str | None, Bools] = {scope: np.zeros(len(self._rows), np.bool_) for scope in self._scopes()}
        self._place = {row: place for place, row in enumerate(self._rows.tolist())}
        for row in groups.rows_joined:
            if row in self._place:
                self._meet(row)

    def run(self) -> None:
        fitting, views = self._fitting, self._fitting.views
        nameless = np.flatnonzero(missing(views.response_id) & fitting.crowded)
        if not len(nameless):
            return
        inner = nameless[np.lexsort((views.key[nameless], views.start_ns[nameless]))].tolist()
        outer = nameless[np.lexsort((views.key[nameless], -views.end_ns[nameless]))].tolist()
        for equal in (True, False):
            for place in inner:
                self._join(place, self._outer_of(place, equal))
            for place in outer:
                self._join(place, self._inner_of(place, equal))

    def _outer_of(self, place: int, equal: bool) -> Iterator[int]:
        """The calls during which the one at ``place`` was made: who begins first chooses, and what ends first.

        Later ones have the same calls to choose from and more, so what ends first is of the least use to them.
        """
        views = self._fitting.views
        found = self._fitting.around(place, self._free(place), equal=equal)
        return iter(found[np.lexsort((views.key[found], -views.start_ns[found], views.end_ns[found]))].tolist())

    def _inner_of(self, place: int, equal: bool) -> Iterator[int]:
        """The calls that were made during the one at ``place``: the same, seen from the other end."""
        views = self._fitting.views
        found = self._fitting.inside(place, self._free(place), equal=equal)
        return iter(found[np.lexsort((views.key[found], views.end_ns[found], -views.start_ns[found]))].tolist())

    def _free(self, place: int) -> Bools:
        """Calls that no instrumentation has told of that tells of the one at ``place`` too."""
        taken = np.zeros(len(self._rows), np.bool_)
        for scope in {self._calls.scope[row] for row in self._groups.views(int(self._rows[place]))}:
            taken |= self._met[scope]
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
            self._met.setdefault(scope, np.zeros(len(self._rows), np.bool_))[places] = True

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

    def _scopes(self) -> set[str | None]:
        return set(self._fitting.views.scope.to_list())


class _Fitting:
    """Which calls may be views of one, as far as their time, service, model, outcome, id and usage tell."""

    def __init__(self, views: _Views) -> None:
        self.views = views
        failed = Text.of(["failed" if value else None for value in views.error_type.present.tolist()])
        first, self._kind = group_texts(
            views.service, views.scope, views.provider, views.request_model, views.response_model, views.operation,
            failed,
        )  # fmt: skip
        self._kinds = views.take(first)
        self._fits: dict[int, Bools] = {}
        self._order = np.argsort(views.start_ns, kind="stable")
        self._starts = views.start_ns[self._order]
        self._longest = int((views.end_ns - views.start_ns).max(initial=0))
        self._totals = same.all_totals(views)
        self._named = ~missing(views.response_id)

    @property
    def crowded(self) -> Bools:
        """Mask of the calls that some other in the same service, with the same outcome, is around of or inside of."""
        views = self.views
        found = np.zeros(len(views), np.bool_)
        _, group = group_texts(
            views.service, Text.of(["" if each is None else "failed" for each in views.error_type.to_list()])
        )
        for number in range(int(group.max(initial=-1)) + 1):
            rows = np.flatnonzero(group == number)
            codes = views.scope.codes[rows]
            for code in np.unique(codes).tolist():
                ours, theirs = rows[codes == code], rows[codes != code]
                if len(theirs):
                    found[ours] |= _any_around(views, ours, theirs) | _any_inside(views, ours, theirs)
        return found

    def around(self, place: int, among: Bools, *, equal: bool | None = None) -> Ints:
        """Places of ``among`` during which the call at ``place`` was made; ``equal``: with equal usage, or not."""
        start = self.views.start_ns[place]
        near = self._between(int(start) - self._longest - same.SLACK_NS, int(start) + same.SLACK_NS)
        near = near[among[near]]
        inside = same.contains(self.views.start_ns[near], self.views.end_ns[near], start, self.views.end_ns[place])
        return self._alike(place, near[inside], equal)

    def inside(self, place: int, among: Bools, *, equal: bool | None = None) -> Ints:
        """Places of ``among`` that were made during the call at ``place``."""
        start, end = self.views.start_ns[place], self.views.end_ns[place]
        near = self._between(int(start) - same.SLACK_NS, int(end) + same.SLACK_NS)
        near = near[among[near]]
        inside = same.contains(start, end, self.views.start_ns[near], self.views.end_ns[near])
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


def _names_model(kinds: _Views, one: int, other: int) -> bool:
    """Whether both name a model: then a provider under two names (of its API, of its cloud) is no contradiction."""
    return all(kinds.request_model[row] or kinds.response_model[row] for row in (one, other))


def _same_provider(kinds: _Views, one: int, other: int) -> bool:
    ours, theirs = kinds.provider[one], kinds.provider[other]
    return ours == theirs or UNKNOWN in (ours, theirs)


def _any_around(views: _Views, rows: Ints, others: Ints) -> Bools:
    """Mask of ``rows`` that lie in the time of one of ``others``."""
    order = others[np.argsort(views.start_ns[others], kind="stable")]
    latest = np.maximum.accumulate(views.end_ns[order])
    before = np.searchsorted(views.start_ns[order], views.start_ns[rows] + same.SLACK_NS, "right")
    return np.asarray((before > 0) & (latest[np.maximum(before, 1) - 1] >= views.end_ns[rows] - same.SLACK_NS))


def _any_inside(views: _Views, rows: Ints, others: Ints) -> Bools:
    """Mask of ``rows`` in whose time one of ``others`` lies."""
    order = others[np.argsort(views.start_ns[others], kind="stable")]
    earliest = np.minimum.accumulate(views.end_ns[order][::-1])[::-1]
    after = np.searchsorted(views.start_ns[order], views.start_ns[rows] - same.SLACK_NS, "left")
    there = after < len(order)
    return np.asarray(there & (earliest[np.minimum(after, len(order) - 1)] <= views.end_ns[rows] + same.SLACK_NS))
