"""A rise of the error rate, with an alarm that can be believed however often it is looked at.

An e-detector (Shin, Ramdas & Rinaldo 2022, "E-detectors: a nonparametric framework for sequential change detection"):
each error multiplies bets that the rate exceeds the baseline's, and the bets that began at each moment are added up
(Shiryaev-Roberts). Without a change the sum M grows by one a step at most, on average: an alarm at M >= A comes after
A labels or later on average, and within T labels with a probability of T / A at most.

The bet on error x is (1 + s·x) / (1 + s·q), where q = (errors so far + 1) / (labels so far + 1) counts the baseline
too. Where baseline and stream are exchangeable, E[M after T] <= T holds exactly, for every error rate and every size of
the baseline: 1 + s·q is no less than the mean of 1 + s·x over all labels up to this one, and given these in any order,
each is equally likely the last (the argument of conformal test martingales, Vovk 2021). That the alarm may stop the
stream at any time is exact on average over error rates (with q = (errors + ½) / (labels + 1), which is less, M - T is
a martingale under Jeffreys' prior), and measured for single ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from observability.columns import Floats, Ints

#: By how much the odds of an error rise in the alternatives that are bet on.
_ODDS = np.array([1.25, 1.5, 2.0, 3.0, 5.0, 10.0])
_STAKES = _ODDS - 1
#: Values multiplied at once: products of that many factors are still numbers.
_BLOCK = 128


class ErrorRateEDetector:
    """Alarm once the error rate exceeds that of a finite baseline: ``baseline_errors`` in ``baseline_n`` labels.

    Errors are 0 or 1, or losses between 0 and 1, whose mean is then watched. The null is that the stream goes on as
    the baseline did, so that a small baseline is doubted as it should be, and quiet labels make it larger. The other
    side of it: a shift that is small for the baseline's size is taken in by the urn of all labels and never alarms.

    ``average_run_length`` is the number of labels between two false alarms on average, at least. After an alarm,
    ``alarm`` stays and nothing is learned until the mean of the last ``recovery_window`` errors is the baseline's or
    less, or :meth:`reset` is called; then all begins anew with the baseline.

    Raises:
        ValueError: a baseline without labels or with more errors than labels, or a run length of less than 2.
    """

    def __init__(
        self,
        baseline_errors: float,
        baseline_n: int,
        average_run_length: float = 100_000,
        *,
        recovery_window: int = 500,
    ) -> None:
        if baseline_n < 1 or not 0 <= baseline_errors <= baseline_n:
            raise ValueError(f"a baseline has labels, and as many errors at most; not {baseline_errors}/{baseline_n}")
        if average_run_length < 2:
            raise ValueError("an average run length is at least 2")
        if recovery_window < 1:
            raise ValueError("a window has at least one value")
        self.baseline_errors = float(baseline_errors)
        self.baseline_n = int(baseline_n)
        self.average_run_length = float(average_run_length)
        self.recovery_window = recovery_window
        self.reset()

    def reset(self) -> None:
        """Begin anew with the baseline, without an alarm."""
        self.alarm = False
        self._urn, self._urn_n = self.baseline_errors + 1, self.baseline_n + 1
        self._bets = np.zeros(len(_ODDS))
        self._recent = np.array([], np.float64)

    @property
    def baseline_rate(self) -> float:
        """Share of errors in the baseline."""
        return self.baseline_errors / self.baseline_n

    @property
    def e_value(self) -> float:
        """What the bets have won so far; an alarm at ``average_run_length``, where it then stays."""
        return float(self._bets.mean())

    def update(self, error: float) -> bool:
        """Take one error; whether an alarm begins with it."""
        return bool(self.update_many(np.array([error])).size)

    def update_many(self, errors: Any) -> Ints:
        """Take ``errors`` (n,), in their order; the indices of those at which an alarm began.

        Raises:
            ValueError: a value is not between 0 and 1.
        """
        stream = np.asarray(errors, np.float64)
        if not ((stream >= 0) & (stream <= 1)).all():
            raise ValueError("errors lie between 0 and 1")
        alarms: list[int] = []
        start = 0
        while start < len(stream):
            if self.alarm:
                start += self._recover(stream[start:])
                continue
            start += self._bet(stream[start : start + _BLOCK])
            if self.alarm:
                alarms.append(start - 1)
        return np.array(alarms, np.int64)

    def _bet(self, errors: Floats) -> int:
        """Take errors until an alarm; how many were taken."""
        before = np.cumsum(np.concatenate([[0.0], errors[:-1]]))
        rate = (self._urn + before) / (self._urn_n + np.arange(len(errors)))
        factors = (1 + errors[:, None] * _STAKES) / (1 + rate[:, None] * _STAKES)  # (n, alternatives)
        product = np.cumprod(factors, axis=0)
        began = np.cumsum(np.concatenate([np.ones((1, len(_ODDS))), 1 / product[:-1]]), axis=0)
        bets = product * (self._bets + began)
        beyond = bets.mean(axis=1) >= self.average_run_length
        self.alarm = bool(beyond.any())
        taken = int(np.argmax(beyond)) + 1 if self.alarm else len(errors)
        self._bets = bets[taken - 1]
        self._urn += float(errors[:taken].sum())
        self._urn_n += taken
        return taken

    def _recover(self, errors: Floats) -> int:
        """Wait until errors are as rare as in the baseline; how many were taken."""
        window = np.concatenate([self._recent, errors])
        known, w = len(self._recent), self.recovery_window
        sums = np.cumsum(np.concatenate([[0.0], window]))
        if len(window) >= w:
            quiet = np.flatnonzero(sums[w:] - sums[:-w] <= self.baseline_rate * w + 1e-9)
            if len(quiet):
                self.reset()
                return int(quiet[0]) + w - known
        self._recent = window[-(w - 1) :] if w > 1 else window[:0]
        return len(errors)

    def to_state(self) -> dict[str, Any]:
        """All that was learned, JSON-able."""
        return {
            "alarm": self.alarm,
            "urn": self._urn,
            "urn_n": self._urn_n,
            "bets": self._bets.tolist(),
            "recent": self._recent.tolist(),
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called, on a detector with the same baseline and settings."""
        self.alarm = bool(state["alarm"])
        self._urn, self._urn_n = float(state["urn"]), int(state["urn_n"])
        self._bets = np.array(state["bets"], np.float64)
        self._recent = np.array(state["recent"], np.float64)
