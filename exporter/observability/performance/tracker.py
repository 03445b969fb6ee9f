"""The last predictions of a model: how fast, how sure, how right."""

from __future__ import annotations

import math
import threading
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from observability.columns import Floats


@dataclass(frozen=True)
class TrackedMetrics:
    """Of the last ``n`` predictions; what none of them told is ``None``.

    Latencies are in the unit that was recorded, seconds by custom of this project. ``accuracy`` is of those
    ``n_labelled`` predictions whose label is known.
    """

    n: int
    n_labelled: int
    latency_p50: float | None
    latency_p99: float | None
    latency_mean: float | None
    mean_confidence: float | None
    low_confidence_rate: float | None
    accuracy: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


class PerformanceTracker:
    """Keeps the last ``window_size`` predictions; safe to use from several threads, of constant size.

    A confidence below ``low_confidence`` is a low one.

    Raises:
        ValueError: a window of no predictions.
    """

    def __init__(self, window_size: int = 1000, *, low_confidence: float = 0.5) -> None:
        if window_size < 1:
            raise ValueError("a window has at least one prediction")
        self.window_size = window_size
        self.low_confidence = low_confidence
        # Latency, confidence and whether the prediction was right, NaN where nobody said.
        self._rows = np.full((window_size, 3), np.nan)
        self._next = 0
        self._count = 0
        self._lock = threading.Lock()

    def record(self, latency: float, confidence: float | None, correct: bool | None = None) -> None:
        """Take one prediction; ``correct`` where its label is known already.

        Raises:
            ValueError: a latency below 0.
        """
        if latency < 0:
            raise ValueError(f"a latency is 0 or more, not {latency}")
        row = (latency, math.nan if confidence is None else confidence, math.nan if correct is None else correct)
        with self._lock:
            self._rows[self._next] = row
            self._next = (self._next + 1) % self.window_size
            self._count += 1

    def record_many(self, latencies: Any, confidences: Any, correct: Any | None = None) -> None:
        """Take predictions (n,), the latest last; NaN or ``None`` where something is unknown.

        Raises:
            ValueError: the shapes differ, or a latency is below 0.
        """
        columns = [np.asarray(column, np.float64) for column in (latencies, confidences)]
        columns.append(np.full(columns[0].shape, np.nan) if correct is None else np.asarray(correct, np.float64))
        if columns[0].ndim != 1 or any(column.shape != columns[0].shape for column in columns):
            raise ValueError(f"predictions are (n,), not {', '.join(str(column.shape) for column in columns)}")
        if (columns[0] < 0).any():
            raise ValueError("a latency is 0 or more")
        rows = np.column_stack(columns)[-self.window_size :]
        with self._lock:
            self._rows[(self._next + np.arange(len(rows))) % self.window_size] = rows
            self._next = (self._next + len(rows)) % self.window_size
            self._count += len(columns[0])

    def compute_metrics(self) -> TrackedMetrics:
        """Of the window as it is now; percentiles are interpolated linearly between ranks."""
        with self._lock:
            rows = self._rows[: min(self._count, self.window_size)].copy()
        latency, confidence, correct = (column[~np.isnan(column)] for column in rows.T)
        p50, p99 = np.quantile(latency, [0.5, 0.99]).tolist() if len(latency) else (None, None)
        return TrackedMetrics(
            n=len(rows),
            n_labelled=len(correct),
            latency_p50=p50,
            latency_p99=p99,
            latency_mean=_mean(latency),
            mean_confidence=_mean(confidence),
            low_confidence_rate=_mean((confidence < self.low_confidence).astype(np.float64)),
            accuracy=_mean(correct),
        )


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
