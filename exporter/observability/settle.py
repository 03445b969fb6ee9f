"""Spans of a trace wait a moment for one another, so that what speaks of one call is looked at together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from observability.columns import Keys
from observability.marks import Marks
from observability.records import Records

#: A trace that keeps sending waits at most so many times ``settle_seconds``.
_LONGEST = 5


@dataclass(frozen=True, slots=True)
class _Waiting:
    records: Records
    came: float  # first of its spans, seconds of the monotonic clock


class Settling:
    """Records of traces that came less than ``seconds`` ago. For one thread."""

    def __init__(self, seconds: float, most_spans: int) -> None:
        """``most_spans`` waiting are enough: above it the older ones are let go early."""
        self._seconds = seconds
        self._most = most_spans
        self._waiting: list[_Waiting] = []
        self._spans = 0

    def __len__(self) -> int:
        """Spans that wait."""
        return self._spans

    def add(self, records: Records, now: float) -> None:
        """Let ``records`` wait, which came at ``now``."""
        self._waiting.append(_Waiting(records, now))
        self._spans += len(records.links)

    def take(self, now: float, *, everything: bool = False) -> Records | None:
        """What has waited long enough: whole traces that sent nothing for ``seconds``, or that wait too long."""
        if not self._waiting:
            return None
        if everything or self._spans > self._most:
            return self._leave(self._waiting, [])
        settled = [each for each in self._waiting if now - each.came >= self._seconds]
        if not settled:
            return None
        young = [each for each in self._waiting if now - each.came < self._seconds]
        over = [each for each in settled if now - each.came >= self._seconds * _LONGEST]
        if not young:
            return self._leave(settled, young)
        sending = _Sending([each.records.links.trace for each in young])
        leaving, staying = list(over), list(young)
        for each in settled:
            if any(each is old for old in over):
                continue
            held = sending.among(each.records.links.trace)
            if not len(held):
                leaving.append(each)
                continue
            staying.append(_Waiting(each.records.take_traces(held), each.came))
            left = each.records.take_traces(held, others=True)
            if len(left.links):
                leaving.append(_Waiting(left, each.came))
        return self._leave(leaving, staying)

    def _leave(self, leaving: list[_Waiting], staying: list[_Waiting]) -> Records | None:
        self._waiting = staying
        self._spans = sum(len(each.records.links) for each in staying)
        return Records.concat([each.records for each in leaving]) if leaving else None


class _Sending:
    """Traces that sent something lately."""

    def __init__(self, traces: list[Keys]) -> None:
        self._traces = traces
        self._marks = Marks()
        for each in traces:
            self._marks.add(each)

    def among(self, traces: Keys) -> Keys:
        """Those of ``traces`` that did."""
        perhaps = traces[self._marks.may_hold(traces)]
        if not len(perhaps):
            return perhaps
        wanted = Marks()
        wanted.add(perhaps)
        return np.intersect1d(perhaps, np.concatenate([each[wanted.may_hold(each)] for each in self._traces]))
