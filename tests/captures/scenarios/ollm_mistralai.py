# mypy: ignore-errors
"""The mistralai SDK, which traces itself as well, under opentelemetry-instrumentation-mistralai."""

import mistral_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-mistralai"
REQUIRES = ["opentelemetry-instrumentation-mistralai", "mistralai<2"]
ALSO_ACTIVE = ["mistralai_sdk_tracer: tracing built into the mistralai SDK, on whenever a global TracerProvider exists"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.mistralai import MistralAiInstrumentor

    tracing()
    mistral_common.main(MistralAiInstrumentor())
