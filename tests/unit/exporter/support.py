"""What the exporter's tests share: spans to send, captures to replay, a page to read."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from observability.app import create_app
from observability.budgets import Budgets
from observability.cost.price_list import PriceList
from observability.exporter import Exporter
from observability.identity import Resolver
from observability.intake import wire
from observability.interactions import InteractionLog
from observability.ledger import Ledger
from observability.measure import Meter
from observability.metrics import Metrics
from observability.pipeline import Pipeline
from observability.privacy import KINDS, Masker
from observability.records import NO_TOKENS, USAGE, Calls, Records
from observability.settings import Dimension, Limits, Runtime, Settings
from observability.settle import Settling
from observability.spans import Spans
from observability.translate.calls import Wanted
from observability.translate.spans import translate
from tests.support import poll

CAPTURES = Path(__file__).parents[2] / "captures"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

_IDS = itertools.count(1)


def any_value(value: Any) -> AnyValue:
    """The OTLP value of a Python value."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=_attributes(value)))
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    return AnyValue() if value is None else AnyValue(string_value=value)


def _attributes(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def span(
    attributes: Mapping[str, Any],
    *,
    name: str = "chat gpt-4o",
    seconds: float = 0.5,
    ended: float | None = None,
    parent: Span | None = None,
    trace_id: bytes | None = None,
    error: str | None = None,
    events: Iterable[tuple[str, float, Mapping[str, Any]]] = (),
) -> Span:
    """A span that ended ``ended`` (Unix seconds, now if left out).

    ``events`` are (name, seconds after the start, attributes).
    """
    end_ns = int((time.time() if ended is None else ended) * 1e9)
    start_ns = end_ns - int(seconds * 1e9)
    number = next(_IDS)
    made = Span(
        trace_id=parent.trace_id if parent else (trace_id or (number + 2**100).to_bytes(16, "big")),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.span_id if parent else b"",
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=end_ns,
        attributes=_attributes(attributes),
    )
    if error is not None:
        made.status.code = Status.STATUS_CODE_ERROR
        made.status.message = error
    for event_name, after, event_attributes in events:
        made.events.append(
            Span.Event(
                name=event_name,
                time_unix_nano=start_ns + int(after * 1e9),
                attributes=_attributes(event_attributes),
            )
        )
    return made


def chat(model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    """Attributes of an OpenTelemetry GenAI chat call with 100 input and 20 output tokens; ``__`` in names is a dot."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        **{name.replace("__", "."): value for name, value in more.items()},
    }


def request(
    spans: Iterable[Span], service: str | None = "shop", scope: str = "", **resource: Any
) -> ExportTraceServiceRequest:
    """One resource, with more attributes ``resource``, and one scope with ``spans``."""
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    said = resource if service is None else {"service.name": service, **resource}
    resource_spans.resource.attributes.extend(_attributes(said))
    resource_spans.scope_spans.add(scope=InstrumentationScope(name=scope)).spans.extend(spans)
    return message


def columns(*requests: ExportTraceServiceRequest) -> Spans:
    """``requests`` decoded as the exporter does."""
    return wire.spans([wire.decode(each.SerializeToString()) for each in requests])


def translated(
    *spans: Span, service: str | None = "shop", content: bool = False, dimensions: tuple[Dimension, ...] = ()
) -> tuple[Records, Counter[str]]:
    """Records of ``spans``, and the attributes that nothing understands."""
    return translate(columns(request(spans, service)), Wanted(content, content, dimensions))


def one_call(attributes: Mapping[str, Any], *, content: bool = False, **more: Any) -> Calls:
    """The record of a span that is one call; ``more`` as for :func:`span`."""
    records, _ = translated(span(attributes, **more), content=content)
    assert len(records.calls) == 1
    return records.calls


def usage_of(calls: Calls, row: int = 0) -> dict[str, int]:
    """Column of the usage table → tokens, without those that nobody reported."""
    numbers = calls.usage[row].tolist()
    return {name: number for name, number in zip(USAGE, numbers, strict=True) if number != NO_TOKENS}


class Core:
    """The way from bodies to numbers without HTTP, threads and clocks: time is what a test says."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        settle_seconds: float = 1.0,
        interactions: Path | None = None,
        label_values: int = 10_000,
    ) -> None:
        """``interactions``: the file of the interaction log; without it there is none. ``label_values`` of each label
        are shown.
        """
        settings = Settings() if settings is None else settings
        self.metrics = Metrics(label_values=label_values, label_length=128, readings={}, series_per_family=100_000)
        self.ledger = Ledger(Path(":memory:"), 7, settings.budgets)
        self.resolver = Resolver(settings.limits.remembered_calls)
        self.settling = Settling(settle_seconds, settings.limits.settling_spans)
        self.log: InteractionLog | None = None
        if interactions is not None:
            masker = Masker(KINDS) if settings.privacy.content == "mask" else None
            self.log = InteractionLog(interactions, self.metrics, settings.interactions, masker)
        self.pipeline = Pipeline(
            self.settling,
            self.resolver,
            Meter(self.metrics, self.ledger, Budgets(settings.budgets, []), PriceList(settings.prices)),
            self.log,
            Wanted(content=interactions is not None, estimates=True, dimensions=settings.dimensions),
        )

    def __enter__(self) -> Core:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.log is not None:
            self.log.close()
        self.ledger.close()

    def take(self, *requests: ExportTraceServiceRequest, now: float = 0.0) -> None:
        """Let the spans of ``requests``, which come in one batch at ``now``, settle."""
        self.pipeline.take([wire.decode(each.SerializeToString()) for each in requests], now)

    def measure(self, now: float = 0.0, *, everything: bool = True) -> None:
        self.pipeline.measure(now, everything=everything)

    def samples(self) -> list[Sample]:
        """Every sample of the page."""
        return page_samples(self.metrics.page(OPENMETRICS["Accept"])[0].decode())

    def total(self, name: str, **labels: str) -> float:
        """Sum of the series of ``name`` that have these labels."""
        return sum(each.value for each in self.matching(name, **labels))

    def matching(self, name: str, **labels: str) -> list[Sample]:
        return [each for each in self.samples() if each.name == name and labels.items() <= each.labels.items()]


def moved(samples: Iterable[Sample], *prefixes: str) -> dict[str, float]:
    """``name{labels}`` → value of the samples that are not zero and whose names begin so: what can be compared."""
    found = {}
    for each in samples:
        if each.name.startswith(prefixes) and each.value and not each.name.endswith("_created"):
            labels = ",".join(f"{name}={value}" for name, value in sorted(each.labels.items()))
            found[f"{each.name}{{{labels}}}"] = each.value
    return found


def exporter_of(client: TestClient) -> Exporter:
    exporter = client.app.state.exporter  # type: ignore[attr-defined]
    assert isinstance(exporter, Exporter)
    return exporter


def send(client: TestClient, *spans: Span, service: str | None = "shop") -> None:
    """Post ``spans`` and wait until they are measured."""
    post(client, request(spans, service).SerializeToString())


def post(client: TestClient, body: bytes) -> None:
    """Post a protobuf body and wait until its spans are measured."""
    answer = client.post("/v1/traces", content=body, headers=PROTOBUF)
    assert answer.status_code == 200, answer.text
    measured(client)


def measured(client: TestClient) -> None:
    """Wait until everything that was accepted is measured."""
    worker = exporter_of(client).worker
    poll("the queue runs empty", lambda: worker.idle, deadline=60, every=0.002)


def after_shutdown(runtime: Runtime, bodies: Iterable[tuple[str, bytes]]) -> list[Sample]:
    """Every sample of an exporter that took (signal, body) pairs while their traces were settling, and was stopped.

    No span settles by time, so the numbers cannot depend on how fast this machine is.
    """
    exporter = Exporter(Settings(limits=Limits(settle_seconds=3600)), runtime)
    with TestClient(create_app(exporter)) as running:
        for signal, body in bodies:
            answer = running.post(f"/v1/{signal}", content=body, headers=PROTOBUF)
            assert answer.status_code == 200, answer.text
        left = exporter.worker.stop(60)
        assert left.batches == 0
        return samples(running)


def samples(client: TestClient) -> list[Sample]:
    """Every sample of the OpenMetrics page."""
    page = client.get("/metrics", headers=OPENMETRICS)
    assert page.headers["content-type"].startswith("application/openmetrics-text")
    return page_samples(page.text)


def page_samples(page: str) -> list[Sample]:
    families = text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    return [sample for family in families for sample in family.samples]


def total(client: TestClient, name: str, **labels: str) -> float:
    """Sum of the series of ``name`` that have these labels."""
    return sum(each.value for each in matching(client, name, **labels))


def matching(client: TestClient, name: str, **labels: str) -> list[Sample]:
    return [each for each in samples(client) if each.name == name and labels.items() <= each.labels.items()]


def expected(capture: str) -> dict[str, Any]:
    """The true numbers of a capture."""
    numbers: dict[str, Any] = json.loads((CAPTURES / capture / "expected.json").read_text())
    return numbers


def traces(capture: str, scenario: str) -> list[bytes]:
    """The trace bodies of a scenario in the order of their arrival."""
    files = expected(capture)["scenarios"][scenario]["files"]["traces"]
    return [(CAPTURES / capture / file).read_bytes() for file in files]
