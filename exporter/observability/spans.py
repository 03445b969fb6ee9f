"""Spans in columns, as they came: nothing here knows what an attribute means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from observability.columns import Bools, Coded, Ints, Keys, Text


@dataclass(frozen=True, slots=True)
class Resource:
    """Who sent a span: ``raw`` is its identity, ``attributes`` what it says."""

    raw: bytes
    attributes: Mapping[str, Any] = field(compare=False)


class Status(NamedTuple):
    """Status of a span."""

    failed: bool
    message: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attributes of all spans, one after the other: of which span, the key, and the value as serialised ``AnyValue``.

    ``span`` is ascending.
    """

    span: Ints
    key: Text
    value: pa.BinaryArray

    def only(self, rows: Bools, renumbered: Ints) -> Attributes:
        """Those of the spans in ``rows``, whose numbers become ``renumbered``."""
        kept = rows[self.span]
        return Attributes(
            renumbered[self.span[kept]], self.key.take(kept), self.value.take(pa.array(np.flatnonzero(kept)))
        )


@dataclass(frozen=True, slots=True)
class Spans:
    """n spans. Times are Unix nanoseconds; ids big-endian 64-bit words, ``parent_id`` 0 for a root."""

    resource: Coded[Resource]
    scope: Text
    name: Text
    trace_id: Keys  # (n, 2)
    span_id: Keys
    parent_id: Keys
    start_ns: Ints
    end_ns: Ints
    status: Coded[Status]
    attributes: Attributes
    event_span: Ints  # ascending: of which span each event is
    event: pa.BinaryArray  # serialised Span.Event

    def __len__(self) -> int:
        return len(self.span_id)

    def only(self, rows: Bools) -> Spans:
        """The spans in the mask ``rows``."""
        renumbered = np.cumsum(rows) - 1
        events = rows[self.event_span]
        return replace(
            self,
            resource=self.resource.take(rows),
            scope=self.scope.take(rows),
            name=self.name.take(rows),
            trace_id=self.trace_id[rows],
            span_id=self.span_id[rows],
            parent_id=self.parent_id[rows],
            start_ns=self.start_ns[rows],
            end_ns=self.end_ns[rows],
            status=self.status.take(rows),
            attributes=self.attributes.only(rows, renumbered),
            event_span=renumbered[self.event_span[events]],
            event=self.event.take(pa.array(np.flatnonzero(events))),
        )
