"""``python -m observability.export``: what is in the file, what is said, and what it costs."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from observability.export.__main__ import export, main
from observability.predictions import jsontext
from observability.predictions.baselines import decode_baseline
from observability.predictions.decode import decode_predictions
from observability.predictions.store import PredictionStore, sqlite_url
from observability.predictions.stored import Filter
from tests.unit.predictions.support import NOW, item, labels, numbered, predictions
from tests.unit.predictions.test_decode import FULL
from tests.unit.predictions.test_decode_tables import STREAM, body, table

Opened = Callable[..., PredictionStore]
_ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "exporter" / "predictions.sqlite"


@pytest.fixture
def store(file: Path, opened: Opened) -> PredictionStore:
    """Three predictions, the second labelled, the third failed."""
    store = opened(sqlite_url(file))
    store.add(
        predictions(
            FULL | {"timestamp": NOW - 30},
            item("p2", timestamp=NOW - 20, features={"age": 5.5, "plan": "pro"}, probabilities={"maybe": 0.5}),
            item("p3", timestamp=NOW - 10, model="other", prediction=None, error_type="timeout"),
        ),
        ["hash", None, None],
    )
    store.add_labels(labels(("p2", "no", NOW)))
    return store


def read(file: Path) -> list[dict[str, Any]]:
    """The rows of an exported file."""
    if file.suffix == ".parquet":
        return list(pq.read_table(file).to_pylist())
    if file.suffix == ".csv":
        return list(pa.csv.read_csv(file).to_pylist())
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def run(file: Path, *arguments: str) -> int:
    return main(["--url", sqlite_url(file), "--quiet", *arguments])


def test_parquet_has_a_column_for_each_feature_class_and_segment(
    store: PredictionStore, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    assert run(file, "--out", str(out)) == 0
    schema = pq.read_schema(out)
    assert schema.field("timestamp").type == pa.timestamp("us", "UTC")
    assert schema.field("feature.age").type == pa.float64()
    assert schema.field("feature.vip").type == pa.bool_()
    assert schema.field("feature.vector").type == pa.list_(pa.float64())
    first, second, third = read(out)
    assert first["prediction_id"] == "p-1"
    assert first["timestamp"].timestamp() == NOW - 30
    assert {name[8:]: value for name, value in first.items() if name.startswith("feature.")} == {
        "age": 41.0, "income": 5.5, "country": "DE", "vip": True, "note": None, "vector": [0.5, 1.0], "plan": None
    }  # fmt: skip
    assert (first["probabilities.yes"], first["probabilities.maybe"], first["segment.region"]) == (0.75, None, "eu")
    assert (first["label"], first["label_timestamp"], first["baseline_hash"]) == (None, None, "hash")
    assert (second["label"], second["label_timestamp"].timestamp()) == ("no", NOW)
    assert (third["prediction"], third["error_type"], third["confidence"]) == (None, "timeout", None)


def test_csv_has_the_same_columns_as_texts(store: PredictionStore, file: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out.csv", tmp_path / "out.parquet"
    assert run(file, "--out", str(out)) == run(file, "--out", str(other)) == 0
    header, line, *_ = out.read_text().splitlines()
    assert header.replace('"', "").split(",") == pq.read_schema(other).names
    assert '"2026-09-21T14:12:50.000000Z"' in line
    assert '"[0.5,1.0]"' in line
    assert [row["prediction_id"] for row in read(out)] == ["p-1", "p2", "p3"]


def test_lines_are_what_was_sent(store: PredictionStore, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert run(file, "--out", str(out)) == 0
    first, second, third = read(out)
    assert first["features"] == FULL["features"]
    assert first["trace_id"] == FULL["trace_id"].lower()
    assert (second["label"], "label" in first, "features" in third) == ("no", False, True)
    known = {"received", "label", "label_timestamp", "baseline_hash", "writer"}
    again = decode_predictions(
        b"\n".join(orjson.dumps({k: v for k, v in row.items() if k not in known}) for row in (first, second, third)),
        "application/x-ndjson",
        now=NOW,
    )
    assert not again.errors
    assert not store.add(again.rows).new.any()


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], ["p-1", "p2", "p3"]),
        (["--model", "churn"], ["p-1", "p2"]),
        (["--model", "churn", "--version", "3"], ["p-1"]),
        (["--segment", "region=eu"], ["p-1"]),
        (["--segment", "region=eu", "--segment", "tier=1"], []),
        (["--labelled"], ["p2"]),
        (["--unlabelled"], ["p-1", "p3"]),
        (["--errors"], ["p3"]),
        (["--since", "2026-09-21T14:13:00Z"], ["p2", "p3"]),
        (["--since", "2026-09-21T16:12:55+02:00", "--until", "2026-09-21T14:13:10Z"], ["p2"]),
        (["--until", "2026-09-21"], []),
        (["--since", "2026-09-21"], ["p-1", "p2", "p3"]),
    ],
)
def test_only_what_is_wanted_is_written(
    store: PredictionStore, file: Path, tmp_path: Path, options: list[str], ids: list[str]
) -> None:
    for suffix in ("parquet", "jsonl"):
        out = tmp_path / f"out.{suffix}"
        assert run(file, "--out", str(out), *options) == 0
        assert [row["prediction_id"] for row in read(out)] == ids


def test_a_time_may_be_so_long_ago(file: Path, tmp_path: Path, opened: Opened) -> None:
    import time

    now = time.time()
    store = opened(sqlite_url(file))
    store.add(predictions(*(item(str(hours), timestamp=now - 3600 * hours - 60) for hours in range(60)), now=now))
    for text, count in (("90m", 2), ("24h", 24), ("2d", 48), ("1w", 60), ("30s", 0)):
        out = tmp_path / f"{text}.jsonl"
        assert run(file, "--out", str(out), "--since", text) == 0
        assert len(read(out)) == count


def test_types_that_disagree_become_texts_and_that_is_said(
    file: Path, tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [1, "one", True, None, [0.5]]
    store = opened(sqlite_url(file))
    store.add(predictions(*(item(f"p{n}", timestamp=NOW + n, features={"x": value}) for n, value in enumerate(values))))
    store.add(predictions(item("p9", timestamp=NOW + 9, prediction=0.5, features={"y": 2**63, "z": -1})))
    out = tmp_path / "out.parquet"
    assert run(file, "--out", str(out)) == 0
    rows = read(out)
    assert [row["feature.x"] for row in rows] == ["1", "one", "true", None, "[0.5]", None]
    assert [row["prediction"] for row in rows] == ["yes"] * 5 + ["0.5"]
    assert (rows[-1]["feature.y"], rows[-1]["feature.z"]) == (2.0**63, -1)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "observability.export: feature.x: bool and int64 and list<item: double> and string became texts",
        "observability.export: prediction: double and string became texts",
    ]


def test_types_that_disagree_far_apart_are_found(file: Path, tmp_path: Path, opened: Opened) -> None:
    store = opened(sqlite_url(file))
    store.add(numbered(range(25_000), timestamp=NOW))
    store.add(predictions(item("last", timestamp=NOW + 1, features={"n": 0.5, "late": "x"})))
    out = tmp_path / "out.parquet"
    assert export(store, Filter(), out) == 25_001
    found = pq.read_table(out)
    assert found.schema.field("feature.n").type == pa.float64()
    assert found["feature.n"].to_pylist() == [*map(float, range(25_000)), 0.5]
    assert found["feature.late"].to_pylist() == [None] * 25_000 + ["x"]


def test_infinite_numbers_stay(file: Path, tmp_path: Path, opened: Opened) -> None:
    sent = table().append_column("feature.x", [[math.inf, -math.inf]])
    opened(sqlite_url(file)).add(decode_predictions(body(sent), STREAM, now=NOW).rows)
    assert run(file, "--out", str(tmp_path / "o.parquet")) == run(file, "--out", str(tmp_path / "o.jsonl")) == 0
    assert [row["feature.x"] for row in read(tmp_path / "o.parquet")] == [math.inf, -math.inf]
    lines = (tmp_path / "o.jsonl").read_bytes().splitlines()
    assert [jsontext.loads(line)["features"]["x"] for line in lines] == [math.inf, -math.inf]
    assert json.loads(lines[0])["features"]["x"] == math.inf


def test_what_was_exported_is_a_baseline(store: PredictionStore, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert run(file, "--out", str(out), "--model", "churn") == 0
    found = decode_baseline(out.read_bytes(), None)
    assert set(found.features) == {"age", "income", "country", "vip", "note", "vector", "plan"}
    assert found.prediction is not None
    assert set(found.probabilities) == {"yes", "no", "maybe"}


def test_nothing_that_matches_is_a_file_without_rows_and_a_note(
    store: PredictionStore, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for suffix in ("parquet", "csv", "jsonl"):
        out = tmp_path / f"out.{suffix}"
        assert main(["--url", sqlite_url(file), "--out", str(out), "--model", "nobody"]) == 0
        assert out.exists()
        assert capsys.readouterr().err == f"{out}: 0 predictions: nothing in the store matches\n"
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_a_file_that_is_there_is_replaced_only_when_asked(store: PredictionStore, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    assert run(file, "--out", str(out)) == 2
    assert out.read_text() == "precious"
    assert run(file, "--out", str(out), "--force") == 0
    assert len(read(out)) == 3


def test_a_failure_leaves_the_file_as_it_was(store: PredictionStore, file: Path, tmp_path: Path) -> None:
    with store.transaction() as transaction:  # what no version of this writes
        transaction.connection.exec_driver_sql("UPDATE predictions SET features = 'no json' WHERE prediction_id = 'p3'")
    out = tmp_path / "out.jsonl"
    out.write_text("precious")
    with pytest.raises(ValueError, match="Expecting"):
        export(store, Filter(), out)
    assert out.read_text() == "precious"
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["out.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "out.xlsx"], "out.xlsx ends with none of .parquet .csv .jsonl .ndjson"),
        (["--out", "out.csv", "--since", "soon"], "'soon' is neither like 24h or 7d, nor a date or time"),
        (["--out", "out.csv", "--since", "2026-01-02T03:04:05"], "has no time zone: 2026-01-02T03:04:05Z is UTC"),
        (["--out", "out.csv", "--segment", "eu"], "'eu' is not like region=eu"),
        (["--out", "out.csv", "--labelled", "--unlabelled"], "not allowed with"),
        ([], "--out"),
    ],
)
def test_wrong_options_are_told(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_store_that_cannot_be_used_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state-dir", str(tmp_path), "--out", str(tmp_path / "o.csv")]) == 2
    assert "exporter/predictions.sqlite: there is no prediction store" in capsys.readouterr().err
    assert main(["--url", "mysql://u:secret@h/d", "--out", str(tmp_path / "o.csv")]) == 2
    assert "secret" not in capsys.readouterr().err
    assert main(["--out", str(tmp_path / "none" / "o.csv")]) == 2
    assert "none is not a folder" in capsys.readouterr().err
    assert main(["--config", str(tmp_path / "none.yml"), "--out", str(tmp_path / "o.csv")]) == 2
    assert "none.yml: no such file" in capsys.readouterr().err


def test_the_store_is_found_as_the_exporter_finds_it(
    store: PredictionStore, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--state-dir", str(tmp_path), "--out", str(tmp_path / "a.jsonl"), "--quiet"]) == 0
    config = tmp_path / "observability.yml"
    config.write_text("{}")
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    assert main(["--config", str(config), "--out", str(tmp_path / "b.jsonl"), "--quiet"]) == 0
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "empty"))
    config.write_text(f"predictions: {{url: '{sqlite_url(file)}'}}")
    assert main(["--config", str(config), "--out", str(tmp_path / "c.jsonl"), "--quiet"]) == 0
    assert len({(tmp_path / f"{name}.jsonl").read_bytes() for name in "abc"}) == 1


def test_the_url_may_be_in_a_file_of_its_own(file: Path, tmp_path: Path) -> None:
    from observability.predictions.location import store_url
    from observability.predictions.store import StoreError
    from observability.settings import Predictions, Runtime

    (tmp_path / "predictions_url").write_text(f"{sqlite_url(file)}\n")
    assert store_url(Predictions(url_file="predictions_url"), Runtime(), tmp_path) == sqlite_url(file)
    with pytest.raises(StoreError, match="other: No such file"):
        store_url(Predictions(url_file="other"), Runtime(), tmp_path)


_MEASURED = """
import resource, sys
from observability.export.__main__ import main

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

assert main(["--url", sys.argv[1], "--out", sys.argv[2], "--until", sys.argv[3]]) == 0
first = peak()
assert main(["--url", sys.argv[1], "--out", sys.argv[2], "--force"]) == 0
print(first, peak())
"""


def test_memory_does_not_grow_with_the_rows(file: Path, tmp_path: Path, opened: Opened) -> None:
    store = opened(sqlite_url(file))
    for start in range(0, 100_000, 10_000):
        store.add(numbered(range(start, start + 10_000), timestamp=NOW - 100_000 + start, version="x" * 200))
    out = tmp_path / "out.parquet"
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, sqlite_url(file), str(out), "2026-09-20T16:00:00Z"],
        env={**os.environ, "PYTHONPATH": str(_ROOT / "exporter")},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    first, second = map(int, done.stdout.split())
    assert pq.read_metadata(out).num_rows == 100_000
    said = [line for line in done.stderr.splitlines() if line.endswith(" predictions")]
    assert said == [f"{out}: 20000 predictions", f"{out}: 100000 predictions"]
    assert second < first + 40, "MiB"
