"""Personal data and secrets are masked, or content is removed, before telemetry leaves the app.

Put a masking exporter around the real one, and nothing that the app's SDK sends holds them:

    privacy = Privacy(mode="mask")
    provider.add_span_processor(BatchSpanProcessor(MaskingSpanExporter(OTLPSpanExporter(), privacy)))
    logs.add_log_record_processor(BatchLogRecordProcessor(MaskingLogRecordExporter(OTLPLogExporter(), privacy)))

A finished span cannot be changed, so a masked copy of it is exported. The exporters work on the thread that exports;
the processors do the same on the thread of the app, for a pipeline whose exporter is out of reach.
"""

from __future__ import annotations

import copy
import ipaddress
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, Status

from observability.content import is_content, is_content_event, is_content_log
from observability.privacy import Masker, MaskingError

_log = logging.getLogger(__name__)

Mode = Literal["keep", "mask", "drop"]

#: Addresses of the app's own machine and of the servers that it calls. They name no person, and the service map needs
#: them: an IP address stays.
ENDPOINTS = frozenset(
    {"server.address", "server.socket.address", "network.local.address", "host.ip", "net.host.ip", "net.sock.host.addr"}
)


class Privacy:
    """What is done to content, and how often it was; one for all processors of an app, safe for threads.

    ``keep`` lets everything pass. ``mask`` replaces personal data and secrets in every string by their kind, as in
    ``[email]``. ``drop`` removes the attributes and events that hold prompts, answers and the like, and masks the rest.
    In both, what cannot be masked is removed and counted in ``failures``.
    """

    def __init__(self, mode: Mode = "mask", masker: Masker | None = None) -> None:
        if mode not in {"keep", "mask", "drop"}:
            raise ValueError(f"mode {mode!r}: keep, mask or drop")
        self.mode = mode
        self._masker = masker or Masker()
        self._lock = threading.Lock()
        self._masked: Counter[str] = Counter()
        self._dropped = 0
        self._failures = 0
        self._resource: tuple[Resource, Resource] | None = None

    @property
    def masked(self) -> dict[str, int]:
        """How many were masked, by kind."""
        with self._lock:
            return dict(self._masked)

    @property
    def dropped(self) -> int:
        """Attributes, events and bodies that were removed because they hold content."""
        return self._dropped

    @property
    def failures(self) -> int:
        """Values that could not be masked and were removed."""
        return self._failures

    # ---- parts -------------------------------------------------------------------------------------------------

    def value(self, value: Any, name: str = "") -> Any:
        """``value`` masked; ``None`` if that failed."""
        if isinstance(value, bool | None):
            return value
        if name in ENDPOINTS and _is_address(value):
            return value
        try:
            if isinstance(value, bytes):
                masked, counts = self._masker.value(value.decode(), name)
                masked = value if masked is value else str(masked).encode()
            else:
                masked, counts = self._masker.value(value, name)
        except (MaskingError, UnicodeDecodeError):
            return self._failed()
        except Exception:
            # Whatever else goes wrong must neither reach the app nor let the value through. The value is not logged.
            _log.exception("a value could not be masked and was dropped")
            return self._failed()
        if counts:
            with self._lock:
                self._masked.update(counts)
        return masked

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1

    def _drops(self, is_one: bool) -> bool:
        if self.mode == "drop" and is_one:
            with self._lock:
                self._dropped += 1
            return True
        return False

    def attributes(self, attributes: Mapping[str, Any] | None, already_dropped: int = 0) -> BoundedAttributes:
        """Masked attributes; what was removed adds to ``dropped_attributes_count`` on the wire."""
        kept = {}
        for name, value in (attributes or {}).items():
            if self._drops(is_content(name)):
                continue
            masked = self.value(value, name)
            if masked is not None or value is None:
                kept[name] = masked
        result = BoundedAttributes(attributes=kept)
        result.dropped = already_dropped + len(attributes or {}) - len(kept)
        return result

    def resource(self, resource: Resource) -> Resource:
        """A masked copy, the same one for the same resource: command lines hold keys."""
        known = self._resource
        if known is None or known[0] is not resource:
            masked = Resource(dict(self.attributes(resource.attributes)), resource.schema_url)
            known = self._resource = (resource, masked)
        return known[1]

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """A masked copy of a finished span."""
        if self.mode == "keep":
            return span
        events = [
            Event(self._name(event.name), self.attributes(event.attributes), event.timestamp)
            for event in span.events
            if not self._drops(is_content_event(event.name))
        ]
        return ReadableSpan(
            name=self._name(span.name),
            context=span.context,
            parent=span.parent,
            resource=self.resource(span.resource),
            attributes=self.attributes(span.attributes, span.dropped_attributes),
            events=_bounded(events, span.dropped_events + len(span.events) - len(events)),
            links=_bounded(
                [Link(link.context, self.attributes(link.attributes)) for link in span.links], span.dropped_links
            ),
            kind=span.kind,
            status=self._status(span.status),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _name(self, name: str) -> str:
        return str(self.value(name) or "")

    def _status(self, status: Status) -> Status:
        description = self.value(status.description)
        return status if description == status.description else Status(status.status_code, description)

    def log_record(self, record: Any) -> Any:
        """A masked copy of the API's log record; its exception is in its attributes already."""
        masked = copy.copy(record)
        event_name = record.event_name or str((record.attributes or {}).get("event.name", ""))
        drop = record.body is not None and self._drops(is_content_log(event_name))
        masked.body = None if drop else self.value(self._without_content(record.body))
        masked.attributes = self.attributes(record.attributes)
        masked.event_name = record.event_name and self._name(record.event_name)
        masked.exception = None
        return masked

    def _without_content(self, body: Any) -> Any:
        if self.mode == "drop" and isinstance(body, Mapping):
            return {name: item for name, item in body.items() if not self._drops(is_content(name))}
        return body


def _is_address(value: Any) -> bool:
    addresses = [value] if isinstance(value, str) else value
    try:
        return isinstance(addresses, Sequence) and all(ipaddress.ip_address(address) for address in addresses)
    except ValueError:
        return False


def _bounded(items: list[Any], dropped: int) -> Any:
    """A list that knows how many are missing, as the encoder asks it."""
    result = BoundedList.from_seq(None, items)
    result.dropped = dropped
    return result


class MaskingSpanExporter(SpanExporter):
    """Exports masked copies through another exporter."""

    def __init__(self, exporter: SpanExporter, privacy: Privacy | None = None) -> None:
        self.privacy = privacy or Privacy()
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self.privacy.span(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class MaskingSpanProcessor(SpanProcessor):
    """Hands masked copies of finished spans to another processor, which must not be registered by itself."""

    def __init__(self, processor: SpanProcessor, privacy: Privacy | None = None) -> None:
        self.privacy = privacy or Privacy()
        self._processor = processor

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._processor.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        self._processor.on_end(self.privacy.span(span))

    def shutdown(self) -> None:
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._processor.force_flush(timeout_millis)


class MaskingLogRecordExporter(LogRecordExporter):
    """Exports masked copies through another exporter."""

    def __init__(self, exporter: LogRecordExporter, privacy: Privacy | None = None) -> None:
        self.privacy = privacy or Privacy()
        self._exporter = exporter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self.privacy.mode == "keep":
            return self._exporter.export(batch)
        masked = [
            replace(
                record,
                log_record=self.privacy.log_record(record.log_record),
                resource=self.privacy.resource(record.resource),
            )
            for record in batch
        ]
        return self._exporter.export(masked)

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class MaskingLogRecordProcessor(LogRecordProcessor):
    """Hands masked copies of log records to another processor, which must not be registered by itself."""

    def __init__(self, processor: LogRecordProcessor, privacy: Privacy | None = None) -> None:
        self.privacy = privacy or Privacy()
        self._processor = processor

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self.privacy.mode != "keep":
            log_record = replace(
                log_record,
                log_record=self.privacy.log_record(log_record.log_record),
                resource=log_record.resource and self.privacy.resource(log_record.resource),
            )
        self._processor.on_emit(log_record)

    def shutdown(self) -> None:
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._processor.force_flush(timeout_millis)
