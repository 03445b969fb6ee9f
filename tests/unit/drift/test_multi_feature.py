"""Many features together: forms of tables, corrections, and the drift of the data set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from observability.drift.detector import DriftDetector, DriftResult
from observability.drift.detectors import Chi2DriftDetector, KSTestDriftDetector, PSIDriftDetector
from observability.drift.multi_feature import MultiFeatureDriftDetector

NAMES = ["a", "b", "c"]


class Frame:
    """What of a data frame is needed."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self.columns = list(data)

    def __getitem__(self, name: str) -> Any:
        return self._data[name]


def table(rows: int, seed: int, shift: float = 0.0) -> np.ndarray[Any, Any]:
    return np.asarray(np.random.default_rng(seed).normal(size=(rows, 3)) + np.array([0, shift, 0]))


def forms(array: np.ndarray[Any, Any]) -> list[Any]:
    by_name = {name: array[:, number] for number, name in enumerate(NAMES)}
    arrow = pa.table({**by_name, "other": np.zeros(len(array))})
    return [array, array.tolist(), by_name, arrow, arrow.to_batches()[0], Frame(by_name)]


def test_every_form_of_table_gives_the_same_results() -> None:
    found = []
    for reference, current in zip(forms(table(500, 1)), forms(table(200, 2, 1.0)), strict=True):
        detector = MultiFeatureDriftDetector(NAMES, KSTestDriftDetector).fit(reference)
        results = detector.detect(current)
        assert detector.get_drifted_features() == ["b"]
        found.append({name: (each.score, each.p_value, each.feature) for name, each in results.items()})
    assert all(each == found[0] for each in found)
    assert list(found[0]) == NAMES


def test_arrow_columns_of_texts_and_booleans_with_nulls_are_compared() -> None:
    reference = pa.table({"city": ["x", "y", None] * 100, "member": [True, False, None] * 100})
    current = pa.table({"city": ["z", "y"] * 50, "member": [True, False] * 50})
    detector = MultiFeatureDriftDetector(["city", "member"]).fit(reference)
    assert {name: each.method for name, each in detector.detect(current).items()} == {"city": "chi2", "member": "chi2"}
    assert detector.get_drifted_features() == ["city"]
    assert detector.drift_share == 0.5
    assert detector.dataset_drift


class NAType:
    """As the missing value of pandas: of no truth."""

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __eq__(self, other: object) -> NAType:  # type: ignore[override]
        return self

    def __hash__(self) -> int:
        return 0


class Column:
    """What of a column of a data frame is needed."""

    def __init__(self, *values: Any) -> None:
        self._values = values

    def to_numpy(self) -> Any:
        array = np.empty(len(self._values), object)
        array[:] = self._values
        return array


def test_missing_values_of_data_frames_are_missing() -> None:
    missing = NAType()
    frame = Frame({"member": Column(*[True, False, missing] * 20), "age": Column(*[30, missing, 41.5, 52] * 15)})
    results = MultiFeatureDriftDetector(["member", "age"], Chi2DriftDetector).fit(frame).detect(frame)
    assert [each.n_current for each in results.values()] == [40, 45]
    frame = Frame({"member": Column(missing), "age": Column(missing)})
    assert MultiFeatureDriftDetector(["age"], KSTestDriftDetector).fit({"age": [1.0]}).detect(frame) == {}


def test_without_a_class_each_feature_gets_a_test_of_its_type() -> None:
    rng = np.random.default_rng(0)
    reference = {
        "amount": rng.normal(size=5000),
        "stars": rng.integers(1, 6, 5000),
        "city": rng.choice(["x", "y"], 5000),
        "member": rng.random(5000) < 0.5,
        "short": rng.normal(size=50),
    }
    detector = MultiFeatureDriftDetector(list(reference)).fit(reference)
    assert {name: each.method for name, each in detector.detect(reference).items()} == {
        "amount": "wasserstein",
        "stars": "jensen_shannon",
        "city": "jensen_shannon",
        "member": "total_variation",
        "short": "ks",
    }
    assert detector.drift_share == 0.0
    assert not detector.dataset_drift


def test_a_correction_keeps_quiet_what_chance_explains() -> None:
    rng = np.random.default_rng(3)
    names = [str(number) for number in range(40)]
    reference, windows = rng.normal(size=(300, 40)), [rng.normal(size=(100, 40)) for _ in range(60)]
    alarms = {}
    for correction in ("none", "holm", "benjamini_hochberg"):
        detector = MultiFeatureDriftDetector(names, KSTestDriftDetector, correction=correction).fit(reference)
        drifted = [detector.detect(window) and detector.get_drifted_features() for window in windows]
        alarms[correction] = np.mean([bool(each) for each in drifted])
    assert alarms["none"] > 0.7
    assert alarms["holm"] <= alarms["benjamini_hochberg"] <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 60)


def test_the_adjusted_p_value_stands_beside_the_plain_one() -> None:
    detector = MultiFeatureDriftDetector(NAMES, KSTestDriftDetector, correction="bonferroni").fit(table(500, 1))
    for each in detector.detect(table(200, 2)).values():
        assert each.p_value is not None
        assert each.adjusted_p_value == min(1.0, 3 * each.p_value)
    plain = MultiFeatureDriftDetector(NAMES, KSTestDriftDetector, correction="none").fit(table(500, 1))
    assert plain.detect(table(200, 2))["a"].adjusted_p_value is None


def test_a_feature_without_values_is_absent_and_counts_for_nothing() -> None:
    detector = MultiFeatureDriftDetector(NAMES, PSIDriftDetector).fit(table(500, 1))
    current = table(200, 2, 3.0)
    current[:, 0] = np.nan
    assert list(detector.detect(current)) == ["b", "c"]
    assert detector.drift_share == 0.5
    assert detector.detect({"a": [], "b": [None], "c": [math.nan]}) == {}
    assert math.isnan(detector.drift_share)
    assert not detector.dataset_drift


def test_settings_reach_each_detector() -> None:
    detector = MultiFeatureDriftDetector(NAMES, PSIDriftDetector, threshold=9.0, bins=4, significance=None)
    result = detector.fit(table(500, 1)).detect(table(200, 2, 1.0))["b"]
    assert result.threshold == 9.0
    assert not result.is_drift


def test_the_share_that_makes_a_drift_of_the_data_set_can_be_set() -> None:
    current = table(200, 2, 3.0)
    for share, expected in ((0.3, True), (0.5, False)):
        detector = MultiFeatureDriftDetector(NAMES, KSTestDriftDetector, dataset_share=share).fit(table(500, 1))
        detector.detect(current)
        assert detector.drift_share == pytest.approx(1 / 3)
        assert detector.dataset_drift is expected


class Longest(DriftDetector):
    """A detector of somebody else: the length of the window."""

    def fit(self, reference: Any) -> Longest:  # noqa: ARG002
        return self

    def detect(self, current: Any) -> DriftResult:
        found = KSTestDriftDetector().fit([0.0]).detect([0.0])
        return DriftResult(len(current) > 5, len(current), None, 5, "longest", None, 1, len(current), found.timestamp)


def test_a_detector_of_somebody_else_is_taken_at_its_word() -> None:
    detector = MultiFeatureDriftDetector(NAMES, Longest).fit(table(5, 1))
    assert all(each.is_drift for each in detector.detect(table(6, 1)).values())
    assert detector.detect(table(6, 1))["a"].feature == "a"


def test_errors_name_the_feature() -> None:
    with pytest.raises(TypeError) as caught:
        MultiFeatureDriftDetector(["a", "b"], KSTestDriftDetector).fit({"a": [1.0], "b": ["x"]})
    assert "feature: b" in caught.value.__notes__
    with pytest.raises(KeyError, match="no column for the features: b"):
        MultiFeatureDriftDetector(["a", "b"], Chi2DriftDetector).fit({"a": [1.0]})
    with pytest.raises(ValueError, match=r"shape \(rows, 3\)"):
        MultiFeatureDriftDetector(NAMES, KSTestDriftDetector).fit(np.zeros((5, 2)))


def test_nothing_is_said_before_there_is_something_to_say() -> None:
    detector = MultiFeatureDriftDetector(NAMES, KSTestDriftDetector)
    with pytest.raises(RuntimeError, match="call fit"):
        detector.detect(table(5, 1))
    with pytest.raises(RuntimeError, match="call detect"):
        detector.fit(table(5, 1)).get_drifted_features()


def test_settings_that_mean_nothing_are_refused() -> None:
    for wrong, message in (
        ({"feature_names": []}, "feature names"),
        ({"feature_names": ["a", "a"]}, "feature names"),
        ({"feature_names": ["a"], "correction": "sidak"}, "no correction"),
        ({"feature_names": ["a"], "dataset_share": 0.0}, "dataset_share"),
    ):
        with pytest.raises(ValueError, match=message):
            MultiFeatureDriftDetector(**wrong)
