"""PromQL from the metric catalogue: a family or a label that does not exist fails at generation, not as "No data"."""

from __future__ import annotations

from collections.abc import Iterable

from observability.catalogue import Family

#: Dashboard variables that filter every family that has the label of the same name.
FILTERS = ("service", "provider", "model")
RATE = "$__rate_interval"
RANGE = "$__range"


def series(family: Family, *, part: str = "", filters: Iterable[str] = FILTERS, **match: str) -> str:
    """A selector: ``series(LLM_REQUESTS, status="error")``.

    ``part`` is ``bucket``, ``sum`` or ``count`` of a histogram. Variables in ``filters`` are added where the family
    has the label. A value in ``match`` may start with an operator (``=~``, ``!=``, ``!~``). Raises ``ValueError`` for
    a label that the family lacks.
    """
    name = getattr(family, part) if part else family.name
    unknown = set(match) - set(family.labels)
    if unknown:
        raise ValueError(f"{family.name} has no label {', '.join(sorted(unknown))}")
    matchers = [f'{label}=~"${label}"' for label in filters if label in family.labels and label not in match]
    for label, value in match.items():
        operator = next((op for op in ("=~", "!~", "!=") if value.startswith(op)), "=")
        matchers.append(f'{label}{operator}"{value.removeprefix(operator)}"')
    return name + (f"{{{','.join(matchers)}}}" if matchers else "")


def total(vector: str, by: Iterable[str] = ()) -> str:
    """``sum by (...)`` of a vector."""
    labels = ", ".join(by)
    return f"sum by ({labels}) ({vector})" if labels else f"sum({vector})"


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
