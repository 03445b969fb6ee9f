"""Baselines in every format: one canonical table, one hash, one profile."""

from __future__ import annotations

import dataclasses
import gzip
import io
import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.predictions.baselines import Baseline, BaselineLimits, decode_baseline, load_baseline
from observability.predictions.bodies import Malformed, Refused
from observability.predictions.profiles import KINDS, profile
from observability.predictions.store import PredictionStore
from tests.unit.predictions.support import NOW

STREAM = "application/vnd.apache.arrow.stream"
FILE = "application/vnd.apache.arrow.file"
PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv"


def written(table: pa.Table, content_type: str = PARQUET, **options: Any) -> bytes:
    output = io.BytesIO()
    if content_type == PARQUET:
        pq.write_table(table, output, **options)
    elif content_type == CSV:
        pa.csv.write_csv(table, output)
    else:
        opened = pa.ipc.new_stream if content_type == STREAM else pa.ipc.new_file
        with opened(output, table.schema) as writer:
            writer.write_table(table, **options)
    return output.getvalue()


def baseline(columns: dict[str, Any] | pa.Table, content_type: str = PARQUET, **options: Any) -> Baseline:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    return decode_baseline(written(table, content_type), content_type, **options)


@pytest.fixture
def columns() -> dict[str, Any]:
    random = np.random.default_rng(1)
    return {
        "age": random.integers(18, 90, 300),
        "income": [None if n % 7 == 0 else value for n, value in enumerate(random.lognormal(10, 1, 300).tolist())],
        "country": random.choice(["DE", "NA", "FR"], 300),
        "vip": random.random(300) < 0.1,
        "prediction": random.choice(["yes", "no"], 300),
        "label": random.choice(["yes", "no"], 300),
        "confidence": random.random(300),
        "probabilities.yes": random.random(300),
        "timestamp": NOW - random.integers(0, 1000, 300),
    }


def test_columns_are_what_their_names_say(columns: dict[str, Any]) -> None:
    found = baseline(columns)
    assert list(found.features) == ["age", "income", "country", "vip"]
    assert found.kinds == {"age": "numeric", "income": "numeric", "country": "categorical", "vip": "boolean"}
    assert (found.rows, found.total_rows, found.sampled) == (300, 300, False)
    for name in ("prediction", "label", "confidence", "timestamp"):
        column = getattr(found, name)
        assert column is not None
        assert column.to_pylist() == list(columns[name])
    assert list(found.probabilities) == ["yes"]


def test_every_format_gives_the_same_hash(columns: dict[str, Any]) -> None:
    table = pa.table(columns)
    files = [
        (written(table, PARQUET, compression="gzip", row_group_size=17), PARQUET),
        (written(table, PARQUET, compression="none", use_dictionary=False), PARQUET),
        (written(table, STREAM, max_chunksize=11), STREAM),
        (written(table, FILE), FILE),
        (written(table, CSV), CSV),
        (written(pa.concat_tables([table.slice(0, 9), table.slice(9)])), PARQUET),
        (written(table.select(table.column_names[::-1])), PARQUET),
    ]
    found = [decode_baseline(body, content_type) for body, content_type in files]
    found += [decode_baseline(body, None) for body, _ in files]
    found.append(decode_baseline(gzip.compress(files[0][0]), PARQUET, content_encoding="gzip"))
    found.append(load_baseline(found[0].content))
    assert len({each.hash for each in found}) == 1
    assert len(found[0].hash) == 64
    assert all(each.kinds == found[0].kinds for each in found)


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: columns | {"age": [*columns["age"][:-1], 17]},
        lambda columns: columns | {"age": columns["age"].astype(float)},
        lambda columns: columns | {"income": [0.0, *columns["income"][1:]]},
        lambda columns: columns | {"more": [1] * 300},
        lambda columns: {name: column for name, column in columns.items() if name != "vip"},
        lambda columns: {("years" if name == "age" else name): column for name, column in columns.items()},
        lambda columns: {name: list(reversed(column)) for name, column in columns.items()},
    ],
)
def test_other_content_gives_another_hash(columns: dict[str, Any], change: Any) -> None:
    assert baseline(columns).hash != baseline(change(columns)).hash


@given(st.lists(st.none() | st.text(max_size=4), min_size=2, max_size=12))
@settings(max_examples=60, deadline=None)
def test_texts_are_told_apart_however_they_are_cut(values: list[str | None]) -> None:
    moved = [*values]
    moved[0], moved[1] = (moved[0] or "") + (moved[1] or ""), ""
    assert (baseline({"x": values}).hash == baseline({"x": moved}).hash) == (moved == values)


def test_numbers_that_are_equal_have_one_hash() -> None:
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    assert baseline({"x": [0.0, math.nan]}).hash == baseline({"x": [-0.0, other_nan]}).hash


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([1, 2, 3], "numeric"),
        ([1.5, None, math.inf], "numeric"),
        (pa.array([1, 2, 3], pa.uint64()), "numeric"),
        (pa.array([Decimal("1.5"), None, None]), "numeric"),
        ([date(2026, 1, 1), None, date(2026, 1, 2)], "numeric"),
        ([datetime(2026, 1, 1), None, None], "numeric"),
        (pa.nulls(3), "numeric"),
        ([True, False, None], "boolean"),
        (["a", "b", None], "categorical"),
        (pa.array(["x" * 100, "y" * 100, None]).dictionary_encode(), "categorical"),
        (["x" * 100, "y" * 10, "z" * 30], "text"),
        ([[1.0, 2.0], None, [3.0, 4.0]], "embedding"),
        (pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int8(), 2)), "embedding"),
    ],
)
def test_the_kind_of_a_feature_is_guessed_from_its_values(column: Any, kind: str) -> None:
    found = baseline({"x": column})
    assert found.kinds == {"x": kind}
    assert load_baseline(found.content).kinds == found.kinds
    assert found.kinds["x"] in KINDS


def test_whole_numbers_are_categories_where_arrow_says_so() -> None:
    columns = {"x": pa.array([1, 2, 1]).dictionary_encode()}
    assert baseline(columns, STREAM).kinds == {"x": "categorical"}


def test_many_different_short_texts_are_no_categories() -> None:
    assert baseline({"x": [f"v{n % 200}" for n in range(1000)]}).kinds == {"x": "categorical"}
    assert baseline({"x": [f"v{n % 201}" for n in range(1000)]}).kinds == {"x": "text"}


def test_kinds_may_be_declared() -> None:
    columns = {"zip": [10115, 80331], "name": ["a", "b"]}
    found = baseline(columns, kinds={"zip": "categorical", "name": "text", "other": "numeric"})
    assert found.kinds == {"zip": "categorical", "name": "text"}
    assert found.hash == baseline(columns).hash


@pytest.mark.parametrize(
    ("column", "kind"), [(["a"], "numeric"), ([1], "text"), ([1], "boolean"), ([1], "embedding"), ([[1.0]], "numeric")]
)
def test_a_declared_kind_must_fit_the_values(column: Any, kind: Any) -> None:
    with pytest.raises(Malformed, match=f"feature 'x' is declared {kind}, but its values are of type"):
        baseline({"x": column}, kinds={"x": kind})


def test_probabilities_and_features_may_be_structs() -> None:
    table = pa.table({"features": [{"a": 1, "b": "x"}], "probabilities": [{"yes": 0.5, "no": 0.5}], "label": ["yes"]})
    found = baseline(table)
    assert (list(found.features), list(found.probabilities)) == (["a", "b"], ["no", "yes"])


def test_columns_that_are_named_as_features_are_the_only_ones() -> None:
    found = baseline({"feature.label": [1], "feature.x": [2], "model": ["m"], "prediction": [1], "proba_a": [0.5]})
    assert list(found.features) == ["label", "x"]
    assert found.label is None
    assert found.prediction is not None
    assert list(found.probabilities) == ["a"]


def test_times_of_every_type_are_unix_seconds() -> None:
    for column in (
        pa.array([1_700_000_000_500], pa.timestamp("ms", "UTC")),
        [1_700_000_000.5],
        ["2023-11-14T22:13:20.5Z"],
    ):
        found = baseline({"x": [1], "timestamp": column})
        assert found.timestamp is not None
        assert found.timestamp.to_pylist() == [1_700_000_000.5]


def test_in_csv_only_an_empty_cell_is_missing() -> None:
    found = decode_baseline(b'country,note,n\nNA,"a, ""b""\nc",1\n,null,\nDE,None,3\n', CSV)
    assert found.features["country"].to_pylist() == ["NA", None, "DE"]
    assert found.features["note"].to_pylist() == ['a, "b"\nc', "null", "None"]
    assert found.features["n"].to_pylist() == [1, None, 3]


def test_of_many_rows_a_sample_is_kept_in_their_order() -> None:
    table = pa.table({"x": range(5000)})
    limits = BaselineLimits(rows=1000)
    found = [baseline(table, each, limits=limits) for each in (PARQUET, STREAM, FILE, CSV)]
    assert len({each.hash for each in found}) == 1
    (first, *_) = found
    assert (first.rows, first.total_rows, first.sampled) == (1000, 5000, True)
    values = first.features["x"].to_pylist()
    assert values == sorted(set(values))
    assert abs(np.mean(values) - 2500) < 5 * 5000 / math.sqrt(12 * 1000)
    assert first.profile()["sampled"]


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"", None, "is empty"),
        (b"a,b\n", CSV, "has no row"),
        (b"a,b\n1\n", CSV, "Expected 2 columns"),
        (b"a,a\n1,2\n", CSV, "two columns are 'feature.a'"),
        (b"proba_a,probabilities.a\n0.1,0.2\n", CSV, "two columns are 'probabilities.a'"),
        (b"PAR1nonsense", None, "not application/vnd.apache.parquet"),
        (b"ARROW1nonsense", None, "not application/vnd.apache.arrow.file"),
        (b"\xff\xff\xff\xffnonsense", None, "not application/vnd.apache.arrow.stream"),
        (b"confidence\n1.7\n", CSV, "column 'confidence' has values that are not between 0 and 1"),
        (b"probabilities.a\n-0.5\n", CSV, "column 'probabilities.a' has values that are not between 0 and 1"),
        (b"confidence\nhigh\n", CSV, "column 'confidence': "),
        (b"timestamp\nyesterday\n", CSV, "column 'timestamp': "),
        ((b"x" * 300) + b"\n1\n", CSV, "is empty or has more than 256 characters"),
        (written(pa.table({"x": [1], "y": [{"a": 1}]})), PARQUET, "column 'y' has the type struct"),
        (written(pa.table({"x": [b"a"]})), PARQUET, "column 'x' has the type binary"),
        (written(pa.table({"label": [[1.0]]})), PARQUET, "column 'label' has the type list"),
        (written(pa.table({"x": [[1.0], [1.0, 2.0]]})), PARQUET, "have between 1 and 2 numbers"),
        (written(pa.table({"x": [[1.0, None]]})), PARQUET, "missing or not finite"),
        (written(pa.table({"x": [[0.0] * 5000]})), PARQUET, "5000 numbers, more than the limit"),
        (written(pa.table({f"f{n}": [1] for n in range(501)})), PARQUET, "has 501 features, more than 500"),
        (written(pa.table({})), PARQUET, "has no column"),
    ],
)
def test_what_is_no_usable_table_is_told(body: bytes, content_type: str | None, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_baseline(body, content_type)
    assert message in str(caught.value)
    assert caught.value.status == 400


def test_another_format_is_refused() -> None:
    with pytest.raises(Refused, match="'image/png' is not supported") as caught:
        decode_baseline(b"x", "image/png")
    assert caught.value.status == 415


def test_a_body_beyond_the_limit_is_refused() -> None:
    with pytest.raises(Refused, match="more than 10 bytes") as caught:
        decode_baseline(b"x\n" + b"1\n" * 10, CSV, limits=BaselineLimits(bytes=10))
    assert caught.value.status == 413


@pytest.mark.parametrize("content_type", [PARQUET, STREAM])
def test_a_small_file_cannot_become_a_large_table(content_type: str) -> None:
    table = pa.table({"x": ["y" * 1000] * 20_000})
    output = io.BytesIO()
    if content_type == PARQUET:
        pq.write_table(table, output)
    else:
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(output, table.schema, options=options) as writer:
            writer.write_table(table, 1000)
    with pytest.raises(Refused, match="more than") as caught:
        decode_baseline(output.getvalue(), content_type, limits=BaselineLimits(bytes=1_000_000))
    assert caught.value.status == 413


def test_a_numeric_profile_is_what_numpy_says() -> None:
    values = [1.0, 2.0, 4.0, math.inf, -math.inf, math.nan, None]
    told = profile(pa.chunked_array([pa.array(values)]), "numeric")
    finite = np.array([1.0, 2.0, 4.0])
    assert {key: told[key] for key in ("kind", "n", "missing", "infinite", "distinct")} == {
        "kind": "numeric", "n": 5, "missing": 2, "infinite": 2, "distinct": 5
    }  # fmt: skip
    assert (told["min"], told["max"]) == (1.0, 4.0)
    assert told["mean"] == pytest.approx(finite.mean(), rel=1e-12)
    assert told["std"] == pytest.approx(finite.std(ddof=1), rel=1e-12)
    assert told["quantiles"]["0.25"] == pytest.approx(np.quantile(finite, 0.25), rel=1e-12)


def test_categories_are_counted_most_frequent_first() -> None:
    told = profile(pa.chunked_array([["b", "a", "b", None, "c", "a"]]), "categorical")
    assert told == {
        "kind": "categorical", "n": 5, "missing": 1, "distinct": 3, "top": [["a", 2], ["b", 2], ["c", 1]]
    }  # fmt: skip


def test_texts_and_embeddings_have_profiles_of_their_own() -> None:
    told = baseline({"t": ["ab", None, "abcd"], "e": [[3.0, 4.0], [0.0, 0.0], None]}, kinds={"t": "text"}).profile()
    assert told["features"]["t"]["length"]["mean"] == 3.0
    assert told["features"]["e"]["dimensions"] == 2
    assert told["features"]["e"]["norm"]["max"] == 5.0
    assert (told["features"]["e"]["n"], told["features"]["e"]["missing"]) == (2, 1)


@given(
    st.lists(st.none() | st.floats(), min_size=1, max_size=20),
    st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=20),
)
@settings(max_examples=80, deadline=None)
def test_a_profile_is_json_whatever_the_values(numbers: list[float | None], texts: list[str | None]) -> None:
    rows = min(len(numbers), len(texts))
    columns = {"n": pa.array(numbers[:rows], pa.float64()), "t": pa.array(texts[:rows], pa.string())}
    told = baseline(columns).profile()
    assert orjson.loads(orjson.dumps(told)) == told
    for feature in told["features"].values():
        assert feature["n"] + feature["missing"] == rows


def test_a_baseline_goes_through_the_store(columns: dict[str, Any], store: PredictionStore) -> None:
    found = baseline(columns)
    with store.transaction() as transaction:
        transaction.add_baseline(found.stored("churn", "1", NOW))
    kept = store.baseline("churn", "1")
    assert kept is not None
    assert dataclasses.replace(kept, content=b"") == dataclasses.replace(found.stored("churn", "1", NOW), content=b"")
    assert load_baseline(kept.content).hash == found.hash == kept.hash
