"""The detector of all four tests."""

from __future__ import annotations

import json

import numpy as np
import pytest

from observability.drift.embeddings import PARTS, EmbeddingDriftDetector, mmd
from observability.drift.vectors import sample


def rows(seed: int, shift: float = 0.0, count: int = 100) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    drawn = np.random.default_rng(seed).normal(size=(count, 12)) + shift
    return np.asarray(drawn, np.float32)


def test_a_shift_is_found_and_quiet_is_quiet() -> None:
    detector = EmbeddingDriftDetector(rows(1))
    quiet, moved = detector.detect(rows(2)), detector.detect(rows(3, shift=0.6))
    assert (quiet.is_drift, moved.is_drift) == (False, True)
    assert moved.p_value <= 0.01 < quiet.p_value
    assert moved.centroid.value > 3 * moved.centroid.expected
    assert moved.domain.value > 0.8


def test_the_parts_are_the_tests_themselves() -> None:
    detector = EmbeddingDriftDetector(rows(1), seed=4)
    found = detector.detect(rows(2))
    assert found.mmd == mmd(rows(1), rows(2), detector.permutations, seed=4)
    assert tuple(found.parts) == PARTS


def test_p_values_are_corrected_by_holm() -> None:
    found = EmbeddingDriftDetector(rows(1)).detect(rows(2, shift=0.15))
    ordered = sorted(found.parts, key=lambda name: found.parts[name].p_value)
    largest = 0.0
    for left, name in zip((4, 3, 2, 1), ordered, strict=True):
        largest = max(largest, min(1.0, left * found.parts[name].p_value))
        assert found.adjusted[name] == pytest.approx(largest)
    assert found.p_value == min(found.adjusted.values())


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.1])
def test_an_alarm_can_come_at_every_rate(rate: float) -> None:
    detector = EmbeddingDriftDetector(rows(1, count=30), false_alarm_rate=rate)
    assert detector.detect(rows(2, shift=5, count=30)).is_drift
    assert 4 / (1 + detector.permutations) <= rate


def test_so_few_permutations_that_no_alarm_can_come_are_refused() -> None:
    EmbeddingDriftDetector(rows(1), permutations=399)
    with pytest.raises(ValueError, match=r"with 398 permutations no alarm at 0\.01 can come: 399 or more are needed"):
        EmbeddingDriftDetector(rows(1), permutations=398)


def test_the_least_number_of_permutations_is_enough() -> None:
    found = EmbeddingDriftDetector(rows(1), permutations=399).detect(rows(2, shift=5))
    assert found.is_drift
    assert found.p_value == pytest.approx(0.01)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="a false-alarm rate lies between 0 and 1, not at 1"):
        EmbeddingDriftDetector(rows(1), false_alarm_rate=1)
    with pytest.raises(ValueError, match="two rows or more are needed, not 1"):
        EmbeddingDriftDetector(rows(1), most=1)


def test_large_samples_are_drawn_from() -> None:
    found = EmbeddingDriftDetector(rows(1, count=500), most=200).detect(rows(2, count=300))
    assert (found.mmd.n_reference, found.mmd.n_current) == (200, 200)
    drawn = sample(rows(1, count=500), 200, 0)
    assert len(np.unique(drawn, axis=0)) == 200
    assert np.isin(drawn, rows(1, count=500)).all()


def test_the_same_sample_has_the_same_result() -> None:
    one, other = (EmbeddingDriftDetector(rows(1), seed=9).detect(rows(2)) for _ in range(2))
    assert one.to_dict() | {"timestamp": ""} == other.to_dict() | {"timestamp": ""}


def test_results_are_numbers_for_json() -> None:
    found = json.loads(json.dumps(EmbeddingDriftDetector(rows(1)).detect(rows(2)).to_dict()))
    assert found["centroid"].keys() == {"value", "expected", "z", "p_value", "adjusted_p_value"}
    assert (found["n_reference"], found["n_current"], found["is_drift"]) == (100, 100, False)


def test_it_can_be_fitted_anew() -> None:
    detector = EmbeddingDriftDetector(rows(1))
    assert detector.fit(rows(1, shift=3)).detect(rows(2, shift=3)).is_drift is False


def test_the_tests_are_told_in_the_form_of_all_detectors() -> None:
    found = EmbeddingDriftDetector(rows(1)).detect(rows(2, shift=0.6, count=60))
    results = found.results("answer")
    assert [each.method for each in results] == [
        "embedding_centroid",
        "embedding_cosine",
        "embedding_mmd",
        "embedding_domain",
    ]
    for each, part in zip(results, found.parts.values(), strict=True):
        assert (each.score, each.expected, each.p_value) == (part.value, part.expected, part.p_value)
        assert each.is_drift == (each.adjusted_p_value is not None and each.adjusted_p_value <= each.threshold)
        assert (each.feature, each.n_reference, each.n_current) == ("answer", 100, 60)
    assert any(each.is_drift for each in results) == found.is_drift


def test_embeddings_that_are_all_one_have_a_result_for_json() -> None:
    found = EmbeddingDriftDetector(np.zeros((10, 2))).detect(np.ones((10, 2)))
    assert found.is_drift
    json.dumps(found.to_dict(), allow_nan=False)
