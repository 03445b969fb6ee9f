"""The metrics of one window of labelled predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from observability.performance.intervals import Estimate


@dataclass(frozen=True)
class Performance(Mapping[str, Estimate]):
    """Metric → :class:`~observability.performance.intervals.Estimate`; a metric that is undefined is absent.

    ``n`` rows were used, ``missing`` were not, since their label or prediction is missing. ``averaging`` says of what
    precision, recall and F1 are: of the positive class, or the plain mean over classes.
    """

    n: int
    missing: int
    averaging: Literal["binary", "macro"] | None
    estimates: Mapping[str, Estimate] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        estimates: Mapping[str, Estimate | None],
        *,
        n: int,
        missing: int,
        averaging: Literal["binary", "macro"] | None,
    ) -> Performance:
        """Without the metrics that are ``None``."""
        defined = {name: estimate for name, estimate in estimates.items() if estimate is not None}
        return cls(n, missing, averaging, MappingProxyType(defined))

    def __getitem__(self, metric: str) -> Estimate:
        return self.estimates[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        metrics = {name: estimate.to_dict() for name, estimate in self.items()}
        return {"n": self.n, "missing": self.missing, "averaging": self.averaging, "metrics": metrics}
