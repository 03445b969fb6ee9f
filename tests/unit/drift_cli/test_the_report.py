"""``--html``: one file with everything in it, escaped, that needs nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from observability.drift.__main__ import main
from observability.drift.compare import compare
from observability.drift.report import page
from observability.predictions.baselines import Baseline, BaselineLimits, baseline_of

_NASTY = '<script>alert("1")</script>'
_NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Reader(HTMLParser):
    """Which elements a page has, whether they are closed in order, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def with_tag(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def tables(shift: float, *, missing: float = 0.0, rows: int = 1200) -> tuple[pa.Table, pa.Table]:
    random = np.random.default_rng(7)

    def made(by: float, lost: float) -> pa.Table:
        age = random.normal(40 + 10 * by, 10, rows)
        age[random.random(rows) < lost] = np.nan
        countries = random.choice(["DE", _NASTY] if by else ["DE", "FR"], rows).tolist()
        return pa.table({_NASTY: random.normal(by, 1, rows), "age": age, "country": countries, "one": np.ones(rows)})

    return made(0.0, 0.0), made(shift, missing)


def known(table: pa.Table) -> Baseline:
    return baseline_of(table, BaselineLimits())


def report(shift: float, **more: float) -> str:
    before, now = tables(shift, **more)  # type: ignore[arg-type]
    return page(compare(known(before), known(now)), "before.parquet", _NASTY, _NOW)


def test_the_command_writes_the_report_beside_the_table(tmp_path: Path, capsys: object) -> None:
    before, now = tables(1.0)
    pq.write_table(before, tmp_path / "before.parquet")
    pq.write_table(now, tmp_path / "now.parquet")
    out = tmp_path / "report.html"
    arguments = ["--baseline", str(tmp_path / "before.parquet"), "--current", str(tmp_path / "now.parquet")]
    assert main([*arguments, "--html", str(out)]) == 1
    read = Reader(out.read_text(encoding="utf-8"))
    assert "Drift of the data set" in read.text
    assert "now.parquet (1,200 rows) against before.parquet (1,200 rows)" in read.text
    assert main([*arguments, "--html", str(tmp_path / "nowhere" / "report.html")]) == 2


def test_names_and_values_are_text_and_nothing_else() -> None:
    written = report(1.0)
    read = Reader(written)
    assert not read.open
    assert not read.with_tag("script")
    assert "<script" not in written
    assert read.text.count(_NASTY) >= 4  # the source, the overview, the new category, the distribution


def test_the_file_needs_nothing_but_itself() -> None:
    read = Reader(report(1.0))
    assert {tag for tag, _ in read.tags} & {"script", "link", "img", "iframe", "object", "use", "image"} == set()
    for _, attributes in read.tags:
        assert not {"src", "srcset", "style"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    style = read.text[: read.text.index("@media print")]
    assert "url(" not in style and "@import" not in style
    (policy,) = [each["content"] for each in read.with_tag("meta") if "http-equiv" in each]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_light_and_dark_follow_the_reader() -> None:
    written = report(1.0)
    assert "@media (prefers-color-scheme: dark)" in written
    colours = re.findall(r'(?:fill|stroke)="(?!none)[^"]*"', written)
    assert colours == [], "a colour that is not of the style would be the same in both"


def test_the_plots_of_each_feature_say_what_they_are() -> None:
    read = Reader(report(1.0))
    labels = [each["aria-label"] or "" for each in read.with_tag("svg")]
    assert labels.count("Shares of values, baseline and current") == 4
    assert labels.count("Cumulative shares, baseline and current") == 2, "not of categories, not of a constant"
    assert "50.0 % of the features drifted" not in labels[0] and "75.0 % of the features drifted" in labels[0]
    assert len([label for label in labels if ", threshold 0.1" in label]) == 4


def test_bars_are_as_long_as_the_shares_are() -> None:
    before, now = tables(0.0)
    found = compare(known(before), known(now), features=["country"])
    read = Reader(page(found, "a", "b", _NOW))
    widths = [float(each["width"] or 0) for each in read.with_tag("rect") if each.get("class") in ("before", "now")]
    shares = found.distributions["country"].shares
    shown = shares[:, shares.any(axis=0)].T.ravel()
    assert np.allclose(np.array(widths) / max(widths), shown / shown.max(), atol=1e-4)


def test_drifted_features_come_first_and_are_unfolded() -> None:
    before, now = tables(1.0)
    wide = {f"quiet-{at}": before["age"] for at in range(12)}
    for name, column in wide.items():
        before, now = before.append_column(name, column), now.append_column(name, column)
    read = Reader(page(compare(known(before), known(now)), "a", "b", _NOW))
    folds = read.with_tag("details")
    assert [("open" in each) for each in folds] == [True] * 3 + [False] * 13
    links = [each["href"] for each in read.with_tag("a")]
    assert links == [f"#{each['id']}" for each in folds]


def test_data_quality_tells_what_is_missing_and_new() -> None:
    text = Reader(report(1.0, missing=0.2)).text
    assert re.search(r"0\.0 % → (1|2)\d\.\d %", text)
    assert f"{_NASTY} (" in text
    quiet, same = tables(0.0)
    found = compare(known(quiet), known(quiet.append_column("same", same["one"])), features=["country", "one"])
    assert "Nothing is missing, infinite, out of range or new." in Reader(page(found, "a", "b", _NOW)).text


def test_a_score_without_end_and_a_p_value_of_zero_can_be_drawn() -> None:
    before, now = known(pa.table({"x": np.ones(1500)})), known(pa.table({"x": np.linspace(2, 3, 1500)}))
    for test in ("wasserstein", "ks", "psi", "anderson_darling"):
        read = Reader(page(compare(before, now, test=test), "a", "b", _NOW))
        assert not read.open
        assert all("nan" not in (value or "") for _, each in read.tags for value in each.values())
    infinite = known(pa.table({"x": [np.inf, -np.inf, np.inf] * 500}))
    for pair in ((before, infinite), (infinite, before)):
        assert not Reader(page(compare(*pair, test="ks"), "a", "b", _NOW)).open


def test_what_was_left_out_is_told() -> None:
    before, now = tables(0.0)
    found = compare(known(before), known(now.drop_columns(["age"])))
    read = Reader(page(found, "a", "b", _NOW))
    assert "age was left out: not in the current data" in read.text
    assert "No drift of the data set" in read.text
