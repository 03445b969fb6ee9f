"""Charts that every family of the catalogue can have: how often, how often it failed, how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from dashboards_src import panels, promql
from dashboards_src.grafana import Panel
from dashboards_src.panels import Look
from observability.catalogue import Family

_CLICK = "A point is one of them: click it to see its trace."


def per_minute(
    title: str,
    description: str,
    family: Family,
    by: str,
    *,
    no_value: str,
    colors: Mapping[str, str] | None = None,
    **match: str,
) -> Panel:
    """What a counter counts, per minute, stacked by one label, so that the height is the total."""
    rates = promql.total(promql.rate(promql.series(family, **match)), (by,))
    return panels.chart(
        title,
        description,
        panels.query(f"60 * {rates}", f"{{{{{by}}}}}"),
        unit="short",
        no_value=no_value,
        stacked=True,
        overrides=panels.fixed_colors(colors or {}),
    )


def failed(
    title: str,
    description: str,
    family: Family,
    by: str,
    *,
    window: str,
    no_value: str,
    limit: float | None = None,
) -> Panel:
    """Share of errors by one label; dashed where an alert would begin."""
    return panels.chart(
        title,
        description,
        panels.query(promql.failed(family, window, (by,)), f"{{{{{by}}}}}"),
        unit="percentunit",
        no_value=no_value,
        steps=() if limit is None else ((limit, panels.BAD),),
    )


def quantiles(
    title: str,
    description: str,
    family: Family,
    shown: Sequence[float] = (0.5, 0.95, 0.99),
    *,
    unit: str,
    no_value: str,
    steps: panels.Steps = (),
    calcs: Sequence[str] = (),
) -> Panel:
    """Quantiles of the selection over time, single calls on the second of them."""
    names = {q: f"p{q * 100:g}" for q in shown}
    linked = shown[1] if family.exemplars else None
    return panels.chart(
        title,
        f"{description} {_CLICK}" if linked else description,
        *(panels.query(promql.quantile(q, family), names[q], exemplars=q == linked) for q in shown),
        unit=unit,
        no_value=no_value,
        steps=steps,
        calcs=calcs,
        overrides=panels.fixed_colors({name: panels.QUANTILES[name] for name in names.values()}),
    )


def quantile_by(
    title: str, description: str, family: Family, by: str, *, q: float = 0.95, **look: Unpack[Look]
) -> Panel:
    """One quantile over time for each value of a label, single calls among them."""
    return panels.chart(
        title,
        description,
        panels.query(promql.quantile(q, family, (by,)), f"{{{{{by}}}}}", exemplars=family.exemplars),
        **look,
    )


def distribution(title: str, description: str, family: Family, *, calls: bool = True, **look: Unpack[Look]) -> Panel:
    """All buckets of a histogram over time; single calls on them, if ``calls``, where the family knows any."""
    target = panels.query(promql.buckets(family), exemplars=calls and family.exemplars)
    return panels.heatmap(title, description, target, **look)
