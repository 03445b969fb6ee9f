"""What the scenario scripts share.

The scripts run in an environment of the recorded package's own: here is nothing but the standard library and the
OpenTelemetry SDK with its OTLP/HTTP exporter. ``tests.captures.record`` starts them and tells by environment
variables where the simulator (``CAPTURE_SIMULATOR``) and the sink of the telemetry (``CAPTURE_SINK``) are.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

SIMULATOR = os.environ.get("CAPTURE_SIMULATOR", "")
SINK = os.environ.get("CAPTURE_SINK", "")
KEY = "sk-demo-capture"
QUESTION = "How warm is it in Paris today?"
PAGES = (
    "Paris is warm today, 22 degrees and sunny.",
    "Rome is windy today and it will rain in the evening.",
    "A refund takes five working days.",
)
#: Long enough for every provider's prompt cache.
LONG = "Be brief" + "." * 1200

#: What the script has done in the running scenario that no provider sees: ``tools``, ``retrievals``.
facts: Counter[str] = Counter()
_flushes: list[Callable[[], Any]] = []


def tracing() -> Any:
    """The global tracer provider, made here, whose spans go to the sink."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{SINK}/v1/traces")))
    trace.set_tracer_provider(provider)
    flush_with(provider.force_flush)
    return provider


def logging() -> Any:
    """The global logger provider, made here, whose records go to the sink."""
    from opentelemetry import _logs
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{SINK}/v1/logs")))
    _logs.set_logger_provider(provider)
    flush_with(provider.force_flush)
    return provider


def flush_with(flush: Callable[[], Any]) -> None:
    """Call ``flush`` at the end of every scenario, before its telemetry is collected."""
    _flushes.append(flush)


def tool(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, which counts each of its runs as a tool execution; its signature stays."""
    import functools

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        facts["tools"] += 1
        return function(*args, **kwargs)

    return counted


def get_weather(city: str) -> str:
    """Get the weather of a city.

    Args:
        city: Name of the city.
    """
    facts["tools"] += 1
    return f"It is warm in {city or 'Paris'} today: 22 degrees."


@contextmanager
def scenario(name: str, fault: str | None = None) -> Iterator[None]:
    """Everything that is called inside belongs to scenario ``name``.

    With ``fault`` (a kind of the simulator's errors) every call inside fails, and the block must raise.
    """
    facts.clear()
    _post(f"{SIMULATOR}/admin/faults", {"error_ratio": 1.0, "kind": fault} if fault else {"error_ratio": 0.0})
    _post(f"{SINK}/scenario/begin", {"name": name})
    try:
        yield
    except Exception as error:
        if fault is None:
            raise
        print(f"{name}: {type(error).__name__}: {error}"[:200])
    else:
        if fault is not None:
            raise RuntimeError(f"{name}: no exception came although every call failed")
    finally:
        for flush in _flushes:
            flush()
        _post(f"{SINK}/scenario/end", {"facts": facts})


def _post(url: str, body: Any) -> None:
    """Over a plain connection, since some packages trace every HTTP library."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    connection.request("POST", parts.path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{url} answered {answer.status}")
