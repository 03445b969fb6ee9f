"""``--model``: what is compared comes from the exporter's store, as the exporter itself compares it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from observability.drift.__main__ import main
from observability.export.__main__ import main as export
from observability.predictions.baselines import BaselineLimits, baseline_of
from observability.predictions.store import PredictionStore, sqlite_url
from tests.unit.predictions.support import NOW, item, predictions


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store with a baseline for all versions of ``churn``, 300 quiet predictions of version 1 and 200 drifted ones of
    version 2, of which one failed."""
    random = np.random.default_rng(1)
    folder = tmp_path / "state"
    (folder / "exporter").mkdir(parents=True)
    store = PredictionStore(sqlite_url(folder / "exporter" / "predictions.sqlite"), writer="test")
    table = pa.table({"age": random.normal(40, 10, 1000), "prediction": ["yes"] * 1000})
    with store.transaction() as transaction:
        transaction.add_baseline(baseline_of(table, BaselineLimits()).stored("churn", ""))
    rows = [
        item(f"p{at}", version=str(1 + (at >= 300)), features={"age": age}, timestamp=NOW - 1000 + at)
        for at, age in enumerate((random.normal(40, 10, 500) + 15 * (np.arange(500) >= 300)).tolist())
    ]
    rows[499] |= {"prediction": None, "error_type": "timeout"}
    store.add(predictions(*rows))
    store.close()
    return folder


def run(state: Path, *more: str) -> int:
    return main(["--model", "churn", "--state-dir", str(state), "--format", "json", *more])


def test_each_version_is_compared_with_the_baseline_of_its_model(state: Path, capsys: Any) -> None:
    assert run(state, "--version", "1") == 0
    assert json.loads(capsys.readouterr().out)["rows_current"] == 300
    assert run(state, "--version", "2") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["rows_baseline"], found["rows_current"]) == (1000, 199), "a prediction that failed says nothing"


def test_the_newest_predictions_are_taken_as_many_as_asked_for(state: Path, capsys: Any) -> None:
    assert run(state, "--last", "150") == 1
    assert json.loads(capsys.readouterr().out)["rows_current"] == 150


def test_a_file_may_stand_for_either(state: Path, tmp_path: Path, capsys: Any) -> None:
    exported = tmp_path / "exported.parquet"
    assert export(["--state-dir", str(state), "--version", "2", "--out", str(exported), "--quiet"]) == 0
    assert run(state, "--baseline", str(exported), "--version", "2") == 0
    assert run(state, "--current", str(exported)) == 1
    pq.write_table(pa.table({"age": [1.0]}), tmp_path / "one.parquet")
    assert main(["--baseline", str(exported), "--current", str(tmp_path / "one.parquet"), "--fail-on", "never"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--model", "other"), "no baseline of other"),
        (("--version", "3"), "no prediction of churn 3"),
        (("--state-dir", "/nowhere"), "/nowhere"),
    ],
)
def test_what_is_not_there_is_told(state: Path, capsys: Any, more: tuple[str, ...], said: str) -> None:
    assert run(state, *more) == 2
    assert said in capsys.readouterr().err


def test_without_a_model_both_files_are_needed(capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--baseline", "x.parquet"])
    assert "--model" in capsys.readouterr().err
