"""The drift report of the command line, as a browser without JavaScript shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
from playwright.sync_api import Browser

from observability.drift.compare import compare
from observability.drift.report import page
from observability.predictions.baselines import BaselineLimits, baseline_of


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(1)
    names = ("age", "<script>alert(1)</script>", "a-name-without-an-end-" * 6)
    tables = [pa.table({name: random.normal(by, 1, 500) for name in names}) for by in (0, 1)]
    baseline, current = (baseline_of(table, BaselineLimits()) for table in tables)
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(page(compare(baseline, current), "a", "b", datetime.now(UTC)), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_both_schemes_and_at_both_widths(
    chromium: Browser, report: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        tab = context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.goto(report.as_uri())
        assert asked == [report.as_uri()], "nothing is loaded"
        assert complaints == []
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        light = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(243, 244, 247)"
        assert light == (scheme == "light")
        assert tab.locator("svg:visible").count() >= 12
    finally:
        context.close()


def test_it_is_whole_without_javascript(chromium: Browser, report: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    try:
        tab = context.new_page()
        tab.goto(report.as_uri())
        assert tab.locator("h1").inner_text() == "Drift of the data set"
        tab.locator("details").last.locator("summary").click()
        assert tab.locator("details[open]").count() == 2
    finally:
        context.close()
