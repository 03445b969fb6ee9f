"""The house style: one function per kind of chart, one colour per meaning. (Tables and lists: ``lists``.)

Every panel asks for a title, a description and what to show when there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
#: The colour of a model or service follows from its name, so it is the same on every panel.
BY_NAME: Json = {"mode": "palette-classic-by-name"}
BY_THRESHOLD: Json = {"mode": "thresholds"}

Steps = Sequence[tuple[float, str]]

_LEGEND: Json = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
_NO_LEGEND: Json = {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []}
_LAST: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def query(expr: str, legend: str = "__auto", *, exemplars: bool = False) -> PrometheusTarget:
    """Values over the time range."""
    return PrometheusTarget(expr=expr, legend=legend, exemplar=exemplars)


def instant(expr: str, legend: str = "__auto") -> PrometheusTarget:
    """One value, as of the end of the time range."""
    return PrometheusTarget(expr=expr, legend=legend, instant=True)


def cells(expr: str) -> PrometheusTarget:
    """One table row per series, as of the end of the time range."""
    return PrometheusTarget(expr=expr, legend="", instant=True, format="table")


def fixed(name: str, color: str) -> Json:
    """Override: the series called ``name`` always has this colour."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
    }


def fixed_colors(colors: Mapping[str, str]) -> list[Json]:
    return [fixed(name, color) for name, color in colors.items()]


def chart(
    title: str,
    description: str,
    targets: Sequence[PrometheusTarget],
    *,
    unit: str,
    no_value: str,
    stacked: bool = False,
    bars: bool = False,
    color: Json | None = None,
    steps: Steps = (),
    overrides: Sequence[Json] = (),
    calcs: Sequence[str] = (),
    minimum: float | None = 0,
    maximum: float | None = None,
    decimals: int | None = None,
) -> Panel:
    """Values over time. ``steps`` are drawn as dashed lines: where an alert would begin.

    Shares without a ``maximum`` reach at least up to the first step (or 1 %): Grafana draws an axis that holds nothing
    but zeros up to 100, which is 10000 %.
    """
    soft_maximum = (steps[0][0] if steps else 0.01) if unit == "percentunit" and maximum is None else None
    fill = 80 if bars else 30 if stacked else 8
    legend = {**_LEGEND, "displayMode": "table", "placement": "bottom", "calcs": list(calcs)} if calcs else _LEGEND
    return Panel(
        type="timeseries",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=list(targets),
        unit=unit,
        decimals=decimals,
        min=minimum,
        max=maximum,
        no_value=no_value,
        base="transparent" if steps else GOOD,
        steps=steps,
        color=color or BY_NAME,
        custom={
            "drawStyle": "bars" if bars else "line",
            "fillOpacity": fill,
            "gradientMode": "none" if bars or stacked else "opacity",
            "lineInterpolation": "linear",
            "lineWidth": 0 if bars else 1 if stacked else 2,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if steps else "off"},
            "axisBorderShow": False,
            **({} if soft_maximum is None else {"axisSoftMax": soft_maximum}),
        },
        overrides=overrides,
        options={"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}},
    )


def stat(
    title: str,
    description: str,
    target: PrometheusTarget,
    *,
    unit: str,
    no_value: str,
    steps: Steps = (),
    base: str = GOOD,
    decimals: int | None = None,
) -> Panel:
    """One number; a range query adds its course. With ``steps`` the colour is a verdict, else it is neutral."""
    return Panel(
        type="stat",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=[target],
        unit=unit,
        decimals=decimals,
        min=0,
        no_value=no_value,
        base=base if steps else NEUTRAL,
        steps=steps,
        color=BY_THRESHOLD,
        options={
            "colorMode": "value",
            "graphMode": "none" if target.instant else "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": _LAST,
            "showPercentChange": False,
            "textMode": "value",
            "wideLayout": True,
        },
    )


def gauge(
    title: str,
    description: str,
    target: PrometheusTarget,
    *,
    unit: str,
    no_value: str,
    steps: Steps,
    maximum: float,
    decimals: int | None = None,
) -> Panel:
    """One number against its limits."""
    return Panel(
        type="gauge",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=[target],
        unit=unit,
        decimals=decimals,
        min=0,
        max=maximum,
        no_value=no_value,
        steps=steps,
        color=BY_THRESHOLD,
        options={
            "minVizHeight": 75,
            "minVizWidth": 75,
            "orientation": "auto",
            "reduceOptions": _LAST,
            "showThresholdLabels": False,
            "showThresholdMarkers": True,
            "sizing": "auto",
        },
    )


def bar_gauge(
    title: str,
    description: str,
    target: PrometheusTarget,
    *,
    unit: str,
    no_value: str,
    steps: Steps = (),
    base: str = GOOD,
    color: Json | None = None,
    overrides: Sequence[Json] = (),
    maximum: float | None = None,
) -> Panel:
    """A few numbers side by side as horizontal bars."""
    return Panel(
        type="bargauge",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=[target],
        unit=unit,
        min=0,
        max=maximum,
        no_value=no_value,
        base=base,
        steps=steps,
        color=color or BY_THRESHOLD,
        overrides=overrides,
        options={
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


def donut(title: str, description: str, target: PrometheusTarget, *, by: str, unit: str, no_value: str) -> Panel:
    """Shares of a whole, one slice per value of the label ``by``; few slices only."""
    target.format = "table"
    return Panel(
        type="piechart",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=[target],
        unit=unit,
        no_value=no_value,
        decimals=2,
        color=BY_NAME,
        # Each row becomes a field with the label's value as its name: as series all fields are called "Value", and all
        # slices have the colour of that name.
        transformations=[
            {
                "id": "rowsToFields",
                "options": {
                    "mappings": [
                        {"fieldName": "Time", "handlerKey": "__ignore"},
                        {"fieldName": by, "handlerKey": "field.name"},
                        {"fieldName": "Value", "handlerKey": "field.value"},
                    ]
                },
            }
        ],
        options={
            "displayLabels": [],
            "legend": {**_LEGEND, "displayMode": "table", "placement": "right", "values": ["value"]},
            "pieType": "donut",
            "reduceOptions": _LAST,
            "sort": "desc",
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def heatmap(title: str, description: str, target: PrometheusTarget, *, unit: str, no_value: str) -> Panel:
    """The distribution over time, from the buckets of a histogram. The query must be ``sum by (le)`` of increases."""
    target.format, target.legend = "heatmap", "{{le}}"
    return Panel(
        type="heatmap",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=[target],
        unit="short",
        no_value=no_value,
        options={
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
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        },
    )


def day_bars(title: str, description: str, target: PrometheusTarget, *, unit: str, no_value: str) -> Panel:
    """Stacked bars, one per ``date`` label, split by ``model``."""
    target.format, target.legend = "table", ""
    return Panel(
        type="barchart",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=[target],
        unit=unit,
        min=0,
        no_value=no_value,
        color=BY_NAME,
        custom={
            "axisBorderShow": False,
            "fillOpacity": 80,
            "gradientMode": "none",
            "lineWidth": 0,
            "scaleDistribution": {"type": "linear"},
        },
        transformations=[
            {
                "id": "groupingToMatrix",
                "options": {"rowField": "date", "columnField": "model", "valueField": "Value", "emptyValue": "null"},
            }
        ],
        options={
            "barRadius": 0,
            "barWidth": 0.6,
            "fullHighlight": False,
            "groupWidth": 0.7,
            "legend": _LEGEND,
            "orientation": "auto",
            "showValue": "never",
            "stacking": "normal",
            "tooltip": {"mode": "multi", "sort": "desc"},
            "xField": "date\\model",
            "xTickLabelRotation": 0,
            "xTickLabelSpacing": 0,
        },
    )


def state_timeline(
    title: str, description: str, target: PrometheusTarget, *, states: Mapping[int, tuple[str, str]], no_value: str
) -> Panel:
    """One band per series; ``states`` gives text and colour of each value."""
    return Panel(
        type="state-timeline",
        title=title,
        description=description,
        dataSource=PROMETHEUS,
        targets=[target],
        unit="none",
        no_value=no_value,
        color={"mode": "palette-classic"},  # with any other mode Grafana ignores the mappings
        custom={"fillOpacity": 75, "lineWidth": 0},
        defaults={
            "mappings": [
                {
                    "type": "value",
                    "options": {
                        str(value): {"text": text, "color": color, "index": index}
                        for index, (value, (text, color)) in enumerate(states.items())
                    },
                }
            ]
        },
        options={
            "alignValue": "left",
            "legend": _NO_LEGEND,
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )
