# mypy: ignore-errors
"""The google-genai SDK under opentelemetry-instrumentation-google-generativeai."""

import google_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-google-generativeai"
REQUIRES = ["opentelemetry-instrumentation-google-generativeai", "google-genai"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.google_generativeai import GoogleGenerativeAiInstrumentor

    tracing()
    google_common.main(GoogleGenerativeAiInstrumentor())
