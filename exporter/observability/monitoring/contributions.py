"""How much each feature tells of the prediction, in the baseline and lately, from counts of constant size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from observability.columns import Floats, Ints
from observability.performance.importance import ImportanceDrift, importance_drift


class Contributions:
    """Counts of (bin of a feature, bin of the prediction); what is older than about ``window`` rows fades."""

    def __init__(self, bins: Mapping[str, int], classes: int, window: int) -> None:
        self.names: Sequence[str] = tuple(bins)
        widest = max(bins.values())
        self.baseline: Floats = np.zeros((len(bins), widest, classes))
        self.counts: Floats = np.zeros_like(self.baseline)
        self._index = {name: at for at, name in enumerate(bins)}
        self._window = window
        self._rows = 0.0

    def learn(self, name: str, feature: Ints, prediction: Ints) -> None:
        """Rows (n,) of the baseline: coarse bins of one feature and of the prediction."""
        self._add(self.baseline, name, feature, prediction)

    def take(self, codes: Mapping[str, Ints], prediction: Ints) -> None:
        """New rows (n,): coarse bins of each feature, and of the prediction."""
        for name, feature in codes.items():
            self._add(self.counts, name, feature, prediction)
        self._rows += len(prediction)
        if self._rows > 2 * self._window:
            self.counts /= 2
            self._rows /= 2

    def drift(self) -> ImportanceDrift | None:
        """What changed; ``None`` without rows or without predictions in the baseline."""
        if not self._rows or not self.baseline.any():
            return None
        return importance_drift(self.baseline, self.counts, self.names)

    def to_state(self) -> dict[str, Any]:
        return {"names": list(self.names), "counts": self.counts, "rows": self._rows}

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called; what was counted of other features or bins is left."""
        if state["names"] == list(self.names) and state["counts"].shape == self.counts.shape:
            self.counts = np.asarray(state["counts"], np.float64)
            self._rows = float(state["rows"])

    def _add(self, counts: Floats, name: str, feature: Ints, prediction: Ints) -> None:
        at = self._index.get(name)
        if at is not None:
            _, bins, classes = counts.shape
            flat = np.bincount(feature * classes + prediction, minlength=bins * classes)
            counts[at] += flat.reshape(bins, classes)
