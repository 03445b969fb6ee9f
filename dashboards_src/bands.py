"""Overrides that make intervals and baselines of the series of a chart."""

from __future__ import annotations

from dashboards_src.grafana import Json


def band(lower: str, upper: str, color: str) -> list[Json]:
    """Overrides: what lies between two series of a chart is filled; neither has a line or stands in the legend."""
    hidden: Json = {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": False, "viz": False}}
    shared: list[Json] = [
        {"id": "custom.lineWidth", "value": 0},
        {"id": "color", "value": {"mode": "fixed", "fixedColor": color}},
        hidden,
    ]
    filled: list[Json] = [
        {"id": "custom.fillBelowTo", "value": lower},
        {"id": "custom.fillOpacity", "value": 20},
        {"id": "custom.gradientMode", "value": "none"},
    ]
    return [
        {
            "matcher": {"id": "byName", "options": lower},
            "properties": [*shared, {"id": "custom.fillOpacity", "value": 0}],
        },
        {"matcher": {"id": "byName", "options": upper}, "properties": [*shared, *filled]},
    ]


def dashed(name: str) -> Json:
    """Override: a dashed line without anything below it; for what others are compared with."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
            {"id": "custom.fillOpacity", "value": 0},
        ],
    }
