"""What a model has to bring to be served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from demo.serving.disturbance import Defect


@dataclass(frozen=True, slots=True)
class Case:
    """What a model is asked once: its features, the segments it belongs to, and what turns out to be true."""

    features: dict[str, Any]
    segment: dict[str, str]
    truth: str | float


class Model(Protocol):
    """A model in several versions, and the world that asks it. ``label_seconds``: how late the truth is known."""

    name: str
    label_seconds: float

    @property
    def defects(self) -> Mapping[Defect, str]:
        """Which feature has which defect when the quality of the data falls."""

    def train(self) -> tuple[str, ...]:
        """Train; the versions that there are now."""

    def baseline(self, version: str) -> bytes:
        """What ``version`` was accepted on, as Parquet: features, predictions and labels."""

    def draw(self, count: int, *, drift: bool) -> list[Case]:
        """``count`` new cases; with ``drift`` some features come from elsewhere than in the baseline."""

    def predict(self, version: str, case: Case) -> dict[str, Any]:
        """``prediction``, and whatever else of its answer ``POST /v1/predictions`` takes."""

    def turned(self, truth: str | float) -> str | float:
        """What is true where the relation between features and truth is the other way round."""
