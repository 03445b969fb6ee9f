"""The exporter: GenAI telemetry, predictions and labels in, numbers out; and what apps and notebooks import of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from observability.drift.detector import DriftDetector, DriftResult
    from observability.drift.detectors import KSTestDriftDetector, PSIDriftDetector
    from observability.drift.embeddings import EmbeddingDriftDetector
    from observability.drift.evidently_report import EvidentlyDriftMonitor
    from observability.drift.multi_feature import MultiFeatureDriftDetector
    from observability.performance.concept import ConceptDriftDetector
    from observability.performance.tracker import PerformanceTracker

_PLACES = {
    "ConceptDriftDetector": "performance.concept",
    "DriftDetector": "drift.detector",
    "DriftResult": "drift.detector",
    "EmbeddingDriftDetector": "drift.embeddings",
    "EvidentlyDriftMonitor": "drift.evidently_report",
    "KSTestDriftDetector": "drift.detectors",
    "MultiFeatureDriftDetector": "drift.multi_feature",
    "PSIDriftDetector": "drift.detectors",
    "PerformanceTracker": "performance.tracker",
}

__all__ = [
    "ConceptDriftDetector",
    "DriftDetector",
    "DriftResult",
    "EmbeddingDriftDetector",
    "EvidentlyDriftMonitor",
    "KSTestDriftDetector",
    "MultiFeatureDriftDetector",
    "PSIDriftDetector",
    "PerformanceTracker",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for, so that importing the package costs nothing."""
    if name in _PLACES:
        return getattr(importlib.import_module(f"observability.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
