"""Patients with diabetes without end, and two versions of a regression that were trained on others like them.

Patients are drawn from scikit-learn's diabetes data (442 real ones, in their own units): one of them at a time, with a
little noise. Training data, baseline and traffic are drawn in the same way and never share a draw.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from demo.serving.disturbance import Defect
from demo.serving.model import Case
from demo.serving.tables import as_parquet

#: Column of the data set → name of the feature.
COLUMNS: Final = {
    "age": "age",
    "bmi": "body mass index",
    "bp": "blood pressure",
    "s3": "hdl cholesterol",
    "s5": "log triglycerides",
    "s6": "blood sugar",
}
FEATURES: Final = tuple(COLUMNS.values())
#: What the drift moves, and by how many standard deviations: a clinic that sends heavier patients.
DRIFTING: Final = {"body mass index": 1.0, "blood pressure": 0.7}
TRAINING, BASELINE = 3000, 2000
#: Noise of a drawn patient, in standard deviations of each feature.
_NOISE: Final = 0.3


class Progression:
    """How far is the disease a year later (25 to 346)? Segments are ages.

    A :class:`~demo.serving.model.Model`; ``seed`` decides which patients.
    """

    name = "progression"
    label_seconds = 8.0
    defects: Final[dict[Defect, str]] = {
        Defect.MISSING: "log triglycerides",
        Defect.INFINITE: "hdl cholesterol",
        Defect.OUT_OF_RANGE: "blood pressure",
        Defect.NEW_CATEGORY: "sex",
        Defect.TYPE_MISMATCH: "blood sugar",
    }

    def __init__(self, seed: int) -> None:
        data = load_diabetes(scaled=False)
        names = list(data.feature_names)
        self._rows = data.data[:, [names.index(name) for name in COLUMNS]]
        self._sex = [f"sex {number:.0f}" for number in data.data[:, names.index("sex")]]  # the data set has no names
        self._truth = data.target
        self._deviation = self._rows.std(axis=0)
        self._random = np.random.default_rng(seed)
        self._models: dict[str, Any] = {}

    def draw(self, count: int, *, drift: bool = False) -> list[Case]:
        """``count`` patients; with ``drift`` the heavier ones."""
        chosen = self._random.integers(0, len(self._rows), count)
        measured = self._rows[chosen] + self._random.normal(0, _NOISE, (count, len(FEATURES))) * self._deviation
        if drift:
            measured += np.array([DRIFTING.get(name, 0.0) for name in FEATURES]) * self._deviation
        return [
            Case({**dict(zip(FEATURES, row, strict=True)), "sex": self._sex[at]}, {"age": _age(row[0])}, truth)
            for row, at, truth in zip(measured.tolist(), chosen.tolist(), self._truth[chosen].tolist(), strict=True)
        ]

    def train(self) -> tuple[str, ...]:
        patients = self.draw(TRAINING)
        self._models = {
            "1": LinearRegression(),
            "2": GradientBoostingRegressor(n_estimators=60, max_depth=2, random_state=1),
        }
        for model in self._models.values():
            model.fit(_measured(patients), [case.truth for case in patients])
        return tuple(self._models)

    def baseline(self, version: str) -> bytes:
        patients = self.draw(BASELINE)
        said = self._models[version].predict(_measured(patients)).tolist()
        return as_parquet(patients, [{"prediction": each} for each in said])

    def predict(self, version: str, case: Case) -> dict[str, Any]:
        return {"prediction": float(self._models[version].predict(_measured([case]))[0])}

    def turned(self, truth: str | float) -> float:
        """As far above the mean as ``truth`` is below it, and the other way round."""
        return float(2 * self._truth.mean() - float(truth))


def _measured(patients: list[Case]) -> Any:
    """(n, features)."""
    return np.array([[case.features[name] for name in FEATURES] for case in patients])


def _age(years: float) -> str:
    return "under 40" if years < 40 else "40 to 59" if years < 60 else "60 and older"
