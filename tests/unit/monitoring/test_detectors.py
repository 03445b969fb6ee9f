"""Drift detectors of a team's own in the running exporter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from observability.drift.detector import DriftDetector, DriftResult
from observability.monitoring.raw import Raw
from observability.settings import Drift, Limits, Model, Runtime, Settings
from tests.support import ROOT, poll
from tests.unit.monitoring.support import Sender, post, rows, running, samples, value

_PAGE = (ROOT / "docs" / "predictions.md").read_text(encoding="utf-8")
_EXAMPLE = "acme_detectors:TailDetector"


class NewNames(DriftDetector):
    """Whether any text was not in the reference."""

    def fit(self, reference: Any) -> NewNames:
        self._known = set(reference)
        self._size = len(reference)
        return self

    def detect(self, current: Any) -> DriftResult:
        new = len(set(current) - self._known)
        is_drift: Any = np.bool_(new > 0)  # as a comparison of arrays gives it
        now = datetime.now(UTC)
        return DriftResult(is_drift, np.float64(new), None, 0.5, "new", None, self._size, len(current), now)


class Broken(NewNames):
    """Raises, whatever comes."""

    def detect(self, current: Any) -> DriftResult:
        raise RuntimeError(f"nothing works with {len(current)} values")


class Wordy(NewNames):
    """Answers what is no result."""

    def detect(self, current: Any) -> DriftResult:
        return f"drift of {len(current)} values"  # type: ignore[return-value]


class Stuck(NewNames):
    """Never answers until the test ends."""

    begun, end = threading.Event(), threading.Event()

    def detect(self, current: Any) -> DriftResult:
        self.begun.set()
        self.end.wait()
        return super().detect(current)


class Needy(NewNames):
    """Cannot be made without arguments."""

    def __init__(self, level: float) -> None:
        self.level = level


def named(detector: type[DriftDetector]) -> str:
    return f"{__name__}:{detector.__name__}"


def settings_of(detectors: dict[str, tuple[str, ...]]) -> Settings:
    model = Model(name="churn", detectors=detectors)
    return Settings(limits=Limits(settle_seconds=0), drift=Drift(detector_interval="50ms"), models=(model,))


def judged(sender: Sender, feature: str, size: int, at: int = 0) -> dict[str, Any]:
    """What a detector says, once it has seen ``size`` values."""

    def found() -> dict[str, Any] | None:
        each: dict[str, Any] = sender.feature(feature)["detectors"][at]
        return each if each["result"] and each["result"]["n_current"] == size else None

    return poll(f"{size} values of {feature} are judged", found, deadline=30)


def failures(client: TestClient) -> float:
    return value(client, "exporter_monitor_failures_total", part="detector")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The detector of the documentation, in a module of its own."""
    found = re.search(r"^```python\n(.*?)^```", _PAGE, re.M | re.S)
    assert found
    (tmp_path / "acme_detectors.py").write_text(found[1])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_detectors", raising=False)
    return _EXAMPLE


def test_the_detector_of_the_documentation_finds_what_it_is_made_for(
    runtime: Runtime, random: np.random.Generator, example: str
) -> None:
    with running(settings_of({"age": (example,)}), runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 2000))
        sender.predict(rows(random, 600))
        quiet = judged(sender, "age", 600)
        assert (quiet["detector"], quiet["failure"]) == (example, None)
        assert (quiet["result"]["is_drift"], quiet["result"]["feature"]) == (False, "age")
        assert quiet["result"]["n_reference"] == 2000

        sender.predict(rows(random, 600, shift=1.5))
        drifted = judged(sender, "age", 1200)
        assert drifted["result"]["is_drift"] is True
        sender.drift()
        test = {"model": "churn", "version": "1", "drift_type": example, "feature": "age"}
        assert value(client, "ml_drift_detected", **test) == 1
        assert value(client, "ml_drift_score", **test) == pytest.approx(drifted["result"]["score"])
        assert value(client, "ml_drift_p_value", **test) < 1e-6
        assert value(client, "ml_drift_threshold", **test) == 1e-6
        assert samples(client, "ml_drift_expected", **test) == [], "it does not say"
        assert failures(client) == 0


def test_categories_and_predictions_are_texts_and_built_in_detectors_may_be_named(
    runtime: Runtime, random: np.random.Generator
) -> None:
    ks = "observability.drift:KSTestDriftDetector"
    chi2 = "observability.drift:Chi2DriftDetector"
    detectors = {"country": (named(NewNames), chi2), "age": (ks,), "@prediction": (named(NewNames),)}
    with running(settings_of(detectors), runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 500))
        drawn = rows(random, 500)
        drawn.country = np.array(["DE"] * 499 + ["XX"])
        sender.predict(drawn)
        assert judged(sender, "country", 500)["result"]["score"] == 1
        assert judged(sender, "country", 500, at=1)["result"]["is_drift"] is True
        assert judged(sender, "@prediction", 500)["result"]["is_drift"] is False
        assert judged(sender, "age", 500)["result"]["method"] == "ks"


def test_a_detector_that_fails_is_counted_and_told_once_and_costs_the_others_nothing(
    runtime: Runtime, random: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    with running(settings_of({"country": (named(Broken), named(Wordy), named(NewNames))}), runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 500))
        for size in (200, 400, 600):
            sender.predict(rows(random, 200))
            assert judged(sender, "country", size, at=2)["result"]["is_drift"] is False
        broken, wordy, _ = sender.feature("country")["detectors"]
        assert (broken["result"], broken["failure"]) == (None, "RuntimeError: nothing works with 600 values")
        assert wordy["failure"].startswith("TypeError: detect returned no DriftResult")
        assert failures(client) >= 6
        told = [record for record in caplog.records if getattr(record, "event", "") == "detector_failed"]
        assert len(told) == 2
        assert samples(client, "ml_drift_score", drift_type=named(Broken)) == []
        assert value(client, "ml_predictions_total", model="churn", status="success") == 600


def test_predictions_do_not_wait_for_a_detector_nor_does_the_end(runtime: Runtime, random: np.random.Generator) -> None:
    Stuck.begun.clear()
    Stuck.end.clear()
    try:
        with running(settings_of({"country": (named(Stuck),)}), runtime) as client:
            sender = Sender(client)
            sender.set_baseline(rows(random, 500))
            sender.predict(rows(random, 200))
            assert Stuck.begun.wait(30)
            sender.predict(rows(random, 400))
            assert sender.feature("country")["window"] == 600
    finally:
        Stuck.end.set()


def test_too_few_values_are_not_looked_at_and_what_is_missing_is_none(
    runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings_of({"age": ("observability.drift:KSTestDriftDetector",)}), runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 500))
        ages: list[Any] = [40.0] * 99 + [None, "forty"] * 100
        items = [
            {"model": "churn", "version": "1", "prediction": "yes", "features": {"age": age, "country": "DE"}}
            for age in ages
        ]
        post(client, "/v1/predictions", items)
        assert sender.feature("age")["detectors"][0]["result"] is None
        post(client, "/v1/predictions", items[:1])
        assert judged(sender, "age", 100)["failure"] is None


def test_a_feature_that_the_baseline_does_not_have_is_told(
    runtime: Runtime, random: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    with running(settings_of({"size": (named(NewNames),)}), runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 500))
        sender.predict(rows(random, 200))
        assert sender.drift()["baseline"] is not None
    assert any("detectors of size are left out" in record.message for record in caplog.records)


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        ("nobody:Nothing", "the detector 'nobody:Nothing' cannot be loaded: No module named 'nobody'"),
        ("nobody", "neither module:Class nor an entry point of observability.drift_detectors"),
        ("json:loads", "is no subclass of observability.drift.DriftDetector"),
        ("tests.unit.monitoring.test_detectors:Needy", "cannot be made without arguments"),
        ("psi", "'psi' is a measure that every feature has"),
    ],
)
def test_a_detector_that_cannot_be_used_is_a_configuration_error_at_the_start(
    tmp_path: Path, detector: str, said: str
) -> None:
    config = tmp_path / "observability.yml"
    config.write_text(f'models: [{{name: churn, detectors: {{age: ["{detector}"]}}}}]')
    environment = {**os.environ, "STATE_DIR": str(tmp_path), "LOG_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "observability.server", "--config", str(config), "--port", "0"],
        check=False, capture_output=True, text=True, timeout=120, env=environment, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 2
    assert "models: churn: detectors: age: " in done.stderr
    assert said in done.stderr


def test_a_window_holds_no_more_than_its_size_and_a_reference_is_a_sample_that_does_not_change() -> None:
    baseline = pa.chunked_array([pa.array([*map(float, range(1000)), None])])
    numbers = Raw("x", "numeric", baseline, ("a",), 10)
    for start in range(0, 40, 8):
        numbers.take([*range(start, start + 8), None, "text"])
    assert numbers.newest().tolist() == list(range(30, 40))  # type: ignore[union-attr]
    assert numbers.came == 40
    reference = numbers.reference(100)
    assert len(set(map(float, reference))) == 100
    assert list(map(float, reference)) == list(map(float, Raw("x", "numeric", baseline, ("a",), 10).reference(100)))
    assert len(numbers.reference(10_000)) == 1000

    flags = Raw("y", "boolean", pa.chunked_array([pa.array([True, None, False])]), ("a",), 10)
    flags.take([True, None, "odd"])
    assert flags.reference(100) == ["true", "false"]
    assert flags.newest() == ["true", "odd"]
