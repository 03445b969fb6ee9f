"""docs/cost.md: its examples can be pasted, and the names in it exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from observability import catalogue
from observability.settings import Budget, Limits, Settings

TEXT = (Path(__file__).parents[3] / "docs" / "cost.md").read_text(encoding="utf-8")


def test_the_examples_are_valid_settings() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2
    merged: dict[str, object] = {}
    for block in blocks:
        merged |= yaml.safe_load(block)
    found = Settings.model_validate(merged)
    assert [each.name for each in found.budgets] == ["daily-total", "search", "acme-claude", "o3"]
    assert len(found.prices.overrides) == 5


def test_every_metric_and_setting_in_the_text_exists() -> None:
    metrics = set(re.findall(r"`((?:llm|exporter)_[a-z0-9_]+)", TEXT))
    assert metrics
    assert metrics <= set(catalogue.BY_NAME)
    assert set(re.findall(r"`limits\.(\w+)`", TEXT)) <= set(Limits.model_fields)


def test_the_table_of_budget_metrics_is_complete() -> None:
    families = {name for name in catalogue.BY_NAME if name.startswith("llm_budget_")}
    assert families == {name for name in families if f"`{name}`" in TEXT}
    assert {"service", "provider", "model", "where"} <= set(Budget.model_fields)
