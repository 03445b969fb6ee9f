"""Two tables compared feature by feature, with a verdict on all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from observability.drift.corrections import Correction
from observability.drift.detector import DriftDetector, DriftResult
from observability.drift.detectors import BY_NAME
from observability.drift.multi_feature import MultiFeatureDriftDetector
from observability.predictions.baselines import Baseline

#: Kinds that the detectors of one feature read; texts and embeddings have their own.
_COMPARABLE = ("numeric", "categorical", "boolean")


@dataclass(frozen=True)
class Comparison:
    """What came of it: ``results`` by feature, ``missing`` shares before and now, and features that were left out."""

    results: dict[str, DriftResult]
    missing: dict[str, tuple[float, float]]
    left_out: dict[str, str]
    share: float
    is_drift: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "is_drift": self.is_drift,
            "drift_share": self.share,
            "features": [
                {
                    **result.to_dict(),
                    "missing_baseline": self.missing[name][0],
                    "missing_current": self.missing[name][1],
                }
                for name, result in self.results.items()
            ],
            "left_out": self.left_out,
        }


def compare(
    baseline: Baseline,
    current: Baseline,
    *,
    features: Sequence[str] = (),
    test: str | None = None,
    detector: type[DriftDetector] | None = None,
    correction: Correction = "holm",
    dataset_share: float = 0.5,
) -> Comparison:
    """Compare ``current`` with ``baseline``; all features of the baseline, or only ``features``.

    ``test`` is a name of :data:`observability.drift.detectors.BY_NAME`, ``detector`` a class of your own; without
    either each feature gets the test that suits it (:mod:`observability.drift.choice`). Raises ``ValueError`` for a
    feature that the baseline does not have, an unknown test, or where no feature can be compared.
    """
    unknown = sorted(set(features) - set(baseline.features))
    if unknown:
        raise ValueError(f"the baseline has no feature {', '.join(unknown)}")
    left_out: dict[str, str] = {}
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    missing: dict[str, tuple[float, float]] = {}
    for name in features or baseline.features:
        reason = _unfit(baseline, current, name)
        if reason:
            left_out[name] = reason
            continue
        before, now = baseline.features[name], current.features[name]
        first[name], second[name] = before.to_pylist(), now.to_pylist()
        missing[name] = (before.null_count / len(before), now.null_count / len(now))
    if not first:
        raise ValueError("there is no feature to compare: " + "; ".join(f"{k}: {v}" for k, v in left_out.items()))
    chosen: Any = detector
    if chosen is None and test is not None:
        if test not in BY_NAME:
            raise ValueError(f"no test is called {test!r}; there are: {', '.join(BY_NAME)}")
        chosen = BY_NAME[test]
    together = MultiFeatureDriftDetector(list(first), chosen, correction, dataset_share).fit(first)
    results = together.detect(second)
    share = float(np.mean([result.is_drift for result in results.values()]))
    return Comparison(results, missing, left_out, share, share >= dataset_share)


def _unfit(baseline: Baseline, current: Baseline, name: str) -> str:
    """Why a feature cannot be compared; empty if it can."""
    if name not in current.features:
        return "not in the current data"
    kinds = baseline.kinds[name], current.kinds[name]
    if kinds[0] not in _COMPARABLE:
        return f"{kinds[0]}: use observability.drift.EmbeddingDriftDetector"
    if (kinds[0] == "numeric") != (kinds[1] == "numeric"):
        return f"{kinds[0]} in the baseline, {kinds[1]} now"
    for column in (baseline.features[name], current.features[name]):
        if column.null_count == len(column) or _only_nan(column):
            return "all values are missing"
    return ""


def _only_nan(column: pa.ChunkedArray) -> bool:
    return pa.types.is_floating(column.type) and bool(np.isnan(column.to_numpy()).all())
