"""The models in ``python -m demo`` with a real exporter: ready, disturbed half-way, and what the summary says."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.__main__ import PRESETS
from demo.launcher import MODELS, Faults, happens_to, not_taken, served
from demo.serving.disturbance import Disturbance
from tests.components import free_port, process
from tests.support import ROOT
from tests.unit.demo.support import Receiver
from tests.unit.demo.test_launcher import finish, start, wait_for_traffic


@contextmanager
def exporter(folder: Path, port: int) -> Iterator[None]:
    """A process of its own on ``port``, with its store in ``folder``."""
    url = f"http://127.0.0.1:{port}"
    argv: list[str | Path] = [sys.executable, "-m", "observability.server", "--port", str(port)]
    with process(argv, folder, f"{url}/readyz", {"STATE_DIR": str(folder), "PYTHONPATH": str(ROOT / "exporter")}):
        yield


def stored(folder: Path, table: str) -> int:
    """Rows of the store in ``folder``; ``table``: predictions or labels."""
    with sqlite3.connect(folder / "exporter" / "predictions.sqlite") as store:
        (rows,) = store.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(rows)


def told(demo: subprocess.Popen[str], what: str) -> list[str]:
    """Lines of the demo's standard error up to the one by which each model has told ``what``."""
    if demo.stderr is None:
        raise AssertionError("started without a pipe")
    lines: list[str] = []
    for line in demo.stderr:
        lines.append(line)
        if all(any(line.startswith(f"{name}: the exporter {what}") for line in lines) for name in MODELS):
            return lines
    raise AssertionError(f"the demo ended before that: {lines}")


def test_an_exporter_that_restarts_costs_the_demo_nothing(receiver: Receiver, tmp_path: Path) -> None:
    port, summary_file = free_port(), tmp_path / "summary.json"
    url = f"http://127.0.0.1:{port}"
    with exporter(tmp_path, port):
        demo = start(receiver.url, "--summary", str(summary_file), EXPORTER_URL=url)
        wait_for_traffic(demo)
    lines = told(demo, "takes nothing")
    with exporter(tmp_path, port):
        lines += told(demo, "is back after")
        demo.send_signal(signal.SIGINT)
        code, out, err = finish(demo)
    assert (code, err) == (0, "")
    assert len(lines) == 2 * len(MODELS), "once at the begin and once at the end"

    models = json.loads(summary_file.read_text())["models"]
    assert set(models) == set(MODELS)
    for name, said in models.items():
        assert said["counts"]["outages"] == 1
        assert f"  {name:<15} {said['counts']['predictions']:,} predictions and" in out
    assert out.count("labels taken, none lost") == 2
    for what in ("predictions", "labels"):
        assert stored(tmp_path, what) == sum(said["counts"][what] for said in models.values()) > 0


def test_an_exporter_that_never_comes_back_is_a_problem_that_says_how_much_was_lost(
    receiver: Receiver, tmp_path: Path
) -> None:
    port = free_port()
    with exporter(tmp_path, port):
        demo = start(receiver.url, EXPORTER_URL=f"http://127.0.0.1:{port}")
        wait_for_traffic(demo)
    told(demo, "takes nothing")
    demo.send_signal(signal.SIGINT)
    code, out, err = finish(demo)
    assert code == 1
    assert re.search(
        r"problem: diagnosis lost \d+ predictions( and \d+ labels)?: the exporter was away for too long", err
    )
    assert re.search(r"progression +\d+ predictions and \d+ labels taken, \d+ predictions .*lost\n", out)


def test_what_is_asked_for_happens_to_both_models_half_way(receiver: Receiver, tmp_path: Path) -> None:
    port, summary_file = free_port(), tmp_path / "summary.json"
    with exporter(tmp_path, port):
        arguments = ("--seconds", "6", "--faults", "data-quality", "--summary", str(summary_file))
        code, out, err = finish(start(receiver.url, *arguments, EXPORTER_URL=f"http://127.0.0.1:{port}"))
    assert (code, err) == (0, "")
    for said in json.loads(summary_file.read_text())["models"].values():
        assert said["disturbance"] == "data-quality"
        assert 0 < said["counts"]["disturbed"] < said["counts"]["predictions"]
    assert out.count("made since data-quality began) and") == 2


def test_without_being_asked_one_model_drifts_and_the_other_stays_as_it_is() -> None:
    assert [happens_to(name, Faults()) for name in MODELS] == [Disturbance.DRIFT, Disturbance.NONE]


@pytest.mark.parametrize("disturbance", Disturbance)
def test_every_disturbance_has_a_preset(disturbance: Disturbance) -> None:
    if disturbance is Disturbance.DRIFT:
        assert Faults().models is disturbance
    else:
        preset = "no-drift" if disturbance is Disturbance.NONE else disturbance.value
        assert [happens_to(name, PRESETS[preset]) for name in MODELS] == [disturbance, disturbance]


def test_the_summary_says_what_was_taken_what_was_disturbed_and_what_was_lost() -> None:
    assert served({"predictions": 1200, "labels": 900}, "none") == "1,200 predictions and 900 labels taken, none lost"
    counts = {"predictions": 1200, "labels": 900, "disturbed": 600, "lost_predictions": 3000, "lost_labels": 7}
    assert served(counts, "drift") == (
        "1,200 predictions (of them 600 made since drift began) and 900 labels taken, "
        "3,000 predictions and 7 labels lost"
    )
    assert not_taken("m", {"counts": counts, "refusal": ""}) == [
        "m lost 3,000 predictions and 7 labels: the exporter was away for too long"
    ]
    refused = {"counts": {"predictions": 3, "rejected": 2}, "refusal": "POST /v1/labels: HTTP 400 no"}
    assert not_taken("m", refused) == [
        "m: the exporter refused 2 items as invalid",
        "m: POST /v1/labels: HTTP 400 no",
    ]
    assert not_taken("m", {"counts": {"predictions": 3, "rejected": 0}, "refusal": ""}) == []
