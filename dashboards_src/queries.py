"""Every query of a dashboard as the backend gets it: variables and Grafana's macros replaced.

Tests ask the real Prometheus and Loki each of them, so that no panel says "No data" unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["instant", "range", "logs"]
Value = str | Sequence[str]

#: What Grafana assumes where a data source does not say otherwise. Seconds.
SCRAPE_INTERVAL = 15
#: Points per query that a panel of ordinary width asks for.
POINTS = 500

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::(?P<format>[^}]+))?\}|(?P<plain>\w+))")
_REGEX_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")


class UnknownVariableError(ValueError):
    """A query names a variable that the dashboard does not define."""


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One query of one panel. ``datasource`` is a type (prometheus, loki); times are in seconds."""

    dashboard: str
    panel: str
    panel_id: int
    panel_type: str
    ref_id: str
    datasource: str
    expr: str
    kind: Kind
    step: int
    range: int
    limit: int

    def request(self, now: float) -> tuple[str, dict[str, str]]:
        """Path and parameters of the backend's HTTP API for the time range that ends at ``now`` (Unix seconds)."""
        start = now - self.range
        match self.kind:
            case "instant":
                return "/api/v1/query", {"query": self.expr, "time": f"{now:.3f}"}
            case "range":
                span = {"start": f"{start:.3f}", "end": f"{now:.3f}", "step": str(self.step)}
                return "/api/v1/query_range", {"query": self.expr, **span}
            case "logs":
                span = {"start": str(int(start * 1e9)), "end": str(int(now * 1e9))}
                more = {"limit": str(self.limit), "direction": "backward"}
                return "/loki/api/v1/query_range", {"query": self.expr, **span, **more}


def panel_queries(
    dashboard: Mapping[str, Any], variables: Mapping[str, Value] | None = None, *, seconds: int = 3600
) -> Iterator[PanelQuery]:
    """All queries of all panels, also of those in collapsed rows, for a time range of ``seconds``.

    ``variables`` overrides the dashboard's current values; a list stands for several values at once and ``$__all`` for
    All. Raises :class:`UnknownVariableError` for a name that neither the dashboard nor ``variables`` defines.
    """
    step = max(SCRAPE_INTERVAL, -(-seconds // POINTS))
    values = _values(dashboard, variables or {}) | _macros(seconds, step)
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            datasource = (target.get("datasource") or panel["datasource"])["type"]
            logs = datasource == "loki"
            kind: Kind = "logs" if logs else "instant" if target.get("instant") else "range"
            yield PanelQuery(
                dashboard=dashboard["title"],
                panel=panel["title"],
                panel_id=panel["id"],
                panel_type=panel["type"],
                ref_id=target["refId"],
                datasource=datasource,
                expr=interpolate(target["expr"], values),
                kind=kind,
                step=step,
                range=seconds,
                limit=int(target.get("maxLines", 100)),
            )


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels that are not rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Replace ``$name``, ``${name}`` and ``${name:format}``; raises :class:`UnknownVariableError`."""

    def replace(found: re.Match[str]) -> str:
        name = found["braced"] or found["plain"]
        if name not in values:
            if name.isdigit():  # $1 of label_replace
                return found[0]
            raise UnknownVariableError(f"${name} is not a variable of the dashboard: {text}")
        return values[name]

    return _VARIABLE.sub(replace, text)


def _values(dashboard: Mapping[str, Any], overrides: Mapping[str, Value]) -> dict[str, str]:
    values = {name: _as_text(value, several=not isinstance(value, str)) for name, value in overrides.items()}
    for variable in dashboard["templating"]["list"]:
        several = bool(variable.get("multi") or variable.get("includeAll"))
        value = overrides.get(variable["name"], variable["current"].get("value", ""))
        if value == "$__all" or (not isinstance(value, str) and "$__all" in value):
            values[variable["name"]] = variable.get("allValue") or ".*"
        else:
            values[variable["name"]] = _as_text(value, several=several)
    return values


def _as_text(value: Value, *, several: bool) -> str:
    """As Grafana's Prometheus source does: values of a multi-value variable are escaped and joined as a regex."""
    if not several:
        return value if isinstance(value, str) else value[0]
    # two backslashes: one for the PromQL string, one for the regular expression
    escaped = [_REGEX_SPECIAL.sub(r"\\\\\g<0>", each) for each in ([value] if isinstance(value, str) else value)]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _macros(seconds: int, step: int) -> dict[str, str]:
    rate = max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)
    return {
        "__interval": f"{step}s",
        "__interval_ms": str(step * 1000),
        "__rate_interval": f"{rate}s",
        "__range": f"{seconds}s",
        "__range_s": str(seconds),
        "__range_ms": str(seconds * 1000),
    }
