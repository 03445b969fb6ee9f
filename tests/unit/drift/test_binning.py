"""Bins of one feature: what they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.columns import Floats
from observability.drift.binning import Binning, category


def fit(values: Floats, bins: int = 10) -> Binning:
    return Binning.numeric(values, bins, np.random.default_rng(0))


@given(st.lists(st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0])), min_size=1))
@settings(max_examples=200)
def test_every_value_of_a_baseline_is_counted_in_the_bin_that_its_code_names(values: list[float]) -> None:
    column = np.array(values)
    if np.isnan(column).all():
        with pytest.raises(ValueError, match="missing"):
            fit(column)
        return
    binning = fit(column, 4)

    assert np.array_equal(np.bincount(binning.codes(column), minlength=len(binning.counts)), binning.counts)
    assert binning.coarse.sum() == len(values)
    assert len(binning.coarse) == len(binning.labels)
    assert (np.diff(binning.edges) > 0).all()


def test_a_value_that_is_frequent_enough_has_a_coarse_bin_of_its_own() -> None:
    random = np.random.default_rng(3)
    column = np.where(random.random(2000) < 0.3, 0.0, random.normal(0, 1, 2000))

    binning = fit(column)

    assert binning.coarse.max() == np.count_nonzero(column == 0)
    assert "… 0" in binning.labels[int(np.argmax(binning.coarse))]


def test_bins_do_not_depend_on_an_outlier() -> None:
    column = np.random.default_rng(4).normal(0, 1, 2000)

    with_one = fit(np.append(column, 1e12))

    assert with_one.coarse[:-2].max() < 2 * with_one.coarse[:-2].min()


def test_a_constant_feature_has_one_bin() -> None:
    binning = fit(np.full(100, 7.0))

    assert binning.coarse.tolist() == [100, 0, 0]
    assert binning.codes(np.array([6.0, 7.0, 8.0, np.nan])).tolist() == [0, 0, 0, 1]


def test_categories_beyond_the_most_frequent_share_a_bin_and_unknown_ones_are_new() -> None:
    values = ["a"] * 50 + ["b"] * 30 + ["c"] * 2 + ["d"] * 2 + [None] * 3
    binning = Binning.categorical(values, 2, np.random.default_rng(0))

    assert binning.labels == ("a", "b", "all others", "missing", "new")
    assert binning.counts.tolist() == [50, 30, 4, 3, 0]
    assert binning.codes_of(["a", "c", "d", "z", None]).tolist() == [0, 2, 2, 4, 3]


def test_nothing_is_new_where_a_baseline_has_too_many_categories_to_know_them_all() -> None:
    binning = Binning.categorical([f"user-{number}" for number in range(1000)], 20, np.random.default_rng(0))

    assert binning.codes_of(["user-999", "somebody"]).tolist() == [20, 20]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "true"),
        (1.0, "1"),
        (1.5, "1.5"),
        ("x", "x"),
        (None, None),
        (float("nan"), None),
        (np.bool_(False), "false"),
    ],
)
def test_a_value_as_a_category(value: object, name: str | None) -> None:
    assert category(value) == name
