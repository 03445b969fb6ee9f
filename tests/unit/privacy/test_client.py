"""The real OpenTelemetry SDK exports by real OTLP/HTTP to a server that keeps the bytes."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from observability.client.privacy import (
    MaskingLogRecordExporter,
    MaskingLogRecordProcessor,
    MaskingSpanExporter,
    MaskingSpanProcessor,
    Mode,
    Privacy,
)
from observability.privacy import Masker

MAIL, CARD, PHONE, IBAN = "jane.roe@example.com", "4111 1111 1111 1111", "+1 415-555-0132", "DE89370400440532013000"
KEY = "sk-" + "proj-" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4"
SECRETS = (MAIL, CARD, PHONE, IBAN, KEY, "hunter2secret", "4111111111111111")
PROMPT = f"I am {MAIL}, my card is {CARD}"


@dataclass
class Receiver:
    """Keeps the body of every POST, unpacked."""

    url: str
    bodies: list[bytes] = field(default_factory=list)

    @property
    def bytes(self) -> bytes:
        return b"\n".join(self.bodies)

    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    def records(self) -> list[Any]:
        requests = [ExportLogsServiceRequest.FromString(body) for body in self.bodies]
        return [
            record
            for request in requests
            for group in request.resource_logs
            for scope in group.scope_logs
            for record in scope.log_records
        ]


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def trace(processor: SpanProcessor) -> None:
    """One span with secrets in every place that a span has."""
    resource = Resource({"service.name": "shop", "process.command_args": ["serve", f"--api-key={KEY}"]})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    linked = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    with provider.get_tracer("shop").start_as_current_span(
        f"chat {MAIL}", kind=SpanKind.CLIENT, links=[Link(linked, {"note": f"see {IBAN}"})]
    ) as span:
        span.set_attribute("gen_ai.request.model", "gpt-4o-2024-08-06")
        span.set_attribute("gen_ai.usage.input_tokens", 123456)
        span.set_attribute("gen_ai.input.messages", json.dumps([{"role": "user", "content": PROMPT}]))
        span.set_attribute("llm.input_messages.0.message.content", PROMPT)
        span.set_attribute("tags", ["a", MAIL])
        span.set_attribute("customer.card", 4111111111111111)
        span.set_attribute("password", "hunter2secret")
        span.set_attribute("server.address", "10.1.2.3")
        span.set_attribute("client.address", "203.0.113.9")
        span.add_event("gen_ai.user.message", {"content": PROMPT})
        span.add_event(f"called {PHONE}", {"phone": PHONE})
        span.set_status(Status(StatusCode.ERROR, f"no account for {MAIL}"))
        span.record_exception(ValueError(f"{CARD} was declined"))
    provider.shutdown()


def attributes(item: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in item.attributes}


@pytest.mark.parametrize("mode", ["mask", "drop"])
@pytest.mark.parametrize("where", ["exporter", "processor"])
def test_no_secret_byte_of_a_span_leaves_the_app(server: Receiver, where: str, mode: Mode) -> None:
    privacy, otlp = Privacy(mode), OTLPSpanExporter(f"{server.url}/v1/traces")
    trace(
        BatchSpanProcessor(MaskingSpanExporter(otlp, privacy))
        if where == "exporter"
        else MaskingSpanProcessor(BatchSpanProcessor(otlp), privacy)
    )
    (span,) = server.spans()
    for secret in SECRETS:
        assert secret.encode() not in server.bytes, secret
    assert b"203.0.113.9" not in server.bytes
    assert span.name == "chat [email]"
    assert span.kind == span.SPAN_KIND_CLIENT
    assert (span.status.code, span.status.message) == (2, "no account for [email]")
    kept = attributes(span)
    assert kept["gen_ai.request.model"] == "gpt-4o-2024-08-06"
    assert kept["gen_ai.usage.input_tokens"] == 123456
    assert (kept["customer.card"], kept["password"]) == ("[card]", "[api_key]")
    assert (kept["server.address"], kept["client.address"]) == ("10.1.2.3", "[ip]")
    assert span.links[0].trace_id == (1).to_bytes(16, "big")
    assert attributes(span.links[0]) == {"note": "see [iban]"}
    assert privacy.failures == 0
    assert privacy.masked["email"] >= 3


def test_masked_content_stays_readable(server: Receiver) -> None:
    trace(SimpleSpanProcessor(MaskingSpanExporter(OTLPSpanExporter(f"{server.url}/v1/traces"))))
    (span,) = server.spans()
    (message,) = json.loads(attributes(span)["gen_ai.input.messages"])
    assert message == {"role": "user", "content": "I am [email], my card is [card]"}
    assert [event.name for event in span.events] == ["gen_ai.user.message", "called [phone]", "exception"]
    assert span.dropped_attributes_count == span.dropped_events_count == 0


def test_drop_removes_content_and_says_on_the_wire_how_much(server: Receiver) -> None:
    privacy = Privacy("drop")
    trace(SimpleSpanProcessor(MaskingSpanExporter(OTLPSpanExporter(f"{server.url}/v1/traces"), privacy)))
    (span,) = server.spans()
    assert not {"gen_ai.input.messages", "llm.input_messages.0.message.content"} & set(attributes(span))
    assert [event.name for event in span.events] == ["called [phone]", "exception"]
    assert (span.dropped_attributes_count, span.dropped_events_count) == (2, 1)
    assert privacy.dropped == 3


def test_keep_lets_everything_pass(server: Receiver) -> None:
    trace(SimpleSpanProcessor(MaskingSpanExporter(OTLPSpanExporter(f"{server.url}/v1/traces"), Privacy("keep"))))
    assert all(secret.encode() in server.bytes for secret in (MAIL, CARD, PHONE, IBAN, KEY))


def test_what_cannot_be_masked_is_removed_and_counted(server: Receiver) -> None:
    privacy = Privacy(masker=Masker(max_chars=1000))
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    exporter = MaskingSpanExporter(OTLPSpanExporter(f"{server.url}/v1/traces"), privacy)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("shop").start_as_current_span("chat") as span:
        span.set_attribute("long", MAIL + " " * 1000)
        span.set_attribute("binary", MAIL.encode() + b"\xff")
        span.set_attribute("text", MAIL.encode())
        span.set_attribute("short", "fine")
    provider.shutdown()
    (sent,) = server.spans()
    assert attributes(sent) == {"short": "fine", "text": b"[email]"}
    assert sent.dropped_attributes_count == 2
    assert privacy.failures == 2
    assert MAIL.encode() not in server.bytes


class Broken(Masker):
    def value(self, value: Any, key: str = "") -> tuple[Any, dict[str, int]]:
        raise RuntimeError(f"a fault with a {type(value).__name__} of {len(key)}")


def test_a_fault_of_the_masker_reaches_neither_the_app_nor_the_wire(
    server: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    privacy = Privacy(masker=Broken())
    trace(MaskingSpanProcessor(SimpleSpanProcessor(OTLPSpanExporter(f"{server.url}/v1/traces")), privacy))
    (span,) = server.spans()
    assert attributes(span) == {"server.address": "10.1.2.3"}
    assert privacy.failures > 10
    assert not any(secret.encode() in server.bytes for secret in SECRETS)
    assert "a value could not be masked" in caplog.text
    assert MAIL not in caplog.text


def log(processor: LogRecordProcessor) -> None:
    provider = LoggerProvider(
        resource=Resource({"service.name": "shop", "process.command_line": f"serve --token={KEY}"})
    )
    provider.add_log_record_processor(processor)
    logger = provider.get_logger("shop")
    logger.emit(LogRecord(body=f"mail from {MAIL}", severity_number=SeverityNumber.INFO, attributes={"phone": PHONE}))
    logger.emit(LogRecord(body={"content": PROMPT, "index": 0}, event_name="gen_ai.choice"))
    logger.emit(
        LogRecord(
            event_name="gen_ai.client.inference.operation.details",
            attributes={
                "gen_ai.input.messages": [{"role": "user", "parts": [{"content": PROMPT}]}],
                "gen_ai.usage.input_tokens": 17,
            },
        )
    )
    logger.emit(LogRecord(body="failed", exception=ValueError(f"{CARD} was declined")))
    provider.shutdown()


@pytest.mark.parametrize("mode", ["mask", "drop"])
@pytest.mark.parametrize("where", ["exporter", "processor"])
def test_no_secret_byte_of_a_log_record_leaves_the_app(server: Receiver, where: str, mode: Mode) -> None:
    privacy, otlp = Privacy(mode), OTLPLogExporter(f"{server.url}/v1/logs")
    log(
        BatchLogRecordProcessor(MaskingLogRecordExporter(otlp, privacy))
        if where == "exporter"
        else MaskingLogRecordProcessor(BatchLogRecordProcessor(otlp), privacy)
    )
    for secret in SECRETS:
        assert secret.encode() not in server.bytes, secret
    said, choice, details, failed = server.records()
    assert said.body.string_value == "mail from [email]"
    assert attributes(said) == {"phone": "[phone]"}
    assert choice.event_name == "gen_ai.choice"
    assert choice.body.WhichOneof("value") == ("kvlist_value" if mode == "mask" else None)
    assert details.event_name == "gen_ai.client.inference.operation.details"
    assert attributes(details)["gen_ai.usage.input_tokens"] == 17
    assert ("gen_ai.input.messages" in attributes(details)) == (mode == "mask")
    assert attributes(failed)["exception.message"] == "[card] was declined"
    assert privacy.failures == 0


def test_keep_lets_log_records_pass(server: Receiver) -> None:
    processor = SimpleLogRecordProcessor(OTLPLogExporter(f"{server.url}/v1/logs"))
    log(MaskingLogRecordProcessor(processor, Privacy("keep")))
    assert all(secret.encode() in server.bytes for secret in (MAIL, PHONE, KEY))


def test_another_processor_of_the_app_still_sees_the_record_as_it_was(server: Receiver) -> None:
    seen: list[Any] = []

    class Local(SimpleLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            seen.append(log_record.log_record.body)

    provider = LoggerProvider()
    otlp = OTLPLogExporter(f"{server.url}/v1/logs")
    provider.add_log_record_processor(MaskingLogRecordProcessor(SimpleLogRecordProcessor(otlp)))
    provider.add_log_record_processor(Local(otlp))
    provider.get_logger("shop").emit(LogRecord(body=MAIL))
    provider.shutdown()
    assert seen == [MAIL]
    assert server.records()[0].body.string_value == "[email]"


class Kept(SpanExporter):
    """Answers what it is told to, and remembers the calls."""

    def __init__(self, result: SpanExportResult) -> None:
        self.result = result
        self.calls: list[str] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.calls.append(f"export {len(spans)}")
        return self.result

    def shutdown(self) -> None:
        self.calls.append("shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.calls.append(f"force_flush {timeout_millis}")
        return False


def test_the_result_of_the_real_exporter_is_handed_on_and_so_are_flush_and_shutdown() -> None:
    kept = Kept(SpanExportResult.FAILURE)
    masking = MaskingSpanExporter(kept)
    assert masking.export([]) is SpanExportResult.FAILURE
    assert masking.force_flush(7) is False
    masking.shutdown()
    assert kept.calls == ["export 0", "force_flush 7", "shutdown"]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="keep, mask or drop"):
        Privacy("hide")  # type: ignore[arg-type]


def test_the_masker_does_not_log_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Privacy().value(PROMPT)
    assert caplog.records == []
