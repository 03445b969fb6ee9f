"""Without drift each test rejects as often as it says, and no more; with drift it rejects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from observability.columns import Floats
from observability.drift.embeddings import (
    EmbeddingDriftDetector,
    PermutationResult,
    centroid_shift,
    cosine_shift,
    domain_classifier,
    mmd,
)

Random = np.random.Generator
TESTS: list[Callable[..., PermutationResult]] = [centroid_shift, cosine_shift, mmd, domain_classifier]
ROUNDS = 400


def normal(random: Random, rows: int) -> Floats:
    """Around a centre away from 0, some directions wider than others."""
    return np.asarray(1 + random.normal(size=(rows, 8)) / np.arange(1, 9))


def heavy(random: Random, rows: int) -> Floats:
    """Student's t with two degrees of freedom: no variance."""
    return np.asarray(random.standard_t(2, (rows, 8)))


def clusters(random: Random, rows: int) -> Floats:
    """Three points, and nothing between them: many ties."""
    return np.eye(8)[random.integers(0, 3, rows)]


@pytest.mark.parametrize("draw", [normal, heavy, clusters])
@pytest.mark.parametrize("test", TESTS)
def test_one_in_twenty_is_below_a_twentieth_without_drift(
    test: Callable[..., PermutationResult], draw: Callable[[Random, int], Floats]
) -> None:
    random = np.random.default_rng(11)
    p_values = np.array([test(draw(random, 40), draw(random, 15), 99, seed=seed).p_value for seed in range(ROUNDS)])
    # four standard deviations of a binomial share of 0.05 are 0.044, those of 0.5 are 0.1
    assert np.mean(p_values <= 0.05) < 0.05 + 0.044
    assert np.mean(p_values <= 0.5) < 0.5 + 0.1
    if draw is not clusters:  # ties make a test careful
        assert np.mean(p_values <= 0.05) > 0.05 - 0.044
        assert np.mean(p_values <= 0.5) > 0.5 - 0.1


def test_four_tests_together_keep_the_false_alarm_rate() -> None:
    random = np.random.default_rng(12)
    alarms = 0
    for seed in range(ROUNDS):
        detector = EmbeddingDriftDetector(normal(random, 40), false_alarm_rate=0.1, seed=seed)
        alarms += detector.detect(normal(random, 20)).is_drift
    # Holm's correction does not know that the tests agree, so that it stays below
    assert 0.01 < alarms / ROUNDS < 0.1 + 0.06


@pytest.mark.parametrize("test", TESTS)
def test_a_shift_of_half_a_deviation_is_seen(test: Callable[..., PermutationResult]) -> None:
    random = np.random.default_rng(13)
    found = [
        test(random.normal(1, 1, (100, 16)), random.normal(1, 1, (60, 16)) - 0.5, 99, seed=seed).p_value <= 0.05
        for seed in range(30)
    ]
    assert np.mean(found) > 0.95


def test_every_kind_of_change_is_seen_by_one_of_the_four() -> None:
    random = np.random.default_rng(14)
    reference = random.normal(0.5, 1, (300, 16))
    changes: dict[str, Any] = {
        "centre": random.normal(0.5, 1, (300, 16)) + 0.3,
        "spread": random.normal(0.5, 1.3, (300, 16)),
        "one direction": random.normal(0.5, 1, (300, 16)) + np.eye(16)[3],
        "a second cluster": random.normal(0.5, 1, (300, 16)) + 2 * (np.arange(300) % 8 == 0)[:, None],
    }
    detector = EmbeddingDriftDetector(reference)
    assert {name: detector.detect(rows).is_drift for name, rows in changes.items()} == dict.fromkeys(changes, True)
    assert not detector.detect(random.normal(0.5, 1, (300, 16))).is_drift
