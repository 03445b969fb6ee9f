"""What is no sample of embeddings is refused, and the message says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from observability.drift.embeddings import (
    EmbeddingDriftDetector,
    centroid_shift,
    cosine_shift,
    domain_classifier,
    mmd,
)

Test = Callable[[Any, Any], Any]


def detect(reference: Any, current: Any) -> Any:
    return EmbeddingDriftDetector(reference).detect(current)


ALL = pytest.mark.parametrize("test", [centroid_shift, cosine_shift, mmd, domain_classifier, detect])


@ALL
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_named(test: Test, value: float) -> None:
    rows, broken = np.ones((5, 3)), np.ones((5, 3))
    broken[3, 1] = value
    with pytest.raises(ValueError, match="current: row 3 holds a value that is not finite"):
        test(rows, broken)
    broken[4] = value
    with pytest.raises(ValueError, match=r"reference: row 3 \(and 1 more\) holds"):
        test(broken, rows)


@ALL
def test_dimensions_that_differ_are_refused(test: Test) -> None:
    with pytest.raises(ValueError, match="reference has 3 dimensions, current has 4"):
        test(np.ones((5, 3)), np.ones((5, 4)))


@ALL
@pytest.mark.parametrize("shape", [(5,), (5, 0), (2, 2, 2), ()])
def test_other_shapes_are_refused(test: Test, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="reference: embeddings have the shape"):
        test(np.ones(shape), np.ones((5, 3)))


@ALL
def test_an_empty_sample_is_refused(test: Test) -> None:
    with pytest.raises(ValueError, match=r"current: \d embeddings or more are needed, there are 0"):
        test(np.ones((5, 3)), np.empty((0, 3)))


@ALL
def test_nothing_given_is_changed(test: Test) -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(9, 3)), random.normal(size=(8, 3))
    before = x.copy(), y.copy()
    test(x, y)
    assert np.array_equal(before[0], x)
    assert np.array_equal(before[1], y)


@ALL
def test_lists_float32_and_float64_come_to_the_same(test: Test) -> None:
    random = np.random.default_rng(2)
    x, y = random.integers(-3, 4, (12, 3)), random.integers(-3, 5, (10, 3))
    found = [
        test(*pair)
        for pair in (
            (x.tolist(), y.tolist()),
            (x.astype(np.float32), y.astype(np.float32)),
            (x.astype(np.float32), y.astype(np.float64)),
        )
    ]
    assert len({each.p_value for each in found}) == 1
