"""How good one version of a model is: from its labels, and estimated where there are none yet."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from observability.columns import ABSENT, Bools, Floats
from observability.drift.binning import category
from observability.performance.calibration import CalibrationCurve, calibration_curve
from observability.performance.classification import evaluate_classification
from observability.performance.direct import EstimatedRegression
from observability.performance.error_rate import ErrorRateEDetector
from observability.performance.estimated import EstimatedClassification
from observability.performance.regression import evaluate_regression
from observability.performance.result import Performance
from observability.performance.segments import Segment, by_segment
from observability.settings import Model
from observability.settings import Performance as PerformanceSettings

Task = Literal["classification", "regression"]

#: Labelled predictions that errors are compared with where the baseline has no labels.
_FIRST = 500
#: Newest predictions of a regression whose features are kept to estimate its errors from.
_ROWS_OF_FEATURES = 500
#: Quantile of the absolute error of the baseline that counts as a whole error.
_WHOLE_ERROR = 0.99
_CALIBRATION_BINS = 10


class Outcome(NamedTuple):
    """One labelled prediction; texts of a classification, numbers of a regression."""

    label: Any
    prediction: Any
    positive: float  # probability of the positive class, NaN where unknown
    segment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known at one moment; ``None`` or empty where nothing is."""

    labelled: Performance | None = None
    estimated: Performance | None = None
    baseline: Performance | None = None
    calibration: CalibrationCurve | None = None
    segments: dict[str, list[Segment]] = field(default_factory=dict)


@dataclass
class Reference:
    """The labelled part of a baseline: labels, predictions, probabilities (n, k) of ``classes`` or ``None``."""

    labels: list[Any]
    predictions: list[Any]
    probabilities: Floats | None
    classes: tuple[str, ...]
    features: Floats | None = None


class Outcomes:
    """Windows of constant size; for one thread, but for :attr:`judgement`."""

    def __init__(self, model: Model, settings: PerformanceSettings, run_length: float) -> None:
        self._model = model
        self._settings = settings
        self._run_length = run_length
        self.task: Task | None = model.task
        self.errors: ErrorRateEDetector | None = None
        self.judgement = Judgement()
        self._labelled: deque[Outcome] = deque(maxlen=settings.window)
        self._newest: deque[tuple[Any, float]] = deque(maxlen=settings.window)
        self._features: deque[Floats] = deque(maxlen=_ROWS_OF_FEATURES)
        self._positive: str | None = model.positive
        self._classes: tuple[str, ...] = ()
        self._cbpe: EstimatedClassification | None = None
        self._dle: EstimatedRegression | None = None
        self._whole = math.nan
        self._first: list[float] = []
        self._dirty = False
        self._baseline: Performance | None = None

    @property
    def samples(self) -> int:
        """Labelled predictions in the window."""
        return len(self._labelled)

    @property
    def keeps_features(self) -> bool:
        """Whether :meth:`predicted` wants the features as numbers."""
        return self._dle is not None

    def learn(self, reference: Reference) -> None:
        """Take the labelled part of a baseline: what its performance is, and how to estimate that of others."""
        if not reference.labels:
            return
        self.task = self.task or task_of(reference.predictions, reference.probabilities is not None)
        if self.task == "regression":
            self._learn_regression(reference)
        else:
            self._learn_classification(reference)
        self._dirty = True

    def _learn_classification(self, reference: Reference) -> None:
        true = [category(value) for value in reference.labels]
        predicted = [category(value) for value in reference.predictions]
        classes = self._decide_classes([*true, *predicted])
        self._classes = classes
        table = _ordered(reference.probabilities, reference.classes, classes)
        wrong = [a != b for a, b in zip(true, predicted, strict=True) if a is not None and b is not None]
        if wrong:
            self.errors = ErrorRateEDetector(sum(wrong), len(wrong), self._run_length)
        self._baseline = self._classified(true, predicted, table)
        if table is not None and self._settings.estimate and len(classes) >= 2:
            usable = np.flatnonzero(~np.isnan(table).any(axis=1)).tolist()
            if usable:
                self._cbpe = EstimatedClassification.fit([true[row] for row in usable], table[usable], classes=classes)

    def _learn_regression(self, reference: Reference) -> None:
        true, predicted = _floats(reference.labels), _floats(reference.predictions)
        known = ~(np.isnan(true) | np.isnan(predicted))
        if not known.any():
            return
        absolute = np.abs(true - predicted)[known]
        self._whole = max(float(np.quantile(absolute, _WHOLE_ERROR)), 1e-12)
        scaled = np.minimum(absolute / self._whole, 1.0)
        self.errors = ErrorRateEDetector(float(scaled.sum()), len(scaled), self._run_length)
        self._baseline = evaluate_regression(true, predicted, level=self._settings.confidence_level)
        if reference.features is not None and self._settings.estimate and known.sum() >= 100:
            self._dle = EstimatedRegression.fit(reference.features[known], predicted[known], true[known])

    def predicted(self, predictions: Sequence[Any], probabilities: Sequence[Any], confidence: Floats) -> None:
        """Predictions (n,) as they were made, those that failed left out."""
        if not predictions:
            return
        self.task = self.task or task_of(predictions, any(probabilities))
        if self.task == "regression":
            self._newest.extend((value, math.nan) for value in _floats(predictions).tolist())
        else:
            named = [category(value) for value in predictions]
            if self._positive is None and not self._classes:
                self._decide_classes(named)
            positive = self._positives(named, probabilities, confidence)
            self._newest.extend(zip(named, positive, strict=True))
        self._dirty = True

    def described(self, features: Floats) -> None:
        """Their features as numbers (n, f), where :attr:`keeps_features`."""
        self._features.extend(features)

    def labelled(
        self,
        labels: Sequence[Any],
        predictions: Sequence[Any],
        probabilities: Sequence[Any],
        confidence: Floats,
        segments: Sequence[dict[str, str]],
        previous: Sequence[Any],
    ) -> Floats:
        """Labels (n,) that found their predictions, with these, in the order in which they came; how far each
        prediction was wrong: 0 or 1, in a regression the absolute error, NaN where nobody can say.

        A label that corrects a ``previous`` one takes its place in the window, if that is still there. The test of
        errors takes each prediction once, by its first label.
        """
        if not labels:
            return np.zeros(0)
        first = np.array([each is None for each in previous])
        self.task = self.task or task_of(predictions, any(probabilities))
        if self.task == "regression":
            true, predicted = _floats(labels), _floats(predictions)
            found = zip(true.tolist(), predicted.tolist(), [math.nan] * len(labels), segments, strict=True)
            self._place([Outcome(*each) for each in found], first, _floats(previous).tolist())
            errors = np.abs(true - predicted)
            if not math.isnan(self._whole):
                self._err(np.minimum(errors / self._whole, 1.0)[first])
        else:
            named, said = [category(value) for value in labels], [category(value) for value in predictions]
            if not self._classes:
                self._decide_classes([*named, *said])
            positive = self._positives(said, probabilities, confidence)
            outcomes = [Outcome(*each) for each in zip(named, said, positive, segments, strict=True)]
            self._place(outcomes, first, [category(value) for value in previous])
            errors = np.array([a != b for a, b in zip(named, said, strict=True)], np.float64)
            self._err(errors[first])
        self._dirty = True
        return errors

    def _place(self, outcomes: Sequence[Outcome], first: Bools, previous: Sequence[Any]) -> None:
        """Take ``outcomes`` (n,) into the window; of those that are not the ``first`` of their prediction (n,), one
        that is alike but for its ``previous`` label (n,) goes: which of several does not matter."""
        for outcome, new, old in zip(outcomes, first.tolist(), previous, strict=True):
            if new:
                self._labelled.append(outcome)
                continue
            alike = (old, outcome.prediction, outcome.segment)
            for at, held in enumerate(self._labelled):
                if (held.label, held.prediction, held.segment) == alike:
                    self._labelled[at] = outcome
                    break

    def _err(self, errors: Floats) -> None:
        errors = errors[~np.isnan(errors)]
        if self.errors is None:
            self._first.extend(errors.tolist())
            if len(self._first) >= _FIRST:
                self.errors = ErrorRateEDetector(sum(self._first), len(self._first), self._run_length)
                self._first.clear()
            return
        self.errors.update_many(errors)

    def _decide_classes(self, seen: Sequence[str | None]) -> tuple[str, ...]:
        """Two classes are (other, positive): the positive one as it was declared, else the rarer one."""
        occurring = Counter(value for value in seen if value is not None)
        names = sorted(occurring)
        if len(names) == 2 and self._positive is None:
            self._positive = min(names, key=lambda name: (occurring[name], name != "true", name))
        if len(names) <= 2 and self._positive is not None:
            other = [name for name in names if name != self._positive]
            return (*other, self._positive)
        return tuple(names)

    def _positives(self, named: Sequence[str | None], probabilities: Sequence[Any], confidence: Floats) -> list[float]:
        """Probability of the positive class; without one, of the class that was predicted."""
        found: list[float] = []
        for name, each, sure in zip(named, probabilities, confidence.tolist(), strict=True):
            if self._positive is None or len(self._classes) > 2:
                found.append(sure)
            elif each and self._positive in each:
                found.append(float(each[self._positive]))
            else:
                found.append(sure if name == self._positive else 1 - sure)
        return found

    def refresh(self) -> Judgement:
        """Judge anew if anything came since."""
        if not self._dirty:
            return self.judgement
        self._dirty = False
        rows = list(self._labelled)
        enough = len(rows) >= self._settings.min_labels
        labelled = calibration = None
        segments: dict[str, list[Segment]] = {}
        if enough and self.task == "regression":
            true, said = _floats([row.label for row in rows]), _floats([row.prediction for row in rows])
            labelled = evaluate_regression(true, said, level=self._settings.confidence_level)
            segments = self._by_segment(rows, np.abs(true - said), higher_is_better=False)
        elif enough:
            if not self._classes:
                self._classes = self._decide_classes([value for row in rows for value in (row.label, row.prediction)])
            labelled = self._judged(rows)
            right = np.array([row.label == row.prediction for row in rows], np.float64)
            segments = self._by_segment(rows, right, higher_is_better=True)
            calibration = self._calibration(rows, right)
        self.judgement = Judgement(labelled, self._estimate(), self._baseline, calibration, segments)
        return self.judgement

    def _judged(self, rows: list[Outcome]) -> Performance:
        positive = np.array([row.positive for row in rows])
        two = len(self._classes) == 2 and self._positive is not None
        table = np.column_stack((1 - positive, positive)) if two and not np.isnan(positive).all() else None
        return self._classified([row.label for row in rows], [row.prediction for row in rows], table)

    def _classified(self, true: list[Any], said: list[Any], table: Floats | None) -> Performance:
        level = self._settings.confidence_level
        if len(self._classes) == 2:
            return evaluate_classification(true, said, table, classes=self._classes, level=level)
        if table is not None and table.shape[1] == len(self._classes):
            return evaluate_classification(true, said, table, classes=self._classes, level=level)
        return evaluate_classification(true, said, level=level)

    def _calibration(self, rows: list[Outcome], right: Floats) -> CalibrationCurve | None:
        """Of the confidence in what was predicted."""
        positive = np.array([row.positive for row in rows])
        if np.isnan(positive).all():
            return None
        two = len(self._classes) == 2
        sure = np.array([row.prediction == self._positive for row in rows])
        confidence = np.where(sure, positive, 1 - positive) if two else positive
        return calibration_curve(right, confidence, _CALIBRATION_BINS)

    def _by_segment(self, rows: list[Outcome], values: Floats, *, higher_is_better: bool) -> dict[str, list[Segment]]:
        wanted = self._model.segments or sorted({key for row in rows for key in row.segment})
        found = {}
        for key in wanted:
            occurring = Counter(row.segment[key] for row in rows if key in row.segment)
            names = [name for name, _ in occurring.most_common(self._settings.segment_values)]
            index = {name: at for at, name in enumerate(names)}
            codes = np.array([index.get(row.segment.get(key, ""), ABSENT) for row in rows], np.int64)
            segments = by_segment(codes, values, names=names, higher_is_better=higher_is_better)
            if segments:
                found[key] = segments
        return found

    def _estimate(self) -> Performance | None:
        if len(self._newest) < self._settings.min_labels:
            return None
        level = self._settings.confidence_level
        if self._cbpe is not None and len(self._classes) == 2:
            named, positive = zip(*self._newest, strict=True)
            chance = np.array(positive)
            usable = ~np.isnan(chance) & np.array([name in self._classes for name in named])
            if np.count_nonzero(usable) < self._settings.min_labels:
                return None
            kept = [name for name, ok in zip(named, usable, strict=True) if ok]
            return self._cbpe.estimate(kept, chance[usable], level=level)
        if self._dle is not None and len(self._features) >= self._settings.min_labels:
            said = [value for value, _ in list(self._newest)[-len(self._features) :]]
            return self._dle.estimate(np.array(self._features)[-len(said) :], np.array(said), level=level)
        return None

    def to_state(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "positive": self._positive,
            "classes": list(self._classes),
            "labelled": [[row.label, row.prediction, _plain(row.positive), row.segment] for row in self._labelled],
            "newest": [[value, _plain(sure)] for value, sure in self._newest],
            "first": list(self._first),
            "errors": None if self.errors is None else self.errors.to_state(),
            "baseline": None if self.errors is None else [self.errors.baseline_errors, self.errors.baseline_n],
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called."""
        self.task = state["task"]
        self._positive = state["positive"]
        self._classes = self._classes or tuple(state["classes"])
        self._labelled.extend(Outcome(a, b, _nan(c), d) for a, b, c, d in state["labelled"])
        self._newest.extend((value, _nan(sure)) for value, sure in state["newest"])
        self._first = list(state["first"])
        if state["errors"] is not None:
            errors, labels = state["baseline"]
            self.errors = ErrorRateEDetector(float(errors), int(labels), self._run_length)
            self.errors.from_state(state["errors"])
        self._dirty = True


def task_of(predictions: Sequence[Any], probabilities: bool) -> Task:
    """Texts, truth values and whatever has probabilities are classes; numbers are, if they are few whole ones."""
    if probabilities or any(isinstance(value, str | bool) for value in predictions):
        return "classification"
    numbers = [value for value in predictions if value is not None]
    few = len(numbers) >= 20 and len(set(numbers)) <= min(20, len(numbers) // 10)
    return "classification" if few and all(float(value).is_integer() for value in numbers) else "regression"


def _ordered(table: Floats | None, names: tuple[str, ...], classes: tuple[str, ...]) -> Floats | None:
    """Columns of ``table`` in the order of ``classes``; ``None`` if one of them has none."""
    if table is None:
        return None
    if len(classes) == 2 and len(names) == 1 and names[0] in classes:
        known = table[:, 0]
        return np.column_stack((1 - known, known) if names[0] == classes[1] else (known, 1 - known))
    if not set(classes) <= set(names):
        return None
    return table[:, [names.index(name) for name in classes]]


def _floats(values: Sequence[Any]) -> Floats:
    return np.array([float(value) if _is_number(value) else math.nan for value in values], np.float64)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
