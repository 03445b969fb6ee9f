"""Known counts: texts of our own, counted by real tokenizers."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Known:
    """A text and its true count by tokenizer family."""

    kind: str
    text: str
    counts: dict[str, int]


def known_counts() -> list[Known]:
    """All of ``known_counts.json``."""
    content = json.loads((Path(__file__).parent / "known_counts.json").read_text(encoding="utf-8"))
    return [Known(row["class"], row["text"], row["counts"]) for row in content["texts"]]


def quantiles(errors: Iterable[float]) -> tuple[float, float]:
    """Median and 95th percentile (the value that 95 % do not exceed)."""
    ordered = sorted(errors)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
