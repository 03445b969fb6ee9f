"""After the demo, the preview shows every panel of every dashboard drawn, and leads from a chart to a trace."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from dashboards_src.queries import panels
from tests.browser.conftest import Tab
from tests.browser.support import DEADLINE, settle
from tests.conftest import DemoRun
from tests.support import ROOT, Stack, beyond_the_demo, poll

pytestmark = [pytest.mark.browser, pytest.mark.integration]

BOARDS: dict[str, dict[str, Any]] = {
    board["uid"]: board
    for board in (json.loads(file.read_text()) for file in sorted((ROOT / "grafana" / "dashboards").rglob("*.json")))
}


@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_is_drawn_and_none_has_an_error(tab: Tab, stack: Stack, demo: DemoRun, uid: str) -> None:
    wanted = {panel["id"]: panel["title"] for panel in panels(BOARDS[uid])}
    may_be_empty = {
        panel["id"]
        for panel in panels(BOARDS[uid])
        if panel.get("targets") and all(beyond_the_demo(target.get("expr", "")) for target in panel["targets"])
    }

    def shown() -> bool:
        tab.page.goto(f"{stack.url('preview')}/d/{uid}")
        found = settle(tab.page)
        assert {panel.id: panel.title for panel in found} == wanted
        failed = [f"{panel.title}: {panel.text}" for panel in found if panel.state == "error"]
        assert not failed, failed
        return all(panel.state == "drawn" or panel.id in may_be_empty for panel in found)

    poll(f"every panel of {uid} drawn", shown, deadline=90, every=2)
    assert not tab.complaints


def test_a_chosen_model_filters_every_panel_and_is_in_the_address(tab: Tab, stack: Stack, demo: DemoRun) -> None:
    page = tab.page
    page.goto(f"{stack.url('preview')}/d/ai-llm")
    settle(page)
    page.click("details[data-variable=model] > summary")
    choices = page.locator("details[data-variable=model] label")
    assert choices.count() >= 3, "All and at least two models"
    model = choices.nth(1).inner_text()
    choices.nth(1).click()
    page.wait_for_url(f"**var-model={model}*")
    table = page.locator("[data-panel-type=table]").filter(has=page.get_by_text("Model comparison")).locator("tbody tr")
    expect(table).to_have_count(1, timeout=DEADLINE)
    assert model in table.inner_text()
    page.reload()
    settle(page)
    assert model in page.locator("details[data-variable=model] > summary").inner_text()
    assert table.count() == 1


def test_a_point_on_the_latency_chart_opens_its_trace(tab: Tab, stack: Stack, demo: DemoRun) -> None:
    page = tab.page
    page.goto(f"{stack.url('preview')}/d/ai-llm")
    settle(page)
    # Plotly's own click event, as the pointer would raise it; a pixel in a chart is no stable address.
    trace_id = page.evaluate(
        """() => {
          const panels = [...document.querySelectorAll("[data-panel-type=timeseries]")];
          const latency = panels.find((each) => each.querySelector("h3").textContent === "Latency");
          const plot = latency.querySelector(".js-plotly-plot");
          const calls = plot.data.find((trace) => typeof trace.customdata?.[0] === "string");
          setTimeout(() => plot.emit("plotly_click", { points: [{ customdata: calls.customdata.at(-1) }] }));
          return calls.customdata.at(-1);
        }"""
    )
    page.wait_for_url(f"**/trace/{trace_id}")
    page.wait_for_selector(".trace[data-state=drawn]", timeout=DEADLINE)
    assert page.locator(".span").count() >= 1


def test_the_trace_view_shows_spans_attributes_and_logs(tab: Tab, stack: Stack, demo: DemoRun) -> None:
    def with_children() -> str | None:
        found = httpx.get(f"{stack.url('jaeger')}/api/traces", params={"service": "rag-assistant", "limit": 20})
        traces = [trace["traceID"] for trace in found.json()["data"] if len(trace["spans"]) >= 3]
        return traces[-1] if traces else None

    trace_id = poll("a trace of the demo in Jaeger", with_children)
    page = tab.page
    page.goto(f"{stack.url('preview')}/trace/{trace_id}")
    page.wait_for_selector(".trace[data-state=drawn]", timeout=DEADLINE)
    page.wait_for_selector(".trace-logs[data-state=drawn]", timeout=DEADLINE)
    assert page.locator(".span").count() >= 3
    model_call = page.locator(".span", has_text="chat").first
    model_call.locator("summary").click()
    assert "gen_ai." in model_call.locator(".fields").first.inner_text()
    assert page.locator(".trace-logs .log").count() >= 1
    phoenix = page.get_by_role("link", name="Open in Phoenix").get_attribute("href")
    assert phoenix == f"{stack.url('phoenix')}/redirects/traces/{trace_id}".replace("127.0.0.1", phoenix_host(phoenix))
    assert not tab.complaints


def phoenix_host(href: str | None) -> str:
    """localhost and 127.0.0.1 are the same page."""
    assert href is not None
    return httpx.URL(href).host


def test_the_list_of_traces_leads_to_a_trace(tab: Tab, stack: Stack, demo: DemoRun) -> None:
    page = tab.page
    page.goto(f"{stack.url('preview')}/traces?errors=1")
    page.wait_for_selector(".trace-list[data-state=drawn]", timeout=DEADLINE)
    page.locator(".trace-list tbody a").first.click()
    page.wait_for_selector(".trace[data-state=drawn]", timeout=DEADLINE)
    assert page.locator(".span.failed").count() >= 1, "only traces with errors were asked for"
