"""PromQL from the metric catalogue: a family or a label that does not exist fails at generation, not as "No data"."""

from __future__ import annotations

from collections.abc import Iterable

from observability.catalogue import LLM_ESTIMATED_COST, LLM_TOKEN_COST, Family

#: Dashboard variables that filter every family that has the label of the same name.
FILTERS = ("service", "provider", "model", "agent", "tool", "retriever", "version", "feature")
#: Of what only the service is known.
SERVICE = ("service",)
#: Counts per time: no growth between two points of a chart is lost, however long its range.
RATE = "$__rate_interval"
#: Tables and totals.
RANGE = "$__range"
#: Money per hour, as the recorded families have it: one expensive call is no spike.
STEADY = "5m"


def series(family: Family, *, part: str = "", filters: Iterable[str] = FILTERS, **match: str) -> str:
    """A selector: ``series(LLM_REQUESTS, status="error")``.

    ``part`` is ``bucket``, ``sum`` or ``count`` of a histogram. Variables in ``filters`` are added where the family
    has the label. A value in ``match`` may start with an operator (``=~``, ``!=``, ``!~``). Raises ``ValueError`` for
    a label that the family lacks; buckets have ``le`` too.
    """
    name = getattr(family, part) if part else family.name
    unknown = set(match) - set(family.labels) - ({"le"} if part == "bucket" else set())
    if unknown:
        raise ValueError(f"{family.name} has no label {', '.join(sorted(unknown))}")
    matchers = [f'{label}=~"${label}"' for label in filters if label in family.labels and label not in match]
    for label, value in match.items():
        operator = next((op for op in ("=~", "!~", "!=") if value.startswith(op)), "=")
        matchers.append(f'{label}{operator}"{value.removeprefix(operator)}"')
    return name + (f"{{{','.join(matchers)}}}" if matchers else "")


def any_of(families: Iterable[Family]) -> str:
    """A selector of the series of all ``families``, for the values of a label that they share."""
    return f'{{__name__=~"{"|".join(family.name for family in families)}"}}'


def total(vector: str, by: Iterable[str] = ()) -> str:
    """``sum by (...)`` of a vector."""
    labels = ", ".join(by)
    return f"sum by ({labels}) ({vector})" if labels else f"sum({vector})"


def highest(vector: str, by: Iterable[str] = ()) -> str:
    """``max by (...)`` of gauges: replicas that tell the same count once."""
    labels = ", ".join(by)
    return f"max by ({labels}) ({vector})" if labels else f"max({vector})"


def most(count: int, selector: str, by: Iterable[str]) -> str:
    """``max by (...)`` of a gauge for the ``count`` series with the most of it over the whole range of the chart.

    ``topk`` alone chooses anew at every step, so lines come and go and are many more than ``count`` in all.
    """
    by = tuple(by)
    over_the_range = highest(f"sum_over_time({selector}[{RANGE}] @ end())", by)
    return f"{highest(selector, by)} and topk({count}, {over_the_range})"


def rate(selector: str, window: str = RATE) -> str:
    """Per second, resets of counters corrected."""
    return f"rate({selector}[{window}])"


def increase(selector: str, window: str = RANGE) -> str:
    """Growth of a counter over ``window``."""
    return f"increase({selector}[{window}])"


def share(part: str, whole: str, by: Iterable[str] = ()) -> str:
    """``part / whole``, both per-series vectors, as a ratio 0 to 1.

    A group without any ``part`` but with a ``whole`` is 0 (nothing failed); a group without a ``whole`` is absent
    (nothing happened).
    """
    parts, wholes = total(part, by), total(whole, by)
    return f"({parts} or 0 * {wholes}) / ({wholes} > 0)"


def quantile(q: float, family: Family, by: Iterable[str] = (), window: str = RATE, **match: str) -> str:
    """Quantile of a histogram: over the rate of summed buckets, the only right order. Empty while nothing happens."""
    buckets = total(rate(series(family, part="bucket", **match), window), ("le", *by))
    return f"histogram_quantile({q}, {buckets})"


def failed(family: Family, window: str, by: Iterable[str] = (), filters: Iterable[str] = FILTERS) -> str:
    """Share of what a counter with a ``status`` counted that ended in an error, 0 to 1.

    As any ratio on a dashboard it is taken over the window of the alerts: it can be compared with their limits, and a
    model that is called twice a minute does not jump between 0 and 100 %.
    """
    filters = tuple(filters)
    errors, every = series(family, filters=filters, status="error"), series(family, filters=filters)
    return share(rate(errors, window), rate(every, window), by)


def mean(family: Family, window: str, by: Iterable[str] = (), **match: str) -> str:
    """Mean of what a histogram saw; absent while it saw nothing."""
    parts = (total(rate(series(family, part=part, **match), window), by) for part in ("sum", "count"))
    return "{} / ({} > 0)".format(*parts)


def spent(by: Iterable[str] = (), window: str = RANGE) -> str:
    """US dollars over ``window``, by labels that both costs have: what was billed or priced, and what was estimated."""
    priced, estimated = increase(series(LLM_TOKEN_COST), window), increase(series(LLM_ESTIMATED_COST), window)
    return total(f"{priced} or {estimated}", by)


def spent_by(label: str, window: str = RANGE) -> str:
    """US dollars over ``window`` by a label that only priced tokens have; what was estimated is a value of its own."""
    priced, estimated = increase(series(LLM_TOKEN_COST), window), total(increase(series(LLM_ESTIMATED_COST), window))
    return f'{total(priced, (label,))} or label_replace({estimated} > 0, "{label}", "estimated", "", "")'


def buckets(family: Family, **match: str) -> str:
    """For a heat map: how many fell into each bucket, per step of the chart."""
    return total(increase(series(family, part="bucket", **match), RATE), ("le",))


def today(vector: str) -> str:
    """Those series of ``vector`` whose label ``date`` is the UTC day of the evaluated moment.

    PromQL cannot compare a label with the clock, so the clock is made a label: 20261231 becomes 2026-12-31.
    """
    clock = 'count_values("day", year() * 10000 + month() * 100 + day_of_month())'
    date = f'label_replace({clock}, "date", "$1-$2-$3", "day", "(....)(..)(..)")'
    return f"{vector} * on (date) group_left () {date}"
