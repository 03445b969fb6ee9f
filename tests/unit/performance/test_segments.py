"""Performance by segment."""

from __future__ import annotations

import numpy as np
import pytest

from observability.performance.intervals import wilson_bounds
from observability.performance.segments import by_segment


def test_the_worst_segment_comes_first_with_its_interval() -> None:
    codes = np.repeat([0, 1, 2], [500, 400, 100])
    right = np.concatenate([np.arange(500) % 10 != 0, np.arange(400) % 10 > 1, np.arange(100) % 2 == 0])
    found = by_segment(codes, right, names=["old", "new", "guest"])
    assert [each.segment for each in found] == ["guest", "new", "old"]
    assert [each.estimate.n for each in found] == [100, 400, 500]
    assert [each.is_worse for each in found] == [True, False, False]
    assert [each.is_better for each in found] == [False, False, True]
    assert [each.overall for each in found] == pytest.approx([0.82] * 3)
    lower, upper = wilson_bounds(50, 100, 1 - 0.05 / 3)
    assert [found[0].estimate.lower, found[0].estimate.upper] == pytest.approx([float(lower), float(upper)])


def test_a_small_segment_is_not_called_bad_by_chance() -> None:
    """Twenty segments that are all alike: one is called worse or better in 5 % of runs at most."""
    rng = np.random.default_rng(2)
    called = 0
    for _ in range(400):
        codes = rng.choice(20, 3000, p=np.arange(1, 21) / 210)
        found = by_segment(codes, rng.random(3000) < 0.85)
        called += any(each.is_worse or each.is_better for each in found)
    assert called / 400 <= 0.07


def test_losses_are_worse_where_they_are_high() -> None:
    rng = np.random.default_rng(3)
    loss = np.concatenate([rng.exponential(1.0, 300), rng.exponential(2.0, 300)])
    found = by_segment(np.repeat([4, 1], 300), loss, higher_is_better=False)
    assert [each.segment for each in found] == [1, 4]
    assert found[0].is_worse
    assert found[1].is_better
    assert found[0].estimate.value == pytest.approx(loss[300:].mean())
    half = found[0].estimate.upper - found[0].estimate.value
    assert half == pytest.approx(2.2414 * loss[300:].std(ddof=1) / 300**0.5, rel=1e-4)


def test_rows_without_segment_or_value_and_small_segments_are_left_out() -> None:
    codes = np.array([0] * 40 + [1] * 5 + [-1] * 50)
    values = np.array([1.0] * 39 + [np.nan] + [0.0] * 55)
    found = by_segment(codes, values)
    assert [(each.segment, each.estimate.n) for each in found] == [(0, 39)]
    assert found[0].overall == pytest.approx(39 / 44)
    assert by_segment([0, 1], [1.0, 0.0]) == []
    assert by_segment([], []) == []
    assert found[0].to_dict()["estimate"]["n"] == 39
    with pytest.raises(ValueError, match="not \\(1,\\) and \\(2,\\)"):
        by_segment([0], [1.0, 2.0])
