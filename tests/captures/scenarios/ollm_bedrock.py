# mypy: ignore-errors
"""boto3's Bedrock runtime under opentelemetry-instrumentation-bedrock."""

import bedrock_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-bedrock"
MODEL_ALIASES = [["nova-lite-v1:0", "amazon.nova-lite-v1:0"]]
REQUIRES = ["opentelemetry-instrumentation-bedrock", "boto3"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.bedrock import BedrockInstrumentor

    tracing()
    BedrockInstrumentor().instrument()
    bedrock_common.main()
