"""How far the values of a stream repeat one another, and so how many of them are worth one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from observability.columns import Floats

#: Distances at which values are compared.
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
#: Values that are looked at together, about their own mean: a shift of the level is drift, and no correlation.
_BLOCK = 128
#: Weight of what is known when the next block comes.
_KEPT = 0.98
#: Standard errors and size from which on a correlation is one, and what is left of it between values that are far
#: enough apart: a twentieth between neighbours still makes evidence of 10⁷ four times as frequent.
_SIGNIFICANT, _NEGLIGIBLE, _LEFT = 3.0, 0.03, 0.02
_MOST = 1000


class Autocorrelation:
    """Estimates from blocks of values; what a block says counts for those that come after it."""

    def __init__(self) -> None:
        self._waiting = np.zeros(0)
        self._products = np.zeros(len(_LAGS) + 1)  # of each block in units of its variance, which is the first
        self._values = 0.0
        self.time = 1.0
        self.thinning = 1

    @property
    def known(self) -> bool:
        """Whether there is an estimate yet."""
        return self._values > 0

    @property
    def warm_up(self) -> int:
        """Values that are needed until there is one."""
        return 0 if self.known else _BLOCK - len(self._waiting)

    def update(self, scores: Floats) -> None:
        """Take numbers (n,) in the order in which they came."""
        waiting = np.concatenate((self._waiting, scores))
        blocks = len(waiting) // _BLOCK
        for at in range(blocks):
            self._block(waiting[at * _BLOCK : (at + 1) * _BLOCK])
        self._waiting = waiting[blocks * _BLOCK :]
        if blocks:
            self._estimate()

    def _block(self, values: Floats) -> None:
        """Each block counts alike, whatever its variance: one with a step in it looks all correlation."""
        centred = values - values.mean()
        variance = float(centred @ centred) / _BLOCK
        self._products *= _KEPT
        self._values = self._values * _KEPT + _BLOCK
        if variance > 0:
            found = [float(centred[lag:] @ centred[:-lag]) / (_BLOCK - lag) / variance for lag in _LAGS]
            self._products += np.array([1.0, *found])

    def _estimate(self) -> None:
        """The sum of correlations up to the first that is none (Geyer 1992, initial sequence), and the distance at
        which what is left is negligible."""
        self.time, self.thinning = 1.0, 1
        if self._products[0] <= 0:
            return
        # products about the mean of the block are too small by the variance of that mean
        variance = self._products[0] * (1 + 1 / _BLOCK)
        correlation = self._products[1:] / variance + 1 / _BLOCK
        error = 1 / math.sqrt(self._values)
        lasting = correlation > max(_SIGNIFICANT * error, _NEGLIGIBLE)
        if not lasting[0] and not lasting[1]:
            return
        last = len(_LAGS) if lasting.all() else max(int(np.argmin(lasting)), 1)
        lags = np.array((0, *_LAGS[:last]), np.float64)
        values = np.concatenate(([1.0], np.maximum(correlation[:last], 0.0)))
        steps = np.diff(lags)
        total = float(np.sum(steps * (values[1:] + values[:-1]) / 2))
        # Correlations about the mean of a block are too small, the more the further apart; that of neighbours least,
        # and by a known amount (Kendall 1954): at least what follows if only neighbours are tied to each other.
        first = min(float(correlation[0]) + (1 + 3 * float(correlation[0])) / _BLOCK, 0.995)
        tied = math.ceil(math.log(_LEFT) / math.log(first)) if first > _LEFT else 1
        self.thinning = min(_MOST, max(tied, _LAGS[last] if last < len(_LAGS) else 2 * _LAGS[-1]))
        total = max(total, (1 + first) / (1 - first) / 2)
        self.time = max(1.0, min(2 * total, float(_MOST)))

    def to_state(self) -> dict[str, Any]:
        """All that was learned."""
        return {
            "waiting": self._waiting,
            "products": self._products,
            "values": self._values,
            "time": self.time,
            "thinning": self.thinning,
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called."""
        self._waiting, self._products = state["waiting"].copy(), state["products"].copy()
        self._values, self.time = float(state["values"]), float(state["time"])
        self.thinning = int(state["thinning"])
