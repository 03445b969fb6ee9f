"""One feature of one model: a window of counts, a sequential test, and what is wrong with its values."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Bools, Floats, Ints
from observability.drift.autocorrelation import Autocorrelation
from observability.drift.binning import Binning, keys
from observability.drift.counts import chi2_contingency
from observability.drift.sequential import SequentialTest
from observability.monitoring.values import categories, numbers
from observability.monitoring.window import SlidingCounts
from observability.settings import Drift

#: What can be wrong with a value; the order of :attr:`FeatureMonitor.issues`.
ISSUES = ("missing", "infinite", "out_of_range", "new_category", "type_mismatch")
#: p-value of one look from which on a window looks like the baseline again.
_CLEAR = 0.05


@dataclass(frozen=True, slots=True)
class Taken:
    """What one batch did: ``bins`` (n,) that its values are in, and how many of them have each of :data:`ISSUES`."""

    bins: Ints
    issues: Ints


class FeatureMonitor:
    """State of constant size. Values come in order; the sequential test takes those that say something of their own."""

    def __init__(self, name: str, binning: Binning, *, window: int, run_length: float, clear_after: int) -> None:
        self.name = name
        self.binning = binning
        self.window = SlidingCounts(window, len(binning.counts))
        self.sequential = SequentialTest(
            binning.ranks.gaps,
            binning.ranks.scores if binning.kind == "numeric" else None,
            average_run_length=run_length,
        )
        self.correlation = Autocorrelation()
        self.alarm = False
        self.alarms = 0
        self.since_alarm = 0
        self._clear_after = clear_after
        self._skip = 0
        self._random = np.random.default_rng(zlib.crc32(name.encode()))
        self._scores = _scores(binning)

    @classmethod
    def of(cls, name: str, binning: Binning, drift: Drift) -> FeatureMonitor:
        """As the settings of ``drift`` have it."""
        clear_after = min(drift.clear_after, drift.window)
        return cls(name, binning, window=drift.window, run_length=drift.average_run_length, clear_after=clear_after)

    @property
    def effective(self) -> float:
        """Values of the window, divided by how far they repeat one another."""
        return self.window.total / max(float(self.correlation.time), 1.0)

    @property
    def issues_of_baseline(self) -> Floats:
        """Share of each of :data:`ISSUES` in the baseline: what is there is in range and known."""
        shares = np.zeros(len(ISSUES))
        shares[0] = self.binning.counts[self.binning.missing] / self.binning.size
        return shares

    def codes(self, column: Sequence[Any]) -> Ints:
        """Bins of values (n,), ``None`` where missing; nothing is learned from them."""
        if self.binning.kind == "numeric":
            found = numbers(column)
            return self.binning.codes(found.values, found.strange)
        return self.binning.codes_of(categories(column))

    def take(self, column: Sequence[Any]) -> Taken:
        """Values (n,) of this feature, ``None`` where missing."""
        if self.binning.kind == "numeric":
            found = numbers(column)
            return self.take_numbers(found.values, found.strange)
        named = categories(column)
        codes = self.binning.codes_of(named)
        new = int(np.count_nonzero(codes == self.binning.strange))
        self._learn(codes, keys(named), None)
        missing = int(np.count_nonzero(codes == self.binning.missing))
        return Taken(codes, np.array((missing, 0, 0, new, 0), np.int64))

    def take_numbers(self, values: Floats, strange: Bools) -> Taken:
        """Numbers (n,), NaN where missing; ``strange`` (n,) were no numbers."""
        codes = self.binning.codes(values, strange)
        infinite = np.isinf(values)
        outside = ~infinite & ((values < self.binning.low) | (values > self.binning.high))
        self._learn(codes, values, strange)
        counted = (np.isnan(values) & ~strange, infinite, outside, np.zeros(0), strange)
        return Taken(codes, np.array([np.count_nonzero(each) for each in counted], np.int64))

    def _learn(self, codes: Ints, values: Floats, strange: Bools | None) -> None:
        self.window.add(codes)
        ranks = self.binning.ranks.of_values(values, strange, self._random)
        first = min(self.correlation.warm_up, len(codes))  # nothing is known of how values hang together yet
        scores = self._scores[codes]
        self.sequential.learn(ranks[:first])
        self.correlation.update(scores[:first])
        self.sequential.update(ranks[first:][self._thinned(len(codes) - first)])
        self.correlation.update(scores[first:])
        if self.alarm:
            self.since_alarm += len(codes)

    def _thinned(self, count: int) -> Ints:
        """Which of the next ``count`` values are taken: every k-th, as what came before them says."""
        step = max(1, int(self.correlation.thinning))
        first = min(self._skip, step - 1)
        rows = np.arange(first, count, step)
        self._skip = int(rows[-1]) + step - count if len(rows) else first - count
        return rows

    def raise_alarm(self) -> None:
        """The evidence was enough: what comes from now on is no part of what is usual."""
        self.alarm = True
        self.alarms += 1
        self.since_alarm = 0
        self.sequential.freeze()

    def clear(self) -> bool:
        """End the alarm if the newest values look like the baseline again; whether it did."""
        if not self.alarm or self.since_alarm < self._clear_after:
            return False
        newest = self.window.newest(self._clear_after)
        scale = 1 / max(self.correlation.time, 1.0)
        p_value = float(chi2_contingency(self.binning.counts, newest * scale).p_value)
        if not p_value > _CLEAR:
            return False
        self.alarm = False
        self.sequential.restart()
        return True

    @property
    def bytes(self) -> int:
        """Memory of the state and of what it is compared with."""
        binning = self.binning
        arrays = (
            binning.counts, binning.group, binning.scores, binning.edges, binning.positions, binning.ranks.gaps,
            binning.ranks.values, binning.ranks.closing, self._scores,
        )  # fmt: skip
        states = (self.sequential.to_state(), self.correlation.to_state())
        held = sum(value.nbytes for state in states for value in state.values() if isinstance(value, np.ndarray))
        return self.window.bytes + sum(array.nbytes for array in arrays) + held

    def to_state(self) -> dict[str, Any]:
        return {
            "window": self.window.to_state(),
            "sequential": self.sequential.to_state(),
            "correlation": self.correlation.to_state(),
            "alarm": self.alarm,
            "alarms": self.alarms,
            "since_alarm": self.since_alarm,
            "skip": self._skip,
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Raises ``ValueError`` for the state of another feature."""
        self.window.from_state(state["window"])
        self.sequential.from_state(state["sequential"])
        self.correlation.from_state(state["correlation"])
        self.alarm = bool(state["alarm"])
        self.alarms = int(state["alarms"])
        self.since_alarm = int(state["since_alarm"])
        self._skip = int(state["skip"])


def _scores(binning: Binning) -> Floats:
    """A number for each bin, by which values are known to resemble those before them: normal scores of mid-ranks, and
    of categories how rare they are."""
    from scipy.special import ndtri

    if binning.kind == "numeric":
        return np.asarray(np.nan_to_num(ndtri(np.clip(binning.scores, 1e-4, 1 - 1e-4))), np.float64)
    shares = (binning.counts + 0.5) / (binning.counts.sum() + 0.5 * len(binning.counts))
    return np.asarray(-np.log(shares), np.float64)
