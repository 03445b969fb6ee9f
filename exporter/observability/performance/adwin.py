"""ADWIN: a window of a stream that grows while its mean holds, and is given up once two parts of it differ.

Bifet & Gavaldà 2007, "Learning from time-changing data with adaptive windowing" (ADWIN2), step by step as in river
0.26, whose window begins anew after each drift.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from observability.columns import Floats, Ints

#: Values looked at together.
_BLOCK = 2048
_ZERO, _NONE = np.zeros(1), np.zeros(1, np.int64)


class ADWIN:
    """Drift of the mean of a bounded stream (errors of 0 and 1, or losses).

    ``delta`` is the significance of each comparison of two parts; every ``clock`` values are all cuts tried, once more
    than ``grace_period`` values are there and where both parts have ``min_window_length``. The state is an exponential
    histogram: at most ``max_buckets`` sums of 2ʳ values for each r, so that it grows with the logarithm of the window.
    ``drift_detected`` speaks of the last value.
    """

    def __init__(
        self,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
    ) -> None:
        self.delta = delta
        self.clock = clock
        self.max_buckets = max_buckets
        self.min_window_length = min_window_length
        self.grace_period = grace_period
        self._clear()

    def _clear(self) -> None:
        self.drift_detected = False
        self.width = 0
        self.total = 0.0
        self._squares = 0.0  # sum of squared distances from the mean
        self._ticks = 0
        # By r, the oldest first: sums and squared distances of 2ʳ values each.
        self._sums: list[Floats] = []
        self._spreads: list[Floats] = []

    @property
    def estimation(self) -> float:
        """Mean of the window; 0 where it is empty."""
        return self.total / self.width if self.width else 0.0

    @property
    def variance(self) -> float:
        """Variance of the window; 0 where it is empty."""
        return self._squares / self.width if self.width else 0.0

    def update(self, value: float) -> bool:
        """Take one value; whether there is drift."""
        return bool(self.update_many(np.array([value])).size)

    def update_many(self, values: Any) -> Ints:
        """Take ``values`` (n,), in their order; the indices of those at which drift was found.

        Raises:
            ValueError: a value is NaN or infinite.
        """
        stream = np.asarray(values, np.float64)
        if not np.isfinite(stream).all():
            raise ValueError("a stream of errors has no missing or infinite values")
        drifts, start = [], 0
        while start < len(stream):
            if self.drift_detected:
                self._clear()
            # A block at a time: what follows a drift is looked at anew.
            taken, drift = self._advance(stream[start : start + _BLOCK])
            start += taken
            if drift:
                self.drift_detected = True
                drifts.append(start - 1)
        return np.array(drifts, np.int64)

    def _advance(self, values: Floats) -> tuple[int, bool]:
        """Take values until the first drift; how many were taken, and whether there was one."""
        widths = self.width + np.arange(1, len(values) + 1)
        totals = np.cumsum(np.concatenate([[self.total], values]))
        before = widths - 1.0
        with np.errstate(invalid="ignore", divide="ignore"):
            growth = before * (values - totals[:-1] / before) ** 2 / widths
        if self.width == 0:
            growth[0] = 0.0
        squares = np.cumsum(np.concatenate([[self._squares], growth]))
        at = np.flatnonzero(
            ((self._ticks + 1 + np.arange(len(values))) % self.clock == 0) & (widths > self.grace_period)
        )
        found = self._first_cut(totals, squares, at) if len(at) else None
        taken = len(values) if found is None else found + 1
        self._append(values[:taken])
        self._ticks += taken
        self.width, self.total, self._squares = self.width + taken, float(totals[taken]), float(squares[taken])
        if found is not None:
            self._shrink()
        return taken, found is not None

    def _first_cut(self, totals: Floats, squares: Floats, at: Ints) -> int | None:
        """The first of the values ``at`` which two parts of the window differ.

        Where the buckets end after so many values is known beforehand, and sums up to there are differences of
        cumulated sums; all cuts of all looks are thus compared at once.
        """
        looks, ends = self._cuts(at + 1)
        old = np.cumsum(np.concatenate([_ZERO, *self._sums[::-1]]))
        held = [np.full(len(sums), 1 << level, np.int64) for level, sums in enumerate(self._sums)]
        old_ends = np.cumsum(np.concatenate([_NONE, *held[::-1]]))
        # What comes after the window so far follows it: one table of sums, found by where they end.
        table_ends = np.concatenate([old_ends, self.width + np.arange(1, len(totals))])
        sums = np.concatenate([old, totals[1:]])
        place = np.where(ends <= self.width, np.searchsorted(old_ends, ends), ends - self.width + (len(old_ends) - 1))
        first = sums[place]
        width = table_ends[-1] - (len(totals) - 1) + at + 1.0
        confidence = np.log(2 * np.log(width) / self.delta)
        noise, offset = 2 * squares[at + 1] / width * confidence, 2 / 3 * confidence
        n0 = ends.astype(np.float64)
        n1 = width[looks] - n0
        least = self.min_window_length - 1
        kept = np.minimum(n0, n1) > least
        with np.errstate(divide="ignore", invalid="ignore"):
            reciprocal = 1 / (n0 - least) + 1 / (n1 - least)
            bound = np.sqrt(reciprocal * noise[looks]) + offset[looks] * reciprocal
        differ = kept & (np.abs(first / n0 - (totals[at + 1][looks] - first) / n1) > bound)
        return int(at[looks[np.argmax(differ)]]) if differ.any() else None

    def _cuts(self, counts: Ints) -> tuple[Ints, Ints]:
        """For each end of a bucket after ``counts`` (m,) more values: which of these it belongs to, and where it is;
        the oldest first.

        A level that has taken one bucket too many hands on its two oldest as one of the next level.
        """
        most = self.max_buckets
        buckets: list[Ints] = []
        arriving, level = counts, 0
        while level < len(self._sums) or arriving.any():
            have = (len(self._sums[level]) if level < len(self._sums) else 0) + arriving
            merged = np.where(have > most, (have - most + 1) // 2, 0)
            buckets.append(have - 2 * merged)
            arriving, level = merged, level + 1
        held = np.array(buckets[::-1]).T  # (m, levels), the oldest level first
        sizes = 1 << np.arange(len(buckets), dtype=np.int64)[::-1]
        starts = np.cumsum(held * sizes, axis=1) - held * sizes
        held[:, -1] -= 1  # the end of the whole window cuts nothing
        step = np.arange(1, most + 1)
        ends = starts[:, :, None] + step * sizes[:, None]
        valid = np.flatnonzero(step <= held[:, :, None])
        return valid // (len(sizes) * most), ends.ravel()[valid]

    def _append(self, values: Floats) -> None:
        """Add values one by one: each level keeps its newest buckets and hands on pairs of its oldest."""
        sums, spreads, level = values, np.zeros(len(values)), 0
        while len(sums):
            if level == len(self._sums):
                self._sums.append(np.array([]))
                self._spreads.append(np.array([]))
            sums = np.concatenate([self._sums[level], sums])
            spreads = np.concatenate([self._spreads[level], spreads])
            pairs = (len(sums) - self.max_buckets + 1) // 2 if len(sums) > self.max_buckets else 0
            self._sums[level], self._spreads[level] = sums[2 * pairs :], spreads[2 * pairs :]
            size = float(1 << level)
            left, right = sums[: 2 * pairs : 2], sums[1 : 2 * pairs : 2]
            apart = size * size * (left / size - right / size) ** 2 / (2 * size)
            spreads = spreads[: 2 * pairs : 2] + spreads[1 : 2 * pairs : 2] + apart
            sums, level = left + right, level + 1

    def _shrink(self) -> None:
        """Drop the oldest buckets until no two parts of the window differ."""
        while self.width > 0 and self._differs():
            level = len(self._sums) - 1
            size, total, spread = 1 << level, float(self._sums[level][0]), float(self._spreads[level][0])
            self.width -= size
            self.total -= total
            mean = self.total / self.width
            self._squares -= spread + size * self.width * (total / size - mean) ** 2 / (size + self.width)
            self._sums[level], self._spreads[level] = self._sums[level][1:], self._spreads[level][1:]
            if not len(self._sums[level]):
                self._sums.pop()
                self._spreads.pop()

    def _differs(self) -> bool:
        totals, squares = np.array([self.total]), np.array([self._squares])
        return self._first_cut(totals, squares, np.array([-1])) is not None

    def to_state(self) -> dict[str, Any]:
        """All that was learned, JSON-able."""
        return {
            "drift_detected": self.drift_detected,
            "width": self.width,
            "total": self.total,
            "squares": self._squares,
            "ticks": self._ticks,
            "sums": [sums.tolist() for sums in self._sums],
            "spreads": [spreads.tolist() for spreads in self._spreads],
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called, on a detector with the same settings."""
        self.drift_detected = bool(state["drift_detected"])
        self.width, self.total = int(state["width"]), float(state["total"])
        self._squares, self._ticks = float(state["squares"]), int(state["ticks"])
        self._sums = [np.array(sums, np.float64) for sums in state["sums"]]
        self._spreads = [np.array(spreads, np.float64) for spreads in state["spreads"]]
