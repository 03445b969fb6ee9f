# mypy: ignore-errors
"""boto3's Bedrock runtime under OpenTelemetry's own GenAI instrumentor."""

import bedrock_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-genai-bedrock"
REQUIRES = ["opentelemetry-instrumentation-genai-bedrock", "boto3"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.genai.bedrock import BedrockInstrumentor

    tracing()
    BedrockInstrumentor().instrument()
    bedrock_common.main()
