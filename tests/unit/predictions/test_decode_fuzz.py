"""Whatever is sent, an answer comes: rows that keep every rule, and errors that are told."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.predictions import jsontext
from observability.predictions.bodies import Refused
from observability.predictions.decode import JSON, LINES, decode_labels, decode_predictions
from observability.predictions.rows import Labels, Predictions
from tests.unit.predictions.support import NOW, item

_FIELDS = (*Predictions.__slots__, "label", "odd")
_LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
_ANY = st.recursive(
    _LEAVES | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_ITEMS = st.lists(
    st.dictionaries(st.sampled_from(_FIELDS), _ANY, max_size=6).map(lambda more: item() | more)
    | st.dictionaries(st.sampled_from(_FIELDS), _ANY, max_size=8)
    | _ANY,
    max_size=6,
)
_CONTENT_TYPES = [
    None,
    *sorted(JSON | LINES),
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.arrow.file",
    "application/vnd.apache.parquet",
]


def sound(rows: Predictions) -> None:
    """Every promise of the record holds."""
    count = len(rows)
    for name in Predictions.__slots__:
        column = getattr(rows, name)
        assert name == "received" or len(column) == count
    for row in range(count):
        assert type(rows.prediction_id[row]) is str
        assert rows.prediction_id[row]
        assert type(rows.model[row]) is str
        assert rows.model[row]
        assert type(rows.version[row]) is str
        assert jsontext.loads(rows.features_json[row]) == rows.features[row]
        assert type(rows.prediction[row]) in (str, int, float, bool) or rows.error_type[row]
        assert all(type(value) is str for value in rows.segment[row].values())
        assert rows.trace_id[row] is None or re.fullmatch("[0-9a-f]{32}", rows.trace_id[row] or "")
        assert rows.span_id[row] is None or re.fullmatch("[0-9a-f]{16}", rows.span_id[row] or "")
    for given_, low, high in ((rows.confidence, 0.0, 1.0), (rows.latency_seconds, 0.0, np.inf)):
        known = given_[~np.isnan(given_)]
        assert ((known >= low) & (known <= high) & np.isfinite(known)).all()
    assert np.isfinite(rows.timestamp).all()
    assert ((rows.timestamp >= 0) & (rows.timestamp <= NOW + 3600)).all()


@given(_ITEMS)
@settings(max_examples=300, deadline=None)
def test_every_item_is_taken_or_told(items: list[Any]) -> None:
    found = decode_predictions(orjson.dumps(items), None, now=NOW)
    sound(found.rows)
    assert len(found.rows) + found.rejected == len(items)
    assert len({error["index"] for error in found.errors}) == found.rejected
    assert {error["index"] for error in found.errors}.isdisjoint(found.items.tolist())


@given(_ITEMS)
@settings(max_examples=150, deadline=None)
def test_lines_and_an_array_say_the_same(items: list[Any]) -> None:
    lines = decode_predictions(b"\n".join(map(orjson.dumps, items)) or b"\n", "application/x-ndjson", now=NOW)
    array = decode_predictions(orjson.dumps(items), "application/json", now=NOW)
    assert lines.errors == array.errors
    assert lines.items.tolist() == array.items.tolist()
    assert lines.rows.features_json == array.rows.features_json


@given(_ITEMS)
@settings(max_examples=100, deadline=None)
def test_every_label_is_taken_or_told(items: list[Any]) -> None:
    found = decode_labels(orjson.dumps(items), None, now=NOW)
    rows: Labels = found.rows
    assert len(rows) + found.rejected == len(items)
    assert all(type(label) in (str, int, float, bool) for label in rows.label)


@pytest.mark.parametrize("content_type", _CONTENT_TYPES)
@given(body=st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_bytes_of_any_kind_are_refused_or_taken(content_type: str | None, body: bytes) -> None:
    try:
        found = decode_predictions(body, content_type, now=NOW)
    except Refused as refused:
        assert refused.status in (400, 413, 415)
        assert str(refused)
    else:
        sound(found.rows)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_table_with_a_few_wrong_bytes_is_refused_or_taken(data: st.DataObject) -> None:
    from tests.unit.predictions.test_decode_tables import FILE, PARQUET, STREAM, body, table

    content_type = data.draw(st.sampled_from([STREAM, FILE, PARQUET]))
    sent = bytearray(body(table(3, **{"feature.x": ["a", "b", "c"], "feature.y": [[1.0], [2.0], [3.0]]}), content_type))
    for place in data.draw(st.lists(st.integers(0, len(sent) - 1), min_size=1, max_size=3)):
        sent[place] ^= data.draw(st.integers(1, 255))
    try:
        found = decode_predictions(bytes(sent), content_type, now=NOW)
    except Refused as refused:
        assert refused.status in (400, 413)
    else:
        sound(found.rows)
