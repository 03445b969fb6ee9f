"""Two tables compared feature by feature, with a verdict on all of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.drift.binning import category
from observability.drift.corrections import Correction
from observability.drift.detector import DriftDetector, DriftResult
from observability.drift.detectors import BY_NAME
from observability.drift.distributions import Distribution
from observability.drift.multi_feature import MultiFeatureDriftDetector
from observability.predictions.baselines import Baseline
from observability.predictions.profiles import numbers

#: Kinds that the detectors of one feature read; texts and embeddings have their own.
COMPARABLE = ("numeric", "categorical", "boolean")


@dataclass(frozen=True)
class Comparison:
    """What came of it: ``results`` and ``distributions`` by feature, and features that were ``left_out``, with why.

    ``rows`` are those of the baseline and the current table; ``share`` is that of drifted features among ``results``,
    which is a drift of the data set from ``dataset_share`` on. ``detector`` is the class of all features, if they have
    one in common.
    """

    results: dict[str, DriftResult]
    distributions: dict[str, Distribution]
    left_out: dict[str, str]
    rows: tuple[int, int]
    share: float
    is_drift: bool
    correction: Correction
    dataset_share: float
    detector: type[DriftDetector] | None = None

    def ordered(self) -> list[str]:
        """Names of the features that were compared: drifted ones first, and those before that are further beyond."""
        return sorted(self.results, key=lambda name: (not self.results[name].is_drift, -self.excess(name), name))

    def is_test(self, name: str) -> bool:
        """Whether the threshold of a feature is one of p-values: its detector says so, or gives nothing but those."""
        result = self.results[name]
        known = getattr(BY_NAME.get(result.method, self.detector), "is_test", None)
        return result.p_value is not None if known is None else bool(known)

    def excess(self, name: str) -> float:
        """How far a feature went: 1 is where drift begins. Score over threshold, of a test their logarithms."""
        result = self.results[name]
        if not self.is_test(name):
            return result.score / result.threshold if result.threshold > 0 else float(result.score > 0)
        p_value = chance(result)
        if p_value is None or math.isnan(p_value) or not 0 < result.threshold < 1:
            return 0.0
        return math.log(p_value) / math.log(result.threshold) if p_value > 0 else math.inf

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "is_drift": self.is_drift,
            "drift_share": self.share,
            "dataset_share": self.dataset_share,
            "correction": self.correction,
            "rows_baseline": self.rows[0],
            "rows_current": self.rows[1],
            "features": [
                {
                    **self.results[name].to_dict(),
                    "quality": {
                        issue: {"baseline": before, "current": now}
                        for issue, (before, now) in self.distributions[name].issue_shares.items()
                    },
                    "new_categories": dict(self.distributions[name].new),
                }
                for name in self.ordered()
            ],
            "left_out": self.left_out,
        }


def chance(result: DriftResult) -> float | None:
    """The p-value that counts: the adjusted one where there is one."""
    return result.p_value if result.adjusted_p_value is None else result.adjusted_p_value


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
    either each feature gets the test that suits it (:mod:`observability.drift.choice`). As in the exporter, a
    ``detector`` gets an array of numbers or a list of texts, ``true`` and ``false`` of booleans, without missing ones.
    Raises ``ValueError`` for a feature that the baseline does not have, an unknown test, or where no feature can be
    compared, and what a detector raises.
    """
    unknown = sorted(set(features) - set(baseline.features))
    if unknown:
        raise ValueError(f"the baseline has no feature {', '.join(unknown)}")
    left_out: dict[str, str] = {}
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    distributions: dict[str, Distribution] = {}
    for name in features or baseline.features:
        reason = unfit(baseline, current, name)
        pair = None if reason else _pair(baseline, current, name)
        if pair is None:
            left_out[name] = reason or "all values are missing"
            continue
        first[name], second[name], distributions[name] = pair
        if detector is not None:
            first[name], second[name] = _plain(first[name]), _plain(second[name])
    if not first:
        raise ValueError("there is no feature to compare: " + "; ".join(f"{k}: {v}" for k, v in left_out.items()))
    chosen: Any = detector
    if chosen is None and test is not None:
        if test not in BY_NAME:
            raise ValueError(f"no test is called {test!r}; there are: {', '.join(BY_NAME)}")
        chosen = BY_NAME[test]
    together = MultiFeatureDriftDetector(list(first), chosen, correction, dataset_share, window_size=current.rows)
    results = together.fit(first).detect(second)
    share = float(np.mean([result.is_drift for result in results.values()]))
    return Comparison(
        results=results,
        distributions=distributions,
        left_out=left_out,
        rows=(baseline.rows, current.rows),
        share=share,
        is_drift=share >= dataset_share,
        correction=correction,
        dataset_share=dataset_share,
        detector=chosen,
    )


def unfit(baseline: Baseline, current: Baseline, name: str) -> str:
    """Why the types of a feature cannot be compared; empty if they can."""
    if name not in current.features:
        return "not in the current data"
    kinds = baseline.kinds[name], current.kinds[name]
    if kinds[0] not in COMPARABLE:
        return f"{kinds[0]}: use observability.drift.EmbeddingDriftDetector"
    if kinds[1] not in COMPARABLE or (kinds[0] == "numeric") != (kinds[1] == "numeric"):
        return f"{kinds[0]} in the baseline, {kinds[1]} now"
    return ""


def _pair(baseline: Baseline, current: Baseline, name: str) -> tuple[Any, Any, Distribution] | None:
    """Values of both as detectors take them, and how they are distributed; ``None`` where one has no value."""
    columns = baseline.features[name], current.features[name]
    kinds = baseline.kinds[name], current.kinds[name]
    if kinds[0] == "numeric":
        given = [numbers(column) for column in columns]
        if any(np.isnan(each).all() for each in given):
            return None
        return given[0], given[1], Distribution.of_numbers(given[0], given[1])
    values = [column.to_pylist() for column in columns]
    named = [[category(value) for value in each] for each in values]
    if any(all(value is None for value in each) for each in named):
        return None
    found = Distribution.of_categories(named[0], named[1], "boolean" if kinds[0] == "boolean" else "categorical")
    taken: list[Any] = [*values] if kinds == ("boolean", "boolean") else [*named]
    return taken[0], taken[1], found


def _plain(values: Any) -> Any:
    """Numbers (n,) or a list of categories and booleans, as texts; without missing ones."""
    if isinstance(values, np.ndarray):
        return values[~np.isnan(values)]
    return [name for name in map(category, values) if name is not None]
