"""Performance of a classifier before labels come, from its own probabilities.

Confidence-based performance estimation (CBPE, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html):
where a calibrated model says 0.8, one row in five is another class, so that the confusion matrix is known on average.
What it takes for granted: that the calibration of the reference still holds. Under a drift of the inputs alone it
often does; under concept drift it does not, and the estimate sees nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from observability.columns import Floats, Ints
from observability.performance.calibration import Isotonic, needs_calibration
from observability.performance.intervals import LEVEL, Estimate, quantile_of
from observability.performance.labels import MISSING, Labels
from observability.performance.ranking import tied
from observability.performance.result import Performance


@dataclass(frozen=True)
class EstimatedClassification:
    """Estimates metrics of a classifier from its probabilities; fitted to a labelled reference.

    ``classes`` are the columns of the probabilities. ``curves`` make calibrated ones of them, one each, ``None`` for a
    class whose probabilities are as good as they are. With two classes the second is the positive one, and only its
    column and curve count.
    """

    classes: tuple[Any, ...]
    curves: tuple[Isotonic | None, ...]

    @classmethod
    def fit(
        cls,
        y_true: Any,
        probabilities: Any,
        *,
        classes: Sequence[Any] = (0, 1),
        calibrate: bool | None = None,
    ) -> EstimatedClassification:
        """Learn from labels ``y_true`` (n,) and ``probabilities``, (n,) of the second of two classes or (n, k).

        ``calibrate`` by isotonic regression: always, never, or where it helps
        (:func:`~observability.performance.calibration.needs_calibration`). Rows that miss a value are left out.

        Raises:
            ValueError: shapes that do not fit, fewer than two classes, or no row to learn from.
        """
        labels = Labels.of(y_true, y_true, classes)
        table = _table(probabilities, classes)
        if len(table) != len(labels.true):
            raise ValueError(f"there are {len(labels.true)} labels but {len(table)} rows of probabilities")
        used = (labels.true != MISSING) & ~np.isnan(table).any(axis=1)
        if not used.any():
            raise ValueError("a reference needs rows with a label and probabilities")
        true, table = labels.true[used], table[used]
        curves: list[Isotonic | None] = []
        for code in range(len(classes)):
            outcome, scores = true == code, table[:, code]
            other_decides = len(classes) == 2 and code == 0
            wanted = needs_calibration(outcome, scores) if calibrate is None else calibrate
            curves.append(None if other_decides or not wanted else Isotonic.fit(scores, outcome))
        return cls(tuple(classes), tuple(curves))

    def calibrated(self, probabilities: Any) -> Floats:
        """Probabilities (n, k) that a row is of each class, of the model's own; rows sum to 1."""
        return self._calibrated(_table(probabilities, self.classes))

    def estimate(self, y_pred: Any, probabilities: Any, *, level: float = LEVEL) -> Performance:
        """Estimated metrics of predictions ``y_pred`` (n,) with ``probabilities`` (n,) or (n, k), without labels.

        ``accuracy``, ``precision``, ``recall``, ``f1``, ``auc``, ``log_loss`` and ``brier`` as in
        :func:`~observability.performance.classification.evaluate_classification`, of the positive class of two, or
        plain means over many. The interval is where the metric of these very rows comes out once they have labels,
        in ``level`` of all cases: labels are drawn independently with the calibrated probabilities (a Poisson binomial
        for accuracy and precision; the delta method for others). It says nothing of an error of the calibration.
        Undefined metrics are absent; rows that miss a value, or predict none of the classes, are counted as missing.

        Raises:
            ValueError: shapes that do not fit, or probabilities outside [0, 1].
        """
        labels = Labels.of(y_pred, y_pred, self.classes)
        table = _table(probabilities, self.classes)
        if len(table) != len(labels.true):
            raise ValueError(f"there are {len(labels.true)} predictions but {len(table)} rows of probabilities")
        used = (labels.true != MISSING) & (labels.true < len(self.classes)) & ~np.isnan(table).any(axis=1)
        predicted, table = labels.true[used], table[used]
        chances = self._calibrated(table)
        metrics = _Expected(predicted, table, chances, level).metrics()
        missing = len(used) - len(predicted)
        return Performance.of(
            metrics, n=len(predicted), missing=missing, averaging="binary" if len(self.classes) == 2 else "macro"
        )

    def _calibrated(self, table: Floats) -> Floats:
        columns = [table[:, code] if curve is None else curve(table[:, code]) for code, curve in enumerate(self.curves)]
        if len(columns) == 2:
            return np.column_stack([1 - columns[1], columns[1]])
        chances = np.column_stack(columns)
        total = chances.sum(axis=1, keepdims=True)
        return np.asarray(np.where(total > 0, chances / np.where(total > 0, total, 1), 1 / len(columns)))


@dataclass(frozen=True)
class _Expected:
    """Metrics where labels are known by their ``chances`` (n, k) alone.

    A metric's variance over the labels comes from its derivative by each of them, shape (n, k): labels of different
    rows are independent, those of one row exclude each other.
    """

    predicted: Ints
    scores: Floats
    chances: Floats
    level: float

    def metrics(self) -> dict[str, Estimate | None]:
        n, k = self.chances.shape
        if n == 0:
            return {}
        chosen = np.eye(k)[self.predicted]
        actual, named = self.chances.sum(axis=0), chosen.sum(axis=0)
        hits = (chosen * self.chances).sum(axis=0)
        counted = np.arange(k) > 0 if k == 2 else np.ones(k, bool)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision, recall, f1 = hits / named, hits / actual, 2 * hits / (named + actual)
            by_label = {
                "precision": chosen / named,
                "recall": (chosen - recall) / actual,
                "f1": (2 * chosen - f1) / (named + actual),
            }
        values = {"precision": precision, "recall": recall, "f1": f1}
        areas = [self._auc(code) if counted[code] else (math.nan, np.zeros(n)) for code in range(k)]
        values["auc"] = np.array([area for area, _ in areas])
        by_label["auc"] = np.column_stack([derivative for _, derivative in areas])
        metrics: dict[str, Estimate | None] = {
            "accuracy": self._bounded(float(hits.sum() / n), chosen / n),
            **{name: self._mean(values[name], by_label[name], counted) for name in values},
        }
        least = math.ulp(1.0)
        table = self.scores if k > 2 else np.column_stack([1 - self.scores[:, 1], self.scores[:, 1]])
        surprise = -np.log(np.clip(table, least, 1 - least))
        distance = (table**2).sum(axis=1)[:, None] - 2 * table + 1 if k > 2 else (1 - table) ** 2
        metrics["log_loss"] = self._estimate(float((self.chances * surprise).sum() / n), surprise / n, 0.0, math.inf)
        metrics["brier"] = self._estimate(float((self.chances * distance).sum() / n), distance / n, 0.0, math.inf)
        return metrics

    def _mean(self, values: Floats, by_label: Floats, counted: Any) -> Estimate | None:
        defined = counted & np.isfinite(values)
        if not defined.any():
            return None
        derivative = np.where(defined, by_label, 0.0) / defined.sum()
        return self._bounded(float(values[defined].mean()), derivative)

    def _bounded(self, value: float, by_label: Floats) -> Estimate:
        return self._estimate(value, by_label, 0.0, 1.0)

    def _estimate(self, value: float, by_label: Floats, least: float, most: float) -> Estimate:
        first = (self.chances * by_label).sum(axis=1)
        variance = float((self.chances * by_label**2).sum() - (first**2).sum())
        half = quantile_of(self.level) * math.sqrt(max(variance, 0.0))
        return Estimate(value, max(least, value - half), min(most, value + half), len(self.predicted))

    def _auc(self, code: int) -> tuple[float, Floats]:
        """Expected area under the ROC curve of one class, and its derivative by each row's label: ranked by the
        model's scores, equal ones as one step of the curve."""
        chance, scores = self.chances[:, code], self.scores[:, code]
        order, group, starts = tied(scores)
        ups = np.add.reduceat(chance[order], starts)
        downs = np.diff(starts, append=len(scores)) - ups
        positives, negatives = float(ups.sum()), float(downs.sum())
        if positives <= 0 or negatives <= 0:
            return math.nan, np.zeros(len(scores))
        below, above = np.empty(len(scores)), np.empty(len(scores))
        below[order] = (np.cumsum(downs) - downs / 2)[group]
        above[order] = (positives - np.cumsum(ups) + ups / 2)[group]
        area = float(chance @ below) / (positives * negatives)
        derivative = (below - above) / (positives * negatives) - area * (1 / positives - 1 / negatives)
        return area, np.asarray(derivative)


def _table(given: Any, classes: Sequence[Any]) -> Floats:
    """Shape (n, k)."""
    table = np.asarray(given, np.float64)
    if len(classes) < 2:
        raise ValueError("a classifier has at least two classes")
    if table.ndim == 1 and len(classes) == 2:
        table = np.column_stack([1 - table, table])
    if table.ndim != 2 or table.shape[1] != len(classes):
        raise ValueError(f"probabilities are (n,) of the second of two classes or (n, {len(classes)})")
    if ((table < 0) | (table > 1)).any():
        raise ValueError("probabilities lie between 0 and 1")
    return table
