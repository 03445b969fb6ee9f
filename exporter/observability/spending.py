"""Priced calls → few sums: money by day, service, provider, model and dimensions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from observability.columns import Coded, Ints, Text
from observability.cost import CLOCK_SKEW_NS, Priced
from observability.grouping import group_codes, group_texts
from observability.records import UNKNOWN, Calls

#: Brings a value of a label within the label's limit: ``fold(label, value)`` is the value or ``other``.
Fold = Callable[[str, str], str]

_DAY_NS = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Spending:
    """Cost of calls in US dollars, on the UTC day on which they ended."""

    day: date
    service: str
    request_model: str  # "" if nobody said
    model: str
    usd: float
    provider: str = UNKNOWN
    dimensions: tuple[tuple[str, str], ...] = ()  # (name, value), sorted; only what somebody said
    estimated: bool = False


def today() -> date:
    """The UTC day."""
    return datetime.now(UTC).date()


def spendings(calls: Calls, priced: Priced, fold: Fold, now_ns: int | None = None) -> list[Spending]:
    """The sums of what ``calls`` cost, one for each combination of all that a :class:`Spending` tells apart.

    Values of ``service``, ``provider``, ``model`` (asked for and answering) and of each dimension, under its name, go
    through ``fold``. ``now_ns`` is the Unix time in nanoseconds, of the system's clock if left out: a call whose clock
    runs ahead or was never set counts today.
    """
    rows = np.flatnonzero(priced.total > 0)
    if not len(rows):
        return []
    usd = priced.total[rows]
    texts = {
        "service": _folded(calls.service, rows, "service", fold),
        "provider": _folded(calls.provider, rows, "provider", fold),
        "request_model": _folded(calls.request_model, rows, "model", fold),
        "model": _folded(calls.model, rows, "model", fold),
    }
    dimensions = {name: _folded(calls.dimensions[name], rows, name, fold) for name in sorted(calls.dimensions)}
    days = _days(calls.end_ns[rows], time.time_ns() if now_ns is None else now_ns)
    first_day = int(days.min())
    _, of_texts = group_texts(*texts.values(), *dimensions.values())
    first, group = group_codes(
        (priced.estimated[rows].astype(np.int64), 2),
        (days - first_day, int(days.max()) - first_day + 1),
        (of_texts, int(of_texts.max()) + 1),
    )
    sums = np.bincount(group, weights=usd, minlength=len(first)).tolist()
    columns = {name: column.take(first).to_list() for name, column in texts.items()}
    valued = {name: column.take(first).to_list() for name, column in dimensions.items()}
    return [
        Spending(
            day=_EPOCH + timedelta(days=day),
            service=columns["service"][position] or UNKNOWN,
            provider=columns["provider"][position] or UNKNOWN,
            request_model=columns["request_model"][position] or "",
            model=columns["model"][position] or UNKNOWN,
            dimensions=tuple((name, value) for name, values in valued.items() if (value := values[position])),
            estimated=estimated,
            usd=sums[position],
        )
        for position, (day, estimated) in enumerate(
            zip(days[first].tolist(), priced.estimated[rows[first]].tolist(), strict=True)
        )
    ]


def _folded(column: Text, rows: Ints, label: str, fold: Fold) -> Text:
    """``column`` at ``rows``, each text that occurs there folded once."""
    codes = column.codes[rows]
    occurs = np.zeros(len(column.values) + 1, np.bool_)
    occurs[codes] = True  # absent ones are the last
    texts = [fold(label, text) if there else None for text, there in zip(column.values, occurs.tolist(), strict=False)]
    return Coded(codes, column.values).map(texts)


def _days(end_ns: Ints, now_ns: int) -> Ints:
    """UTC days since 1970 on which calls ended. Shape of ``end_ns``."""
    set_right = (end_ns > 0) & (end_ns <= now_ns + CLOCK_SKEW_NS)
    return np.asarray(np.where(set_right, end_ns, now_ns) // _DAY_NS, np.int64)
