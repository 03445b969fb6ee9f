"""The extra ``evidently``: its monitor and ``--evidently``, in the environment of ``bench.peers`` that has it.

Evidently needs plotly below 6 and pandas below 3, so that it is not in the environment of the other tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from scipy import stats

from bench import peers
from observability.drift.__main__ import main
from observability.drift.evidently_report import EvidentlyDriftMonitor, EvidentlyMissing, _safe
from tests.support import ROOT
from tests.unit.drift_cli.evidently_case import NASTY, tables


def with_evidently(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    python = peers.python("evidently")
    if python is None:
        pytest.skip("Evidently is not installed: python -m bench.peers install evidently")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "exporter"), str(ROOT)))}
    return subprocess.run(
        [python, *arguments], capture_output=True, text=True, env=environment, cwd=folder, check=False
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("evidently")  # where the example of the page writes its report
    done = with_evidently("-m", "tests.unit.drift_cli.evidently_case", folder=folder)
    assert (folder / "evidently.html").exists(), done.stderr
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_each_column_has_a_score_and_a_verdict(found: dict[str, Any]) -> None:
    for rows in ("400", "2000"):
        drifted = {each["feature"]: each["is_drift"] for each in found[rows]["columns"]}
        assert drifted == {"age": True, "country": False, "vip": False, NASTY: False}
        assert found[rows]["drift_share"] == 0.25
        assert not found[rows]["dataset_drift"]
        assert set(found[rows]["scores"]) == set(drifted)


def test_its_scores_are_those_of_the_same_rows(found: dict[str, Any]) -> None:
    baseline, current = tables(400)
    ours = stats.ks_2samp(baseline["age"].to_numpy(), current["age"].to_numpy()).pvalue
    assert found["400"]["scores"]["age"] == pytest.approx(ours)
    by_name = {each["feature"]: each for each in found["400"]["columns"]}
    assert by_name["age"]["p_value"] == by_name["age"]["score"]
    assert {each["feature"]: each["p_value"] for each in found["2000"]["columns"]}["age"] is None, "a distance by then"


def test_frames_of_pandas_give_the_same_and_the_share_is_a_setting(found: dict[str, Any]) -> None:
    for rows in ("400", "2000"):
        assert found[f"{rows} frames"]["scores"] == found[rows]["scores"]
        assert found[f"{rows} frames"]["dataset_drift"]


def test_no_name_leaves_the_script_of_the_page(found: dict[str, Any]) -> None:
    assert found["escaped"]
    with pytest.raises(RuntimeError, match="another form"):
        _safe("<html></html>")


def test_columns_that_are_lacking_are_named(found: dict[str, Any]) -> None:
    assert "age" in found["lacking"]


def test_the_command_writes_its_report_of_the_same_tables(tmp_path: Path) -> None:
    for name, table in zip(("baseline", "current"), tables(400), strict=True):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    files = "--baseline", tmp_path / "baseline.parquet", "--current", tmp_path / "current.parquet"
    out, html = tmp_path / "evidently.html", tmp_path / "report.html"
    done = with_evidently("-m", "observability.drift", *files, "--evidently", out, "--html", html)
    assert done.returncode == 0, done.stderr
    page = out.read_text(encoding="utf-8")
    assert '"age"' in page and "K-S p_value" in page and NASTY not in page
    assert html.exists()


@pytest.mark.skipif(find_spec("evidently") is not None, reason="Evidently is installed here")
def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    baseline, current = tables(400)
    with pytest.raises(EvidentlyMissing, match=r"pip install 'ai-observability\[evidently\]'"):
        EvidentlyDriftMonitor(baseline)
    for name, table in (("baseline", baseline), ("current", current)):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    files = ["--baseline", str(tmp_path / "baseline.parquet"), "--current", str(tmp_path / "current.parquet")]
    assert main([*files, "--evidently", str(tmp_path / "out.html")]) == 2
    assert "ai-observability[evidently]" in capsys.readouterr().err
    assert not (tmp_path / "out.html").exists()


def test_the_extra_allows_the_version_that_is_tested() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["evidently"]
    assert [each for each in extra if each.startswith("evidently")] == [peers.PEERS["evidently"][0]]
    assert [each for each in extra if each.startswith("pandas")] == ["pandas>=2.2,<3"]
