# mypy: ignore-errors
"""The anthropic SDK under OpenTelemetry's own instrumentor."""

import anthropic_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-genai-anthropic"
REQUIRES = ["opentelemetry-instrumentation-genai-anthropic", "anthropic"]
ALSO_ACTIVE = ["com.anthropic.sdk.python: tracing built into the anthropic SDK"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor

    tracing()
    AnthropicInstrumentor().instrument()
    anthropic_common.main()
