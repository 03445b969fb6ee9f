# mypy: ignore-errors
"""The anthropic SDK: message, prompt cache (written for five minutes and for an hour, then read), streams, tools."""

from harness import KEY, LONG, QUESTION, SIMULATOR, scenario

REQUIRES = []
TOOL = {
    "name": "get_weather",
    "description": "Get the weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def main() -> None:
    import anthropic

    client = anthropic.Anthropic(api_key=KEY, base_url=SIMULATOR, max_retries=0)
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 512, "messages": [{"role": "user", "content": QUESTION}]}

    def system(**more):
        return [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", **more}}]

    with scenario("message"):
        client.messages.create(**asked)
    with scenario("prompt_cache"):
        for _ in range(2):
            client.messages.create(**asked, system=system())
    with scenario("prompt_cache_hour"):
        client.messages.create(**{**asked, "model": "claude-3-5-haiku-latest"}, system=system(ttl="1h"))
    with scenario("stream_create"):
        list(client.messages.create(**asked, system=system(), stream=True))
    with scenario("stream_helper"), client.messages.stream(**asked) as stream:
        stream.get_final_message()
    with scenario("tool_call"):
        client.messages.create(**asked, tools=[TOOL])
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.messages.create(**asked)
    with scenario("server_error_500", fault="server_error"):
        client.messages.create(**asked)
