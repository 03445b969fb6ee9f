"""Runbooks: one per alert, complete, and every query, link and command in them works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from alerts import stack_rules
from observability import catalogue
from observability.settings import Settings
from tests.components import run
from tests.support import ROOT
from tests.unit.alerts.support import alert_rules
from tests.unit.alerts.test_the_generator import metric_names

FOLDER = ROOT / "docs" / "runbooks"
ALERTS = sorted({rule["alert"] for rule in alert_rules()})
SECTIONS = ["Meaning", "Impact", "First look", "Causes and actions", "Silence", "Threshold"]
#: Metrics of the components that only runbooks read.
FOREIGN = stack_rules.FOREIGN | {
    "ALERTS",
    "otelcol_exporter_queue_capacity",
    "otelcol_receiver_accepted_spans_total",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
    "prometheus_notifications_alertmanagers_discovered",
    "prometheus_notifications_errors_total",
}


def text(alert: str) -> str:
    return (FOLDER / f"{alert}.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[tuple[str, str]]:
    """(runbook, block) of every code block of that language."""
    found = [
        (alert, block.strip())
        for alert in ALERTS
        for block in re.findall(rf"```{language}\n(.*?)```", text(alert), re.S)
    ]
    assert found
    return found


def test_there_is_one_runbook_per_alert_and_none_without_an_alert() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.md") if file.stem != "README") == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_has_every_section_and_something_in_each(alert: str) -> None:
    parts = re.split(r"^## (.+)$", text(alert), flags=re.M)
    assert parts[0].startswith(f"# {alert}\n")
    assert parts[1::2] == SECTIONS
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        assert len(body.split()) >= 5, f"{name} says nothing"
    severities = {rule["labels"]["severity"] for rule in alert_rules() if rule["alert"] == alert}
    for severity in severities:
        assert severity in parts[0], f"the head does not name the severity {severity}"


def test_the_index_lists_every_alert_with_its_severity() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    for rule in alert_rules():
        name = rule["alert"]
        assert re.search(rf"^\| \[{name}\]\({name}\.md\) \| .*{rule['labels']['severity']}.* \| .+ \|$", index, re.M), (
            name
        )


def test_every_link_to_a_file_leads_to_one() -> None:
    for file in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")):
            assert target.startswith("http://localhost:") or (FOLDER / target).exists(), f"{file.name}: {target}"


def has_key(shape: Any, keys: list[str]) -> bool:
    """Whether settings of the annotation ``shape`` have ``keys``, one inside the other, as YAML names them."""
    if not keys:
        return True
    if get_origin(shape) is dict:  # the next key is a name of the team's own
        return has_key(get_args(shape)[1], keys[1:])
    shapes = [shape, *get_args(shape)]
    models = [each for each in shapes if isinstance(each, type) and issubclass(each, BaseModel)]
    return any(
        (field.alias or name) == keys[0] and has_key(field.annotation, keys[1:])
        for model in models
        for name, field in model.model_fields.items()
    )


def test_every_setting_named_in_a_runbook_exists() -> None:
    named = re.compile(rf"`((?:{'|'.join(Settings.model_fields)})\.[\w.]+)")
    for alert in ALERTS:
        for setting in named.findall(text(alert)):
            assert has_key(Settings, setting.split(".")), f"{alert}: {setting}"
    assert not has_key(Settings, ["alerts", "high_llm_latency", "ratio"]), "this test could not fail"


def test_a_threshold_named_in_a_runbook_is_the_default() -> None:
    """``ratio`` (0.05), ``min_errors`` (3) and ``for`` (5m) after the name of the alert's settings."""
    checked = 0
    for alert in ALERTS:
        threshold = text(alert).split("## Threshold", 1)[1]
        group = re.search(r"`alerts\.(\w+)` in `observability\.yml`: ([^;.]*(?:\.\d[^;.]*)*)", threshold)
        if group is None:
            continue
        settings = getattr(Settings().alerts, group[1]).model_dump(by_alias=True)
        shown = re.findall(r"`(\w+)` \(([\d.,]+[a-z]*)", group[2])
        assert shown, alert
        for key, value in shown:
            expected = settings[key]
            assert value.replace(",", "").rstrip(".") in {str(expected), str(expected).removesuffix(".0")}, (
                f"{alert}: {key}"
            )
            checked += 1
    assert checked > 30


def test_every_promql_block_is_valid(promtool: Path, tmp_path: Path) -> None:
    rules = [{"record": f"block_{number}", "expr": block} for number, (_, block) in enumerate(fenced("promql"))]
    file = tmp_path / "blocks.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
    done = run(promtool, "check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_in_a_promql_block_exists() -> None:
    ours = {family.name for family in catalogue.FAMILIES} | {
        name
        for family in catalogue.FAMILIES
        if family.type == "histogram"
        for name in (family.bucket, family.sum, family.count)
    }
    functions = {"topk", "count", "changes"}
    for alert, block in fenced("promql"):
        names = {name for name in metric_names(block) if not name.isdigit()} - functions
        assert names, block
        assert names - ours - FOREIGN == set(), f"{alert}: {block}"
