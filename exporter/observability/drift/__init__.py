"""Drift: statistics and detectors on arrays. Names are loaded when they are first asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from observability.drift.detector import DriftDetector, DriftResult
    from observability.drift.detectors import (
        AndersonDarlingDriftDetector,
        Chi2DriftDetector,
        CramerVonMisesDriftDetector,
        GTestDriftDetector,
        HellingerDriftDetector,
        JensenShannonDriftDetector,
        KLDriftDetector,
        KSTestDriftDetector,
        LInfinityDriftDetector,
        PSIDriftDetector,
        TotalVariationDriftDetector,
        WassersteinDriftDetector,
    )
    from observability.drift.embeddings import EmbeddingDriftDetector
    from observability.drift.evidently_report import EvidentlyDriftMonitor
    from observability.drift.multi_feature import MultiFeatureDriftDetector
    from observability.drift.sequential import SequentialTest
    from observability.performance.concept import ConceptDriftDetector

_PLACES = {
    "DriftDetector": "drift.detector",
    "DriftResult": "drift.detector",
    "AndersonDarlingDriftDetector": "drift.detectors",
    "Chi2DriftDetector": "drift.detectors",
    "CramerVonMisesDriftDetector": "drift.detectors",
    "GTestDriftDetector": "drift.detectors",
    "HellingerDriftDetector": "drift.detectors",
    "JensenShannonDriftDetector": "drift.detectors",
    "KLDriftDetector": "drift.detectors",
    "KSTestDriftDetector": "drift.detectors",
    "LInfinityDriftDetector": "drift.detectors",
    "PSIDriftDetector": "drift.detectors",
    "TotalVariationDriftDetector": "drift.detectors",
    "WassersteinDriftDetector": "drift.detectors",
    "EmbeddingDriftDetector": "drift.embeddings",
    "EvidentlyDriftMonitor": "drift.evidently_report",
    "MultiFeatureDriftDetector": "drift.multi_feature",
    "SequentialTest": "drift.sequential",
    "ConceptDriftDetector": "performance.concept",
}

__all__ = [
    "AndersonDarlingDriftDetector",
    "Chi2DriftDetector",
    "ConceptDriftDetector",
    "CramerVonMisesDriftDetector",
    "DriftDetector",
    "DriftResult",
    "EmbeddingDriftDetector",
    "EvidentlyDriftMonitor",
    "GTestDriftDetector",
    "HellingerDriftDetector",
    "JensenShannonDriftDetector",
    "KLDriftDetector",
    "KSTestDriftDetector",
    "LInfinityDriftDetector",
    "MultiFeatureDriftDetector",
    "PSIDriftDetector",
    "SequentialTest",
    "TotalVariationDriftDetector",
    "WassersteinDriftDetector",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for: numpy and scipy are not needed to import this package."""
    if name in _PLACES:
        return getattr(importlib.import_module(f"observability.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
