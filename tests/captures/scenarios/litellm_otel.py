# mypy: ignore-errors
"""litellm with its own OpenTelemetry callback, in a current version."""

import time

import dual_litellm_openai
from harness import flush_with, tracing

PACKAGE = "litellm"
REQUIRES = ["litellm", "opentelemetry-sdk"]
ENV = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}

if __name__ == "__main__":
    flush_with(lambda: time.sleep(1))  # callbacks of litellm run in a thread of their own
    provider = tracing()
    import litellm
    from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

    litellm.callbacks = [OpenTelemetry(OpenTelemetryConfig(exporter="in_memory"), tracer_provider=provider)]
    dual_litellm_openai.main()
