"""Arrow and Parquet bodies: columns of fields."""

from __future__ import annotations

import io
import math
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from observability.predictions import jsontext
from observability.predictions.bodies import Malformed, Refused
from observability.predictions.checks import Limits
from observability.predictions.decode import Decoded, decode_labels, decode_predictions
from observability.predictions.rows import Predictions
from tests.unit.predictions.support import NOW, decoded, item

STREAM = "application/vnd.apache.arrow.stream"
FILE = "application/vnd.apache.arrow.file"
PARQUET = "application/vnd.apache.parquet"


def body(table: pa.Table, content_type: str = STREAM, chunk: int = 1000) -> bytes:
    """``table`` in one of the three formats."""
    output = io.BytesIO()
    if content_type == PARQUET:
        pq.write_table(table, output)
    else:
        opened = pa.ipc.new_stream if content_type == STREAM else pa.ipc.new_file
        with opened(output, table.schema) as writer:
            writer.write_table(table, max_chunksize=chunk)
    return output.getvalue()


def table(rows: int = 2, **columns: Any) -> pa.Table:
    """The fields that must be there, and ``columns``."""
    needed = {
        "prediction_id": [f"p{n}" for n in range(rows)],
        "model": ["churn"] * rows,
        "prediction": ["yes"] * rows,
    }
    return pa.table(needed | columns)


def taken(columns: pa.Table, content_type: str = STREAM, **options: Any) -> Decoded[Predictions]:
    return decode_predictions(body(columns, content_type), content_type, **({"now": NOW} | options))


@pytest.mark.parametrize("content_type", [STREAM, FILE, PARQUET])
def test_a_table_says_the_same_as_json(content_type: str) -> None:
    items = [
        item(
            f"p{n}",
            version=str(n % 2),
            timestamp=NOW - n,
            features={"age": n, "country": "DE", "vector": [n, 0.5]},
            confidence=n / 4,
            probabilities={"yes": n / 4, "no": 1 - n / 4},
            latency_seconds=0.1 * n,
            variant="A",
            segment={"region": "eu"},
            trace_id=f"{n + 1:032x}",
            span_id=f"{n + 1:016x}",
        )
        for n in range(4)
    ]
    columns = pa.Table.from_pylist(items)
    from_table, from_json = taken(columns, content_type).rows, decoded(*items).rows
    for name in Predictions.__slots__:
        first, second = getattr(from_table, name), getattr(from_json, name)
        if isinstance(first, np.ndarray):
            first, second = first.tolist(), second.tolist()
        if name == "features_json":
            first, second = list(map(orjson.loads, first)), list(map(orjson.loads, second))
        assert first == second, name


def test_features_probabilities_and_segments_may_be_columns_of_their_own() -> None:
    more: dict[str, Any] = {
        "feature.age": [1, 2],
        "feature.a.b": ["x", None],
        "probabilities.yes": [0.75, None],
        "probabilities.no": [0.25, 1.0],
        "segment.region": ["eu", None],
    }
    rows = taken(table(**more)).rows
    assert rows.features == [{"age": 1, "a.b": "x"}, {"age": 2, "a.b": None}]
    assert rows.probabilities == [{"yes": 0.75, "no": 0.25}, {"no": 1.0}]
    assert rows.segment == [{"region": "eu"}, {}]
    assert rows.confidence.tolist() == [0.75, 1.0]


def test_infinite_features_arrive_and_are_kept() -> None:
    values = [math.inf, -math.inf, math.nan]
    rows = taken(table(3, **{"feature.x": values, "feature.v": [[value, 1.0] for value in values]})).rows
    assert [features["x"] for features in rows.features[:2]] == [math.inf, -math.inf]
    assert math.isnan(rows.features[2]["x"])
    assert rows.features_json == [
        b'{"x":1e999,"v":[1e999,1.0]}',
        b'{"x":-1e999,"v":[-1e999,1.0]}',
        b'{"x":null,"v":[null,1.0]}',
    ]
    assert [jsontext.loads(text)["x"] for text in rows.features_json] == [math.inf, -math.inf, None]


@pytest.mark.parametrize("name", ["prediction", "confidence", "latency_seconds"])
def test_infinite_numbers_elsewhere_are_faults(name: str) -> None:
    columns = table().drop_columns([name] if name == "prediction" else []).append_column(name, [[math.inf, 0.5]])
    found = taken(columns)
    assert found.rows.prediction_id == ["p1"]
    assert [error["pointer"] for error in found.errors] == [f"/{name}"]


def test_a_prediction_that_is_not_a_number_is_missing() -> None:
    columns = table().drop_columns(["prediction"]).append_column("prediction", [[math.nan, 0.5]])
    assert taken(columns).errors == [{"index": 0, "pointer": "/prediction", "detail": "is required"}]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns", "UTC")),
        pa.array([1_700_000_000_123_456, None], pa.timestamp("us")),
        pa.array([1_700_000_000.123456, None]),
        pa.array(["2023-11-14T22:13:20.123456Z", None]),
    ],
)
def test_times_of_every_type_are_unix_seconds(column: pa.Array) -> None:
    assert taken(table(timestamp=column)).rows.timestamp.tolist() == [1_700_000_000.123456, NOW]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array([1, 2], pa.uint8()), [1, 2]),
        (pa.array([0.5, 1.5], pa.float32()), [0.5, 1.5]),
        (pa.array([0.5, 1.5], pa.float16()), [0.5, 1.5]),
        (pa.array([Decimal("1.5"), None]), [1.5, None]),
        (pa.array([b"\x01\xff", None]), ["01ff", None]),
        (pa.array([True, None]), [True, None]),
        (pa.nulls(2), [None, None]),
        (pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)), [[1.0, 2.0], None]),
        (pa.array([[1], [2, 3]], pa.large_list(pa.int16())), [[1], [2, 3]]),
    ],
)
def test_features_of_many_types_are_plain_values(column: pa.Array, values: list[Any]) -> None:
    rows = taken(table(**{"feature.x": column})).rows
    assert [features["x"] for features in rows.features] == values


def test_trace_ids_may_be_bytes() -> None:
    column = pa.array([bytes(range(16)), None], pa.binary(16))
    assert taken(table(trace_id=column)).rows.trace_id == [bytes(range(16)).hex(), None]


def test_maps_are_objects() -> None:
    column = pa.array([[("a", 1.0)], []], pa.map_(pa.string(), pa.float64()))
    assert taken(table(features=column)).rows.features == [{"a": 1.0}, {}]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"confidenc": [1, 2]}, "column 'confidenc' is not a known field: did you mean confidence?"),
        ({"features": [{"a": 1}] * 2, "feature.b": [1, 2]}, "a column 'features' and columns feature.*"),
        ({"feature.x": pa.array([1, 2], pa.duration("s"))}, "a column of type duration"),
        ({"features": pa.array([[(1, 1.0)], []], pa.map_(pa.int64(), pa.float64()))}, "a column of type map"),
        ({"feature.x": pa.array([[b"a"], []], pa.list_(pa.binary()))}, "a column of type list"),
    ],
)
def test_columns_that_have_no_place_are_told(more: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed) as caught:
        taken(table(**more))
    assert message in str(caught.value)


def test_two_columns_of_one_name_are_malformed() -> None:
    with pytest.raises(Malformed, match="same name"):
        taken(table().append_column("model", [["x", "y"]]))


def test_the_index_that_pandas_keeps_is_left_out() -> None:
    assert not taken(table(__index_level_0__=[1, 2])).errors


def test_rows_of_a_table_have_their_faults_too() -> None:
    found = taken(table(confidence=[1.5, 0.5]))
    assert found.errors == [{"index": 0, "pointer": "/confidence", "detail": "must be between 0 and 1, not 1.5"}]
    assert found.rows.prediction_id == ["p1"]


@pytest.mark.parametrize("content_type", [STREAM, FILE, PARQUET])
def test_too_many_rows_are_refused(content_type: str) -> None:
    with pytest.raises(Refused, match="more than 3") as caught:
        taken(table(4), content_type, limits=Limits(items=3))
    assert caught.value.status == 413


def test_a_small_parquet_file_cannot_become_a_large_table() -> None:
    sent = body(table(1000, **{"feature.x": ["y" * 10_000] * 1000}), PARQUET)
    with pytest.raises(Refused, match="takes more than") as caught:
        decode_predictions(sent, PARQUET, limits=Limits(body_bytes=len(sent) + 1000))
    assert caught.value.status == 413


@pytest.mark.parametrize("content_type", [STREAM, FILE, PARQUET])
@pytest.mark.parametrize("cut", [0, 1, 50, -20])
def test_what_is_cut_off_is_malformed(content_type: str, cut: int) -> None:
    sent = body(table(), content_type)[:cut]
    with pytest.raises(Malformed):
        decode_predictions(sent, content_type)


def test_labels_come_in_tables_too() -> None:
    sent = body(pa.table({"prediction_id": [1, 2], "label": [0.5, math.nan], "timestamp": [NOW, NOW]}), PARQUET)
    found = decode_labels(sent, PARQUET, now=NOW)
    assert (found.rows.prediction_id, found.rows.label) == (["1"], [0.5])
    assert found.errors == [{"index": 1, "pointer": "/label", "detail": "is required"}]


def test_a_table_of_labels_has_no_features() -> None:
    with pytest.raises(Malformed, match=r"'feature.x' is not a known field"):
        decode_labels(body(pa.table({"prediction_id": ["a"], "label": [1], "feature.x": [1]})), STREAM)
