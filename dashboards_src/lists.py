"""Panels that are read line by line: tables, log lines, alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards_src.grafana import LOKI, PROMETHEUS, Json, LokiTarget, Panel, PrometheusTarget, thresholds
from dashboards_src.panels import BY_THRESHOLD, Steps


def table(
    title: str,
    description: str,
    *,
    by: Mapping[str, str],
    columns: Sequence[tuple[str, PrometheusTarget, Json]],
    sort: str,
    no_value: str,
) -> Panel:
    """One row per combination of the labels ``by`` (label to column title), then one column per query.

    A column is ``(title, query, properties)``; properties are Grafana field options such as ``{"unit": "s"}``.
    Every query must group by exactly these labels, so that the merge puts them on one row.
    """
    targets = [target for _, target, _ in columns]
    values = [f"Value #{chr(ord('A') + index)}" if len(targets) > 1 else "Value" for index in range(len(targets))]
    renamed = {**by, **{value: column for value, (column, _, _) in zip(values, columns, strict=True)}}
    return Panel(
        type="table",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=targets,
        unit="short",
        no_value=no_value,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False},
        transformations=[
            *([{"id": "merge", "options": {}}] if len(targets) > 1 else []),
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True},
                    "indexByName": {name: position for position, name in enumerate(renamed)},
                    "renameByName": renamed,
                },
            },
        ],
        overrides=[
            {
                "matcher": {"id": "byName", "options": column},
                "properties": [{"id": key, "value": value} for key, value in properties.items()],
            }
            for column, _, properties in columns
        ],
        options={
            "cellHeight": "sm",
            "footer": {"show": False, "reducer": ["sum"], "fields": "", "countRows": False},
            "showHeader": True,
            "sortBy": [{"displayName": sort, "desc": True}],
        },
    )


def cell_color(steps: Steps) -> Json:
    """Column properties: the cell's text takes the colour of its threshold."""
    return {
        "custom.cellOptions": {"type": "color-text"},
        "thresholds": thresholds(steps, "text"),
        "color": BY_THRESHOLD,
    }


def cell_bar(color: str) -> Json:
    """Column properties: a bar beside the number, relative to the largest value of the column."""
    return {
        "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        "color": {"mode": "fixed", "fixedColor": color},
        "min": 0,
    }


def logs(title: str, description: str, expr: str, *, no_value: str, max_lines: int = 200) -> Panel:
    """Newest lines first; a line opens to its fields, among them the trace id."""
    return Panel(
        type="logs",
        title=title,
        description=description,
        dataSource=LOKI,
        targets=[LokiTarget(expr=expr, max_lines=max_lines)],
        unit="none",
        no_value=no_value,
        options={
            "dedupStrategy": "none",
            "enableLogDetails": True,
            "prettifyLogMessage": False,
            "showCommonLabels": False,
            "showLabels": False,
            "showTime": True,
            "sortOrder": "Descending",
            "wrapLogMessage": True,
        },
    )


def alert_list(title: str, description: str, *, no_value: str, severities: str = "critical|warning|info") -> Panel:
    """Alerts of Prometheus that fire or are about to, most severe first."""
    options: Json = {
        "alertInstanceLabelFilter": f'{{severity=~"{severities}"}}',
        "alertName": "",
        "dashboardAlerts": False,
        "datasource": "Prometheus",  # the name, not the uid
        "groupBy": [],
        "groupMode": "default",
        "maxItems": 20,
        "showInactiveAlerts": False,
        "sortOrder": 3,  # by importance
        "stateFilter": {"firing": True, "pending": True, "noData": False, "normal": False, "error": True},
        "viewMode": "list",
    }
    return Panel(
        type="alertlist",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        unit="none",
        no_value=no_value,
        options=options,
    )
