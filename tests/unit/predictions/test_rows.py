"""Canonical records in columns."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.predictions.rows import Labels, Predictions, class_names, feature_columns, group_by_model
from tests.unit.predictions.support import item, labels, numbered, predictions, same

_FEATURES = st.dictionaries(st.sampled_from("abcdef"), st.none() | st.integers() | st.text(max_size=3), max_size=5)


@given(st.lists(_FEATURES, max_size=20))
@settings(max_examples=100)
def test_columns_of_features_have_what_the_rows_have(rows: list[dict[str, Any]]) -> None:
    columns = feature_columns(rows)
    assert set(columns) == {name for row in rows for name in row}
    for row, features in enumerate(rows):
        assert {name: values[row] for name, values in columns.items() if name in features} == features
        assert all(values[row] is None for name, values in columns.items() if name not in features)


def test_features_in_another_order_are_not_mixed_up() -> None:
    assert feature_columns([{"a": 1, "b": 2}, {"b": 3, "a": 4}]) == {"a": [1, 4], "b": [2, 3]}


def test_rows_are_grouped_by_model_and_version() -> None:
    rows = predictions(
        item("1", model="b"), item("2", model="a", version="1"), item("3", model="b"), item("4", model="a", version="2")
    )
    found = [(model, version, indices.tolist()) for model, version, indices in group_by_model(rows)]
    assert found == [("b", "", [0, 2]), ("a", "1", [1]), ("a", "2", [3])]


def test_one_model_is_one_group_and_nothing_is_none() -> None:
    rows = numbered([1, 2, 3])
    assert [(model, version, indices.tolist()) for model, version, indices in group_by_model(rows)] == [
        ("churn", "", [0, 1, 2])
    ]
    assert group_by_model(rows.take([])) == []


@pytest.mark.parametrize("chosen", [[2, 0], np.array([2, 0]), np.array([False, True, True])])
def test_taking_rows_takes_every_column(chosen: Any) -> None:
    rows = numbered([0, 1, 2], confidence=0.5)
    places = [1, 2] if isinstance(chosen, np.ndarray) and chosen.dtype == np.bool_ else [2, 0]
    part = rows.take(chosen)
    assert len(part) == 2
    for each in fields(Predictions):
        before, after = getattr(rows, each.name), getattr(part, each.name)
        assert same(after, [before[place] for place in places] if isinstance(before, list) else _picked(before, places))


def _picked(column: Any, places: list[int]) -> Any:
    return column[places] if isinstance(column, np.ndarray) else column


def test_batches_are_put_together_in_order() -> None:
    whole = Predictions.concat([numbered([0, 1], now=5.0), numbered([2], now=7.0)])
    assert whole.prediction_id == ["p0", "p1", "p2"]
    assert whole.received == 7.0
    assert whole.timestamp.tolist() == [5.0, 5.0, 7.0]
    both = Labels.concat([labels(("a", 1, 1.0)), labels(("b", "x", 2.0))])
    assert (both.prediction_id, both.label, both.timestamp.tolist()) == (["a", "b"], [1, "x"], [1.0, 2.0])
    with pytest.raises(ValueError, match="nothing"):
        Labels.concat([])


@pytest.mark.parametrize(
    ("prediction", "names"),
    [("yes", ("yes",)), (True, ("true", "True", "1")), (1, ("1",)), (1.0, ("1", "1.0")), (0.5, ("0.5",)), (None, ())],
)
def test_a_class_is_found_under_the_names_that_json_and_python_give_it(prediction: Any, names: tuple[str, ...]) -> None:
    assert class_names(prediction) == names
