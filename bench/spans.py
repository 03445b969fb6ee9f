"""GenAI spans for the benchmarks of the intake: 12 attributes and about 1.3 KiB each, as chat clients send them."""

from __future__ import annotations

import random
import time
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

MODELS = (
    ("openai", "gpt-4o", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash"),
)
SERVICES = ("checkout", "search", "support")


def body(spans: int, seed: int, *, users: int = 0, ended: float | None = None) -> bytes:
    """A serialised ``ExportTraceServiceRequest``; the same for the same arguments but for the time.

    ``users`` distinct users are named in an attribute, if any; ``ended`` is the Unix time of the spans' end, now if
    left out.
    """
    random_ = random.Random(f"spans {seed}")  # noqa: S311 - not for secrets; a text, since -1 and 1 are one seed
    end = int((time.time() if ended is None else ended) * 1e9)
    request = ExportTraceServiceRequest()
    for service in SERVICES:
        resource = request.resource_spans.add()
        _set(resource.resource.attributes.add(), "service.name", service)
        scope = resource.scope_spans.add()
        scope.scope.name = "opentelemetry.instrumentation.genai.openai"
        for _ in range(spans // len(SERVICES)):
            _fill(scope.spans.add(), random_, end, users)
    return request.SerializeToString()


def _fill(span: Span, random_: random.Random, end: int, users: int) -> None:
    provider, asked, answered = random_.choice(MODELS)
    span.trace_id = random_.randbytes(16)
    span.span_id = random_.randbytes(8)
    span.name = f"chat {asked}"
    span.kind = Span.SPAN_KIND_CLIENT
    span.start_time_unix_nano = end - int(random_.lognormvariate(0, 1) * 1e9)
    span.end_time_unix_nano = end
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": asked,
        "gen_ai.response.model": answered,
        "gen_ai.response.id": f"chatcmpl-{random_.getrandbits(128):032x}",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": random_.randrange(200, 6000),
        "gen_ai.usage.output_tokens": random_.randrange(10, 800),
        "gen_ai.usage.cache_read.input_tokens": random_.randrange(0, 200),
        "server.address": "api.example.com",
        "gen_ai.input.messages": _message("user", random_, 500),
        "gen_ai.output.messages": _message("assistant", random_, 180),
    }
    if users:
        attributes["user.id"] = f"user-{random_.randrange(users)}"
    for key, value in attributes.items():
        _set(span.attributes.add(), key, value)


def _message(role: str, random_: random.Random, length: int) -> str:
    text = "".join(random_.choices("abcdefghijklmnopqrstuvwxyz    ", k=length))
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":"{text}"}}]}}]'


def _set(attribute: Any, key: str, value: Any) -> None:
    attribute.key = key
    if isinstance(value, int):
        attribute.value.int_value = value
    elif isinstance(value, float):
        attribute.value.double_value = value
    else:
        attribute.value.string_value = value
