"""Calls in columns, for the tests of cost, ledger and budgets: a row per dictionary, only what matters said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import numpy as np

from observability.columns import Text
from observability.records import REPORTED, USAGE, Calls

#: A Sunday at noon, UTC.
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ns(when: datetime) -> int:
    """Unix time in nanoseconds, exact to the microsecond."""
    seconds = int(when.timestamp())
    return (seconds * 1_000_000 + when.microsecond) * 1000


def calls(*rows: Mapping[str, Any]) -> Calls:
    """Calls of ``rows``.

    Keys of a row: ``provider``, ``model`` (asked for and answering, unless ``request_model`` and ``response_model``
    say otherwise), ``usage`` and ``cost`` by names of their columns, ``tier``, ``at`` (end), ``start``, ``service``,
    ``error``, ``estimated``, and any other key is a dimension.
    """
    known = {
        "provider", "model", "request_model", "response_model", "usage", "cost", "tier", "at", "start", "service",
        "error", "estimated",
    }  # fmt: skip
    count = len(rows)
    ends = np.array([ns(row.get("at", NOW)) for row in rows], np.int64)
    starts = [ns(row.get("start", row.get("at", NOW))) for row in rows]
    columns: dict[str, Any] = {
        "service": _text(row.get("service", "shop") for row in rows),
        "provider": _text(row.get("provider", "openai") for row in rows),
        "model": _text(row.get("response_model", row.get("model")) for row in rows),
        "request_model": _text(row.get("request_model", row.get("model")) for row in rows),
        "response_model": _text(row.get("response_model", row.get("model")) for row in rows),
        "error_type": _text(row.get("error") for row in rows),
        "service_tier": _text(row.get("tier") for row in rows),
        "start_ns": np.array(starts, np.int64),
        "end_ns": ends,
        "usage": np.array([[row.get("usage", {}).get(name, -1) for name in USAGE] for row in rows], np.int64).reshape(
            count, len(USAGE)
        ),
        "reported_cost": np.array(
            [[row.get("cost", {}).get(name, np.nan) for name in REPORTED] for row in rows], np.float64
        ).reshape(count, len(REPORTED)),
        "estimated": np.array([row.get("estimated", False) for row in rows], np.bool_),
        "span_id": np.arange(count, dtype=np.uint64),
        "dimensions": {
            name: _text(row.get(name) for row in rows) for name in sorted({key for row in rows for key in row} - known)
        },
    }
    for each in fields(Calls):
        if each.name not in columns:
            columns[each.name] = Text.absent(count) if each.type == "Text" else np.zeros(count, np.int64)
    return Calls(**columns)


def _text(texts: Iterable[str | None]) -> Text:
    return Text.of(texts)
