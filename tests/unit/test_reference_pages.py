"""The reference pages are made from the code, name everything, and are fresh."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from observability import catalogue, reference
from observability.settings import Settings
from tests.support import ROOT


def test_the_committed_pages_are_fresh() -> None:
    assert reference.main(["--out", str(ROOT / "docs"), "--check"]) == 0


def test_a_stale_page_is_shown_as_a_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--out", str(tmp_path)]) == 0
    (tmp_path / "metrics.md").write_text("# Metrics\n")
    assert reference.main(["--out", str(tmp_path), "--check"]) == 1
    assert "+| `llm_requests_total` |" in capsys.readouterr().err


def test_every_metric_family_is_on_the_page() -> None:
    page = reference.metrics_page()
    missing = [family.name for family in catalogue.FAMILIES if f"| `{family.name}`" not in page]
    assert not missing


def keys(model: type[BaseModel]) -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        inner = reference._model_of(field.annotation)
        found |= keys(inner) if inner else set()
    return found


def test_every_key_of_the_configuration_is_on_the_page() -> None:
    page = reference.configuration_page()
    missing = [
        key for key in keys(Settings) if f"`{key}`" not in page and f".{key}`" not in page and f"`{key}." not in page
    ]
    assert not missing


def test_a_key_without_a_description_cannot_be_documented() -> None:
    with pytest.raises(LookupError, match=r"alerts\.unheard_of has no description"):
        reference._meaning("alerts.unheard_of")
