"""The house style: one function per kind of chart, one colour per meaning. (Tables and lists: ``lists``.)

Every panel asks for a title, a description and what to show when there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict, Unpack

from dashboards_src.grafana import PROMETHEUS, Json, Panel, PrometheusTarget

# --- Colours by meaning; names are Grafana's palette, which adapts to its light theme -----------------------------
GOOD, WARNING, BAD = "green", "orange", "red"
NEUTRAL, MONEY = "blue", "purple"
#: From the usual to the rare.
QUANTILES = {"p50": "super-light-blue", "p95": "blue", "p99": "dark-purple"}
#: Input is cool, output is warm; what is cached or hidden is a shade of it.
TOKENS = {
    "input": "blue",
    "cache_read": "super-light-blue",
    "cache_write": "dark-blue",
    "output": "orange",
    "reasoning": "yellow",
}
#: Kinds of error: red where the provider failed, warm where we asked for too much, cool where the request was wrong.
ERRORS = {
    "server_error": "red",
    "timeout": "dark-orange",
    "rate_limit_exceeded": "yellow",
    "content_filter": "purple",
    "invalid_request": "blue",
    "model_not_found": "dark-blue",
    "authentication": "super-light-red",
    "other": "text",
}
#: What stands beside token types and sources of prices where tokens or their cost had to be estimated.
ESTIMATED = {"estimated": "text"}
#: Where a price came from: what was billed, what the price list says, what observability.yml says.
SOURCES = {"provider": "dark-purple", "price_list": "purple", "override": "light-blue", **ESTIMATED}
#: What a check of a guardrail ended in.
OUTCOMES = {"passed": GOOD, "triggered": WARNING, "error": BAD}
#: Usual labels of evaluations; others have a colour like any name.
LABELS = {"pass": GOOD, "fail": WARNING, "error": BAD, "none": "text"}
#: Calls whose tokens nobody reported.
UNREPORTED = {**ESTIMATED, "unknown": BAD}
#: Models, services, tools: series come sorted by name, so panels of the same names show them in the same colours.
#: (Grafana can also make the colour from a hash of the name: then two of three agents had the same pale one.)
BY_ORDER: Json = {"mode": "palette-classic"}
BY_THRESHOLD: Json = {"mode": "thresholds"}

Steps = Sequence[tuple[float, str]]

_LEGEND: Json = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
_NO_LEGEND: Json = {**_LEGEND, "showLegend": False}
_LAST: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}


#: Transformation that leaves data as they are and an empty answer out. Of an empty frame, heat maps say "No data" and
#: state timelines "Data does not have a time field"; without any frame they say what the panel has to say.
_NO_EMPTY_FRAME: Json = {"id": "filterFieldsByName", "options": {"include": {"pattern": ".*"}}}


class Look(TypedDict, total=False):
    """How the numbers of a panel are written and judged; every builder takes these.

    ``steps`` is ``((value, colour), ...)``; ``base`` is the colour below the first one. ``links`` are data links.
    """

    unit: Required[str]
    no_value: Required[str]
    decimals: int
    min: float | None
    max: float
    steps: Steps
    base: str
    color: Json
    overrides: Sequence[Json]
    links: Sequence[Json]


def query(expr: str, legend: str = "__auto", *, exemplars: bool = False) -> PrometheusTarget:
    """Values over the time range."""
    return PrometheusTarget(expr=expr, legend=legend, exemplar=exemplars)


def instant(expr: str, legend: str = "__auto") -> PrometheusTarget:
    """One value, as of the end of the time range."""
    return PrometheusTarget(expr=expr, legend=legend, instant=True)


def cells(expr: str) -> PrometheusTarget:
    """One table row per series, as of the end of the time range."""
    return PrometheusTarget(expr=expr, legend="", instant=True, format="table")


def fixed_colors(colors: Mapping[str, str], *, begin: bool = False) -> list[Json]:
    """Overrides: the series of each name always has this colour; with ``begin`` those whose name begins so."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/^{name}/"} if begin else {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for name, color in colors.items()
    ]


def prometheus_panel(
    kind: str,
    title: str,
    description: str,
    targets: Sequence[PrometheusTarget],
    look: Mapping[str, Any],
    options: Json,
    **more: Any,
) -> Panel:
    """A panel of the Grafana type ``kind``; ``more`` are other fields of :class:`Panel`."""
    field = dict(look)
    defaults = {**more.pop("defaults", {}), **({"links": list(field.pop("links"))} if field.get("links") else {})}
    return Panel(
        type=kind,
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=list(targets),
        options=options,
        defaults=defaults,
        **field,
        **more,
    )


def chart(
    title: str,
    description: str,
    *targets: PrometheusTarget,
    stacked: bool = False,
    bars: bool = False,
    calcs: Sequence[str] = (),
    **look: Unpack[Look],
) -> Panel:
    """Values over time. ``steps`` are drawn as dashed lines: where an alert would begin.

    Shares without a ``max`` reach at least up to the first step (or 1 %): Grafana draws an axis that holds nothing
    but zeros up to 100, which is 10000 %.
    """
    steps = look.get("steps", ())
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 80 if bars else 30 if stacked else 8,
        "gradientMode": "none" if bars or stacked else "opacity",
        "lineInterpolation": "linear",
        "lineWidth": 0 if bars else 1 if stacked else 2,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if steps else "off"},
        "axisBorderShow": False,
    }
    if look["unit"] == "percentunit" and "max" not in look:
        custom["axisSoftMax"] = steps[0][0] if steps else 0.01
    legend = {**_LEGEND, "displayMode": "table", "calcs": list(calcs)} if calcs else _LEGEND
    return prometheus_panel(
        "timeseries",
        title,
        description,
        targets,
        {"min": 0, "base": "transparent" if steps else GOOD, "color": BY_ORDER, **look},
        {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}},
        custom=custom,
    )


def stat(title: str, description: str, target: PrometheusTarget, *, loud: bool = False, **look: Unpack[Look]) -> Panel:
    """One number; a range query adds its course. With ``steps`` the colour is a verdict, else it is neutral.

    ``loud`` fills the whole panel with the colour: for what nobody may overlook.
    """
    return prometheus_panel(
        "stat",
        title,
        description,
        [target],
        {"min": 0, "base": GOOD if look.get("steps") else NEUTRAL, "color": BY_THRESHOLD, **look},
        {
            "colorMode": "background_solid" if loud else "value",
            "graphMode": "none" if target.instant else "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": _LAST,
            "showPercentChange": False,
            "textMode": "value",
            "wideLayout": True,
        },
        defaults={} if loud else {"mappings": [_unknown(look["no_value"])]},
    )


def _unknown(words: str) -> Json:
    """Mapping: without it the words for no number have the base's colour, and a green "No labels yet" is a verdict."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": words, "color": "text", "index": 0}}}


def gauge(title: str, description: str, target: PrometheusTarget, **look: Unpack[Look]) -> Panel:
    """One number against its limits: ``steps`` and ``max``."""
    return prometheus_panel(
        "gauge",
        title,
        description,
        [target],
        {"min": 0, "color": BY_THRESHOLD, **look},
        {
            "minVizHeight": 75,
            "minVizWidth": 75,
            "orientation": "auto",
            "reduceOptions": _LAST,
            "showThresholdLabels": False,
            "showThresholdMarkers": True,
            "sizing": "auto",
        },
    )


def bar_gauge(title: str, description: str, target: PrometheusTarget, **look: Unpack[Look]) -> Panel:
    """A few numbers side by side as horizontal bars."""
    return prometheus_panel(
        "bargauge",
        title,
        description,
        [target],
        {"min": 0, "color": BY_THRESHOLD, **look},
        {
            "displayMode": "basic",
            "legend": _NO_LEGEND,
            "maxVizHeight": 300,
            "minVizHeight": 16,
            "minVizWidth": 8,
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": _LAST,
            "showUnfilled": True,
            "sizing": "auto",
            "text": {"titleSize": 13, "valueSize": 15},  # else the size follows the height, and long names are cut
            "valueMode": "color",
        },
    )


def donut(title: str, description: str, target: PrometheusTarget, *, by: str, **look: Unpack[Look]) -> Panel:
    """Shares of a whole, one slice per value of the label ``by``; few slices only."""
    target.format = "table"
    # Each row becomes a field with the label's value as its name: as series all fields are called "Value".
    mappings = [
        {"fieldName": "Time", "handlerKey": "__ignore"},
        {"fieldName": by, "handlerKey": "field.name"},
        {"fieldName": "Value", "handlerKey": "field.value"},
    ]
    return prometheus_panel(
        "piechart",
        title,
        description,
        [target],
        {"decimals": 2, "color": BY_ORDER, **look},
        {
            "displayLabels": [],
            "legend": {**_LEGEND, "displayMode": "table", "placement": "right", "values": ["value"]},
            "pieType": "donut",
            "reduceOptions": _LAST,
            "sort": "desc",
            "tooltip": {"mode": "single", "sort": "none"},
        },
        transformations=[_sorted(by), {"id": "rowsToFields", "options": {"mappings": mappings}}],
    )


def heatmap(title: str, description: str, target: PrometheusTarget, **look: Unpack[Look]) -> Panel:
    """The distribution over time, from the buckets of a histogram. The query must be ``sum by (le)`` of increases."""
    target.format, target.legend = "heatmap", "{{le}}"
    return prometheus_panel(
        "heatmap",
        title,
        description,
        [target],
        {**look, "unit": "short"},
        {
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": "short"},
            "color": {
                "mode": "scheme",
                "scheme": "Blues",
                "scale": "exponential",
                "exponent": 0.5,
                "fill": "dark-blue",
                "steps": 64,
                "reverse": False,
            },
            "exemplars": {"color": "rgba(255,152,48,0.9)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": look["unit"]},
        },
        transformations=[_NO_EMPTY_FRAME],
    )


def day_bars(title: str, description: str, target: PrometheusTarget, **look: Unpack[Look]) -> Panel:
    """Stacked bars, one per ``date`` label, split by ``model``."""
    return bars(title, description, target, row="date", column="model", order=("model", "date"), stacked=True, **look)


def bars(
    title: str,
    description: str,
    target: PrometheusTarget,
    *,
    row: str,
    column: str,
    order: Sequence[str],
    stacked: bool = False,
    **look: Unpack[Look],
) -> Panel:
    """Bars for each value of the label ``row``, one beside or on the other for each value of ``column``.

    They are sorted by the labels in ``order``, the last one first.
    """
    target.format, target.legend = "table", ""
    names = f"{row}\\{column}"
    # Labels that are left out are drawn as what stands for no value.
    unnamed = {"matcher": {"id": "byName", "options": names}, "properties": [{"id": "noValue", "value": ""}]}
    matrix = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null"}
    return prometheus_panel(
        "barchart",
        title,
        description,
        [target],
        {"min": 0, "color": BY_ORDER, **look, "overrides": [*look.get("overrides", ()), unnamed]},
        {
            "barRadius": 0,
            "barWidth": 0.6,
            "fullHighlight": False,
            "groupWidth": 0.7,
            "legend": _LEGEND,
            "orientation": "auto",
            "showValue": "never",
            "stacking": "normal" if stacked else "none",
            "tooltip": {"mode": "multi", "sort": "desc"},
            "xField": names,
            "xTickLabelRotation": 0,
            "xTickLabelSpacing": 80,  # pixels; where there are more bars, some labels are left out
        },
        custom={
            "axisBorderShow": False,
            "fillOpacity": 80,
            "gradientMode": "none",
            "lineWidth": 0,
            "scaleDistribution": {"type": "linear"},
        },
        transformations=[*(_sorted(label) for label in order), {"id": "groupingToMatrix", "options": matrix}],
    )


def _sorted(column: str) -> Json:
    """Rows of an instant query come in any order; this one keeps that of rows which are equal."""
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": column, "desc": False}]}}


def state_timeline(
    title: str,
    description: str,
    target: PrometheusTarget,
    *,
    states: Mapping[int, tuple[str, str]],
    **look: Unpack[Look],
) -> Panel:
    """One band per series; ``states`` gives text and colour of each value."""
    mapping = {
        str(value): {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(states.items())
    }
    return prometheus_panel(
        "state-timeline",
        title,
        description,
        [target],
        {"color": {"mode": "palette-classic"}, **look},  # with any other mode Grafana ignores the mappings
        {
            "alignValue": "left",
            "legend": _NO_LEGEND,
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        },
        custom={"fillOpacity": 75, "lineWidth": 0},
        defaults={"mappings": [{"type": "value", "options": mapping}]},
        transformations=[_NO_EMPTY_FRAME],
    )
