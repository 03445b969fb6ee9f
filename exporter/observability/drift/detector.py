"""The protocol of drift detectors, and what they answer."""

from __future__ import annotations

import abc
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, TypeVar

from observability.drift.nulls import Null

_Detector = TypeVar("_Detector", bound="DriftDetector")
_Measuring = TypeVar("_Measuring", bound="MeasuringDetector")


@dataclass(frozen=True)
class DriftResult:
    """What one comparison found.

    ``score`` is the statistic of ``method``. Where that is a test, ``threshold`` is the level that ``p_value`` is
    compared with; where it is a distance, what ``score`` must exceed: the one that was set, or the one that chance
    seldom exceeds at these sizes, whichever is larger. ``expected`` is the score to expect without drift, ``None``
    where that is not known. ``adjusted_p_value`` is there where several features were tested together. ``n_reference``
    and ``n_current`` count the values that were used, without missing ones; ``timestamp`` is in UTC.
    """

    is_drift: bool
    score: float
    p_value: float | None
    threshold: float
    method: str
    feature: str | None
    n_reference: int
    n_current: int
    timestamp: datetime
    expected: float | None = None
    adjusted_p_value: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the time in ISO 8601, and ``None`` for what is not finite."""
        row = asdict(self) | {"timestamp": self.timestamp.isoformat()}
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()
        }


class DriftDetector(abc.ABC):
    """Compares one feature with its reference: ``fit`` once, ``detect`` for each window of current values."""

    #: The α that a correction for several features applies to; ``None`` for a detector without p-values.
    level: float | None = None
    #: Name of the feature, which results carry.
    feature: str | None = None

    @abc.abstractmethod
    def fit(self: _Detector, reference: Any) -> _Detector:
        """Take ``reference`` (n,) as what is normal; returns the detector."""

    @abc.abstractmethod
    def detect(self, current: Any) -> DriftResult:
        """Compare ``current`` (m,) with the reference."""


class Measured(NamedTuple):
    """One statistic: ``null`` is what it is without drift, where that is known."""

    score: float
    p_value: float | None
    n_reference: int
    n_current: int
    null: Null | None = None


class MeasuringDetector(DriftDetector):
    """A detector of one statistic.

    A test finds drift where its p-value is at most ``threshold``. A distance finds it where it is beyond ``threshold``
    *and* beyond chance: its p-value is at most ``significance``, and it exceeds the threshold that follows from the
    sizes. A fixed threshold alone alarms on nearly every quiet window that is small; a p-value alone on shifts that
    matter to nobody, where windows are large. ``significance=None`` leaves the fixed threshold alone.
    """

    #: Name of the statistic, the ``drift_type`` of ``ml_drift_score``.
    method: ClassVar[str]
    #: Whether ``threshold`` is one of p-values.
    is_test: ClassVar[bool]

    def __init__(self, threshold: float, significance: float | None, feature: str | None) -> None:
        for name, level in (("threshold", threshold if self.is_test else None), ("significance", significance)):
            if level is not None and not 0 < level < 1:
                raise ValueError(f"{name} is a probability between 0 and 1, not {level}")
        if not threshold > 0:
            raise ValueError(f"threshold is positive, not {threshold}")
        self.threshold = threshold
        self.significance = significance
        self.feature = feature
        self.level = threshold if self.is_test else significance
        self._fitted = False

    def fit(self: _Measuring, reference: Any) -> _Measuring:
        """Take ``reference`` (n,) as what is normal; returns the detector. Missing values are left out.

        Raises ValueError where no other value is there, TypeError for texts where ``method`` is one of numbers.
        """
        self._fit(reference)
        self._fitted = True
        return self

    def detect(self, current: Any) -> DriftResult:
        """Compare ``current`` (m,) with the reference. Raises RuntimeError before :meth:`fit`, else as that."""
        if not self._fitted:
            raise RuntimeError(f"{type(self).__name__} has no reference: call fit(reference) before detect(current)")
        found = self._measure(current)
        threshold, is_drift = self.threshold, False
        if self.is_test:
            is_drift = found.p_value is not None and found.p_value <= threshold
        else:
            if self.significance is not None and found.null is not None:
                threshold = max(threshold, float(found.null.threshold))
            is_drift = found.score > threshold
            if self.significance is not None and found.p_value is not None:
                is_drift = is_drift and found.p_value <= self.significance
        return DriftResult(
            is_drift=is_drift,
            score=found.score,
            p_value=found.p_value,
            threshold=threshold,
            method=self.method,
            feature=self.feature,
            n_reference=found.n_reference,
            n_current=found.n_current,
            timestamp=datetime.now(UTC),
            expected=None if found.null is None else float(found.null.expectation),
        )

    @abc.abstractmethod
    def _fit(self, reference: Any) -> None: ...

    @abc.abstractmethod
    def _measure(self, current: Any) -> Measured: ...
