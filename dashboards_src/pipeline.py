"""The telemetry pipeline: does everything arrive, and what the exporter refused, folded, masked or did not know."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards_src import foreign, measures, panels, promql, verdicts
from dashboards_src.grafana import Line, Panel, even
from observability.catalogue import (
    EXPORTER_DUPLICATE_ITEMS,
    EXPORTER_DUPLICATES,
    EXPORTER_FOLDED,
    EXPORTER_INTERACTIONS,
    EXPORTER_LAG,
    EXPORTER_MASKED,
    EXPORTER_MASKING_FAILURES,
    EXPORTER_MONITOR_FAILURES,
    EXPORTER_QUEUE,
    EXPORTER_RECEIVED,
    EXPORTER_REJECTED,
    EXPORTER_RETIRED,
    EXPORTER_SERIES,
    EXPORTER_STORE_BYTES,
    EXPORTER_STORE_DELETED,
    EXPORTER_STORE_FAILURES,
    EXPORTER_STORE_ROWS,
    EXPORTER_UNTRANSLATED,
    Family,
)

_NO_EXPORTER = "The exporter is not scraped"
_SERIES = promql.total(promql.series(EXPORTER_SERIES))


def lines() -> Sequence[Line]:
    return [_flow(), _treatment(), _limits(), _store()]


def _flow() -> Line:
    received = promql.total(promql.rate(promql.series(EXPORTER_RECEIVED, signal="traces")))
    rejected = promql.total(promql.rate(promql.series(EXPORTER_REJECTED, signal="traces")))
    delivered = f"sum by (exporter) (rate({foreign.GATEWAY_SENT_SPANS}[{promql.RATE}]))"
    queues = f"max by (exporter) ({foreign.GATEWAY_QUEUE_SIZE} / {foreign.GATEWAY_QUEUE_CAPACITY})"
    return even(
        7,
        panels.chart(
            "Lag from span to metric",
            "From the end of a span to its numbers being exposed, by the exporter's own count.",
            panels.query(promql.quantile(0.5, EXPORTER_LAG), "p50"),
            panels.query(promql.quantile(0.99, EXPORTER_LAG), "p99"),
            unit="s",
            no_value="No spans in this range",
            overrides=panels.fixed_colors(panels.QUANTILES),
        ),
        panels.chart(
            "Spans",
            "Per second: accepted and refused by the exporter, and delivered by the gateway to each backend.",
            panels.query(received, "exporter accepted"),
            panels.query(f"{rejected} or 0 * {received}", "exporter refused"),
            panels.query(delivered, "gateway to {{exporter}}"),
            unit="ops",
            no_value="No spans in this range",
        ),
        panels.chart(
            "Gateway queues",
            "How full the queue before each backend is. A backend that is down fills its own queue only.",
            panels.query(queues, "{{exporter}}"),
            unit="percentunit",
            no_value="The gateway has no queue",
            max=1,
            steps=((verdicts.NEAR_LIMIT, panels.BAD),),
        ),
        panels.chart(
            "Memory",
            "Resident memory of each component that has a metrics page.",
            panels.query(f"sum by (job) ({foreign.PROCESS_MEMORY} or {foreign.GATEWAY_MEMORY})", "{{job}}"),
            unit="bytes",
            no_value="No targets",
        ),
    )


def _treatment() -> Line:
    unknown = promql.total(promql.increase(promql.series(EXPORTER_UNTRANSLATED)), ("attribute",))
    duplicates = measures.per_minute(
        "Duplicate spans per minute",
        "Spans that speak of a call that is counted already, and how it was recognised: they add nothing.",
        EXPORTER_DUPLICATES,
        "reason",
        no_value="No span came twice",
    )
    masked = measures.per_minute(
        "Masked values per minute",
        "Personal data and secrets that were masked before anything was written, by kind.",
        EXPORTER_MASKED,
        "kind",
        no_value="Nothing had to be masked",
    )
    untranslated = panels.bar_gauge(
        "Untranslated attributes",
        "Attributes in a GenAI namespace that no dialect table understands, most frequent in the time range.",
        panels.instant(f"topk(6, {unknown} > 0)", "{{attribute}}"),
        unit="short",
        no_value="Every attribute is understood",
        color={"mode": "fixed", "fixedColor": panels.NEUTRAL},
    )
    series = panels.bar_gauge(
        "Series by family",
        "The families of the exporter with the most series now. limits.label_values bounds each label.",
        panels.instant(f"topk(6, {promql.total(promql.series(EXPORTER_SERIES), ('family',))})", "{{family}}"),
        unit="short",
        no_value=_NO_EXPORTER,
        color={"mode": "fixed", "fixedColor": panels.NEUTRAL},
    )
    return Line(7, [(5, duplicates), (5, masked), (7, untranslated), (7, series)])


def _limits() -> Line:
    dropped = promql.total(promql.increase(promql.series(EXPORTER_INTERACTIONS, outcome="dropped")))
    return even(
        4,
        panels.stat(
            "Queue",
            "Items that wait in the bounded queues of the exporter.",
            panels.query(promql.total(promql.series(EXPORTER_QUEUE))),
            unit="short",
            no_value=_NO_EXPORTER,
        ),
        panels.stat(
            "Series",
            "Series that the exporter exposes now.",
            panels.query(_SERIES),
            unit="locale",
            no_value=_NO_EXPORTER,
            decimals=0,
        ),
        _grown(
            "Samples folded",
            "Samples in the time range whose label value became 'other' because the label had reached its limit. Raise "
            "limits.label_values, or keep the value out of the label.",
            EXPORTER_FOLDED,
            panels.WARNING,
        ),
        _grown(
            "Series retired",
            "Series taken off the page in the time range because they had not moved for limits.idle_series.",
            EXPORTER_RETIRED,
        ),
        _grown(
            "Masking failed",
            "Contents in the time range that could not be masked and were dropped therefore.",
            EXPORTER_MASKING_FAILURES,
            panels.BAD,
        ),
        panels.stat(
            "Log rows dropped",
            "Rows of the interaction log that could not be written, in the time range.",
            panels.instant(f"{dropped} or 0 * {_SERIES}"),
            unit="locale",
            no_value=_NO_EXPORTER,
            steps=((1, panels.BAD),),
            decimals=0,
        ),
    )


def _store() -> Line:
    """The store of predictions and labels; a failure is told, because nothing of it was acknowledged."""
    return even(
        4,
        panels.stat(
            "Stored rows",
            "Predictions, labels and whatever else the store of predictions holds now.",
            panels.query(promql.total(promql.series(EXPORTER_STORE_ROWS))),
            unit="short",
            no_value="No store of predictions",
        ),
        panels.stat(
            "Store size",
            "Size of the store of predictions now.",
            panels.query(promql.total(promql.highest(promql.series(EXPORTER_STORE_BYTES), ("database",)))),
            unit="bytes",
            no_value="No store of predictions",
        ),
        _grown("Rows expired", "Rows in the time range that retention removed from the store.", EXPORTER_STORE_DELETED),
        _grown(
            "Sent twice",
            "Predictions and labels in the time range that were known already; sending one again is harmless.",
            EXPORTER_DUPLICATE_ITEMS,
        ),
        _grown(
            "Store failures",
            "Operations of the store that failed in the time range. What they held was not acknowledged: senders "
            "keep it.",
            EXPORTER_STORE_FAILURES,
            panels.BAD,
        ),
        _grown(
            "Monitor failures",
            "Batches of stored predictions and labels that a part of the monitoring could not read.",
            EXPORTER_MONITOR_FAILURES,
            panels.BAD,
        ),
    )


def _grown(title: str, description: str, family: Family, color: str = "") -> Panel:
    """A counter's growth in the time range; zero is shown only while the exporter is scraped."""
    grown = promql.total(promql.increase(promql.series(family)))
    return panels.stat(
        title,
        description,
        panels.instant(f"{grown} or 0 * {_SERIES}"),
        unit="locale",
        no_value=_NO_EXPORTER,
        steps=((1, color),) if color else (),
        decimals=0,
    )
