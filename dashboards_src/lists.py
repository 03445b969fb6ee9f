"""Panels that are read line by line: tables, log lines, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboards_src.grafana import LOKI, Json, LokiTarget, Panel, PrometheusTarget, thresholds
from dashboards_src.panels import BAD, BY_THRESHOLD, GOOD, Steps, prometheus_panel

#: A cell without a number. (The panel's own text stands for a table without rows.)
NO_CELL = "–"


@dataclass(frozen=True)
class Label:
    """A column of names, ``width`` pixels wide; the last one takes what is left, but never less.

    ``links`` are where a name leads.
    """

    title: str
    width: int
    links: Sequence[Json] = ()


@dataclass(frozen=True)
class Column:
    """A column of numbers, ``width`` pixels wide. ``properties`` are Grafana field options as ``{"unit": "s"}``."""

    title: str
    width: int
    target: PrometheusTarget
    properties: Json


def table(
    title: str, description: str, *, by: Mapping[str, Label], columns: Sequence[Column], sort: str, no_value: str
) -> Panel:
    """One row per combination of the labels ``by``, then one column per query.

    Every query must group by exactly these labels, so that the merge puts them on one row; a row that a query lacks
    shows a dash there.
    """
    labels = list(by.values())
    targets = [column.target for column in columns]
    values = [f"Value #{chr(ord('A') + index)}" for index in range(len(targets))]
    several = len(targets) > 1
    shown = [f"{value} (lastNotNull)" for value in values] if several else ["Value"]
    renamed = {
        **{name: label.title for name, label in by.items()},
        **{value: column.title for value, column in zip(shown, columns, strict=True)},
    }
    return prometheus_panel(
        "table",
        title,
        description,
        targets,
        {
            "unit": "short",
            "no_value": no_value,
            "overrides": [
                *(_name_column(label, {"custom.width": label.width}) for label in labels[:-1]),
                _name_column(labels[-1], {"custom.minWidth": labels[-1].width}),
                *(
                    _column(each.title, {"custom.width": each.width, "noValue": NO_CELL, **each.properties})
                    for each in columns
                ),
            ],
        },
        {
            "cellHeight": "sm",
            "footer": {"show": False, "reducer": ["sum"], "fields": "", "countRows": False},
            "showHeader": True,
            "sortBy": [{"displayName": sort, "desc": True}],
        },
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False},
        transformations=[
            *(_one_frame(by, values) if several else []),
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True},
                    "indexByName": {name: position for position, name in enumerate(renamed)},
                    "renameByName": renamed,
                },
            },
        ],
    )


def _one_frame(by: Iterable[str], values: Iterable[str]) -> list[Json]:
    """Transformations: one row per combination of labels, and no frame at all where no query has an answer.

    Grafana draws the heads of an empty frame's columns, and shows what is missing only where there is no frame.
    """
    fields = {
        **{name: {"operation": "groupby", "aggregations": []} for name in by},
        **{value: {"operation": "aggregate", "aggregations": ["lastNotNull"]} for value in values},
    }
    return [{"id": "merge", "options": {}}, {"id": "groupBy", "options": {"fields": fields}}]


def _name_column(label: Label, width: Json) -> Json:
    return _column(label.title, {**width, **({"links": list(label.links)} if label.links else {})})


def _column(title: str, properties: Json) -> Json:
    return {
        "matcher": {"id": "byName", "options": title},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def cell_color(steps: Steps) -> Json:
    """Column properties: the cell's text takes the colour of its threshold."""
    return {
        "custom.cellOptions": {"type": "color-text"},
        "thresholds": thresholds(steps, "text"),
        "color": BY_THRESHOLD,
    }


def cell_alarm() -> Json:
    """Column properties: the cell is filled with red; for what should not be there at all."""
    return {
        "custom.cellOptions": {"type": "color-background", "mode": "basic"},
        "color": {"mode": "fixed", "fixedColor": BAD},
    }


def cell_bar(color: str) -> Json:
    """Column properties: a bar beside the number, relative to the largest value of the column."""
    return {
        "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        "color": {"mode": "fixed", "fixedColor": color},
        "min": 0,
        "fieldMinMax": True,  # else the longest bar is the largest number of the whole table
    }


def cell_level(steps: Steps, maximum: float) -> Json:
    """Column properties: a bar up to ``maximum`` in the colour of its threshold."""
    return {
        "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        "thresholds": thresholds(steps, GOOD),
        "color": BY_THRESHOLD,
        "min": 0,
        "max": maximum,
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
    return prometheus_panel("alertlist", title, description, [], {"unit": "none", "no_value": no_value}, options)
