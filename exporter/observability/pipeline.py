"""The way of the data inside the exporter: translate → settle → count once → measure → write."""

from __future__ import annotations

from collections.abc import Sequence

from observability.conversations.watcher import Conversations
from observability.identity import Resolver
from observability.intake import wire
from observability.intake.wire import Body
from observability.interactions import InteractionLog
from observability.measure import Meter
from observability.records import Evaluations
from observability.settle import Settling
from observability.translate.calls import Wanted
from observability.translate.spans import translate


class Pipeline:
    """For one thread, but for :attr:`waiting`."""

    def __init__(
        self,
        settling: Settling,
        resolver: Resolver,
        meter: Meter,
        interactions: InteractionLog | None,
        wanted: Wanted,
        conversations: Conversations | None = None,
    ) -> None:
        self._settling = settling
        self._resolver = resolver
        self._meter = meter
        self._interactions = interactions
        self._wanted = wanted
        self._conversations = conversations

    @property
    def waiting(self) -> int:
        """Spans that were taken and not measured yet."""
        return len(self._settling)

    def take(self, bodies: Sequence[Body], now: float) -> None:
        """Translate the spans of ``bodies``, come at ``now`` (monotonic seconds); they count when they settled."""
        records, untranslated = translate(wire.spans(bodies), self._wanted)
        self._meter.untranslated(untranslated)
        self._settling.add(records, now)

    def evaluations(self, evaluations: Evaluations) -> None:
        """Count verdicts that came as log records."""
        self._meter.evaluations(evaluations)

    def measure(self, now: float, *, everything: bool) -> None:
        """Count what settled until ``now``, or everything."""
        records = self._settling.take(now, everything=everything)
        if records is None:
            return
        resolved = self._resolver.resolve(records)
        calls, priced = self._meter.measure(resolved)
        if self._interactions is not None and len(calls):
            self._interactions.write(calls, priced)
        if self._conversations is not None:
            self._conversations.offer(calls)

    def failed(self, items: int) -> None:
        """Count ``items`` that were accepted and could not be measured."""
        self._meter.failed(items)
