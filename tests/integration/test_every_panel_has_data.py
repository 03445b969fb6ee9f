"""Every query of every panel of the generated dashboards returns data after the demo."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import httpx
import pytest

from dashboards_src.queries import PanelQuery, panel_queries
from tests.conftest import DemoRun
from tests.support import ROOT, Stack, beyond_the_demo, poll

pytestmark = pytest.mark.integration

FILES = sorted((ROOT / "grafana" / "dashboards").rglob("*.json"))
QUERIES = [query for file in FILES for query in panel_queries(json.loads(file.read_text()))]


def has_a_number(result: list[dict[str, Any]]) -> bool:
    """True if any sample of a Prometheus result is a number (NaN draws nothing)."""
    samples = [sample for series in result for sample in series.get("values", [series.get("value")])]
    return any(not math.isnan(float(value)) for _, value in samples)


def data_of(stack: Stack, query: PanelQuery) -> bool:
    path, parameters = query.request(time.time())
    answer = httpx.get(stack.url(query.datasource) + path, params=parameters, timeout=60)
    assert answer.status_code == 200, f"{query.expr}\n{answer.text}"
    result = answer.json()["data"]["result"]
    return bool(result) if query.kind == "logs" else has_a_number(result)


def test_there_are_two_dashboards_with_queries() -> None:
    assert {query.dashboard for query in QUERIES} >= {json.loads(file.read_text())["title"] for file in FILES}
    assert len(FILES) >= 2


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: f"{query.dashboard}: {query.panel} {query.ref_id}")
def test_the_query_of_a_panel_returns_data(stack: Stack, demo: DemoRun, query: PanelQuery) -> None:
    reason = beyond_the_demo(query.expr)
    if reason:
        data_of(stack, query)  # it must be understood all the same
        pytest.skip(reason)
    poll(f"data for {query.expr}", lambda: data_of(stack, query), deadline=90, every=1)


def test_a_query_without_data_is_noticed(stack: Stack) -> None:
    assert not has_a_number(stack.query("a_metric_that_nobody_exposes"))
    assert not has_a_number(stack.query("vector(0) / vector(0)"))
