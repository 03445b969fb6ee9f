"""Pieces of PromQL from the metric catalogue: a label that a family lacks fails at generation, not as a silent rule.

Rates are summed before anything is made of them, so any number of exporter replicas gives the answer of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from observability.catalogue import Family
from observability.settings import Duration

#: A family is a selector of all its series.
Selector: TypeAlias = Family | str
#: How long a series may be without a sample and still not count as new: longer than a restart takes.
GAP: Duration = "10m"


def series(family: Family, part: Literal["", "bucket", "sum", "count"] = "", **match: str) -> str:
    """A selector: ``series(LLM_REQUESTS, status="error")``; a value may start with ``=~``.

    Raises ``ValueError`` for a label that the family lacks.
    """
    unknown = set(match) - set(family.labels)
    if unknown:
        raise ValueError(f"{family.name} has no label {', '.join(sorted(unknown))}")
    name = getattr(family, part) if part else family.name
    matchers = [
        f'{label}=~"{value.removeprefix("=~")}"' if value.startswith("=~") else f'{label}="{value}"'
        for label, value in match.items()
    ]
    return name + (f"{{{','.join(matchers)}}}" if matchers else "")


def total(vector: Selector, by: Sequence[str] = ()) -> str:
    """``sum by (...)`` of a vector; without labels one number."""
    return f"sum by ({', '.join(by)}) ({vector})" if by else f"sum({vector})"


def rate(selector: Selector, window: Duration, by: Sequence[str] = (), offset: str = "") -> str:
    """Summed growth per second over ``window``, which ends now or ``offset`` ago."""
    return total(f"rate({selector}[{window}]{f' offset {offset}' if offset else ''})", by)


def increase(selector: Selector, window: Duration, by: Sequence[str] = ()) -> str:
    """Summed growth over ``window``; never less than what was counted from its first sample to its last."""
    return total(f"increase({selector}[{window}])", by)


def share(part: Selector, whole: Selector, window: Duration, by: Sequence[str], offset: str = "") -> str:
    """Share of ``part`` in ``whole`` over ``window``, 0 to 1.

    0 where there is a whole and no part, which may never have had a series; absent, not ``NaN``, without a whole.
    """
    parts, wholes = rate(part, window, by, offset), rate(whole, window, by, offset)
    return f"({parts} or 0 * {wholes})\n/\n({wholes} > 0)"


def quantile(q: float, family: Family, window: Duration, by: Sequence[str] = ()) -> str:
    """Quantile of a histogram, over the rate of summed buckets; ``NaN`` where nothing was observed."""
    return f"histogram_quantile({q}, {rate(series(family, 'bucket'), window, (*by, 'le'))})"


def happened(family: Family, window: Duration, by: Sequence[str] = ()) -> str:
    """How often a counter counted within ``window``, where it did, also by a series that was born at one.

    ``increase()`` alone does not see what a new series brings along, unless Prometheus reads creation times. A gap
    shorter than :data:`GAP`, such as a restart, makes no series new.
    """
    born = f"({family} unless last_over_time({family}[{GAP}] offset {window}))"
    return f"{total(f'{born} or increase({family}[{window}])', by)} > 0"
