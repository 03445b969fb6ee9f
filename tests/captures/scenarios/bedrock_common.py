# mypy: ignore-errors
"""boto3's Bedrock runtime: converse, cache, tools, a failure."""

import os

from harness import KEY, LONG, QUESTION, SIMULATOR, scenario

REQUIRES = []
TOOL = {
    "toolSpec": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    }
}


def main() -> None:
    os.environ.update(AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
    import boto3
    from botocore.config import Config

    client = boto3.client("bedrock-runtime", endpoint_url=SIMULATOR, config=Config(retries={"total_max_attempts": 1}))
    asked = {"modelId": "amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": [{"text": QUESTION}]}]}
    with scenario("converse"):
        client.converse(**asked)
    with scenario("cached"):
        for _ in range(2):
            client.converse(**asked, system=[{"text": LONG}])
    with scenario("tool_call"):
        client.converse(**asked, toolConfig={"tools": [TOOL]})
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.converse(**asked)
