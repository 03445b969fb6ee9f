"""Bodies of predictions and labels: good items are kept, and each bad one is told with its place and its fault."""

from __future__ import annotations

import gzip
import math
import uuid
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from observability.predictions.bodies import Malformed, Refused
from observability.predictions.checks import Limits
from observability.predictions.decode import decode_labels, decode_predictions
from tests.unit.predictions.support import NOW, decoded, item

FULL = item(
    "p-1",
    version="3",
    timestamp="2026-01-02T03:04:05.250+01:00",
    features={"age": 41, "income": 5.5, "country": "DE", "vip": True, "note": None, "vector": [0.5, 1]},
    confidence=0.75,
    probabilities={"yes": 0.75, "no": 0.25},
    latency_seconds=0.012,
    variant="B",
    segment={"region": "eu"},
    trace_id="0AF7651916CD43DD8448EB211C80319C",
    span_id="b7ad6b7169203331",
)


def test_every_field_arrives() -> None:
    rows = decoded(FULL).rows
    assert rows.prediction_id == ["p-1"]
    assert (rows.model, rows.version, rows.variant) == (["churn"], ["3"], ["B"])
    assert rows.timestamp.tolist() == [1767319445.25]
    assert rows.received == NOW
    assert rows.features == [FULL["features"]]
    assert orjson.loads(rows.features_json[0]) == FULL["features"]
    assert (rows.prediction, rows.confidence.tolist()) == (["yes"], [0.75])
    assert rows.probabilities == [{"yes": 0.75, "no": 0.25}]
    assert rows.latency_seconds.tolist() == [0.012]
    assert rows.segment == [{"region": "eu"}]
    assert rows.trace_id == ["0af7651916cd43dd8448eb211c80319c"]
    assert rows.span_id == ["b7ad6b7169203331"]
    assert rows.error_type == [None]


def test_what_nobody_gave_is_missing() -> None:
    rows = decoded(item()).rows
    assert rows.version == [""]
    assert rows.timestamp.tolist() == [NOW]
    assert (rows.features, rows.features_json) == ([{}], [b"{}"])
    assert np.isnan(rows.confidence).all()
    assert np.isnan(rows.latency_seconds).all()
    assert (rows.probabilities, rows.segment) == ([None], [{}])
    assert (rows.variant, rows.trace_id, rows.span_id, rows.error_type) == ([None], [None], [None], [None])


def test_null_is_as_good_as_nothing() -> None:
    nulls: dict[str, Any] = dict.fromkeys(set(FULL) - {"prediction_id", "model", "prediction"})
    assert not decoded(item() | nulls).errors


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (orjson.dumps(item()), "application/json"),
        (orjson.dumps(item()), None),
        (orjson.dumps([item()]), "application/json; charset=utf-8"),
        (orjson.dumps(item()) + b"\n", "application/x-ndjson"),
        (orjson.dumps(item()), "application/jsonl"),
        (b"\n" + orjson.dumps(item()) + b"\r\n\r\n", "application/x-ndjson"),
        (memoryview(orjson.dumps(item())), "application/json"),
    ],
)
def test_an_object_an_array_and_lines_are_taken(body: Any, content_type: str | None) -> None:
    assert decode_predictions(body, content_type).rows.prediction_id == ["p1"]


def test_lines_are_known_without_their_content_type() -> None:
    body = b"\n".join(orjson.dumps(item(f"p{number}")) for number in range(3))
    assert decode_predictions(body, "application/json").rows.prediction_id == ["p0", "p1", "p2"]


def test_a_bad_line_loses_only_itself() -> None:
    body = b"\n".join([orjson.dumps(item("a")), b'{"prediction_id": "b", ', orjson.dumps(item("c"))])
    for content_type in ("application/x-ndjson", "application/json"):
        found = decode_predictions(body, content_type)
        assert found.rows.prediction_id == ["a", "c"]
        assert found.items.tolist() == [0, 2]
        assert found.rejected == 1
        (error,) = found.errors
        assert (error["index"], error["pointer"]) == (1, "")
        assert error["detail"].startswith("is not JSON: ")


def test_two_objects_in_one_line_are_a_bad_line() -> None:
    body = orjson.dumps(item("a")) + b"," + orjson.dumps(item("b")) + b"\n" + orjson.dumps(item("c"))
    assert decode_predictions(body, "application/x-ndjson").rows.prediction_id == ["c"]


@pytest.mark.parametrize(
    ("more", "pointer", "detail"),
    [
        ({"prediction_id": ["x"]}, "/prediction_id", "must be a text, not a list"),
        ({"prediction_id": "x" * 257}, "/prediction_id", "has 257 characters, more than 256"),
        ({"prediction_id": "a\0b"}, "/prediction_id", "must not contain the character U+0000"),
        ({"model": None}, "/model", "is required"),
        ({"model": ""}, "/model", "must not be empty"),
        ({"model": 7}, "/model", "must be a text, not a number"),
        ({"version": 1.5}, "/version", "must be a text, not a number"),
        ({"version": {}}, "/version", "must be a text, not an object"),
        ({"timestamp": "yesterday"}, "/timestamp", "must be RFC 3339 or Unix seconds, not 'yesterday'"),
        ({"timestamp": "2026-01-02"}, "/timestamp", "must be RFC 3339 or Unix seconds, not '2026-01-02'"),
        ({"timestamp": "2026-01-02T03:04:05.5"}, "/timestamp", "must have a time zone, such as 2026-01-02T03:04:05.5Z"),
        ({"timestamp": True}, "/timestamp", "must be RFC 3339 or Unix seconds, not a boolean"),
        ({"timestamp": -1}, "/timestamp", "must not be before 1970"),
        ({"timestamp": NOW + 3601}, "/timestamp", "lies 3601 s ahead, more than 3600"),
        ({"timestamp": NOW * 1000}, "/timestamp", "must be in seconds: 1790000000000 looks like milliseconds"),
        ({"features": [1]}, "/features", "must be an object, not a list"),
        (
            {"features": {"a": {"b": 1}}},
            "/features/a",
            "must be a number, text, boolean, list of numbers or null, not an object",
        ),
        ({"features": {"a/b": [1, "x"]}}, "/features/a~1b", "must be a list of numbers only"),
        ({"features": {"a~": [1, None]}}, "/features/a~0", "must be a list of numbers only"),
        ({"features": {"a": [True]}}, "/features/a", "must be a list of numbers only"),
        ({"features": {"a": []}}, "/features/a", "must not be an empty list"),
        ({"features": {"a": [0] * 4097}}, "/features/a", "has 4097 numbers, more than 4096"),
        ({"features": {"a": "x" * 10_001}}, "/features/a", "has 10001 characters, more than 10000"),
        ({"features": {"": 1}}, "/features", "the name of a feature must not be empty"),
        ({"features": {"x" * 257: 1}}, "/features", "the name of a feature has 257 characters, more than 256"),
        ({"features": {f"f{n}": n for n in range(501)}}, "/features", "has 501 features, more than 500"),
        ({"prediction": None}, "/prediction", "is required"),
        ({"prediction": {"a": 1}}, "/prediction", "must be a text, number or boolean, not an object"),
        ({"prediction": "x" * 10_001}, "/prediction", "has 10001 characters, more than 10000"),
        ({"confidence": 1.7}, "/confidence", "must be between 0 and 1, not 1.7"),
        ({"confidence": -0.1}, "/confidence", "must be between 0 and 1, not -0.1"),
        ({"confidence": "high"}, "/confidence", "must be a number, not a text"),
        ({"confidence": True}, "/confidence", "must be a number, not a boolean"),
        ({"probabilities": [0.5]}, "/probabilities", "must be an object, not a list"),
        ({"probabilities": {"yes": 1.2}}, "/probabilities/yes", "must be between 0 and 1, not 1.2"),
        ({"probabilities": {"yes": "x"}}, "/probabilities/yes", "must be a number, not a text"),
        ({"probabilities": {"x" * 257: 1}}, "/probabilities", "the name of a class has 257 characters, more than 256"),
        ({"probabilities": {str(n): 0 for n in range(1001)}}, "/probabilities", "has 1001 classes, more than 1000"),
        ({"latency_seconds": -1}, "/latency_seconds", "must be a finite number of at least 0, not -1"),
        ({"latency_seconds": "1"}, "/latency_seconds", "must be a number, not a text"),
        ({"variant": []}, "/variant", "must be a text, not a list"),
        ({"segment": "eu"}, "/segment", "must be an object, not a text"),
        ({"segment": {"region": ["eu"]}}, "/segment/region", "must be a text, not a list"),
        ({"segment": {str(n): "x" for n in range(21)}}, "/segment", "has 21 keys, more than 20"),
        ({"segment": {"a": "x" * 257}}, "/segment", "one of its keys or values has 257 characters, more than 256"),
        ({"trace_id": "abc"}, "/trace_id", "must be 32 hexadecimal digits, not 'abc'"),
        ({"trace_id": "g" * 32}, "/trace_id", f"must be 32 hexadecimal digits, not '{'g' * 32}'"),
        ({"span_id": "0" * 15}, "/span_id", f"must be 16 hexadecimal digits, not '{'0' * 15}'"),
        ({"span_id": 5}, "/span_id", "must be a text, not a number"),
        ({"error_type": 500}, "/error_type", "must be a text, not a number"),
        ({"confidenc": 0.5}, "/confidenc", "is not a known field: did you mean confidence?"),
    ],
)
def test_each_fault_is_told_with_its_place(more: dict[str, Any], pointer: str, detail: str) -> None:
    found = decoded(item("good"), item("bad") | more, item("also good"))
    assert found.rows.prediction_id == ["good", "also good"]
    assert found.items.tolist() == [0, 2]
    assert found.rejected == 1
    assert found.errors == [{"index": 1, "pointer": pointer, "detail": detail}]


def test_an_unknown_field_that_is_like_none_is_told_with_all_that_there_are() -> None:
    (error,) = decoded(item(zzz=1)).errors
    assert error["detail"].startswith("is not a known field: prediction_id, model, version, ")


@pytest.mark.parametrize(("value", "name"), [(3, "a number"), ("x", "a text"), (None, "null"), ([], "a list")])
def test_an_item_that_is_no_object_is_told(value: Any, name: str) -> None:
    found = decoded(value, item())
    assert found.rows.prediction_id == ["p1"]
    assert found.errors == [{"index": 0, "pointer": "", "detail": f"must be an object, not {name}"}]


def test_one_item_may_have_several_faults_and_is_rejected_once() -> None:
    found = decoded({"confidence": 2, "latency_seconds": -1})
    assert found.rejected == 1
    assert {error["pointer"] for error in found.errors} == {"/model", "/prediction", "/confidence", "/latency_seconds"}


def test_errors_are_told_in_the_order_of_items_up_to_a_limit() -> None:
    found = decoded(*(3 if n % 2 else item(f"p{n}", confidence=2) for n in range(50)), limits=Limits(errors=10))
    assert found.rejected == 50
    assert len(found.errors) == 10
    places = [error["index"] for error in found.errors]
    assert places == sorted(places)


def test_a_failed_prediction_needs_no_prediction() -> None:
    rows = decoded({"prediction_id": "a", "model": "churn", "error_type": "timeout"}).rows
    assert (rows.prediction, rows.error_type) == ([None], ["timeout"])


@pytest.mark.parametrize("prediction", ["yes", "", 1, 0.5, True, False, -3, 2**63])
def test_a_prediction_is_a_text_a_number_or_a_boolean(prediction: Any) -> None:
    (kept,) = decoded(item(prediction=prediction)).rows.prediction
    assert kept == prediction
    assert isinstance(kept, bool) == isinstance(prediction, bool)


@pytest.mark.parametrize(
    ("prediction", "probabilities", "confidence"),
    [
        ("no", {"yes": 0.6, "no": 0.4}, 0.4),
        (True, {"true": 0.3, "false": 0.7}, 0.3),
        (False, {"True": 0.3, "False": 0.7}, 0.7),
        (1, {"0": 0.2, "1": 0.8}, 0.8),
        (1.0, {"0": 0.9, "1": 0.1}, 0.1),
        ("maybe", {"yes": 0.6, "no": 0.4}, 0.6),
        ("zero", {"zero": 0.0, "no": 1.0}, 0.0),
    ],
)
def test_confidence_is_the_probability_of_the_predicted_class(
    prediction: Any, probabilities: dict[str, float], confidence: float
) -> None:
    rows = decoded(item(prediction=prediction, probabilities=probabilities)).rows
    assert rows.confidence.tolist() == [confidence]


def test_a_confidence_that_is_given_stays() -> None:
    rows = decoded(item("a", confidence=0.9, probabilities={"yes": 0.1}), item("b", confidence=0.2)).rows
    assert rows.confidence.tolist() == [0.9, 0.2]


def test_what_single_precision_makes_of_one_is_one() -> None:
    rows = decoded(item(confidence=1.0000001, probabilities={"yes": 1.0000001, "no": -1e-8})).rows
    assert rows.confidence.tolist() == [1.0]
    assert rows.probabilities == [{"yes": 1.0, "no": 0.0}]


def test_numbers_and_booleans_of_a_segment_become_texts() -> None:
    rows = decoded(item(segment={"tier": 2, "new": True, "old": False, "region": "eu", "gone": None})).rows
    assert rows.segment == [{"tier": "2", "new": "true", "old": "false", "region": "eu"}]


def test_whole_numbers_are_ids_and_versions_too() -> None:
    rows = decoded(item() | {"prediction_id": 12, "version": 3}).rows
    assert (rows.prediction_id, rows.version) == (["12"], ["3"])


def test_ids_of_nothing_but_zeros_mean_that_there_is_no_trace() -> None:
    rows = decoded(item("a", trace_id="0" * 32, span_id="0" * 16), item("b", trace_id="", span_id="")).rows
    assert (rows.trace_id, rows.span_id) == ([None, None], [None, None])


def test_an_item_without_an_id_gets_one_that_sorts_by_time() -> None:
    bare = {"model": "churn", "prediction": 1}
    first, second = decoded(bare, bare, item("x")), decoded(bare, now=NOW + 1)
    assert first.generated == 2
    ids = [*first.rows.prediction_id[:2], *second.rows.prediction_id]
    assert len(set(ids)) == 3
    assert max(ids[:2]) < ids[2]
    for each in ids:
        parsed = uuid.UUID(each)
        assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert uuid.UUID(ids[0]).int >> 80 == int(NOW * 1000)


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("2026-01-02T03:04:05Z", 1767323045.0),
        ("2026-01-02T03:04:05+02:00", 1767315845.0),
        ("2026-01-02 03:04:05.123456789Z", 1767323045.123456),
        (1767323045, 1767323045.0),
        (1767323045.5, 1767323045.5),
        (0, 0.0),
        (NOW + 3600, NOW + 3600),
    ],
)
def test_times_are_rfc_3339_or_unix_seconds(timestamp: Any, seconds: float) -> None:
    rows = decoded(item("a", timestamp=timestamp), item("b")).rows
    assert rows.timestamp.tolist() == [seconds, NOW]


@pytest.mark.parametrize(
    ("body", "line", "offset"),
    [
        (b'{"a":\n1,}', 2, 8),
        ("{'ü'".encode(), 1, 1),
        (b"", 1, 0),
        (b"   ", 1, None),
        (b"nonsense", 1, None),
        (b'{"a": NaN}', 1, None),
        (b'{"a": "\xff"}', 1, None),
        (b'[{"model": "a"}, {"model": ]', 1, None),
    ],
)
def test_a_body_that_is_no_json_says_where(body: bytes, line: int, offset: int | None) -> None:
    with pytest.raises(Malformed) as caught:
        decode_predictions(body, "application/json")
    assert (caught.value.status, caught.value.reason, caught.value.line) == (400, "malformed_body", line)
    if offset is not None:
        assert caught.value.offset is not None
        assert abs(caught.value.offset - offset) <= 1


def test_an_empty_array_is_no_error() -> None:
    found = decoded()
    assert len(found.rows) == 0
    assert (found.rejected, found.errors, found.items.tolist()) == (0, [], [])


def test_an_unknown_content_type_is_refused() -> None:
    with pytest.raises(Refused, match="text/plain") as caught:
        decode_predictions(b"{}", "text/plain")
    assert caught.value.status == 415


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_too_many_items_are_refused(content_type: str) -> None:
    items = [item(f"p{n}") for n in range(4)]
    lines = content_type.endswith("ndjson")
    body = b"\n".join(map(orjson.dumps, items)) if lines else orjson.dumps(items)
    with pytest.raises(Refused, match="has 4 items, more than 3") as caught:
        decode_predictions(body, content_type, limits=Limits(items=3))
    assert (caught.value.status, caught.value.reason) == (413, "too_many_items")
    assert len(decode_predictions(body, content_type, limits=Limits(items=4)).rows) == 4


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity", " GZIP "])
def test_bodies_are_decompressed(encoding: str) -> None:
    body = orjson.dumps([item(f"p{n}") for n in range(100)])
    packed = {"gzip": gzip.compress(body), "zstd": pa.compress(body, "zstd", asbytes=True), "identity": body}
    sent = packed[encoding.strip().lower()]
    assert len(decode_predictions(sent, None, content_encoding=encoding).rows) == 100


def test_a_gzip_body_may_have_several_members() -> None:
    body = gzip.compress(b"[") + gzip.compress(orjson.dumps(item())) + gzip.compress(b"]")
    assert decode_predictions(body, None, content_encoding="gzip").rows.prediction_id == ["p1"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_refused_before_it_is_unpacked(encoding: str) -> None:
    body = b" " * 10_000_000
    sent = gzip.compress(body) if encoding == "gzip" else pa.compress(body, "zstd", asbytes=True)
    with pytest.raises(Refused, match="more than 1000 bytes") as caught:
        decode_predictions(sent, None, content_encoding=encoding, limits=Limits(body_bytes=1000))
    assert caught.value.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("cut", [True, False])
def test_what_does_not_decompress_is_malformed(encoding: str, cut: bool) -> None:
    body = orjson.dumps([item(f"p{n}") for n in range(100)])
    sent = gzip.compress(body) if encoding == "gzip" else pa.compress(body, "zstd", asbytes=True)
    with pytest.raises(Malformed, match=f"not {encoding}"):
        decode_predictions(sent[:-20] if cut else b"nonsense" + sent, None, content_encoding=encoding)


def test_another_encoding_is_refused() -> None:
    with pytest.raises(Refused, match="'br' is not supported") as caught:
        decode_predictions(b"{}", None, content_encoding="br")
    assert caught.value.status == 415


def test_labels_of_every_kind_are_taken() -> None:
    body = orjson.dumps(
        [{"prediction_id": f"p{n}", "label": label} for n, label in enumerate(["yes", 1, 0.5, True, "", -1e300])]
    )
    found = decode_labels(body, None, now=NOW)
    assert found.rows.label == ["yes", 1, 0.5, True, "", -1e300]
    assert found.rows.timestamp.tolist() == [NOW] * 6
    assert found.rows.received == NOW


@pytest.mark.parametrize(
    ("label", "pointer", "detail"),
    [
        ({"label": 1}, "/prediction_id", "is required"),
        ({"prediction_id": "", "label": 1}, "/prediction_id", "must not be empty"),
        ({"prediction_id": "a"}, "/label", "is required"),
        ({"prediction_id": "a", "label": None}, "/label", "is required"),
        ({"prediction_id": "a", "label": [1]}, "/label", "must be a text, number or boolean, not a list"),
        (
            {"prediction_id": "a", "label": 1, "timestamp": NOW + 1e4},
            "/timestamp",
            "lies 10000 s ahead, more than 3600",
        ),
        ({"prediction_id": "a", "label": 1, "lable": 2}, "/lable", "is not a known field: did you mean label?"),
        ({"prediction_id": "a", "label": 1, "model": "x"}, "/model", None),
    ],
)
def test_each_fault_of_a_label_is_told(label: dict[str, Any], pointer: str, detail: str | None) -> None:
    good = {"prediction_id": "good", "label": "x"}
    found = decode_labels(orjson.dumps([label, good]), None, now=NOW)
    assert found.rows.prediction_id == ["good"]
    assert found.items.tolist() == [1]
    (error,) = found.errors
    assert (error["index"], error["pointer"]) == (0, pointer)
    assert detail is None or error["detail"] == detail


def test_several_labels_of_one_prediction_are_all_kept() -> None:
    body = orjson.dumps([{"prediction_id": "a", "label": n} for n in range(3)])
    assert decode_labels(body, None).rows.label == [0, 1, 2]


def test_a_number_beyond_any_double_is_not_json() -> None:
    with pytest.raises(Malformed, match="infinity"):
        decode_predictions(b'{"model": "m", "prediction": 1e999}', None)


def test_numbers_in_features_stay_what_they_are() -> None:
    features = {"int": 2**53 + 1, "tiny": 5e-324, "zero": -0.0}
    (kept,) = decoded(item(features=features)).rows.features
    assert kept == features
    assert type(kept["int"]) is int
    assert math.copysign(1, kept["zero"]) == -1
