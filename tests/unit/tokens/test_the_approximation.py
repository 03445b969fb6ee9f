"""The approximation against the counts of real tokenizers."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.tokens.approximation import FAMILIES, Approximation, approximation
from observability.tokens.coefficients import COEFFICIENTS, HELD_OUT
from observability.tokens.segments import classes, features, pieces
from tests.support import ROOT
from tests.unit.tokens.support import known_counts, quantiles

DOCS = ROOT / "docs" / "tokens.md"

#: What the docs state as the bounds over all texts: (median, 95th percentile).
STATED = (0.07, 0.30)


def errors(family: str) -> dict[str, list[float]]:
    """|approximate / true - 1| by kind of text."""
    found: dict[str, list[float]] = defaultdict(list)
    for known in known_counts():
        found[known.kind].append(abs(approximation(family).count(known.text) / known.counts[family] - 1))
    return found


def measured_table() -> list[str]:
    """The rows of the docs' table: median and 95th percentile in percent, by kind of text and family."""
    by_family = {family: errors(family) for family in FAMILIES}
    kinds = [*by_family[FAMILIES[0]], "all"]
    rows = []
    for kind in kinds:
        cells = []
        for found in by_family.values():
            values = found[kind] if kind != "all" else [error for group in found.values() for error in group]
            cells.append("{:.0f} / {:.0f}".format(*(100 * value for value in quantiles(values))))
        rows.append(f"| {kind} | " + " | ".join(cells) + " |")
    return rows


@pytest.mark.parametrize("family", FAMILIES)
def test_the_error_on_known_counts_is_within_what_the_docs_state(family: str) -> None:
    median, p95 = quantiles(error for group in errors(family).values() for error in group)
    assert median <= STATED[0] + 1e-9
    assert p95 <= STATED[1] + 1e-9


def test_the_docs_show_the_table_that_is_measured() -> None:
    page = DOCS.read_text(encoding="utf-8")
    missing = [row for row in measured_table() if row not in page]
    assert not missing, "\n".join(["docs/tokens.md lacks", *missing])


def test_the_docs_state_the_same_bounds_and_the_held_out_errors() -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert f"median of {STATED[0]:.0%} and a 95th percentile of {STATED[1]:.0%}".replace("%", " %") in page
    for family, (median, p95) in HELD_OUT.items():
        assert f"| `{family}` | {100 * median:.1f} | {100 * p95:.1f} |" in page


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_much_better_than_a_quarter_of_the_characters(family: str) -> None:
    ours = quantiles(error for group in errors(family).values() for error in group)
    quarter = quantiles(abs(len(known.text) / 4 / known.counts[family] - 1) for known in known_counts())
    assert ours[0] < quarter[0] / 2
    assert ours[1] < quarter[1] / 2


def test_nothing_costs_nothing_and_anything_costs_something() -> None:
    assert Approximation("o200k").count("") == 0
    assert Approximation("o200k").count(" ") >= 1
    assert Approximation("o200k").count("\ud800") >= 1


def test_a_text_ten_times_as_long_costs_ten_times_as_much() -> None:
    text = known_counts()[0].text + "\n"
    once, ten_times = approximation("gemini").count(text * 10), approximation("gemini").count(text * 100)
    assert ten_times == pytest.approx(10 * once, rel=0.01)


def test_every_feature_that_a_text_can_have_is_one_that_was_fitted() -> None:
    texts = [known.text for known in known_counts()] + ["".join(map(chr, range(0x20, 0x3100))), "\U0002a6df 漢 ﾊ"]
    seen = {name for text in texts for name in features(text)}
    assert seen <= set(COEFFICIENTS["o200k"])


@given(st.text())
def test_the_pieces_of_a_text_are_all_of_it(text: str) -> None:
    shape = classes(text)
    assert len(shape) == len(text)
    assert sum(len(piece) * times for piece, times in pieces(shape).items()) == len(text)


@given(st.text(), st.sampled_from(FAMILIES))
def test_any_text_has_a_count(text: str, family: str) -> None:
    count = approximation(family).count(text)
    assert count >= bool(text)
    assert count <= 8 * len(text.encode("utf-8", "surrogatepass")) + 1


def test_what_is_remembered_is_bounded() -> None:
    fresh = Approximation("qwen")
    for length in range(30_000):
        fresh.count("a" * (length % 300) + "(" * (length % 97) + "A" * (length % 211))
    assert len(fresh._known) <= 20_000
    assert all(len(piece) <= 64 for piece in fresh._known)


def test_the_known_counts_are_of_our_own_texts_and_say_which_tokenizers_counted_them() -> None:
    about = (Path(__file__).parent / "known_counts.json").read_text(encoding="utf-8")
    assert len(known_counts()) >= 90
    assert all(set(known.counts) == set(FAMILIES) for known in known_counts())
    assert "litellm 1.109.1" in about
