"""Patients without end, and two versions of a classifier that were trained on others like them.

Patients are drawn from scikit-learn's breast cancer data (569 real ones): one of them at a time, with a little noise.
Training data, baseline and traffic are drawn in the same way and never share a draw, so that before the drift nothing
tells traffic from the baseline.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from demo.serving.disturbance import Defect
from demo.serving.model import Case
from demo.serving.tables import as_parquet

FEATURES: Final = (
    "mean radius",
    "mean texture",
    "mean smoothness",
    "mean compactness",
    "mean symmetry",
    "texture error",
)
#: What the drift moves, and by how many standard deviations: a scanner that was calibrated anew.
DRIFTING: Final = {"mean texture": 1.5, "mean smoothness": 1.0}
CLINICS, SHARES = ("north", "south", "harbour"), (0.5, 0.3, 0.2)
CLASSES: Final = ("benign", "malignant")
TRAINING, BASELINE = 3000, 2000
#: Noise of a drawn patient, in standard deviations of each feature.
_NOISE: Final = 0.3


class Diagnosis:
    """Is it malignant? Segments are clinics. A :class:`~demo.serving.model.Model`; ``seed`` decides which patients."""

    name = "diagnosis"
    label_seconds = 3.0
    defects: Final[dict[Defect, str]] = {
        Defect.MISSING: "mean radius",
        Defect.INFINITE: "mean compactness",
        Defect.OUT_OF_RANGE: "mean symmetry",
        Defect.NEW_CATEGORY: "clinic",
        Defect.TYPE_MISMATCH: "texture error",
    }

    def __init__(self, seed: int) -> None:
        data = load_breast_cancer()
        names = list(data.feature_names)
        self._rows = data.data[:, [names.index(name) for name in FEATURES]]
        self._truth = 1 - data.target  # the data set says 1 for benign
        self._deviation = self._rows.std(axis=0)
        self._random = np.random.default_rng(seed)
        self._models: dict[str, Any] = {}

    def draw(self, count: int, *, drift: bool = False) -> list[Case]:
        """``count`` patients; with ``drift`` measured by the scanner that is off."""
        chosen = self._random.integers(0, len(self._rows), count)
        measured = self._rows[chosen] + self._random.normal(0, _NOISE, (count, len(FEATURES))) * self._deviation
        if drift:
            measured += np.array([DRIFTING.get(name, 0.0) for name in FEATURES]) * self._deviation
        clinics = self._random.choice(CLINICS, count, p=SHARES).tolist()
        return [
            Case({**dict(zip(FEATURES, row, strict=True)), "clinic": clinic}, {"clinic": clinic}, CLASSES[truth])
            for row, clinic, truth in zip(measured.tolist(), clinics, self._truth[chosen].tolist(), strict=True)
        ]

    def train(self) -> tuple[str, ...]:
        patients = self.draw(TRAINING)
        self._models = {
            "1": make_pipeline(StandardScaler(), LogisticRegression()),
            "2": GradientBoostingClassifier(n_estimators=60, max_depth=2, random_state=1),
        }
        for model in self._models.values():
            model.fit(_measured(patients), [case.truth for case in patients])
        return tuple(self._models)

    def baseline(self, version: str) -> bytes:
        patients = self.draw(BASELINE)
        chances = self._models[version].predict_proba(_measured(patients))[:, 1].tolist()
        return as_parquet(patients, [_answer(chance) for chance in chances])

    def predict(self, version: str, case: Case) -> dict[str, Any]:
        return _answer(float(self._models[version].predict_proba(_measured([case]))[0, 1]))

    def turned(self, truth: str | float) -> str:
        return CLASSES[1 - CLASSES.index(str(truth))]


def _measured(patients: list[Case]) -> Any:
    """(n, features)."""
    return np.array([[case.features[name] for name in FEATURES] for case in patients])


def _answer(chance: float) -> dict[str, Any]:
    """``chance``: of being malignant."""
    return {
        "prediction": CLASSES[int(chance > 0.5)],
        "probabilities": {"malignant": chance, "benign": 1 - chance},
    }
