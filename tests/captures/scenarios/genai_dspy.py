# mypy: ignore-errors
"""DSPy under OpenTelemetry's own instrumentor."""

import oi_dspy
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-genai-dspy"
REQUIRES = ["opentelemetry-instrumentation-genai-dspy", "dspy"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.genai.dspy import DSPyInstrumentor

    tracing()
    DSPyInstrumentor().instrument()
    oi_dspy.main()
