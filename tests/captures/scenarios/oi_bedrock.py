# mypy: ignore-errors
"""boto3's Bedrock runtime under openinference-instrumentation-bedrock."""

import bedrock_common
from harness import tracing

PACKAGE = "openinference-instrumentation-bedrock"
REQUIRES = ["openinference-instrumentation-bedrock", "boto3"]

if __name__ == "__main__":
    from openinference.instrumentation.bedrock import BedrockInstrumentor

    tracing()
    BedrockInstrumentor().instrument()
    bedrock_common.main()
