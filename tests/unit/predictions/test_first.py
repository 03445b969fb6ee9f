"""A baseline of predictions, whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.predictions.baselines import BaselineLimits, load_baseline
from observability.predictions.bodies import Malformed
from observability.predictions.first import baseline_of_predictions
from tests.unit.predictions.support import item, predictions

_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5), st.lists(st.floats(-10, 10), min_size=1, max_size=3),
)  # fmt: skip


def column(values: list[Any]) -> tuple[str, list[Any]]:
    """Kind and values of one feature."""
    rows = predictions(*(item(f"p{at}", features={"x": value}) for at, value in enumerate(values)))
    found = baseline_of_predictions(rows, BaselineLimits())
    return found.kinds["x"], found.features["x"].to_pylist()


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ([1, 2, None], "numeric", [1, 2, None]),
        ([1, 2.5, "forty"], "numeric", [1.0, 2.5, None]),
        ([1, 2**63, 3], "numeric", [1.0, 2.0**63, 3.0]),
        (["DE", "FR", 7, True], "categorical", ["DE", "FR", None, None]),
        ([True, False, 1], "boolean", [True, False, None]),
        ([[1, 2], [3.0, 4.5], [1], None], "embedding", [[1.0, 2.0], [3.0, 4.5], None, None]),
        ([None, None], "numeric", [None, None]),
        ([7, 7, 7], "numeric", [7, 7, 7]),
    ],
)
def test_a_feature_is_what_most_of_its_values_are(values: list[Any], kind: str, kept: list[Any]) -> None:
    assert column(values) == (kind, kept)


def test_it_has_what_predictions_have() -> None:
    rows = predictions(
        item("a", features={"x": 1}, probabilities={"yes": 0.75, "no": 0.25}),
        item("b", features={"y": "u"}, prediction="no", confidence=0.5),
    )
    found = baseline_of_predictions(rows, BaselineLimits())
    assert found.prediction is not None
    assert found.prediction.to_pylist() == ["yes", "no"]
    assert found.confidence is not None
    assert found.confidence.to_pylist() == [0.75, 0.5]
    assert {name: each.to_pylist() for name, each in found.probabilities.items()} == {
        "yes": [0.75, None],
        "no": [0.25, None],
    }
    assert (found.label, found.rows, list(found.features)) == (None, 2, ["x", "y"])


def test_what_is_no_table_is_refused() -> None:
    rows = predictions(item("a", features={"x": "text", "y": 2}))
    with pytest.raises(Malformed, match="2 features, more than 1"):
        baseline_of_predictions(rows, BaselineLimits(features=1))
    with pytest.raises(Malformed, match="declared numeric"):
        baseline_of_predictions(rows, BaselineLimits(), {"x": "numeric"})
    with pytest.raises(Malformed, match="no row"):
        baseline_of_predictions(rows.take([]), BaselineLimits())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(("x", "y")), _VALUES), min_size=1, max_size=20))
def test_any_predictions_make_a_baseline_that_is_read_again_as_it_was(features: list[dict[str, Any]]) -> None:
    rows = predictions(*(item(f"p{at}", features=each) for at, each in enumerate(features)))
    found = baseline_of_predictions(rows, BaselineLimits())
    assert found.rows == len(features)
    assert load_baseline(found.content).hash == found.hash
    assert found.profile()["rows"] == len(features)
