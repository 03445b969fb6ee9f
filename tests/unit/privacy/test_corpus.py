"""Precision and recall on the labelled corpus; ``pytest -s`` prints them.

The corpus was written before the finders, and with other code for the check digits. The half ``tuning`` was looked at
while the finders were written; of the half ``held_out`` the scores alone. Everything in it is made up: fictional
telephone ranges, documentation addresses, example domains, numbers drawn at random that only have right check digits.
The first character of each API key is written as an escape, so that scanners of secrets let the file pass.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from observability.privacy import KINDS, Masker

CORPUS = Path(__file__).with_name("corpus.jsonl")


def examples() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


@dataclass
class Score:
    """Found exactly (kind, start and end), found wrongly, missed; by kind."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def add(self, example: dict[str, Any], masker: Masker) -> None:
        labelled = {(span["start"], span["end"], span["kind"]) for span in example["spans"]}
        found = {(one.start, one.end, one.kind) for one in masker.findings(example["text"])}
        for counter, spans in (
            (self.right, found & labelled),
            (self.wrong, found - labelled),
            (self.missed, labelled - found),
        ):
            counter.update(kind for _, _, kind in spans)

    def precision(self, *kinds: str) -> float:
        return self._ratio(self.wrong, kinds)

    def recall(self, *kinds: str) -> float:
        return self._ratio(self.missed, kinds)

    def _ratio(self, other: Counter[str], kinds: tuple[str, ...]) -> float:
        right = sum(self.right[kind] for kind in kinds or KINDS)
        return right / (right + sum(other[kind] for kind in kinds or KINDS))


def score(*splits: str) -> Score:
    masker, result = Masker(), Score()
    for example in examples():
        if example["split"] in splits:
            result.add(example, masker)
    return result


def test_the_corpus_has_every_kind_in_both_halves_and_many_that_only_look_like_it() -> None:
    rows = examples()
    positives = [row for row in rows if row["spans"]]
    negatives = [row for row in rows if not row["spans"]]
    assert len(rows) >= 250
    assert len(negatives) >= 100
    for split in ("tuning", "held_out"):
        kinds = Counter(span["kind"] for row in positives if row["split"] == split for span in row["spans"])
        assert set(kinds) == set(KINDS)
        assert min(kinds.values()) >= 7, kinds
    assert len({row["lang"] for row in rows}) >= 15


@pytest.mark.parametrize(
    ("split", "precision", "recall"), [("tuning", 1.0, 1.0), ("held_out", 0.98, 0.99)], ids=["tuning", "held out"]
)
def test_precision_and_recall_are_at_least_what_the_documentation_says(
    split: str, precision: float, recall: float
) -> None:
    result = score(split)
    print(f"\n{split:12} {'right':>6} {'wrong':>6} {'missed':>6} {'precision':>10} {'recall':>7}")
    for kind in KINDS:
        print(
            f"{kind:12} {result.right[kind]:6} {result.wrong[kind]:6} {result.missed[kind]:6}"
            f" {result.precision(kind):10.3f} {result.recall(kind):7.3f}"
        )
    print(f"{'all':12} {'':20} {result.precision():10.4f} {result.recall():7.4f}")
    assert result.precision() >= precision
    assert result.recall() >= recall
    for kind in KINDS:
        assert result.precision(kind) >= 0.92, kind
        assert result.recall(kind) >= 0.95, kind


def test_what_is_labelled_is_gone_after_masking_and_a_second_masking_changes_nothing() -> None:
    masker = Masker()
    left = []
    for example in examples():
        masked, counts = masker.text(example["text"])
        assert masker.text(masked) == (masked, {})
        assert (masked is example["text"]) == (not counts)
        values = [example["text"][span["start"] : span["end"]] for span in example["spans"]]
        left += [(example["id"], example["split"]) for value in values if value in masked]
    assert len([one for one in left if one[1] == "tuning"]) == 0
    assert len(left) <= 1, left
