"""The preview's page on its own: what it does without backends, with the keyboard, and how its modules calculate."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboards_src.grafana import dashboard_data_link, explore_data_link, row_data_link
from dashboards_src.shared import BOARDS
from tests.browser.conftest import Tab
from tests.browser.support import settle
from tests.support import ROOT, poll

pytestmark = pytest.mark.browser


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def nowhere() -> str:
    """An address at which nothing answers."""
    return f"http://127.0.0.1:{_free_port()}"


@pytest.fixture(scope="module")
def preview(nowhere: str) -> Iterator[str]:
    """The preview as a process of its own, all its backends down."""
    port = _free_port()
    names = ("PROMETHEUS_URL", "LOKI_URL", "JAEGER_URL", "ALERTMANAGER_URL", "EXPORTER_URL")
    environ = {**os.environ, **dict.fromkeys(names, nowhere), "PYTHONPATH": f"{ROOT}:{ROOT / 'exporter'}"}
    command = [sys.executable, "-m", "dashboards_src.preview", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            poll("the preview", lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def module(tab: Tab, preview: str) -> Any:
    """``module("units", "m.format(1, 's')")``: the value of an expression over one of the page's modules."""
    tab.page.goto(f"{preview}/static/icon.svg")

    def evaluate(name: str, expression: str) -> Any:
        return tab.page.evaluate(f"async () => {{ const m = await import('/static/{name}.js'); return {expression}; }}")

    return evaluate


def test_a_backend_that_is_down_is_said_so_in_every_panel(tab: Tab, preview: str, nowhere: str) -> None:
    tab.page.goto(f"{preview}/d/ai-llm")
    panels = settle(tab.page)
    assert {panel.state for panel in panels} == {"error"}
    for panel in panels:
        name = "Loki" if panel.type == "logs" else "Prometheus"
        assert f"{name} does not answer at {nowhere}" in panel.text
    assert "llm_requests_total" in "".join(panel.text for panel in panels), "the query stands beside the message"


def test_a_trace_that_cannot_be_had_is_an_error_and_no_empty_page(tab: Tab, preview: str, nowhere: str) -> None:
    tab.page.goto(f"{preview}/trace/abc123")
    settle(tab.page)
    assert tab.page.locator(".trace").get_attribute("data-state") == "error"
    assert f"Jaeger does not answer at {nowhere}" in tab.page.inner_text("main")
    tab.page.goto(f"{preview}/trace/<script>")
    settle(tab.page)
    assert "is no trace id" in tab.page.inner_text("main")


def test_an_unknown_dashboard_names_the_known_ones(tab: Tab, preview: str) -> None:
    tab.page.goto(f"{preview}/d/nothing")
    tab.page.wait_for_selector("main > .failure")
    assert "ai-overview" in tab.page.inner_text("main > .failure")


def test_the_start_page_is_the_overview_and_the_tabs_lead_on(tab: Tab, preview: str) -> None:
    page = tab.page
    page.goto(preview)
    settle(page)
    assert page.locator("nav a[aria-current=page]").inner_text() == "Overview"
    page.get_by_role("link", name="LLM", exact=True).click()
    page.wait_for_url("**/d/ai-llm*")
    settle(page)
    assert "LLM" in page.title()


def test_time_range_and_refresh_are_in_the_address_and_go_along_to_the_next_dashboard(tab: Tab, preview: str) -> None:
    page = tab.page
    page.goto(f"{preview}/d/ai-overview")
    settle(page)
    page.click("details[data-control=time] > summary")
    page.get_by_role("button", name="Last 6 hours").click()
    page.wait_for_url("**from=now-6h*")
    page.get_by_label("Refresh automatically").select_option("1m")
    page.wait_for_url("**refresh=1m*")
    href = page.get_by_role("link", name="LLM", exact=True).get_attribute("href")
    assert href is not None and "from=now-6h" in href and "refresh=1m" in href
    page.go_back()
    page.go_back()
    page.wait_for_function("() => !location.search.includes('from')")


def test_a_custom_range_that_ends_before_it_begins_is_refused(tab: Tab, preview: str) -> None:
    page = tab.page
    page.goto(f"{preview}/d/ai-overview")
    settle(page)
    page.click("details[data-control=time] > summary")
    page.get_by_label("From", exact=True).fill("2026-01-02T00:00:00")
    page.get_by_label("To", exact=True).fill("2026-01-01T00:00:00")
    page.get_by_role("button", name="Apply").click()
    assert "ends before it begins" in page.inner_text(".time-menu")
    assert "from=" not in page.url


def test_menus_close_with_escape_and_give_the_focus_back(tab: Tab, preview: str) -> None:
    page = tab.page
    page.goto(f"{preview}/d/ai-overview")
    settle(page)
    page.locator("details[data-variable=model] > summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("details[data-variable=model]").get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert page.locator("details[data-variable=model]").get_attribute("open") is None
    assert page.evaluate("document.activeElement.closest('details').dataset.variable") == "model"


def test_a_row_folds_and_a_panel_stands_alone(tab: Tab, preview: str) -> None:
    page = tab.page
    page.goto(f"{preview}/d/ai-llm")
    panels = settle(page)
    page.get_by_role("button", name="Latency", exact=True).click()
    assert page.locator("[data-panel-id]:visible").count() == len(panels) - 5
    panel = page.locator("[data-panel-id]:visible").first
    panel.hover()
    panel.locator(".panel-expand").click()
    page.wait_for_url("**viewPanel=*")
    assert page.locator("[data-panel-id]:visible").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_function("() => !location.search.includes('viewPanel')")


def test_every_panel_has_a_name_and_a_description_for_a_screen_reader(tab: Tab, preview: str) -> None:
    tab.page.goto(f"{preview}/d/ai-overview")
    settle(tab.page)
    for panel in tab.page.locator("[data-panel-id]").all():
        assert panel.evaluate("(each) => document.getElementById(each.getAttribute('aria-labelledby')).textContent")
        described = panel.locator(".panel-info").get_attribute("aria-describedby")
        assert len(tab.page.locator(f"#{described} > p").text_content() or "") > 20


def test_light_and_dark_can_be_switched_and_are_remembered(tab: Tab, preview: str) -> None:
    page = tab.page
    page.goto(f"{preview}/d/ai-overview")
    settle(page)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Switch between light and dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "expected"),
    [
        ("0.25", "percentunit", "null", "25%"),
        ("580000", "sci", "1", "5.8e+5"),
        ("0.0416", "percentunit", "1", "4.2%"),
        ("1.5", "s", "null", "1.5 s"),
        ("0.0042", "s", "null", "4.2 ms"),
        ("90", "s", "null", "1.5 min"),
        ("1500", "ms", "null", "1.5 s"),
        ("1536", "bytes", "null", "1.5 KiB"),
        ("12345", "short", "null", "12.3 K"),
        ("12345", "locale", "0", "12,345"),
        ("-115.4", "currencyUSD", "2", "-$115.40"),
        ("0.0031", "currencyUSD", "null", "$0.0031"),
        ("270", "suffix: tok/s", "null", "270 tok/s"),
        ("3.2", "ops", "null", "3.2 /s"),
        ("null", "short", "null", "–"),
        ("Infinity", "s", "null", "∞"),
    ],
)
def test_numbers_are_written_as_grafana_writes_them(
    module: Any, value: str, unit: str, decimals: str, expected: str
) -> None:
    assert module("units", f"m.format({value}, '{unit}', {decimals})") == expected


def test_axis_ticks_are_round_and_inside_the_axis(module: Any) -> None:
    assert module("units", "m.ticks(0, 97, 5, 'short')") == [0, 20, 40, 60, 80]
    assert module("units", "m.ticks(0, 200, 4, 's')") == [0, 60, 120, 180]
    ticks = module("units", "m.ticks(0, 3 * 2**20, 4, 'bytes')")
    assert all(tick % 2**18 == 0 for tick in ticks) and ticks[-1] <= 3 * 2**20


def test_relative_and_absolute_times_are_understood_and_others_refused(module: Any) -> None:
    assert module("time", "m.moment('now-15m', 1_000_000)") == 100_000
    assert module("time", "m.moment('1700000000000')") == 1_700_000_000_000
    assert "is no time" in module("time", "(() => { try { m.moment('yesterday') } catch (e) { return e.message } })()")


def test_the_step_follows_width_and_range_but_never_undercuts_the_scrape(module: Any) -> None:
    resolved = "m.resolve({from: '1700000000000', to: '1700000300000'}, 1000).step"
    assert module("time", resolved) == 15
    assert module("time", "m.resolve({from: '1700000000000', to: '1700604800000'}, 500).step") == 3600
    assert module("time", "m.macros({from: 0, to: 3600, step: 15}).__rate_interval") == "60s"


_BOARD = """({templating: {list: [
  {name: "model", type: "query", multi: true, includeAll: true, allValue: ".+", current: {value: ["$__all"]}},
  {name: "level", type: "custom", query: "info,error", current: {value: "info"}},
  {name: "step", type: "interval", auto: true, query: "1m,5m", current: {value: "auto"}},
]}})"""


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ('x{m=~"$model"}', '{model: ["$__all"]}', 'x{m=~".+"}'),
        ('x{m=~"${model}"}', '{model: ["gpt-4.1"]}', r'x{m=~"gpt-4\\.1"}'),
        ('x{m=~"${model:regex}"}', '{model: ["a", "b"]}', 'x{m=~"(a|b)"}'),
        ("${model:raw}", '{model: ["a", "b"]}', "a,b"),
        ("x[$step]", '{step: ["auto"]}', "x[30s]"),
        ("x[$step]", '{step: ["5m"]}', "x[5m]"),
        ("rate(x[$__interval]) $1 $unknown", "{}", "rate(x[30s]) $1 $unknown"),
    ],
)
def test_variables_are_replaced_in_queries(module: Any, text: str, values: str, expected: str) -> None:
    replaced = module("variables", f"m.interpolate({text!r}, {_BOARD}, {values}, {{__interval: '30s'}})")
    assert replaced == expected


def test_values_come_from_the_address_and_go_back_to_it(module: Any) -> None:
    query = "new URLSearchParams('var-model=a&var-model=b&var-level=error')"
    values = module("variables", f"m.initial({_BOARD}, {query})")
    assert values == {"model": ["a", "b"], "level": ["error"], "step": ["auto"]}
    back = module("variables", f"m.queryParameters({_BOARD}.templating.list, m.initial({_BOARD}, {query}))")
    assert back == "var-model=a&var-model=b&var-level=error"


def test_custom_and_interval_variables_have_the_options_that_they_list(module: Any) -> None:
    custom = module("variables", "await m.load({type: 'custom', query: 'One : 1,Two : 2'}, null, {}, null)")
    assert custom == [{"text": "One", "value": "1"}, {"text": "Two", "value": "2"}]
    interval = module("variables", "await m.load({type: 'interval', auto: true, query: '1m,5m'}, null, {}, null)")
    assert [option["value"] for option in interval] == ["auto", "1m", "5m"]


def test_tables_are_merged_renamed_and_turned(module: Any) -> None:
    frames = """[
      {columns: ["Time", "model", "Value #A"], rows: [
        {Time: 1, model: "a", "Value #A": 1}, {Time: 1, model: "b", "Value #A": 2}]},
      {columns: ["Time", "model", "Value #B"], rows: [{Time: 1, model: "b", "Value #B": 3}]},
    ]"""
    steps = """[{id: "merge"}, {id: "organize", options: {
      excludeByName: {Time: true}, indexByName: {model: 1, "Value #B": 0}, renameByName: {"Value #A": "Calls"}}}]"""
    assert module("data", f"m.transform({frames}, {steps})") == {
        "columns": ["Value #B", "model", "Calls"],
        "rows": [{"Value #B": None, "model": "a", "Calls": 1}, {"Value #B": 3, "model": "b", "Calls": 2}],
    }
    matrix = """m.transform([{columns: [], rows: [{d: "2", m: "x", Value: 5}, {d: "1", m: "y", Value: 7}]}],
      [{id: "sortBy", options: {sort: [{field: "d"}]}},
       {id: "groupingToMatrix", options: {rowField: "d", columnField: "m", valueField: "Value"}}])"""
    assert module("data", matrix) == {
        "columns": ["d\\m", "x", "y"],
        "rows": [{"d\\m": "1", "y": 7}, {"d\\m": "2", "x": 5}],
    }
    fields = """m.transform([{columns: [], rows: [{Time: 1, m: "x", Value: 5}, {Time: 1, m: "y", Value: 7}]}],
      [{id: "rowsToFields", options: {mappings: [{fieldName: "Time", handlerKey: "__ignore"},
        {fieldName: "m", handlerKey: "field.name"}, {fieldName: "Value", handlerKey: "field.value"}]}}])"""
    assert module("data", fields) == {"columns": ["x", "y"], "rows": [{"x": 5, "y": 7}]}


def test_an_empty_answer_does_not_put_the_rows_of_a_table_together(module: Any) -> None:
    frames = """[
      {columns: ["Time", "model", "Value #A"], rows: [
        {Time: 1, model: "a", "Value #A": 1}, {Time: 1, model: "b", "Value #A": 2}]},
      {columns: ["Time", "Value #B"], rows: []},
    ]"""
    merged = module("data", f'm.transform({frames}, [{{id: "merge"}}])')
    assert [row["model"] for row in merged["rows"]] == ["a", "b"]


def test_rows_of_the_same_labels_become_one_and_no_rows_become_no_frame(module: Any) -> None:
    step = """[{id: "groupBy", options: {fields: {model: {operation: "groupby", aggregations: []},
      "Value #A": {operation: "aggregate", aggregations: ["lastNotNull"]}}}}]"""
    rows = '[{Time: 1, model: "a", "Value #A": 1}, {Time: 2, model: "a", "Value #A": 2}, {Time: 1, model: "b"}]'
    assert module("data", f'm.transform([{{columns: ["Time", "model", "Value #A"], rows: {rows}}}], {step})') == {
        "columns": ["model", "Value #A (lastNotNull)"],
        "rows": [{"model": "a", "Value #A (lastNotNull)": 2}, {"model": "b", "Value #A (lastNotNull)": None}],
    }
    assert module("data", f'm.transform([{{columns: ["Time", "Value #A"], rows: []}}], {step})') == {
        "columns": [],
        "rows": [],
    }


def test_a_series_that_is_filled_down_to_another_is_drawn_right_after_it(module: Any) -> None:
    panel = """{fieldConfig: {defaults: {}, overrides: [
      {matcher: {id: "byName", options: "upper"}, properties: [{id: "custom.fillBelowTo", value: "lower"}]}]}}"""
    every = [{"name": name} for name in ("upper", "value", "lower")]
    ordered = module("charts", f"m.bandOrder({panel}, {json.dumps(every)})")
    assert [each["name"] for each in ordered] == ["lower", "upper", "value"]
    alone = module("charts", f"m.bandOrder({panel}, {json.dumps(every[:2])})")
    assert [each["name"] for each in alone] == ["upper", "value"]


def test_a_link_from_a_row_sets_the_variables_of_the_other_dashboard(module: Any) -> None:
    link = json.dumps(row_data_link("Open", "ai-drift", {"feature": "Service"})["url"])
    assert module("links", _LINK.format(url=link)) == "/d/ai-drift?from=now-3h&to=now&var-feature=a%20%22b%22"


def test_a_transformation_that_the_preview_does_not_know_is_an_error(module: Any) -> None:
    attempt = "(() => { try { return m.transform([], [{id: 'magic'}]) } catch (e) { return e.message } })()"
    assert module("data", attempt) == "The preview does not know the transformation magic"


_LINK = """m.address({url}, {{templating: {{list: [
  {{name: "service", current: {{value: ["$__all"]}}}}, {{name: "model", current: {{value: ["$__all"]}}}}]}}}},
  {{service: ["a", "b"], model: ["$__all"]}}, {{from: "now-3h", to: "now"}}, {{Service: 'a "b"'}})"""


def test_a_link_to_another_dashboard_takes_time_and_filters_along(module: Any) -> None:
    link = json.dumps(dashboard_data_link("Open", "ai-cost", ("service", "model"))["url"])
    assert module("links", _LINK.format(url=link)) == "/d/ai-cost?from=now-3h&to=now&var-service=a&var-service=b"


def test_a_link_to_traces_in_explore_leads_to_the_page_of_traces(module: Any) -> None:
    search = {"queryType": "search", "service": "${__data.fields.Service}", "tags": "error=true"}
    link = json.dumps(explore_data_link("Failed traces", "jaeger", search)["url"])
    assert module("links", _LINK.format(url=link)) == "/traces?service=a+%22b%22&lookback=6h&errors=1"
    del search["tags"]
    link = json.dumps(explore_data_link("Traces", "jaeger", search)["url"])
    assert module("links", _LINK.format(url=link)) == "/traces?service=a+%22b%22&lookback=6h"


def test_a_link_that_leads_nowhere_on_this_page_is_none(module: Any) -> None:
    logs = json.dumps(explore_data_link("Logs", "loki", {"expr": "{}"})["url"])
    for url in (logs, '"https://example.com/"', '"javascript:alert(1)"', '"/explore?x=1"'):
        assert module("links", _LINK.format(url=url)) is None


def test_no_page_is_wider_than_the_window(tab: Tab, preview: str) -> None:
    for uid in BOARDS:
        tab.page.goto(f"{preview}/d/{uid}")
        settle(tab.page)
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), uid


def test_states_are_joined_to_bands_and_gaps_stay_empty(module: Any) -> None:
    bands = module("panels", "m.segments({times: [0, 15000, 30000, 90000], values: [1, 1, 0, 0]}, 15)")
    assert [(band["from"], band["to"], band["value"]) for band in bands] == [
        (0, 30000, 1),
        (30000, 45000, 0),
        (90000, 105000, 0),
    ]


def test_a_log_line_is_summed_up_by_its_message(module: Any) -> None:
    assert module("panels", """m.summary('{"level":"info","message":"hello"}').text""") == "hello"
    assert module("panels", """m.summary('level=warn msg="a \\\\"b\\\\""').text""") == 'a "b"'
    assert (
        module("panels", """m.summary('{"trace_id":"1","model":"m","cost":0.123456}').text""") == "model=m  cost=0.123"
    )
    assert module("panels", "m.summary('{plain').text") == "{plain"


def test_names_on_one_panel_have_different_colours(module: Any) -> None:
    colours = module("colors", "[...m.assign(Array.from({length: 12}, (_, i) => `model-${i}`)).values()]")
    assert len(set(colours)) == 12
    assert module("colors", "m.byName('gpt-4o') === m.byName('gpt-4o')") is True
