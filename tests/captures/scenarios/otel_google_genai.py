# mypy: ignore-errors
"""The google-genai SDK under opentelemetry-instrumentation-google-genai."""

import google_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-google-genai"
REQUIRES = ["opentelemetry-instrumentation-google-genai", "google-genai<3"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.google_genai import GoogleGenAiSdkInstrumentor

    tracing()
    google_common.main(GoogleGenAiSdkInstrumentor())
