"""Which values and tests a comparison of two tables goes by, in which order, and what is wrong with the values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from observability.drift.compare import Comparison, compare
from observability.drift.detectors import KSTestDriftDetector
from observability.drift.distributions import Distribution
from observability.predictions.baselines import Baseline, BaselineLimits, baseline_of


def table(columns: dict[str, Any], **kinds: Any) -> Baseline:
    return baseline_of(pa.table(columns), BaselineLimits(), kinds)


def compared(before: dict[str, Any], now: dict[str, Any], **kinds: Any) -> Comparison:
    return compare(table(before, **kinds), table(now, **kinds))


def test_numbers_that_are_declared_categories_are_compared_as_such() -> None:
    random = np.random.default_rng(1)
    before, now = ({"postcode": random.integers(0, 12, 500) * 1000} for _ in range(2))
    assert compared(before, now).results["postcode"].method == "ks"
    assert compared(before, now, postcode="categorical").results["postcode"].method == "chi2"


def test_the_smaller_table_chooses_the_test() -> None:
    random = np.random.default_rng(2)
    sizes = {2000: "wasserstein", 300: "ks"}
    found = {
        size: compared({"x": random.normal(size=2000)}, {"x": random.normal(size=size)}).results["x"].method
        for size in sizes
    }
    assert found == sizes


def test_nan_and_null_are_missing_alike() -> None:
    before = {"x": pa.array([1.0, 2.0, None, float("nan")])}
    assert compared(before, {"x": [1.0, 2.0]}).distributions["x"].issue_shares["missing"] == (0.5, 0.0)


def test_what_is_wrong_with_values_is_counted() -> None:
    before = {"x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "b", "a", "b"]}
    found = compared(before, {"x": [0.0, 5.0, math.inf, 2.0], "c": ["a", "z", "z", None]}).distributions
    assert found["x"].issue_shares == {
        "missing": (0, 0),
        "infinite": (0, 0.25),
        "out_of_range": (0, 0.5),
        "new_category": (0, 0),
    }
    assert found["c"].issue_shares["new_category"] == (0, 0.5)
    assert found["c"].issue_shares["missing"] == (0, 0.25)
    assert found["c"].new == (("z", 2),)


def test_shares_of_bins_add_up_and_cumulative_shares_are_those_of_the_values() -> None:
    random = np.random.default_rng(3)
    before, now = random.normal(size=400), random.normal(1, 2, 250)
    found = Distribution.of_numbers(before, now)
    assert found.shares.sum(axis=1) == pytest.approx([1, 1])
    for values, shares in zip((before, now), found.cumulative, strict=True):
        assert shares == pytest.approx([(values <= at).mean() for at in found.grid])


def test_features_that_drifted_come_first_and_those_further_beyond_before_others() -> None:
    random = np.random.default_rng(4)
    before = {name: random.normal(size=2000) for name in "abcd"}
    now = {name: random.normal(shift, size=2000) for name, shift in {"a": 0, "b": 0.4, "c": 0.05, "d": 0.9}.items()}
    found = compared(before, now)
    assert found.ordered()[:2] == ["d", "b"]
    assert [found.results[name].is_drift for name in found.ordered()] == [True, True, False, False]
    assert found.excess("d") > found.excess("b") > 1 > found.excess("a")


def test_how_far_a_test_went_is_one_where_its_p_value_is_the_level() -> None:
    random = np.random.default_rng(5)
    tables = [table({"x": random.normal(size=300)}) for _ in range(2)]
    found = compare(*tables, detector=KSTestDriftDetector)
    assert found.is_test("x")
    p_value = found.results["x"].adjusted_p_value
    assert p_value is not None
    assert found.excess("x") == pytest.approx(math.log(p_value) / math.log(0.05))


def test_a_column_without_a_value_and_one_of_another_kind_are_left_out_with_the_reason() -> None:
    before = {"x": [1.0, 2.0], "y": [1.0, 2.0], "z": [1.0, 2.0], "e": [[1.0, 2.0], [1.0, 2.0]], "c": ["a", "b"]}
    now = {
        "x": [1.0, 2.0],
        "y": pa.nulls(2, pa.float64()),
        "e": [[1.0, 2.0], [1.0, 2.0]],
        "c": pa.nulls(2, pa.string()),
    }
    found = compared(before, now | {"z": ["a", "b"]})
    assert list(found.results) == ["x"]
    assert found.left_out["z"] == "numeric in the baseline, categorical now"
    assert found.left_out["y"] == found.left_out["c"] == "all values are missing"
    assert found.left_out["e"].startswith("embedding")
