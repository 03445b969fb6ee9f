"""DDM and EDDM: drift of a classifier from its errors alone, step by step as in river 0.26.

Gama, Medas, Castillo & Rodrigues 2004, "Learning with drift detection"; Baena-García et al. 2006, "Early drift
detection method". Both have a state of a few numbers and begin anew after each drift. What their thresholds promise is
not kept when they are looked at after every error: see docs/performance.md for how often they cry wolf.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from observability.columns import Bools, Floats, Ints

#: Values looked at together: what follows a drift is looked at anew.
_BLOCK = 2048


class _ErrorDetector(ABC):
    """A stream of errors, 1 or 0, that may end in a warning and in drift; both speak of the last value."""

    #: Names of the numbers that are the state.
    _state: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.drift_detected = False
        self.warning_detected = False

    def update(self, error: float) -> bool:
        """Take one error, 1 or 0; whether there is drift."""
        return bool(self.update_many(np.array([error])).size)

    def update_many(self, errors: Any) -> Ints:
        """Take ``errors`` (n,) of 1 and 0 or booleans, in their order; the indices of those at which drift was found.

        Raises:
            ValueError: a value is neither 0 nor 1.
        """
        stream = np.asarray(errors, np.float64)
        if not ((stream == 0) | (stream == 1)).all():
            raise ValueError("errors are 0 (right) or 1 (wrong)")
        drifts, start = [], 0
        while start < len(stream):
            if self.drift_detected:
                self._clear()
            start += self._advance(stream[start : start + _BLOCK])
            if self.drift_detected:
                drifts.append(start - 1)
        return np.array(drifts, np.int64)

    @abstractmethod
    def _advance(self, errors: Floats) -> int:
        """Take errors until the first drift; how many were taken."""

    def to_state(self) -> dict[str, Any]:
        """All that was learned, JSON-able."""
        return {name: getattr(self, name) for name in ("drift_detected", "warning_detected", *self._state)}

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called, on a detector with the same settings."""
        for name in ("drift_detected", "warning_detected", *self._state):
            setattr(self, name, state[name])


class DDM(_ErrorDetector):
    """The error rate p and its standard deviation s against their smallest sum so far.

    After ``warm_start`` errors, p + s above p_min + ``warning_threshold`` · s_min is a warning, above p_min +
    ``drift_threshold`` · s_min drift.
    """

    _state = ("_n", "_errors", "_p_min", "_s_min")

    def __init__(self, warm_start: int = 30, warning_threshold: float = 2.0, drift_threshold: float = 3.0) -> None:
        self.warm_start = warm_start
        self.warning_threshold = warning_threshold
        self.drift_threshold = drift_threshold
        super().__init__()

    def _clear(self) -> None:
        super()._clear()
        self._n = 0
        self._errors = 0.0
        self._p_min: float | None = None
        self._s_min: float | None = None

    @property
    def estimation(self) -> float:
        """The error rate since the last drift; 0 of nothing."""
        return self._errors / self._n if self._n else 0.0

    def _advance(self, errors: Floats) -> int:
        n = self._n + np.arange(1, len(errors) + 1)
        wrong = self._errors + np.cumsum(errors)
        p = wrong / n
        s = np.sqrt(p * (1 - p) / n)
        p_min, s_min = self._smallest(p, s, n > self.warm_start)
        with np.errstate(invalid="ignore"):
            drift = p + s > p_min + self.drift_threshold * s_min
            warning = p + s > p_min + self.warning_threshold * s_min
        taken = int(np.argmax(drift)) + 1 if drift.any() else len(errors)
        last = taken - 1
        self._n, self._errors = int(n[last]), float(wrong[last])
        if n[last] > self.warm_start:
            self._p_min, self._s_min = float(p_min[last]), float(s_min[last])
            self.drift_detected = bool(drift[last])
            self.warning_detected = bool(warning[last]) and not self.drift_detected
        return taken

    def _smallest(self, p: Floats, s: Floats, warm: Bools) -> tuple[Floats, Floats]:
        """p and s where their sum was smallest up to each value, the latest of equals; NaN before ``warm_start``."""
        known = self._p_min is not None and self._s_min is not None
        first = [self._p_min if known else math.nan], [self._s_min if known else math.nan]
        all_p, all_s = np.concatenate([first[0], p]), np.concatenate([first[1], s])
        total = np.where(np.concatenate([[known], warm]), all_p + all_s, np.inf)
        least = np.minimum.accumulate(total)
        place = np.maximum.accumulate(np.where((total == least) & (total < np.inf), np.arange(len(total)), 0))[1:]
        cold = np.isinf(least[1:])
        return np.where(cold, np.nan, all_p[place]), np.where(cold, np.nan, all_s[place])


class EDDM(_ErrorDetector):
    """The distance between two errors, mean plus two standard deviations, against the largest so far.

    After ``warm_start`` values and errors, less than ``alpha`` of the largest is a warning, less than ``beta`` drift.

    Raises:
        ValueError: ``alpha`` is less than ``beta``.
    """

    _state = ("_n", "_count", "_last", "_distances", "_squares", "_most")

    def __init__(self, warm_start: int = 30, alpha: float = 0.95, beta: float = 0.9) -> None:
        if alpha < beta:
            raise ValueError("alpha, the level of a warning, is at least beta, the level of drift")
        self.warm_start = warm_start
        self.alpha = alpha
        self.beta = beta
        super().__init__()

    def _clear(self) -> None:
        super()._clear()
        self._n = 0
        self._count = 0
        self._last = 0
        self._distances = 0.0
        self._squares = 0.0
        self._most = -1.0

    def _advance(self, errors: Floats) -> int:
        places = np.flatnonzero(errors)
        if not len(places):
            self._n += len(errors)
            return len(errors)
        at = self._n + 1 + places
        count = self._count + np.arange(1, len(at) + 1)
        distance = np.diff(at, prepend=self._last).astype(np.float64)
        distances, squares = self._distances + np.cumsum(distance), self._squares + np.cumsum(distance**2)
        mean = distances / count
        spread = np.maximum(squares - distances * mean, 0.0) / np.maximum(count - 1, 1)
        reach = mean + 2 * np.sqrt(np.where(count > 1, spread, 0.0))
        counted = np.where(at > self.warm_start, reach, -1.0)
        most = np.maximum.accumulate(np.concatenate([[self._most], counted]))
        looked = (at > self.warm_start) & (counted <= most[:-1]) & (count > self.warm_start)
        with np.errstate(divide="ignore", invalid="ignore"):
            level = reach / most[1:]
        drift = looked & (level < self.beta)
        found = bool(drift.any())
        last = int(np.argmax(drift)) if found else len(at) - 1
        taken = int(places[last]) + 1 if found else len(errors)
        self._n, self._count, self._last = self._n + taken, int(count[last]), int(at[last])
        self._distances, self._squares = float(distances[last]), float(squares[last])
        self._most = float(most[last + 1])
        self.drift_detected = found
        # A warning stays until an error says that there is none; drift leaves it as it was.
        said = np.flatnonzero(looked[: last + 1] & ~drift[: last + 1])
        if len(said):
            self.warning_detected = bool(level[said[-1]] < self.alpha)
        return taken
