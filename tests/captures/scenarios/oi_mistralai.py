# mypy: ignore-errors
"""The mistralai SDK, which traces itself as well, under openinference-instrumentation-mistralai."""

import mistral_common
from harness import tracing

PACKAGE = "openinference-instrumentation-mistralai"
REQUIRES = ["openinference-instrumentation-mistralai", "mistralai"]
ALSO_ACTIVE = ["mistralai_sdk_tracer: tracing built into the mistralai SDK, on whenever a global TracerProvider exists"]

if __name__ == "__main__":
    from openinference.instrumentation.mistralai import MistralAIInstrumentor

    tracing()
    mistral_common.main(MistralAIInstrumentor())
