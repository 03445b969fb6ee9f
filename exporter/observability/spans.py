"""Spans in columns, as they came: nothing here knows what an attribute means."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

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
class Attribute:
    """The attribute ``key`` of some spans: ``span`` (ascending) has it, ``value`` is it as serialised ``AnyValue``."""

    key: str
    span: Ints
    value: pa.BinaryArray

    def only(self, rows: Bools, renumbered: Ints) -> Attribute:
        """That of the spans in ``rows``, whose numbers become ``renumbered``."""
        kept = np.flatnonzero(rows[self.span])
        return Attribute(self.key, renumbered[self.span[kept]], self.value.take(pa.array(kept)))


#: The attributes of spans by their keys.
Attributes: TypeAlias = Mapping[str, Attribute]


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
    sampled: Bools  # whose content is looked at for its own sake

    def __len__(self) -> int:
        return len(self.span_id)

    @classmethod
    def concat(cls, parts: Sequence[Spans]) -> Spans:
        """All of ``parts`` (one at least), one after the other."""
        if len(parts) == 1:
            return parts[0]
        starts = list(itertools.accumulate((len(part) for part in parts[:-1]), initial=0))
        return cls(
            resource=Coded.concat([part.resource for part in parts]),
            scope=Coded.concat([part.scope for part in parts]),
            name=Coded.concat([part.name for part in parts]),
            trace_id=np.concatenate([part.trace_id for part in parts]),
            span_id=np.concatenate([part.span_id for part in parts]),
            parent_id=np.concatenate([part.parent_id for part in parts]),
            start_ns=np.concatenate([part.start_ns for part in parts]),
            end_ns=np.concatenate([part.end_ns for part in parts]),
            status=Coded.concat([part.status for part in parts]),
            attributes=_joined([part.attributes for part in parts], starts),
            event_span=np.concatenate([part.event_span + start for part, start in zip(parts, starts, strict=True)]),
            event=pa.concat_arrays([part.event for part in parts]),
            sampled=np.concatenate([part.sampled for part in parts]),
        )

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
            attributes={key: each.only(rows, renumbered) for key, each in self.attributes.items()},
            event_span=renumbered[self.event_span[events]],
            event=self.event.take(pa.array(np.flatnonzero(events))),
            sampled=self.sampled[rows],
        )


def _joined(parts: Sequence[Attributes], starts: Sequence[int]) -> Attributes:
    """The attributes of spans that stand one after the other, those of each part from its place in ``starts`` on."""
    pieces: dict[str, list[tuple[Attribute, int]]] = {}
    for attributes, start in zip(parts, starts, strict=True):
        for key, attribute in attributes.items():
            pieces.setdefault(key, []).append((attribute, start))
    return {
        key: Attribute(
            key,
            np.concatenate([piece.span + start for piece, start in found]),
            pa.concat_arrays([piece.value for piece, _ in found]),
        )
        for key, found in pieces.items()
    }
