"""What is known of prompts and answers, as gauges: computed now and then, copied onto the page when it is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TypeAlias

from observability import catalogue
from observability.catalogue import Family
from observability.conversations.stream import SIDES, Stream
from observability.metrics.store import Reading, Rows

SEQUENTIAL = "sequential"
#: Least evidence that is shown; its logarithm is a number.
_LEAST = 1e-12

_Values: TypeAlias = dict[Family, dict[tuple[str, ...], float]]

SHOWN = (
    catalogue.LLM_TEXT_DRIFT_DETECTED, catalogue.LLM_TEXT_DRIFT_FEATURE_DETECTED, catalogue.LLM_TEXT_DRIFT_SCORE,
    catalogue.LLM_TEXT_DRIFT_THRESHOLD, catalogue.LLM_TEXT_DRIFT_SAMPLES, catalogue.LLM_TEXT_BASELINE_RATIO,
)  # fmt: skip


class ConversationGauges:
    """Readings for :class:`~observability.metrics.Metrics`; what is absent has no series."""

    def __init__(self) -> None:
        self._rows: dict[Family, Rows] = {}

    def readings(self) -> dict[Family, Reading]:
        """One for each family that is read here."""
        return {family: partial(self._of, family) for family in SHOWN}

    def _of(self, family: Family) -> Rows | Mapping[tuple[str, ...], float]:
        return self._rows.get(family, {})

    def show(self, streams: Iterable[Stream]) -> None:
        """Compute the gauges of ``streams``, which were refreshed."""
        found: _Values = {family: {} for family in SHOWN}
        for stream in streams:
            _progress(found, stream)
            _features(found, stream)
        self._rows = {family: Rows.of(family, values) for family, values in found.items()}


def _progress(found: _Values, stream: Stream) -> None:
    for side in SIDES:
        progress = stream.watches(side)[0].progress
        if progress:
            found[catalogue.LLM_TEXT_BASELINE_RATIO][*stream.key, side] = progress
        drifted = stream.drifted(side)
        if drifted is not None:
            found[catalogue.LLM_TEXT_DRIFT_DETECTED][*stream.key, side] = float(drifted)


def _features(found: _Values, stream: Stream) -> None:
    table, monitors = stream.table, stream.monitors
    if table is None:
        return
    alarm_at = stream.drift.average_run_length * len(monitors)
    for at, (side, monitor) in enumerate(monitors):
        if not monitor.window.total:
            continue
        feature = (*stream.key, side, monitor.name)
        found[catalogue.LLM_TEXT_DRIFT_SAMPLES][feature] = float(table.effective[at])
        if not stream.known(monitor):
            continue
        found[catalogue.LLM_TEXT_DRIFT_FEATURE_DETECTED][feature] = float(monitor.alarm)
        evidence = max(monitor.sequential.e_value, _LEAST)
        found[catalogue.LLM_TEXT_DRIFT_SCORE][*feature, SEQUENTIAL] = math.log10(evidence)
        found[catalogue.LLM_TEXT_DRIFT_THRESHOLD][*feature, SEQUENTIAL] = math.log10(alarm_at)
        for columns, family in (
            (table.score, catalogue.LLM_TEXT_DRIFT_SCORE),
            (table.threshold, catalogue.LLM_TEXT_DRIFT_THRESHOLD),
        ):
            for measure, values in columns.items():
                if not math.isnan(values[at]):
                    found[family][*feature, measure] = float(values[at])
