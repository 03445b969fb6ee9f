"""Metrics of other people's components that the dashboards read; seen in the pinned releases.

The names of our own come from ``observability.catalogue``; nothing else may appear in a query.
"""

from __future__ import annotations

#: Prometheus itself.
UP = "up"
ALERTS = "ALERTS"
#: Jaeger's span metrics connector: labels service_name, span_name, span_kind, status_code.
SPAN_CALLS = "traces_span_metrics_calls_total"
SPAN_DURATION_BUCKET = "traces_span_metrics_duration_milliseconds_bucket"
#: The gateway (an OpenTelemetry Collector distribution) on itself: label ``exporter``.
GATEWAY_SENT_SPANS = "otelcol_exporter_sent_spans_total"
GATEWAY_QUEUE_SIZE = "otelcol_exporter_queue_size"
GATEWAY_QUEUE_CAPACITY = "otelcol_exporter_queue_capacity"
GATEWAY_MEMORY = "otelcol_process_memory_rss_bytes"
#: The Prometheus client libraries of Go and Python: every component with a metrics page.
PROCESS_MEMORY = "process_resident_memory_bytes"

NAMES = frozenset(
    {
        UP,
        ALERTS,
        SPAN_CALLS,
        SPAN_DURATION_BUCKET,
        GATEWAY_SENT_SPANS,
        GATEWAY_QUEUE_SIZE,
        GATEWAY_QUEUE_CAPACITY,
        GATEWAY_MEMORY,
        PROCESS_MEMORY,
    }
)
