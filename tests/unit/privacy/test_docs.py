"""docs/privacy.md: its numbers are those of the corpus, its example runs, its kinds are all there are."""

from __future__ import annotations

import re

import yaml

from observability.privacy import KINDS, Masker
from observability.settings import Settings
from tests.support import ROOT
from tests.unit.privacy.test_corpus import examples, score

TEXT = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")


def test_the_measured_table_is_what_the_corpus_gives() -> None:
    for split, title in (("tuning", "tuning"), ("held_out", "held out")):
        result = score(split)
        right, wrong, missed = (sum(counter.values()) for counter in (result.right, result.wrong, result.missed))
        row = f"| {title} | {right} | {wrong} | {missed} | {result.precision():.3f} | {result.recall():.3f} |"
        assert row in TEXT, row


def test_the_size_of_the_corpus_is_right() -> None:
    rows = examples()
    languages = len({row["lang"] for row in rows})
    negatives = sum(not row["spans"] for row in rows)
    assert f"{len(rows)} texts in {languages} languages and formats ({negatives} of them" in TEXT


def test_every_kind_has_a_row() -> None:
    assert {kind for kind in KINDS if f"| `{kind}` |" in TEXT} == set(KINDS)


def test_the_example_of_the_settings_is_valid_and_its_pattern_can_be_used() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    privacy = Settings.model_validate(yaml.safe_load(block)).privacy
    assert privacy.content == "mask"
    assert Masker(patterns=privacy.patterns).text("EMP-123456") == ("[employee]", {"employee": 1})


def test_the_example_of_the_client_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "docs/privacy.md", "exec"), names)  # noqa: S102 - our own documentation
    for provider in ("traces", "logs"):
        names[provider].shutdown()  # type: ignore[attr-defined]
