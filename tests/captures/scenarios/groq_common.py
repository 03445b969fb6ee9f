# mypy: ignore-errors
"""The groq SDK: chat, stream, tools, a failure."""

from harness import KEY, QUESTION, SIMULATOR, scenario
from mistral_common import TOOL

REQUIRES = []


def main(instrumentor) -> None:
    instrumentor.instrument()
    from groq import Groq

    client = Groq(api_key=KEY, base_url=SIMULATOR, max_retries=0)
    asked = {"model": "llama-3.3-70b-versatile", "messages": [{"role": "user", "content": QUESTION}]}
    with scenario("chat"):
        client.chat.completions.create(**asked)
    with scenario("stream"):
        list(client.chat.completions.create(**asked, stream=True))
    with scenario("tool_call"):
        client.chat.completions.create(**asked, tools=[TOOL])
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.chat.completions.create(**asked)
