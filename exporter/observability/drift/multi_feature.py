"""Drift of many features together: a detector for each, and a correction for having asked so often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from observability.drift import corrections
from observability.drift.choice import Kind, choose
from observability.drift.corrections import Correction
from observability.drift.detector import DriftDetector, DriftResult
from observability.drift.detectors import BY_NAME, BinnedDetector
from observability.drift.features import as_array, columns, is_numeric
from observability.drift.two_sample import as_numbers


class MultiFeatureDriftDetector:
    """A detector for each of ``feature_names``, of ``detector_class`` with the settings ``kw``.

    Without a class, the type of the feature, its distinct values and the smaller of reference and window choose
    (:func:`observability.drift.choice.choose`); ``window_size`` is how many values a window will have, as many as the
    reference if it is left out. The p-values of all features are corrected together: ``correction`` is "holm",
    "bonferroni", "benjamini_hochberg" or "none". The data set as a whole drifts where ``dataset_share`` of the features
    that were compared or more do.
    """

    def __init__(
        self,
        feature_names: Sequence[str],
        detector_class: type[DriftDetector] | None = None,
        correction: Correction = "holm",
        dataset_share: float = 0.5,
        *,
        window_size: int | None = None,
        **kw: Any,
    ) -> None:
        """Raises ValueError for no names, one name twice, an unknown correction, or a share outside (0, 1]."""
        if not feature_names or len(set(feature_names)) != len(feature_names):
            raise ValueError("feature names are one or more, each once")
        if correction not in corrections.BY_NAME:
            raise ValueError(f"no correction is called {correction!r}; there are: {', '.join(corrections.BY_NAME)}")
        if not 0 < dataset_share <= 1:
            raise ValueError(f"dataset_share lies in (0, 1], not {dataset_share}")
        self.feature_names = tuple(feature_names)
        self.correction: Correction = correction
        self.dataset_share = dataset_share
        self.window_size = window_size
        self._class = detector_class
        self._settings = kw
        self._detectors: dict[str, DriftDetector] = {}
        self._results: dict[str, DriftResult] | None = None

    def fit(self, reference: Any) -> MultiFeatureDriftDetector:
        """Fit each detector on its column of ``reference``: a 2-D array with columns in the order of the names, a
        mapping of names to arrays, an Arrow table, or a data frame. Returns the detector itself.

        Raises KeyError or ValueError where columns are missing, and what the detectors raise, with the feature's name
        added as a note.
        """
        detectors = {}
        for name, values in columns(reference, self.feature_names).items():
            try:
                detectors[name] = self._detector(values).fit(values)
            except (TypeError, ValueError) as error:
                error.add_note(f"feature: {name}")
                raise
            detectors[name].feature = name
        self._detectors, self._results = detectors, None
        return self

    def detect(self, current: Any) -> dict[str, DriftResult]:
        """Results by name of feature, of a window in any form that :meth:`fit` takes.

        A feature of which the window has no value is not among them: no data is neither drift nor its absence. Raises
        RuntimeError before :meth:`fit`, else as that.
        """
        if not self._detectors:
            raise RuntimeError("MultiFeatureDriftDetector has no reference: call fit(reference) before detect(current)")
        results = {}
        for name, values in columns(current, self.feature_names).items():
            if not _any_present(values):
                continue
            try:
                found = self._detectors[name].detect(values)
            except (TypeError, ValueError) as error:
                error.add_note(f"feature: {name}")
                raise
            results[name] = replace(found, feature=name)
        self._results = self._corrected(results)
        return dict(self._results)

    def get_drifted_features(self) -> list[str]:
        """Names of the features that drifted in the last window, in the order of the names."""
        return [name for name, result in self._last().items() if result.is_drift]

    @property
    def drift_share(self) -> float:
        """Drifted features of the last window over those compared, from 0 to 1; NaN where none was."""
        results = self._last()
        return len(self.get_drifted_features()) / len(results) if results else float("nan")

    @property
    def dataset_drift(self) -> bool:
        """Whether so many features drifted in the last window that the data set did."""
        return self.drift_share >= self.dataset_share

    def _last(self) -> dict[str, DriftResult]:
        if self._results is None:
            raise RuntimeError("nothing was compared yet: call detect(current) first")
        return self._results

    def _detector(self, values: Any) -> DriftDetector:
        if self._class is not None:
            return self._class(**self._settings)
        array = as_array(values)
        if is_numeric(array):
            numbers = as_numbers(array)
            numbers = numbers[~np.isnan(numbers)]
            size, distinct = len(numbers), len(np.unique(numbers))
            kind: Kind = "numeric"
        else:
            present = [each for each in array.tolist() if each is not None and each == each]  # noqa: PLR0124
            size, distinct = len(present), len(set(present))
            kind = "boolean" if all(isinstance(each, bool) for each in present) else "categorical"
        if not size:
            raise ValueError("no values to compare: all of them are missing")
        detector = BY_NAME[choose(kind, size, self.window_size or size, distinct)](**self._settings)
        if isinstance(detector, BinnedDetector):
            detector.categorical = True  # few numbers are compared value by value
        return detector

    def _corrected(self, results: dict[str, DriftResult]) -> dict[str, DriftResult]:
        """With p-values adjusted, and drift only where it stands after that."""
        tested = {
            name: level
            for name, result in results.items()
            if (level := self._detectors[name].level) is not None and result.p_value is not None
        }
        if self.correction == "none" or not tested:
            return results
        p_values = [results[name].p_value for name in tested]
        adjusted = corrections.BY_NAME[self.correction](np.array(p_values, np.float64), 0.05).adjusted.tolist()
        return results | {
            name: replace(results[name], adjusted_p_value=p, is_drift=results[name].is_drift and p <= level)
            for (name, level), p in zip(tested.items(), adjusted, strict=True)
        }


def _any_present(values: Any) -> bool:
    array = as_array(values)
    if array.dtype.kind == "O":
        return any(each is not None and each == each for each in array)  # noqa: PLR0124
    return bool(len(array)) and not (array.dtype.kind == "f" and bool(np.isnan(array).all()))
