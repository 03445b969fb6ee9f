"""Bins of ranks: a new value is equally likely in each gap of the baseline, whatever the distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from observability.columns import Floats
from observability.drift.binning import keys
from observability.drift.ranks import RankBins

Draw = Callable[[np.random.Generator, int], Floats]


def _normal(random: np.random.Generator, size: int) -> Floats:
    return random.normal(0, 1, size)


def _few(random: np.random.Generator, size: int) -> Floats:
    return np.floor(random.exponential(1.0, size))


def _holes(random: np.random.Generator, size: int) -> Floats:
    return np.where(random.random(size) < 0.2, np.nan, np.floor(random.normal(0, 2, size)))


def _categories(random: np.random.Generator, size: int) -> Floats:
    """Some common, some so rare that a new value is often one that nobody saw."""
    drawn = np.where(random.random(size) < 0.7, random.integers(0, 3, size), random.integers(0, 500, size))
    return keys([None if value == 1 else f"category {value}" for value in drawn.tolist()])


@pytest.mark.parametrize("draw", [_normal, _few, _holes, _categories])
@pytest.mark.parametrize("size", [7, 40, 150])
def test_a_new_value_is_equally_likely_in_each_gap(draw: Draw, size: int) -> None:
    random = np.random.default_rng(11)
    rounds = 4000
    hits = np.zeros(0)
    for _ in range(rounds):
        bins = RankBins.of(draw(random, size), random)
        hits = np.zeros(len(bins.gaps)) if not len(hits) else hits
        hits[bins.of_values(draw(random, 1), None, random)[0]] += 1
    expected = bins.gaps / (size + 1)

    assert len(bins.gaps) == min(62, size + 1)
    assert chisquare(hits, expected * rounds).pvalue > 1e-4


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=300), st.integers(0, 100))
@settings(max_examples=200)
def test_gaps_are_one_more_than_the_values_and_each_value_has_its_place(values: list[float], seed: int) -> None:
    column = np.array(values)
    bins = RankBins.of(column, np.random.default_rng(seed))

    assert bins.gaps.sum() == len(values) + 1
    assert (bins.gaps > 0).all()
    assert len(bins.closing) == len(bins.gaps) - 1
    assert ((bins.scores > 0) & (bins.scores < 1)).all()
    found = bins.of_values(column, None, np.random.default_rng(seed))
    assert ((found >= 0) & (found < len(bins.gaps))).all()


def test_values_beyond_the_baseline_and_values_of_another_type_are_in_the_outermost_gaps() -> None:
    random = np.random.default_rng(0)
    bins = RankBins.of(np.arange(1000.0), random)
    values, strange = np.array([-1.0, 1e9, np.nan, 5.0]), np.array([False, False, False, True])

    assert bins.of_values(values, strange, random).tolist() == [0, 61, 61, 61]
