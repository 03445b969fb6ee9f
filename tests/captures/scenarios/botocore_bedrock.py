# mypy: ignore-errors
"""boto3's Bedrock runtime under OpenTelemetry's instrumentor of botocore."""

import bedrock_common
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-botocore"
REQUIRES = ["opentelemetry-instrumentation-botocore", "boto3"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

    tracing()
    BotocoreInstrumentor().instrument()
    bedrock_common.main()
