# mypy: ignore-errors
"""The google-genai SDK under openinference-instrumentation-google-genai."""

import google_common
from harness import tracing

PACKAGE = "openinference-instrumentation-google-genai"
REQUIRES = ["openinference-instrumentation-google-genai", "google-genai"]

if __name__ == "__main__":
    from openinference.instrumentation.google_genai import GoogleGenAIInstrumentor

    tracing()
    google_common.main(GoogleGenAIInstrumentor())
