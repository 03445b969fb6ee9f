"""``docs/predictions.md`` says what there is."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from observability.export.__main__ import _parser
from observability.predictions.decode import ARROW, JSON, LINES, decode_labels, decode_predictions
from observability.predictions.profiles import KINDS

_PAGE = (Path(__file__).parents[3] / "docs" / "predictions.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under a heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", _PAGE, re.M | re.S)
    assert found
    return found[1]


def test_every_field_is_told_and_no_other() -> None:
    (error,) = decode_predictions(b'[{"zzz": 1, "model": "m", "prediction": 1}]', None).errors
    known = set(error["detail"].partition(": ")[2].split(", "))
    rows = re.findall(r"^\| (`[^|]+`) \|", section("A prediction"), re.M)
    assert {name for row in rows for name in re.findall("`([a-z_]+)`", row)} == known


def test_every_field_of_a_label_is_told() -> None:
    (error,) = decode_labels(b'[{"zzz": 1, "prediction_id": "m", "label": 1}]', None).errors
    for name in error["detail"].partition(": ")[2].split(", "):
        assert f"`{name}`" in _PAGE.partition("**A label**")[2].partition("\n")[0]


def test_the_bodies_that_are_told_are_taken() -> None:
    told = set(re.findall(r"`(application/[a-z.-]+)`", section("Bodies")))
    assert told <= JSON | LINES | ARROW
    assert len(told) == 5


def test_every_kind_of_a_feature_is_told() -> None:
    assert set(re.findall(r"^\| ([a-z]+) \|", section("Baselines"), re.M)) >= set(KINDS)


def test_every_option_of_the_export_is_told() -> None:
    options = {
        option
        for action in _parser()._actions
        if not isinstance(action, argparse._HelpAction)
        for option in action.option_strings
    }
    assert set(re.findall(r"`(--[a-z-]+)", section("Export"))) == options
