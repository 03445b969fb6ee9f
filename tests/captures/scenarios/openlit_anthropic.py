# mypy: ignore-errors
"""The anthropic SDK under openlit."""

import anthropic_common
from harness import SINK, flush_with

PACKAGE = "openlit"
REQUIRES = ["openlit", "anthropic", "opentelemetry-sdk<1.40"]
ALSO_ACTIVE = ["com.anthropic.sdk.python: tracing built into the anthropic SDK", "opentelemetry.instrumentation.httpx"]

if __name__ == "__main__":
    import openlit
    from opentelemetry import trace

    openlit.init(otlp_endpoint=SINK, disable_metrics=True)
    flush_with(trace.get_tracer_provider().force_flush)
    anthropic_common.main()
