"""Detectors: what they find, what they refuse, and how often they alarm without drift."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from observability.drift.choice import choose
from observability.drift.detector import MeasuringDetector
from observability.drift.detectors import (
    BY_NAME,
    AndersonDarlingDriftDetector,
    Chi2DriftDetector,
    CramerVonMisesDriftDetector,
    DriftResult,
    HellingerDriftDetector,
    JensenShannonDriftDetector,
    KSTestDriftDetector,
    PSIDriftDetector,
    TotalVariationDriftDetector,
    WassersteinDriftDetector,
)

NUMERIC = ["ks", "cramer_von_mises", "anderson_darling", "wasserstein"]
BINNED = sorted(set(BY_NAME) - set(NUMERIC))
RNG = np.random.default_rng(11)
NORMAL = RNG.normal(size=5000)


@pytest.mark.parametrize("name", list(BY_NAME))
def test_a_shift_of_one_deviation_is_drift_and_the_same_distribution_is_not(name: str) -> None:
    rng = np.random.default_rng(5)
    detector = BY_NAME[name]().fit(NORMAL)
    quiet, shifted = detector.detect(rng.normal(size=500)), detector.detect(rng.normal(1, 1, 500))
    assert not quiet.is_drift
    assert shifted.is_drift
    assert shifted.score > quiet.score
    assert shifted.method == name
    assert (shifted.n_reference, shifted.n_current) == (5000, 500)


@pytest.mark.parametrize("name", list(BY_NAME))
@pytest.mark.parametrize("size", [30, 300])
def test_quiet_windows_alarm_no_more_often_than_the_level(name: str, size: int) -> None:
    rng = np.random.default_rng(size)
    detector = BY_NAME[name]().fit(NORMAL)
    alarms = [detector.detect(rng.normal(size=size)).is_drift for _ in range(200)]
    assert np.mean(alarms) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_a_fixed_threshold_alone_alarms_on_quiet_windows_that_are_small() -> None:
    rng = np.random.default_rng(1)
    fixed = PSIDriftDetector(0.1, significance=None).fit(NORMAL)
    believable = PSIDriftDetector(0.1).fit(NORMAL)
    windows = [rng.normal(size=50) for _ in range(200)]
    assert np.mean([fixed.detect(window).is_drift for window in windows]) > 0.7
    assert np.mean([believable.detect(window).is_drift for window in windows]) < 0.1
    assert fixed.detect(windows[0]).threshold == 0.1
    assert believable.detect(windows[0]).threshold == pytest.approx((1 / 50 + 1 / 5000) * stats.chi2.isf(0.05, 9))


def test_a_shift_too_small_to_matter_is_no_drift_however_large_the_window() -> None:
    current = np.random.default_rng(2).normal(0.03, 1, 100_000)
    assert KSTestDriftDetector().fit(NORMAL).level == 0.05
    assert KSTestDriftDetector().fit(np.random.default_rng(3).normal(size=100_000)).detect(current).is_drift
    assert not WassersteinDriftDetector().fit(NORMAL).detect(current).is_drift
    assert not PSIDriftDetector().fit(NORMAL).detect(current).is_drift


def test_one_outlier_in_the_window_hides_no_drift() -> None:
    current = np.append(np.random.default_rng(2).normal(2, 1, 500), 1e9)
    for detector in (PSIDriftDetector(), JensenShannonDriftDetector(), HellingerDriftDetector()):
        assert detector.fit(NORMAL).detect(current).is_drift


@pytest.mark.parametrize("name", list(BY_NAME))
def test_a_constant_reference_drifts_only_where_something_else_comes(name: str) -> None:
    detector = BY_NAME[name]().fit(np.full(100, 4.0))
    assert not detector.detect(np.full(60, 4.0)).is_drift
    assert detector.detect(np.full(60, 4.1)).is_drift


@pytest.mark.parametrize("name", sorted(set(BINNED)))
def test_a_constant_feature_has_no_score_however_few_values_come(name: str) -> None:
    assert BY_NAME[name]().fit(np.full(10_000, 4.0)).detect([4.0] * 5).score == 0.0
    assert BY_NAME[name]().fit(["a"] * 10_000).detect(["a"] * 5).score == 0.0


def test_a_constant_reference_has_no_deviation_to_measure_in() -> None:
    found = WassersteinDriftDetector().fit([4.0, 4.0]).detect([4.0, 4.1])
    assert found.score == math.inf
    assert found.to_dict()["score"] is None


@pytest.mark.parametrize("name", BINNED)
@pytest.mark.parametrize("categories", [["a", "b", "c"], [True, False], [1, "one", None], np.array(["x", "y"], object)])
def test_categories_of_any_type_are_compared(name: str, categories: Any) -> None:
    rng = np.random.default_rng(3)
    values = np.empty(len(categories), object)
    values[:] = list(categories)
    shares = np.array([0.8, 0.2, 0.0][: len(values)])
    reference, quiet = rng.choice(values, 1000, p=shares), np.repeat(values[:2], [320, 80])
    moved = rng.choice(values, 400, p=shares[::-1] if len(values) == 2 else [0.2, 0.8, 0.0])
    detector = BY_NAME[name]().fit(reference)
    assert not detector.detect(quiet).is_drift
    assert detector.detect(moved.tolist()).is_drift


def test_a_category_that_is_new_is_drift() -> None:
    detector = Chi2DriftDetector().fit(["a"] * 500 + ["b"] * 500)
    assert detector.detect(["a"] * 40 + ["b"] * 40 + ["new"] * 10).is_drift
    assert TotalVariationDriftDetector().fit(["a"] * 90).detect(["new"] * 90).score == 1.0


def test_numbers_are_categories_where_that_is_said() -> None:
    codes, moved = np.repeat([1, 2, 3, 40], 50), np.repeat([1, 2, 3, 40], [10, 90, 90, 10])
    found = Chi2DriftDetector(categorical=True).fit(codes).detect(moved)
    expected = stats.chi2_contingency([[50] * 4, [10, 90, 90, 10]], correction=False)
    assert found.score == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.expected == 3


def test_the_rarest_of_many_categories_share_a_bin() -> None:
    names = [f"city-{number}" for number in range(200)]
    detector = Chi2DriftDetector().fit(names * 5)
    assert not detector.detect(names * 5).is_drift
    assert detector.detect(names[:5] * 100).is_drift


@pytest.mark.parametrize("name", BINNED)
def test_sparse_counts_are_judged_by_permutation(name: str) -> None:
    found = BY_NAME[name]().fit(["a"] * 990 + ["b"] * 10).detect(["a"] * 9 + ["b"])
    fisher = stats.fisher_exact([[990, 10], [9, 1]]).pvalue
    assert found.p_value == pytest.approx(fisher, abs=0.03)
    assert stats.chi2_contingency([[990, 10], [9, 1]], correction=False).pvalue < 0.01 < fisher


@pytest.mark.parametrize("name", NUMERIC)
def test_a_test_of_numbers_refuses_texts(name: str) -> None:
    with pytest.raises(TypeError, match="a numeric test cannot take"):
        BY_NAME[name]().fit(["a", "b"])
    with pytest.raises(TypeError, match="a numeric test cannot take"):
        BY_NAME[name]().fit([1.0, 2.0, 3.0]).detect(np.array(["a", "b"]))


@pytest.mark.parametrize("name", list(BY_NAME))
def test_what_cannot_be_compared_is_refused(name: str) -> None:
    detector = BY_NAME[name]()
    with pytest.raises(RuntimeError, match="call fit"):
        detector.detect([1.0])
    for empty in ([], [math.nan], [None, None]):
        with pytest.raises(ValueError, match="no values to compare"):
            BY_NAME[name]().fit(empty)
        with pytest.raises(ValueError, match="no values to compare"):
            BY_NAME[name]().fit([1.0, 2.0, 3.0]).detect(empty)


@pytest.mark.parametrize("name", list(BY_NAME))
def test_missing_values_change_nothing(name: str) -> None:
    current = np.random.default_rng(8).normal(0.2, 1, 100)
    whole = BY_NAME[name]().fit(NORMAL).detect(current)
    holes = BY_NAME[name]().fit([*NORMAL.tolist(), None]).detect(np.append(current, [math.nan, math.nan]))
    assert (holes.score, holes.p_value, holes.n_reference, holes.n_current) == (
        whole.score,
        whole.p_value,
        5000,
        100,
    )


@pytest.mark.parametrize("wrong", [0.0, -1.0, 1.0, math.nan])
def test_a_level_is_a_probability(wrong: float) -> None:
    for detector in (KSTestDriftDetector, Chi2DriftDetector, CramerVonMisesDriftDetector, AndersonDarlingDriftDetector):
        with pytest.raises(ValueError, match="between 0 and 1"):
            detector(threshold=wrong)
    with pytest.raises(ValueError, match="significance"):
        PSIDriftDetector(significance=wrong)


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        PSIDriftDetector(threshold=0)
    with pytest.raises(ValueError, match="two bins"):
        PSIDriftDetector(bins=1)


def test_a_result_says_what_was_compared_and_when() -> None:
    before = datetime.now(UTC)
    found = KSTestDriftDetector(threshold=0.01, feature="age").fit(NORMAL).detect(NORMAL[:100])
    assert before <= found.timestamp <= datetime.now(UTC)
    assert found.timestamp.utcoffset() == timedelta(0)
    row = json.loads(json.dumps(found.to_dict()))
    assert row["feature"] == "age"
    assert row["threshold"] == 0.01
    assert datetime.fromisoformat(row["timestamp"]) == found.timestamp
    assert isinstance(found, DriftResult)


def test_the_expectation_is_what_quiet_windows_have_on_average() -> None:
    rng = np.random.default_rng(9)
    for name in ("psi", "wasserstein", "ks", "cramer_von_mises"):
        detector = BY_NAME[name]().fit(NORMAL)
        results = [detector.detect(rng.normal(size=200)) for _ in range(200)]
        assert np.mean([each.score for each in results]) == pytest.approx(results[0].expected, rel=0.15)


@pytest.mark.parametrize("kind", ["numeric", "categorical", "boolean"])
@pytest.mark.parametrize("size", [10, 999, 1000, 10**6])
@pytest.mark.parametrize("distinct", [1, 2, 10, 11, 10**4])
def test_a_test_is_chosen_for_every_feature(kind: Any, size: int, distinct: int) -> None:
    chosen = BY_NAME[choose(kind, size, 10**6, distinct)]()
    assert isinstance(chosen, MeasuringDetector)
    assert chosen.is_test == (size < 1000)


def test_the_choice_follows_type_and_size() -> None:
    assert choose("numeric", 10**5, 200, 10**4) == "ks"
    assert choose("numeric", 10**5, 5000, 10**4) == "wasserstein"
    assert choose("numeric", 10**5, 200, 3) == "chi2"
    assert choose("categorical", 10**5, 200, 3) == "chi2"
    assert choose("categorical", 10**5, 5000, 3) == "jensen_shannon"
    assert choose("boolean", 10**5, 5000, 2) == "total_variation"
    with pytest.raises(ValueError, match="no kind"):
        choose("text", 5, 5, 5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="compares"):
        choose("numeric", 5, 0, 5)
