"""OpenTelemetry for one service of the demo: traces, logs and metrics by OTLP/HTTP.

Nothing here is special to this stack: it is what any app does with the SDK. The endpoint is that of the environment
variable ``OTEL_EXPORTER_OTLP_ENDPOINT``.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

SERVICE_VERSION = "1.4.0"
#: Milliseconds between two exports: short, so that a person who watches sees the demo at once.
EXPORT_INTERVAL_MS = 1000
METRIC_INTERVAL_MS = 5000


class CountingSpanExporter(OTLPSpanExporter):
    """The SDK's exporter, which also remembers how many spans went out and how many were lost."""

    exported = 0
    lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self.exported += len(spans)
        else:
            self.lost += len(spans)
        return result


class CountingLogExporter(OTLPLogExporter):
    """The same for log records."""

    exported = 0
    lost = 0

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = super().export(batch)
        if result is LogRecordExportResult.SUCCESS:
            self.exported += len(batch)
        else:
            self.lost += len(batch)
        return result


class JsonLines(logging.Formatter):
    """One JSON object a line, for people who read the process's standard error."""

    def format(self, record: logging.LogRecord) -> str:
        context = trace.get_current_span().get_span_context()
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": getattr(record, "event", "log"),
            "message": record.getMessage(),
        }
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Telemetry:
    """The three providers of a service, and whether all of their data arrived."""

    def __init__(self, service: str, team: str) -> None:
        """``team`` is who pays for the service: the dimension that money is kept by."""
        attributes = {
            "service.name": service,
            "service.version": SERVICE_VERSION,
            "team": team,
            "deployment.environment.name": "demo",
            "deployment.environment": "demo",  # the name before semantic conventions 1.27, which many queries use
            "openinference.project.name": service,  # what Phoenix groups by; else all is in its project "default"
        }
        described = Resource.create(attributes)
        self.spans = CountingSpanExporter()
        self.logs = CountingLogExporter()
        self.tracer_provider = TracerProvider(resource=described)
        self.tracer_provider.add_span_processor(
            BatchSpanProcessor(self.spans, schedule_delay_millis=EXPORT_INTERVAL_MS)
        )
        self.logger_provider = LoggerProvider(resource=described)
        self.logger_provider.add_log_record_processor(
            BatchLogRecordProcessor(self.logs, schedule_delay_millis=EXPORT_INTERVAL_MS)
        )
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=METRIC_INTERVAL_MS)
        self.meter_provider = MeterProvider(resource=described, metric_readers=[reader])
        trace.set_tracer_provider(self.tracer_provider)
        _logs.set_logger_provider(self.logger_provider)
        metrics.set_meter_provider(self.meter_provider)

        # On the demo's loggers only: what the SDK says about a failing export must not go out by that same export.
        logger = logging.getLogger("demo")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(LoggingHandler(logger_provider=self.logger_provider))
        warnings = logging.StreamHandler(sys.stderr)
        warnings.setLevel(logging.ERROR)
        warnings.setFormatter(JsonLines())
        logging.getLogger().addHandler(warnings)

    def close(self) -> dict[str, int]:
        """Send what is left and stop; returns how many spans and log records were sent and lost."""
        self.meter_provider.shutdown()
        self.tracer_provider.shutdown()
        self.logger_provider.shutdown()
        return {
            "spans_sent": self.spans.exported,
            "spans_lost": self.spans.lost,
            "logs_sent": self.logs.exported,
            "logs_lost": self.logs.lost,
        }
