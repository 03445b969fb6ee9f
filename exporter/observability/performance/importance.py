"""Which features a model's predictions hang on, and whether that changes.

Attributions need the model; counts of (feature, prediction) do not: the importance of a feature is how much it tells
of the prediction, as mutual information of the two once binned. It sees each feature for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Floats

#: Below this a ranking has changed, as in SageMaker Clarify's feature attribution drift.
NDCG_THRESHOLD = 0.9


@dataclass(frozen=True)
class ImportanceDrift:
    """Importances of F features, all arrays (F,), before and after.

    ``change`` is the share of all importance that a feature gained (positive) or lost. ``ndcg`` compares the rankings:
    1 where they are equal; NaN where no feature matters in the baseline. ``is_drift`` where it is below the threshold.
    """

    names: tuple[str, ...]
    baseline: Floats
    current: Floats
    change: Floats
    ndcg: float
    threshold: float

    @property
    def is_drift(self) -> bool:
        """Whether the ranking is another one."""
        return self.ndcg < self.threshold

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        features = {
            name: {"baseline": before, "current": after, "change": change}
            for name, before, after, change in zip(
                self.names, self.baseline.tolist(), self.current.tolist(), self.change.tolist(), strict=True
            )
        }
        ndcg = None if np.isnan(self.ndcg) else self.ndcg
        return {"features": features, "ndcg": ndcg, "threshold": self.threshold, "is_drift": self.is_drift}


def importances(counts: Any) -> Floats:
    """Share of the prediction's entropy that each feature tells, in [0, 1]: I(feature; prediction) / H(prediction).

    ``counts`` (..., B, C) are rows by bin of the feature and bin of the prediction; the result has shape (...). Both
    entropies are corrected for their bias (Miller 1955, Madow: + (occupied bins - 1) / 2n), without which features
    with many bins would seem to matter; what falls below 0 is 0. NaN where there are no rows, or one prediction only.
    """
    table = np.asarray(counts, np.float64)
    n = table.sum(axis=(-2, -1))
    prediction = _entropy(table.sum(axis=-2))
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = _entropy(table.sum(axis=-1)) + prediction - _entropy(table.reshape(*table.shape[:-2], -1))
        share = np.clip(shared / prediction, 0.0, 1.0)
    return np.asarray(np.where((n > 0) & (prediction > 0), share, np.nan))


def _entropy(counts: Floats) -> Floats:
    """In nats, over the last axis, corrected."""
    n = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = counts / n[..., None]
        plain = -np.sum(np.where(counts > 0, share * np.log(np.where(counts > 0, share, 1.0)), 0.0), axis=-1)
        return np.asarray(plain + (np.count_nonzero(counts, axis=-1) - 1) / (2 * n))


def importance_drift(
    baseline: Any, current: Any, names: Sequence[str], *, threshold: float = NDCG_THRESHOLD
) -> ImportanceDrift:
    """Compare the importances of F features from their counts (F, B, C), before and now.

    The ranking is compared as SageMaker Clarify and Vertex AI do: the discounted cumulative gain of the baseline's
    importances in the current order, Σ importance / log2(rank + 1), over that in their own order. A feature of which
    nothing is known (NaN) counts as one without importance.

    Raises:
        ValueError: names, baseline and current are not of the same features.
    """
    before, after = importances(baseline), importances(current)
    if before.shape != (len(names),) or after.shape != before.shape:
        raise ValueError(f"there are {len(names)} names, but importances of {before.shape} and {after.shape}")
    gain, order = np.nan_to_num(before), np.nan_to_num(after)
    discount = 1 / np.log2(np.arange(2, len(names) + 2))
    ideal = float(np.sort(gain)[::-1] @ discount)
    # Of features that matter as much now, the one that mattered more comes first: equality is no change.
    ranked = gain[np.lexsort((-gain, -order))]
    shares = [values / total if (total := values.sum()) > 0 else values for values in (gain, order)]
    ndcg = float(ranked @ discount) / ideal if ideal > 0 else float("nan")
    return ImportanceDrift(tuple(names), before, after, shares[1] - shares[0], ndcg, threshold)
