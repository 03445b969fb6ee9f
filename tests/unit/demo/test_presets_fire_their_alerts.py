"""Each preset makes its alert fire: the metrics of a real exporter, read by the generated rules in promtool.

One step is a minute of the rules and two batches of each model; windows are short, thresholds are the defaults.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from alerts import model_rules
from alerts.model import AlertRule
from demo.diagnosis.model import Diagnosis
from demo.progression.model import Progression
from demo.serving.disturbance import Disturbance
from observability.settings import Settings
from tests.components import binary, run
from tests.unit.demo.models import Served, page, running_exporter

#: Steps before the disturbance, and since.
QUIET, DISTURBED = 4, 6
HELD = {"for": "0s"}
SETTINGS = Settings.model_validate(
    {
        "alerts": {
            "window": "3m", "keep_firing_for": "0s", "data_drift_detected": HELD, "feature_drift": HELD,
            "concept_drift": HELD, "model_latency": HELD, "model_errors": HELD, "data_quality": HELD,
            "accuracy_fall": HELD, "labels_missing": {"for": "0s", "window": "4m", "before": "10m"},
        }
    }
)  # fmt: skip
#: Alerts that must fire for both models.
FIRES = {
    Disturbance.NONE: [],
    Disturbance.DRIFT: ["DataDriftDetected", "FeatureDriftDetected"],
    Disturbance.CONCEPT_DRIFT: ["ConceptDriftDetected", "ModelAccuracyFell"],
    Disturbance.DATA_QUALITY: ["DataQualityDegraded"],
    Disturbance.SLOW: ["HighModelLatency"],
    Disturbance.ERRORS: ["HighModelErrorRate"],
    Disturbance.LABELS_MISSING: ["LabelsMissing"],
}


class Scrapes:
    """What pages said, step by step, as promtool's input series."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self._steps = 0

    def add(self, client: httpx.Client) -> None:
        for sample in page(client):
            labels = ", ".join(f"{name}={json.dumps(text)}" for name, text in sample.labels.items())
            values = self._values.setdefault(f"{sample.name}{{{labels}}}", [])
            values += ["_"] * (self._steps - len(values))
            values.append(repr(float(sample.value)))
        self._steps += 1

    def series(self) -> list[dict[str, str]]:
        return [{"series": name, "values": " ".join(values)} for name, values in self._values.items()]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with running_exporter(tmp_path) as running:
        yield running


def firing(alerts: list[str], models: list[str], step: int) -> dict[str, Any]:
    """A test of promtool: exactly these alerts of ``alerts`` fire, for each of ``models`` and no other."""
    names = "|".join(alerts)
    expected = [
        {"labels": f'{{alertname="{alert}", model="{model}"}}', "value": 1} for alert in alerts for model in models
    ]
    expr = f'group by (alertname, model) (ALERTS{{alertstate="firing", alertname=~"{names}"}})'
    return {"expr": expr, "eval_time": f"{step}m", "exp_samples": expected}


@pytest.mark.parametrize("disturbance", Disturbance)
def test_a_preset_fires_its_alert_and_nothing_fires_before(
    client: httpx.Client, tmp_path: Path, disturbance: Disturbance
) -> None:
    promtool = binary("promtool")
    served = [Served(client, model, disturbance) for model in (Diagnosis, Progression)]
    scrapes = Scrapes()
    for step in range(QUIET + DISTURBED):
        for each in served:
            each.send(2, disturbed=step >= QUIET)
        scrapes.add(client)

    group = model_rules.models(SETTINGS)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [group.render("")]}))
    every = [rule.name for rule in group.rules if isinstance(rule, AlertRule)]
    tests = [firing(every, [], step) for step in range(QUIET)]
    last = QUIET + DISTURBED - 1
    if disturbance is Disturbance.NONE:
        tests.append(firing(every, [], last))
    else:
        tests += [firing([alert], ["diagnosis", "progression"], last) for alert in FIRES[disturbance]]
    case = {"interval": "1m", "input_series": scrapes.series(), "promql_expr_test": tests}
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}))

    done = run(promtool, "test", "rules", file)

    assert done.returncode == 0, done.stdout + done.stderr
