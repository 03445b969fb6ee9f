"""Patients without end, and two models that were trained on others like them.

Patients are drawn from scikit-learn's breast cancer data (569 real ones): one of them at a time, with a little noise.
Training data, baseline and traffic are drawn in the same way and never share a draw, so that before the drift nothing
tells traffic from the baseline.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = ("mean radius", "mean texture", "mean smoothness", "mean compactness", "mean symmetry", "texture error")
#: What the drift moves, and by how many standard deviations: a scanner that was calibrated anew.
DRIFTING = {"mean texture": 1.5, "mean smoothness": 1.0}
CLINICS, SHARES = ("north", "south", "harbour"), (0.5, 0.3, 0.2)
CLASSES = ("benign", "malignant")
TRAINING, BASELINE = 3000, 2000
#: Noise of a drawn patient, in standard deviations of each feature.
_NOISE = 0.3


@dataclass(frozen=True)
class Patients:
    """``measured`` (n, features), where they were measured, and what they have (1: malignant)."""

    measured: Any
    clinic: Any
    truth: Any


class Ward:
    """Draws patients; ``seed`` decides which."""

    def __init__(self, seed: int) -> None:
        data = load_breast_cancer()
        names = list(data.feature_names)
        self._rows = data.data[:, [names.index(name) for name in FEATURES]]
        self._truth = 1 - data.target  # the data set says 1 for benign
        self._deviation = self._rows.std(axis=0)
        self._random = np.random.default_rng(seed)

    def draw(self, count: int, *, drift: bool = False) -> Patients:
        """``count`` patients; with ``drift`` measured by the scanner that is off."""
        chosen = self._random.integers(0, len(self._rows), count)
        noise = self._random.normal(0, _NOISE, (count, len(FEATURES)))
        measured = self._rows[chosen] + noise * self._deviation
        if drift:
            shift = np.array([DRIFTING.get(name, 0.0) for name in FEATURES])
            measured = measured + shift * self._deviation
        return Patients(measured, self._random.choice(CLINICS, count, p=SHARES), self._truth[chosen])


def train(ward: Ward) -> dict[str, Any]:
    """Version → model."""
    patients = ward.draw(TRAINING)
    models = {
        "1": make_pipeline(StandardScaler(), LogisticRegression()),
        "2": RandomForestClassifier(40, min_samples_leaf=20, random_state=1),
    }
    return {version: model.fit(patients.measured, patients.truth) for version, model in models.items()}


def baseline(ward: Ward, model: Any) -> bytes:
    """What ``model`` was accepted on, as Parquet: features, predictions and labels."""
    patients = ward.draw(BASELINE)
    chance = model.predict_proba(patients.measured)[:, 1]
    columns: dict[str, Any] = {name: patients.measured[:, at] for at, name in enumerate(FEATURES)}
    columns["clinic"] = patients.clinic
    columns["prediction"] = np.array(CLASSES)[(chance > 0.5).astype(int)]
    columns["label"] = np.array(CLASSES)[patients.truth]
    columns["probabilities.malignant"], columns["probabilities.benign"] = chance, 1 - chance
    output = io.BytesIO()
    pq.write_table(pa.table(columns), output)
    return output.getvalue()
