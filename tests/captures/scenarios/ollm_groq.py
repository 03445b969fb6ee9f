# mypy: ignore-errors
"""The groq SDK under opentelemetry-instrumentation-groq."""

import groq_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-groq"
REQUIRES = ["opentelemetry-instrumentation-groq", "groq"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.groq import GroqInstrumentor

    tracing()
    groq_common.main(GroqInstrumentor())
