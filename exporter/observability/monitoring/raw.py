"""The newest values of a feature as they came, for detectors of a team's own, and what these said of them."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from observability.columns import Floats
from observability.drift.binning import category
from observability.drift.detector import DriftDetector, DriftResult
from observability.monitoring.values import categories, numbers


@dataclass
class Judged:
    """By one detector: what it found, or how it failed; the detector is there once it is fitted."""

    detector: DriftDetector | None = None
    result: DriftResult | None = None
    failure: str | None = None


class Raw:
    """Of a numeric, categorical or boolean feature; as many values as ``size``, without missing ones.

    One thread takes values, another looks at them; whoever does either keeps the other away.
    """

    def __init__(self, name: str, kind: str, baseline: pa.ChunkedArray, detectors: Sequence[str], size: int) -> None:
        self.name = name
        self.judged = {detector: Judged() for detector in detectors}
        self.came = 0
        self.looked = 0
        self._numeric = kind == "numeric"
        self._baseline = baseline
        self._window: deque[Any] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._window)

    def take(self, column: Sequence[Any]) -> None:
        """Values (n,), ``None`` where missing; numbers that are none are missing too."""
        if self._numeric:
            found = numbers(column).values
            values: list[Any] = found[~np.isnan(found)].tolist()
        else:
            values = [value for value in categories(column) if value is not None]
        self._window.extend(values)
        self.came += len(values)

    def newest(self) -> Floats | list[str]:
        """The window (m,): numbers, or categories as texts."""
        return np.array(self._window, np.float64) if self._numeric else list(self._window)

    def reference(self, most: int) -> Floats | list[str]:
        """The values of the baseline (n,) in the same form; of more than ``most`` always the same random sample."""
        values: Floats | list[str]
        if self._numeric:
            found = np.asarray(self._baseline.cast(pa.float64(), safe=False).to_numpy(), np.float64)
            values = found[~np.isnan(found)]
        else:
            named = map(category, self._baseline.to_pylist())
            values = [value for value in named if value is not None]
        if len(values) <= most:
            return values
        random = np.random.default_rng(zlib.crc32(self.name.encode()))
        rows = np.sort(random.choice(len(values), most, replace=False))
        return values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows.tolist()]
