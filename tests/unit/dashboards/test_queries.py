"""The list of a dashboard's queries, as Grafana would send them."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards_src import llm
from dashboards_src.queries import PanelQuery, UnknownVariableError, interpolate, panel_queries
from observability.settings import Settings


def board(expr: str, **target: Any) -> dict[str, Any]:
    return {
        "title": "A dashboard",
        "templating": {
            "list": [
                {"name": "model", "multi": True, "allValue": ".+", "current": {"value": ["$__all"]}},
                {"name": "level", "multi": False, "current": {"value": "error"}},
            ]
        },
        "panels": [
            {"type": "row", "title": "A row", "id": 1, "panels": [_panel(2, "In a row", "up", {})]},
            _panel(3, "A panel", expr, target),
        ],
    }


def _panel(number: int, title: str, expr: str, target: dict[str, Any]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${ds}"}
    return {
        "type": "timeseries",
        "title": title,
        "id": number,
        "datasource": source,
        "targets": [{"refId": "A", "expr": expr, "datasource": source, **target}],
    }


def last(dashboard: dict[str, Any], **options: Any) -> PanelQuery:
    return list(panel_queries(dashboard, **options))[-1]


def test_all_becomes_the_all_value() -> None:
    assert last(board('x{model=~"$model"}')).expr == 'x{model=~".+"}'


def test_one_value_is_escaped_for_the_regular_expression() -> None:
    query = last(board('x{model=~"${model}"}'), variables={"model": ["gpt-4.1"]})
    assert query.expr == r'x{model=~"gpt-4\\.1"}'


def test_several_values_become_alternatives() -> None:
    query = last(board('x{model=~"${model:regex}"}'), variables={"model": ["a", "b"]})
    assert query.expr == 'x{model=~"(a|b)"}'


def test_a_single_valued_variable_is_taken_as_it_is() -> None:
    assert last(board('x{level="$level"}')).expr == 'x{level="error"}'


def test_macros_follow_the_time_range() -> None:
    query = last(board("rate(x[$__rate_interval]) + increase(x[$__range]) + $__interval_ms"), seconds=86400)
    assert query.step == 173
    assert query.expr == "rate(x[188s]) + increase(x[86400s]) + 173000"


def test_the_shortest_rate_interval_is_four_scrapes() -> None:
    assert last(board("rate(x[$__rate_interval])"), seconds=300).expr == "rate(x[60s])"


def test_a_capture_group_is_not_a_variable() -> None:
    assert last(board('label_replace(x, "a", "$1", "b", "(.+)")')).expr == 'label_replace(x, "a", "$1", "b", "(.+)")'


def test_a_variable_that_nobody_defines_is_an_error() -> None:
    with pytest.raises(UnknownVariableError, match=r"\$team"):
        last(board('x{team="$team"}'))
    with pytest.raises(UnknownVariableError):
        interpolate("${nothing}", {})


def test_panels_in_a_row_are_not_forgotten() -> None:
    assert [query.panel for query in panel_queries(board("up"))] == ["In a row", "A panel"]


def test_a_request_of_each_kind() -> None:
    source = {"type": "loki", "uid": "loki"}
    path, parameters = last(board("up", instant=True)).request(1000.5)
    assert (path, parameters) == ("/api/v1/query", {"query": "up", "time": "1000.500"})
    path, parameters = last(board("up")).request(7200)
    assert path == "/api/v1/query_range"
    assert parameters == {"query": "up", "start": "3600.000", "end": "7200.000", "step": "15"}
    path, parameters = last(board('{a="b"}', datasource=source, maxLines=7)).request(7200)
    assert path == "/loki/api/v1/query_range"
    assert parameters["limit"] == "7" and parameters["end"] == "7200000000000"


def test_the_generated_queries_have_no_variable_left() -> None:
    queries = list(panel_queries(llm.build(Settings()), {"model": ["gpt-4o"], "service": "rag-assistant"}))
    assert {query.kind for query in queries} == {"instant", "range", "logs"}
    assert not [query.expr for query in queries if "$" in query.expr]
    assert any('service=~"rag-assistant"' in query.expr and 'model=~"gpt-4o"' in query.expr for query in queries)
