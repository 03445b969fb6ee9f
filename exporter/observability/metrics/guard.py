"""Which values of a label are shown as they are, so that nobody on the wire decides how many series there are.

Of a label whose values come from the wire, these are shown: what the settings name (always), and the ``limits``
values that are used most. First come are admitted while there is room. Once a label is full each later value is
written as ``other`` and counted in a Misra–Gries summary, which is Space-Saving with the error taken off: of m counters
each is at most N/(m+1) too low for N folded samples, and never too high (Agarwal et al., "Mergeable Summaries",
PODS 2012). So a value that is seen to be heavy is heavy, and it takes the place of the least used admitted one.
Uses decay with a half-life of an hour, by giving later ones more weight instead of taking from earlier ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from observability.catalogue import EXPORTER_FOLDED, Family
from observability.records import UNKNOWN
from observability.settings import Label

OTHER = "other"
#: Labels whose values are a closed vocabulary of our own, or bounded by the settings or by retention; the values of
#: all others come from the wire.
CLOSED_LABELS = frozenset({
    "operation", "status", "error_type", "type", "source", "date", "budget", "python", "signal", "reason",
    "queue", "family", "outcome", "target", "estimated", "kind", "dimension", "bin", "issue",
    "table", "part", "drift_type", "metric_type", "database", "text",
})  # fmt: skip
HALF_LIFE_SECONDS = 3600.0
#: Counters of the summary of one label: a value with more than 1/513 of the folded samples is always among them.
SUMMARY = 512
#: A folded value takes a place if it was used this many times as much as the one that has it, and
PROMOTE_RATIO = 2.0
#: this many samples more, so that chance promotes nobody.
PROMOTE_SAMPLES = 16.0
#: How long a value that lost its place stays on the page: longer than two scrapes, so that its last samples are seen.
LEAVE_SECONDS = 60.0
#: Share of a label's values that may be leaving at the same time.
_LEAVING = 0.05
#: Weights are scaled down before they get so large.
_LARGEST_WEIGHT = 2.0**40


def open_labels(family: Family) -> tuple[int, ...]:
    """Positions of the labels of ``family`` whose values come from the wire."""
    if family is EXPORTER_FOLDED:  # its ``label`` is one of our names
        return ()
    ours = "model" not in family.labels  # versions of ours are few, those of models come from the wire
    return tuple(
        at for at, label in enumerate(family.labels) if label not in CLOSED_LABELS and not (ours and label == "version")
    )


@dataclass(slots=True)
class _Shown:
    """A value that has a place: ``uses`` decayed, ``used`` in seconds of the clock; ``fixed`` by the settings."""

    value: str
    fixed: bool
    uses: float = 0.0
    used: float = 0.0


@dataclass(slots=True)
class _Values:
    """The values of one label."""

    places: int
    shown: dict[str, _Shown] = field(default_factory=dict)
    taken: int = 0  # places in use, those of leaving values included
    #: A value whose series are still shown → the one that gets its place, and since when.
    leaving: dict[str, tuple[str, float]] = field(default_factory=dict)
    folded: dict[str, float] = field(default_factory=dict)

    def trim(self) -> None:
        """Keep the summary of folded values small; done when it is twice as long, so that it costs little each."""
        if len(self.folded) > 2 * SUMMARY:
            counts = np.fromiter(self.folded.values(), np.float64, len(self.folded))
            least = float(np.partition(counts, -SUMMARY - 1)[-SUMMARY - 1])
            self.folded = {each: uses - least for each, uses in self.folded.items() if uses > least}


class Guard:
    """Bounds the values of each label, the same in every family; for any thread."""

    def __init__(self, values: int, length: int, labels: Mapping[str, Label] | None = None) -> None:
        """``values`` are shown of each label, cut to ``length`` characters; ``labels`` says otherwise for some."""
        self._places = values
        self._length = length
        self._limits = dict(labels or {})
        self._labels: dict[str, _Values] = {}
        self._lock = threading.Lock()
        self._now = 0.0
        self._begin: float | None = None
        self._weight = 1.0
        for label, limit in self._limits.items():
            self.reserve(label, limit.allow)

    def reserve(self, label: str, values: Iterable[str]) -> None:
        """Always show ``values``, besides those that have places: names that a team wrote into its settings."""
        with self._lock:
            held = self._of(label)
            for value in values:
                self._fix(held, value[: self._length])

    def fold(self, label: str, value: str, count: float = 1.0) -> str:
        """``value`` cut to the label length, or ``other`` if it has no place; an empty one is ``unknown``.

        ``count`` is the number of samples that it stands for.
        """
        return self.fold_many(label, (value,), (count,))[0]

    def fold_many(self, label: str, values: Sequence[str], counts: Iterable[float] | None = None) -> list[str]:
        """:meth:`fold` of each of ``values``; ``counts`` are as many, ones if left out."""
        if label in CLOSED_LABELS:
            return list(values)
        with self._lock:
            held = self._of(label)
            pairs = zip(values, repeat(1, len(values)) if counts is None else counts, strict=True)
            folded = [self._fold(held, value, count * self._weight) for value, count in pairs]
            held.trim()
            return folded

    def tend(self, now: float, idle_seconds: float) -> dict[str, set[str]]:
        """Let time pass: forget values that nobody used for ``idle_seconds``, and let heavy folded values have places.

        Returns the values by label that have been leaving for :data:`LEAVE_SECONDS`: :meth:`left` gives their places
        away.
        """
        with self._lock:
            self._age(now)
            for held in self._labels.values():
                self._forget(held, now - idle_seconds)
                self._promote(held)
            return {
                label: values
                for label, held in self._labels.items()
                if (values := {value for value, (_, since) in held.leaving.items() if since <= now - LEAVE_SECONDS})
            }

    def left(self, label: str, values: Iterable[str]) -> None:
        """No series has these leaving ``values`` any more: their places go to the values that they were kept for."""
        with self._lock:
            held = self._of(label)
            for value in values:
                heavy, _ = held.leaving.pop(value)
                if heavy in held.shown:  # it found a place of its own meanwhile
                    held.taken -= 1
                else:
                    held.shown[heavy] = _Shown(heavy, False, held.folded.pop(heavy, 0.0), self._now)

    def _of(self, label: str) -> _Values:
        held = self._labels.get(label)
        if held is None:
            limit = self._limits.get(label)
            places = self._places if limit is None or limit.values is None else limit.values
            held = self._labels[label] = _Values(places)
            for value in (OTHER, UNKNOWN):
                self._fix(held, value)
        return held

    def _fix(self, held: _Values, value: str) -> None:
        shown = held.shown.get(value)
        if held.leaving.pop(value, None) is not None or (shown is not None and not shown.fixed):
            held.taken -= 1
        held.shown[value] = _Shown(value, True)

    def _fold(self, held: _Values, value: str, weight: float) -> str:
        shown = held.shown.get(value)
        if shown is None:
            if not 0 < len(value) <= self._length:
                return self._fold(held, value[: self._length] or UNKNOWN, weight)
            if held.taken >= held.places or value in held.leaving:
                if held.places:
                    held.folded[value] = held.folded.get(value, 0.0) + weight
                return OTHER
            held.taken += 1
            shown = held.shown[value] = _Shown(value, False)
        shown.uses += weight
        shown.used = self._now
        return shown.value

    def _age(self, now: float) -> None:
        self._now = now
        if self._begin is None:
            self._begin = now
        self._weight = 2.0 ** ((now - self._begin) / HALF_LIFE_SECONDS)
        if self._weight > _LARGEST_WEIGHT:
            for held in self._labels.values():
                held.folded = {value: uses / self._weight for value, uses in held.folded.items()}
                for shown in held.shown.values():
                    shown.uses /= self._weight
            self._begin, self._weight = now, 1.0

    def _forget(self, held: _Values, since: float) -> None:
        gone = [shown.value for shown in held.shown.values() if not shown.fixed and shown.used < since]
        for value in gone:
            del held.shown[value]
        held.taken -= len(gone)

    def _promote(self, held: _Values) -> None:
        room = max(1, int(held.places * _LEAVING)) - len(held.leaving)
        if held.taken < held.places or room <= 0 or not held.folded:
            return
        kept = {heavy for heavy, _ in held.leaving.values()}
        most = sorted(((uses, value) for value, uses in held.folded.items() if value not in kept), reverse=True)
        least = sorted((shown.uses, shown.value) for shown in held.shown.values() if not shown.fixed)
        for (heavy_uses, heavy), (light_uses, light) in zip(most[:room], least[:room], strict=False):
            if heavy_uses < PROMOTE_RATIO * light_uses + PROMOTE_SAMPLES * self._weight:
                return
            del held.shown[light]
            held.leaving[light] = heavy, self._now
            held.folded[light] = light_uses
