"""Page-Hinkley: a change of the mean of any stream, from the sum of its deviations; step by step as in river 0.26.

Page 1954, "Continuous inspection schemes".
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from observability.columns import Floats, Ints

_BLOCK = 1024
#: How much weights may differ within what is summed at once.
_RANGE = math.log(1e3)


class PageHinkley:
    """Alarm where the sum of deviations from the mean so far rises (or falls) by more than ``threshold``.

    Deviations of less than ``delta`` do not count, and older ones are forgotten by ``alpha`` each step. ``mode``:
    alarm when the mean goes ``"up"``, ``"down"`` or ``"both"`` ways. The state is five numbers.

    Raises:
        ValueError: ``alpha`` is not in (0, 1], or the mode is none of these.
    """

    def __init__(
        self,
        min_instances: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 1 - 0.0001,
        mode: Literal["up", "down", "both"] = "both",
    ) -> None:
        if not 0 < alpha <= 1:
            raise ValueError("alpha, what is left of a deviation after a step, lies between 0 and 1")
        if mode not in ("up", "down", "both"):
            raise ValueError(f"mode is up, down or both, not {mode}")
        self.min_instances = min_instances
        self.delta = delta
        self.threshold = threshold
        self.alpha = alpha
        self.mode = mode
        self._clear()

    def _clear(self) -> None:
        self.drift_detected = False
        self._n = 0
        self._total = 0.0
        self._up, self._down = 0.0, 0.0
        self._lowest, self._highest = math.inf, -1.0

    @property
    def estimation(self) -> float:
        """Mean since the last drift; 0 of nothing."""
        return self._total / self._n if self._n else 0.0

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
            raise ValueError("a stream of values has no missing or infinite ones")
        block = _BLOCK if self.alpha == 1 else max(1, min(_BLOCK, int(-_RANGE / math.log(self.alpha))))
        drifts, start = [], 0
        while start < len(stream):
            if self.drift_detected:
                self._clear()
            start += self._advance(stream[start : start + block])
            if self.drift_detected:
                drifts.append(start - 1)
        return np.array(drifts, np.int64)

    def _advance(self, values: Floats) -> int:
        """Take values until the first drift; how many were taken."""
        n = self._n + np.arange(1, len(values) + 1)
        total = self._total + np.cumsum(values)
        deviation = values - total / n
        up, down = self._summed(self._up, deviation - self.delta), self._summed(self._down, deviation + self.delta)
        lowest = np.minimum(self._lowest, np.minimum.accumulate(up))
        highest = np.maximum(self._highest, np.maximum.accumulate(down))
        drift = np.zeros(len(values), bool)
        if self.mode != "down":
            drift |= up - lowest > self.threshold
        if self.mode != "up":
            drift |= highest - down > self.threshold
        drift &= n >= self.min_instances
        last = int(np.argmax(drift)) if drift.any() else len(values) - 1
        self._n, self._total = int(n[last]), float(total[last])
        self._up, self._down = float(up[last]), float(down[last])
        self._lowest, self._highest = float(lowest[last]), float(highest[last])
        self.drift_detected = bool(drift[last])
        return last + 1

    def _summed(self, start: float, deviations: Floats) -> Floats:
        """s_t = alpha · s_{t-1} + d_t, from ``start``."""
        if self.alpha == 1:
            return np.asarray(start + np.cumsum(deviations))
        weights = self.alpha ** np.arange(1, len(deviations) + 1)
        return np.asarray(weights * (start + np.cumsum(deviations / weights)))

    def to_state(self) -> dict[str, Any]:
        """All that was learned, JSON-able."""
        return {
            "drift_detected": self.drift_detected,
            "n": self._n,
            "total": self._total,
            "up": self._up,
            "down": self._down,
            "lowest": self._lowest if self._n else None,
            "highest": self._highest,
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called, on a detector with the same settings."""
        self.drift_detected = bool(state["drift_detected"])
        self._n, self._total = int(state["n"]), float(state["total"])
        self._up, self._down = float(state["up"]), float(state["down"])
        self._lowest = math.inf if state["lowest"] is None else float(state["lowest"])
        self._highest = float(state["highest"])
