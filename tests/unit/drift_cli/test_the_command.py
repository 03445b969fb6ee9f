"""``python -m observability.drift``, detectors of one's own, and what importing the package costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import observability
from observability import drift
from observability.drift.__main__ import main
from observability.drift.custom import DetectorError, load
from observability.drift.detector import DriftDetector, DriftResult


class EnergyDistance(DriftDetector):
    """A detector of one's own: 2 E|X − Y| − E|X − X'| − E|Y − Y'| above a tenth of the spread."""

    def fit(self, reference: Any) -> EnergyDistance:
        self._reference = np.asarray(reference, np.float64)
        return self

    def detect(self, current: Any) -> DriftResult:
        from datetime import UTC, datetime

        values = np.asarray(current, np.float64)
        between = np.abs(self._reference[:, None] - values).mean()
        within = [np.abs(each[:, None] - each).mean() for each in (self._reference, values)]
        score, threshold = float(2 * between - sum(within)), 0.1 * float(self._reference.std())
        now = datetime.now(UTC)
        sizes = len(self._reference), len(values)
        return DriftResult(score > threshold, score, None, threshold, "energy", self.feature, *sizes, now)


def table(seed: int, *, shift: float = 0.0) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "age": random.normal(40 + 10 * shift, 10, 600),
            "income": random.lognormal(8 + shift, 1, 600),
            "country": random.choice(["DE", "FR"], 600),
        }
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    named = {"baseline": table(1), "quiet": table(2), "drifted": table(3, shift=1.0)}
    for name, each in named.items():
        pq.write_table(each, tmp_path / f"{name}.parquet")
    pyarrow.csv.write_csv(table(2), tmp_path / "quiet.csv")
    return {name: str(tmp_path / f"{name}.parquet") for name in named} | {"csv": str(tmp_path / "quiet.csv")}


def run(files: dict[str, str], current: str, *more: str) -> int:
    return main(["--baseline", files["baseline"], "--current", files[current], *more])


def test_the_exit_status_says_whether_the_data_set_drifted(files: dict[str, str], capsys: Any) -> None:
    assert run(files, "quiet") == 0
    assert run(files, "csv") == 0
    assert "no drift of the data set" in capsys.readouterr().out
    assert run(files, "drifted") == 1
    assert "67% of the features drifted: drift of the data set" in capsys.readouterr().out
    assert run(files, "drifted", "--share", "0.9") == 0
    assert run(files, "drifted", "--share", "0.9", "--fail-on", "feature") == 1
    assert run(files, "drifted", "--fail-on", "never") == 0


def test_json_has_each_feature_with_its_test(files: dict[str, str], capsys: Any) -> None:
    run(files, "drifted", "--format", "json", "--features", "age,country")
    found = json.loads(capsys.readouterr().out)
    assert found["drift_share"] == 0.5
    assert {each["feature"]: each["is_drift"] for each in found["features"]} == {"age": True, "country": False}
    assert (found["rows_baseline"], found["rows_current"], found["correction"]) == (600, 600, "holm")


def test_a_detector_of_ones_own_is_used(files: dict[str, str], capsys: Any) -> None:
    spec = f"{__name__}:EnergyDistance"
    assert run(files, "drifted", "--detector", spec, "--features", "age", "--format", "json") == 1
    assert json.loads(capsys.readouterr().out)["features"][0]["method"] == "energy"
    assert run(files, "quiet", "--detector", spec, "--features", "age") == 0


class Recorder(DriftDetector):
    """Keeps what it gets, in the order of the features."""

    got: ClassVar[list[Any]] = []

    def fit(self, reference: Any) -> Recorder:
        self.got.append(reference)
        return self

    def detect(self, current: Any) -> DriftResult:
        self.got.append(current)
        raise LookupError("nothing is found")


def test_a_detector_of_ones_own_gets_numbers_or_texts_without_missing_ones(tmp_path: Path, capsys: Any) -> None:
    file = str(tmp_path / "table.parquet")
    pq.write_table(
        pa.table({"x": [1.5, None, float("nan")], "c": ["a", None, "b"], "b": [True, False, None], "i": [3, 4, None]}),
        file,
    )
    for name, expected in {"x": [1.5], "c": ["a", "b"], "b": ["true", "false"], "i": [3.0, 4.0]}.items():
        Recorder.got.clear()
        spec = f"{__name__}:Recorder"
        status = main(["--baseline", file, "--current", file, "--detector", spec, "--features", name])
        assert [list(each) for each in Recorder.got] == [expected] * 2
        assert status == 2, "1 would say that there is drift"
    assert "nothing is found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--features", "size"), "no feature size"),
        (("--detector", "nobody"), "neither module:Class nor an entry point"),
        (("--detector", "json:loads"), "no subclass"),
        (("--detector", "nobody:Nothing"), "cannot be loaded"),
        (("--kind", "age=size"), "not NAME=KIND"),
        (("--test", "ks"), "feature: country"),
    ],
)
def test_wrong_options_are_told(files: dict[str, str], capsys: Any, more: tuple[str, ...], said: str) -> None:
    assert run(files, "quiet", *more) == 2
    assert said in capsys.readouterr().err


def test_files_that_cannot_be_read_are_named(files: dict[str, str], tmp_path: Path, capsys: Any) -> None:
    odd, broken = tmp_path / "table.xlsx", tmp_path / "broken.parquet"
    broken.write_bytes(b"nothing of the kind")
    for file in (odd, broken, tmp_path / "absent.csv"):
        assert main(["--baseline", files["baseline"], "--current", str(file)]) == 2
        assert file.name in capsys.readouterr().err
    with pytest.raises(DetectorError):
        load("nobody")


@pytest.mark.parametrize("module", ["observability", "observability.drift"])
def test_importing_the_package_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([name for name in ('numpy', 'scipy', 'pyarrow') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_that_is_promised_is_there() -> None:
    for package in (observability, drift):
        for name in package.__all__:
            assert getattr(package, name).__name__ == name
        with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
            _ = package.Nothing
