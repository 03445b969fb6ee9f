# mypy: ignore-errors
"""The anthropic SDK under an old version of OpenInference's instrumentor."""

import anthropic_common
from harness import tracing

PACKAGE = "openinference-instrumentation-anthropic"
REQUIRES = ["openinference-instrumentation-anthropic==0.1.10", "anthropic<1", "wrapt<2"]

if __name__ == "__main__":
    from openinference.instrumentation.anthropic import AnthropicInstrumentor

    tracing()
    AnthropicInstrumentor().instrument()
    anthropic_common.main()
