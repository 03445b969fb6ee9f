"""What apps import. It needs nothing but the OpenTelemetry SDK, and costs the app microseconds."""

from observability.client.privacy import (
    MaskingLogRecordExporter,
    MaskingLogRecordProcessor,
    MaskingSpanExporter,
    MaskingSpanProcessor,
    Privacy,
)
from observability.tokens import TokenCounter

__all__ = [
    "MaskingLogRecordExporter",
    "MaskingLogRecordProcessor",
    "MaskingSpanExporter",
    "MaskingSpanProcessor",
    "Privacy",
    "TokenCounter",
]
