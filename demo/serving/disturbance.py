"""What may happen to a model in production."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

#: Share of the predictions whose features have one of the defects: a tenth each, beyond 5 % of DataQualityDegraded.
DEFECTIVE = 0.5
#: Share of slow predictions and their seconds: the 99th percentile is beyond the 0.5 s of HighModelLatency.
SLOW, SLOW_SECONDS = 0.05, 0.8
#: Share of predictions that fail: beyond 1 % of HighModelErrorRate, and where nothing is wrong well below.
FAILING = 0.04
USUALLY_FAILING = 0.004


class Disturbance(StrEnum):
    """One thing that begins to be wrong, and stays so."""

    NONE = "none"
    DRIFT = "drift"
    CONCEPT_DRIFT = "concept-drift"
    DATA_QUALITY = "data-quality"
    SLOW = "model-slow"
    ERRORS = "model-errors"
    LABELS_MISSING = "labels-missing"


class Defect(StrEnum):
    """What can be wrong with the value of a feature; the ``issue`` of ``ml_data_quality_issues_total``."""

    MISSING = "missing"
    INFINITE = "infinite"
    OUT_OF_RANGE = "out_of_range"
    NEW_CATEGORY = "new_category"
    TYPE_MISMATCH = "type_mismatch"

    def of(self, value: Any) -> Any:
        """``value`` with this defect; for an out of range one, ``value`` is a number other than 0."""
        match self:
            case Defect.MISSING:
                return None
            case Defect.INFINITE:
                return math.inf
            case Defect.OUT_OF_RANGE:
                return 1000 * value
            case Defect.NEW_CATEGORY:
                return "elsewhere"
            case Defect.TYPE_MISMATCH:
                return "n/a"


def spoil(features: dict[str, Any], defects: Mapping[Defect, str], draw: random.Random) -> dict[str, Any]:
    """``features``; a share of :data:`DEFECTIVE` of them with one of ``defects``, each as often as the others."""
    if draw.random() >= DEFECTIVE:
        return features
    defect = draw.choice(list(defects))
    return {**features, defects[defect]: defect.of(features[defects[defect]])}
