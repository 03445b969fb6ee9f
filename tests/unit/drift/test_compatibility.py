"""Against evidently and NannyML: equal where docs/drift-tests.md says so, and different where it names a difference.

Their values are recorded in ``data/`` by ``record_peers.py``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from observability.drift import two_sample
from observability.drift.detectors import BY_NAME, DriftResult
from observability.drift.two_sample import SortedReference
from tests.unit.drift.peer_data import categories, numbers

DATA = Path(__file__).parent / "data"
EVIDENTLY = json.loads((DATA / "evidently.json").read_text())
NANNYML = json.loads((DATA / "nannyml.json").read_text())
NUMBERS, CATEGORIES = numbers(), categories()


def ours(method: str, name: str) -> DriftResult:
    reference, current = (NUMBERS | CATEGORIES)[name]
    return BY_NAME[method]().fit(reference).detect(current)


@pytest.mark.parametrize("name", list(NUMBERS))
def test_kolmogorov_smirnov_is_the_same_in_all_three(name: str) -> None:
    found = ours("ks", name)
    assert found.p_value == pytest.approx(EVIDENTLY["numbers"][name]["ks"]["score"], rel=1e-9, abs=1e-12)
    assert found.score == pytest.approx(NANNYML["numbers"][name]["kolmogorov_smirnov"]["score"], abs=1e-12)


@pytest.mark.parametrize("name", list(NUMBERS))
def test_the_wasserstein_distance_is_evidently_s_in_deviations_and_nannyml_s_in_units(name: str) -> None:
    reference, current = NUMBERS[name]
    assert ours("wasserstein", name).score == pytest.approx(
        EVIDENTLY["numbers"][name]["wasserstein"]["score"], rel=1e-9, abs=1e-12
    )
    distance = two_sample.wasserstein1(SortedReference.fit(reference), current).statistic
    assert distance == pytest.approx(NANNYML["numbers"][name]["wasserstein"]["score"], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - {"constant"}))
def test_anderson_darling_by_its_table_is_evidently_s(name: str) -> None:
    reference, current = NUMBERS[name]
    found = two_sample.anderson_darling(SortedReference.fit(reference), current)
    assert found.p_value == pytest.approx(EVIDENTLY["numbers"][name]["anderson"]["score"], abs=1e-9)


@pytest.mark.parametrize("name", ["normal", "skewed", "outlier", "small"])
def test_the_detector_goes_by_that_table_where_there_are_no_ties(name: str) -> None:
    found = ours("anderson_darling", name).p_value
    assert found == pytest.approx(EVIDENTLY["numbers"][name]["anderson"]["score"], abs=1e-9)


def test_a_constant_is_an_error_of_anderson_darling_in_evidently_and_no_drift_here() -> None:
    assert "ValueError" in EVIDENTLY["numbers"]["constant"]["anderson"]["error"]
    assert not ours("anderson_darling", "constant").is_drift


@pytest.mark.parametrize("name", list(NUMBERS))
def test_cramer_von_mises_of_midranks_is_evidently_s(name: str) -> None:
    reference, current = NUMBERS[name]
    found = two_sample.cramer_von_mises(SortedReference.fit(reference), current)
    assert found.p_value == pytest.approx(EVIDENTLY["numbers"][name]["cramer_von_mises"]["score"], abs=1e-9)


def test_cramer_von_mises_takes_ties_for_drift_in_evidently_and_not_here() -> None:
    assert EVIDENTLY["numbers"]["constant"]["cramer_von_mises"]["drift"]
    assert not ours("cramer_von_mises", "constant").is_drift
    for name in ("normal", "skewed", "outlier", "small"):  # no ties
        assert ours("cramer_von_mises", name).p_value == pytest.approx(
            EVIDENTLY["numbers"][name]["cramer_von_mises"]["score"], abs=1e-9
        )


@pytest.mark.parametrize("name", list(CATEGORIES))
def test_distances_of_categories_that_need_no_smoothing_are_the_same_in_all_three(name: str) -> None:
    theirs = NANNYML["categories"][name]
    assert ours("l_infinity", name).score == pytest.approx(theirs["l_infinity"]["score"], abs=1e-12)
    assert ours("hellinger", name).score == pytest.approx(theirs["hellinger"]["score"], abs=1e-9)
    assert ours("hellinger", name).score == pytest.approx(EVIDENTLY["categories"][name]["hellinger"]["score"], abs=1e-7)


@pytest.mark.parametrize("name", list(CATEGORIES))
def test_jensen_shannon_is_to_base_2_here_and_in_nannyml_and_to_base_e_in_evidently(name: str) -> None:
    theirs = NANNYML["categories"][name]["jensen_shannon"]["score"]
    assert EVIDENTLY["categories"][name]["jensenshannon"]["score"] == pytest.approx(
        theirs * math.sqrt(math.log(2)), rel=1e-9
    )
    # smoothed here, and a bin more for what is new
    assert ours("jensen_shannon", name).score == pytest.approx(theirs, abs=0.003)


def test_chi_square_is_nannyml_s_but_for_its_correction_of_two_categories() -> None:
    for name in ("colours", "new"):
        assert ours("chi2", name).score == pytest.approx(NANNYML["categories"][name]["chi2"]["score"], rel=1e-9)
    assert ours("chi2", "yes_no").score > NANNYML["categories"]["yes_no"]["chi2"]["score"] * 1.01


def test_chi_square_of_evidently_takes_the_reference_for_the_truth() -> None:
    for name in CATEGORIES:
        p_value = ours("chi2", name).p_value
        assert p_value is not None
        assert EVIDENTLY["categories"][name]["chisquare"]["score"] < p_value / 3


def test_an_outlier_hides_drift_from_bins_of_equal_width_and_not_from_quantile_bins() -> None:
    for method in ("psi", "jensenshannon", "hellinger"):
        assert not EVIDENTLY["numbers"]["outlier"][method]["drift"]
    for method in ("psi", "jensen_shannon", "hellinger"):
        assert ours(method, "outlier").is_drift


def test_a_small_window_is_drift_by_a_fixed_threshold_and_not_by_one_that_knows_the_size() -> None:
    for theirs, method in (
        ("psi", "psi"),
        ("jensenshannon", "jensen_shannon"),
        ("hellinger", "hellinger"),
        ("wasserstein", "wasserstein"),
    ):
        assert EVIDENTLY["numbers"]["small"][theirs]["drift"]
        found = ours(method, "small")
        assert not found.is_drift
        assert found.p_value is not None
        assert found.p_value > 0.05


def test_an_empty_bin_weighs_more_in_evidently_s_psi_than_half_a_count() -> None:
    assert EVIDENTLY["categories"]["new"]["psi"]["score"] > ours("psi", "new").score + 0.03
