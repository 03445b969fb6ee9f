"""The rule of the error window: errors of late are more than those of the reference by k standard deviations."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from observability.columns import Floats, Ints
from observability.drift.detector import DriftResult


class ConceptDriftDetector:
    """Drift where the mean of the last ``window_size`` errors exceeds mean + ``threshold_multiplier`` · σ.

    Errors are numbers: 0 and 1, or losses. σ is by default the standard deviation of the mean of a whole window around
    that of the reference, std · √(1/w + 1/n) with the std of single errors of the reference and its size n
    (``deviation="window"``). With the std of single errors itself (``deviation="single"``) the rule hardly ever
    fires: errors of 10 % would have to rise to 70 %. Nothing is said before the window is full.

    A window is looked at with every error. Two standard deviations are exceeded by chance in one look of 44, and among
    thousands of looks all but surely; what that comes to is in docs/performance.md. For an alarm that wakes somebody,
    :class:`~observability.performance.error_rate.ErrorRateEDetector` keeps what it promises.

    Raises:
        ValueError: a window of no values.
    """

    def __init__(
        self,
        window_size: int = 1000,
        threshold_multiplier: float = 2.0,
        *,
        deviation: Literal["window", "single"] = "window",
    ) -> None:
        if window_size < 1:
            raise ValueError("a window has at least one value")
        if deviation not in ("window", "single"):
            raise ValueError(f"deviation is of the window's mean or of single errors, not {deviation}")
        self.window_size = window_size
        self.threshold_multiplier = threshold_multiplier
        self.deviation = deviation
        self._reference: tuple[float, float, int] | None = None
        self._window = np.array([], np.float64)

    def fit(self, errors: Any) -> ConceptDriftDetector:
        """Take ``errors`` (n,) of the reference as what is normal; NaN is left out, and the window is emptied.

        Raises:
            ValueError: fewer than two errors.
        """
        reference = np.asarray(errors, np.float64)
        reference = reference[~np.isnan(reference)]
        if len(reference) < 2:
            raise ValueError("a reference has at least two errors")
        self._reference = float(reference.mean()), float(reference.std(ddof=1)), len(reference)
        self._window = np.array([], np.float64)
        return self

    @property
    def threshold(self) -> float:
        """What the mean of a window must exceed."""
        mean, std, n = self._fitted()
        scale = math.sqrt(1 / self.window_size + 1 / n) if self.deviation == "window" else 1.0
        return mean + self.threshold_multiplier * std * scale

    @property
    def result(self) -> DriftResult:
        """What the last error made of it: ``score`` is the mean of the window, NaN of nothing."""
        mean, _, n = self._fitted()
        score = float(self._window.mean()) if len(self._window) else math.nan
        return DriftResult(
            is_drift=len(self._window) == self.window_size and score > self.threshold,
            score=score,
            p_value=None,
            threshold=self.threshold,
            method="concept",
            feature=None,
            n_reference=n,
            n_current=len(self._window),
            timestamp=datetime.now(UTC),
            expected=mean,
        )

    def update(self, error: float) -> DriftResult:
        """Take one error; what the window then says."""
        self.update_many(np.array([error]))
        return self.result

    def update_many(self, errors: Any) -> Ints:
        """Take ``errors`` (n,), in their order; the indices of all at which there was drift. NaN is not taken.

        Raises:
            RuntimeError: there is no reference.
        """
        threshold = self.threshold
        stream = np.asarray(errors, np.float64)
        known = np.flatnonzero(~np.isnan(stream))
        kept, w = len(self._window), self.window_size
        joined: Floats = np.concatenate([self._window, stream[known]])
        self._window = joined[-w:]
        if len(joined) < w:
            return np.array([], np.int64)
        sums = np.cumsum(np.concatenate([[0.0], joined]))
        last = np.arange(w - 1, len(joined))
        beyond = last[(sums[w:] - sums[:-w]) / w > threshold]
        return np.asarray(known[beyond[beyond >= kept] - kept], np.int64)

    def to_state(self) -> dict[str, Any]:
        """Reference and window, JSON-able."""
        return {"reference": self._reference, "window": self._window.tolist()}

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called, on a detector with the same settings."""
        reference = state["reference"]
        self._reference = None if reference is None else (float(reference[0]), float(reference[1]), int(reference[2]))
        self._window = np.array(state["window"], np.float64)

    def _fitted(self) -> tuple[float, float, int]:
        if self._reference is None:
            raise RuntimeError("ConceptDriftDetector has no reference: call fit(errors) before update(error)")
        return self._reference
