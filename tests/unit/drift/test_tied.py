"""The Anderson–Darling test of samples with many equal values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from observability.drift.detectors import AndersonDarlingDriftDetector
from observability.drift.tied import anderson_darling_p_value
from observability.drift.two_sample import SortedReference, anderson_darling


def test_permutations_come_to_what_all_orders_say() -> None:
    pooled = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3], np.float64)
    first, second = pooled[[0, 1, 2, 3, 4, 6, 8]], pooled[[5, 7, 9, 10]]
    own = anderson_darling(SortedReference.fit(first), second).statistic
    chosen = [np.array(rows) for rows in combinations(range(len(pooled)), len(second))]
    all_orders = [anderson_darling(SortedReference.fit(np.delete(pooled, rows)), pooled[rows]) for rows in chosen]
    exact = np.mean([each.statistic >= own - 1e-9 for each in all_orders])

    values = np.unique(pooled)
    found = anderson_darling_p_value(*(SortedReference.fit(each).counts_of(values) for each in (first, second)))

    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 999) + 1e-3)


@pytest.mark.parametrize(
    "draw",
    [
        lambda random, size: random.poisson(1.0, size),
        lambda random, size: random.random(size) < 0.1,
        lambda random, size: np.where(random.random(size) < 0.3, 0.0, random.exponential(1.0, size)),
    ],
    ids=["counts", "booleans", "many zeros"],
)
def test_the_detector_keeps_its_level_with_ties(draw: Callable[[np.random.Generator, int], Any]) -> None:
    draws = 400
    random = np.random.default_rng(5)
    found = [
        AndersonDarlingDriftDetector().fit(draw(random, 400)).detect(draw(random, 100)).is_drift for _ in range(draws)
    ]

    assert np.mean(found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


def test_without_ties_the_p_value_is_that_of_the_table() -> None:
    random = np.random.default_rng(6)
    reference, current = random.normal(size=300), random.normal(0.3, 1, 100)

    found = AndersonDarlingDriftDetector().fit(reference).detect(current)

    assert found.p_value == anderson_darling(SortedReference.fit(reference), current).p_value


def test_a_shift_of_tied_values_is_found() -> None:
    random = np.random.default_rng(7)

    found = AndersonDarlingDriftDetector().fit(random.poisson(4, 1000)).detect(random.poisson(5, 300))

    assert found.is_drift
    assert found.p_value == pytest.approx(0.001)
