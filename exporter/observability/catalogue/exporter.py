"""The sidecar on itself."""

from __future__ import annotations

from observability.catalogue.family import Family

#: Seconds; from span end to the moment when its numbers can be scraped.
LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

EXPORTER_BUILD = Family("exporter_build_info", "gauge", ("version", "python"), "Version of the exporter; always 1.")
EXPORTER_PRICE_LIST = Family(
    "exporter_price_list_info",
    "gauge",
    ("source", "version"),
    "Price list in use; always 1.",
)
EXPORTER_PRICE_LIST_TIMESTAMP = Family(
    "exporter_price_list_timestamp_seconds",
    "gauge",
    (),
    "Unix time of the newest change of the price list in use.",
    "seconds",
)
EXPORTER_RECEIVED = Family(
    "exporter_received_total",
    "counter",
    ("signal",),
    "Items accepted (spans, log records, notifications, predictions, labels).",
)
EXPORTER_REJECTED = Family(
    "exporter_rejected_total", "counter", ("signal", "reason"), "Items or bodies refused, by reason."
)
EXPORTER_LAG = Family(
    "exporter_span_lag_seconds",
    "histogram",
    (),
    "Time from the end of a span to its numbers being exposed.",
    "seconds",
    LAG_BUCKETS,
)
EXPORTER_QUEUE = Family("exporter_queue_items", "gauge", ("queue",), "Items waiting in a bounded queue.")
EXPORTER_FOLDED = Family(
    "exporter_folded_series_total",
    "counter",
    ("family", "label"),
    "Samples whose label value was folded into 'other' because the label had reached its limit.",
)
EXPORTER_SERIES = Family("exporter_series", "gauge", ("family",), "Series that a family exposes now.")
EXPORTER_RETIRED = Family(
    "exporter_retired_series_total",
    "counter",
    ("family",),
    "Series that were taken off the page because they had not moved for limits.idle_series.",
)
EXPORTER_DUPLICATES = Family(
    "exporter_duplicate_spans_total",
    "counter",
    ("reason",),
    "Spans that speak of a call that is counted already: same_span, same_call (response id, nesting or time), wrapper.",
)
EXPORTER_UNTRANSLATED = Family(
    "exporter_untranslated_attributes_total",
    "counter",
    ("attribute",),
    "Attributes in a GenAI namespace that no dialect table understands.",
)
EXPORTER_MASKED = Family(
    "exporter_masked_values_total", "counter", ("kind",), "Personal data and secrets masked before writing, by kind."
)
EXPORTER_MASKING_FAILURES = Family(
    "exporter_masking_failures_total", "counter", (), "Contents that could not be masked and were dropped therefore."
)
EXPORTER_INTERACTIONS = Family(
    "exporter_interactions_total",
    "counter",
    ("outcome",),
    "Rows of the interaction log by outcome (written, sampled_out, dropped).",
)
EXPORTER_NOTIFICATIONS = Family(
    "exporter_notifications_total",
    "counter",
    ("status", "severity"),
    "Alerts that reached the local webhook receiver from Alertmanager.",
)
EXPORTER_PROBE_SUCCESS = Family(
    "exporter_probe_success",
    "gauge",
    ("target",),
    "1 if a component without a metrics page answered its health endpoint, else 0.",
)
EXPORTER_DUPLICATE_ITEMS = Family(
    "exporter_duplicate_items_total",
    "counter",
    ("signal",),
    "Predictions and labels that were known already; sending one again is harmless.",
)
EXPORTER_STORE_ROWS = Family("exporter_store_rows", "gauge", ("table",), "Rows of the prediction store by table.")
EXPORTER_STORE_BYTES = Family("exporter_store_bytes", "gauge", ("database",), "Size of the prediction store.", "bytes")
EXPORTER_STORE_FAILURES = Family(
    "exporter_store_failures_total",
    "counter",
    ("operation",),
    "Operations of the prediction store that failed; what they held was not acknowledged.",
)
EXPORTER_STORE_DELETED = Family(
    "exporter_store_deleted_total", "counter", ("table",), "Rows that retention removed from the prediction store."
)
EXPORTER_MONITOR_FAILURES = Family(
    "exporter_monitor_failures_total",
    "counter",
    ("part",),
    "Batches of stored predictions and labels that one part of the monitoring could not read.",
)
