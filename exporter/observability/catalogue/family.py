"""What a metric family is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricType = Literal["counter", "gauge", "histogram", "info", "recorded"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family.

    ``name`` is the name in PromQL; ``labels`` the complete, ordered label names; ``unit`` the OpenMetrics
    unit (``""`` for none); ``buckets`` upper bounds without ``+Inf``, for histograms only.
    """

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str
    unit: str = ""
    buckets: tuple[float, ...] = ()
    exemplars: bool = False

    def __post_init__(self) -> None:
        if self.type == "counter" and not self.name.endswith("_total"):
            raise ValueError(f"counter {self.name} must end in _total")
        if (self.type == "histogram") != bool(self.buckets):
            raise ValueError(f"{self.name}: buckets belong to histograms, and every histogram has some")

    def __str__(self) -> str:
        return self.name

    @property
    def bucket(self) -> str:
        """PromQL name of the bucket series of a histogram."""
        return self._part("bucket")

    @property
    def sum(self) -> str:
        """PromQL name of the sum series of a histogram."""
        return self._part("sum")

    @property
    def count(self) -> str:
        """PromQL name of the count series of a histogram."""
        return self._part("count")

    def _part(self, suffix: str) -> str:
        if self.type != "histogram":
            raise ValueError(f"{self.name} is a {self.type}, not a histogram")
        return f"{self.name}_{suffix}"
