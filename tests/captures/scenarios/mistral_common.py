# mypy: ignore-errors
"""The mistralai SDK: chat, stream, tools, embeddings, a failure. Run under an instrumentor by other scripts."""

from harness import KEY, LONG, QUESTION, SIMULATOR, scenario

REQUIRES = []
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def main(instrumentor) -> None:
    instrumentor.instrument()
    try:
        from mistralai.client import Mistral
    except ImportError:
        from mistralai import Mistral

    client = Mistral(api_key=KEY, server_url=f"{SIMULATOR}/mistral")
    asked = [{"role": "user", "content": QUESTION}]
    with scenario("chat"):
        client.chat.complete(model="mistral-large-latest", messages=asked)
    with scenario("cached"):
        for _ in range(2):
            client.chat.complete(model="mistral-large-latest", messages=[{"role": "system", "content": LONG}, *asked])
    with scenario("stream"):
        list(client.chat.stream(model="mistral-large-latest", messages=asked))
    with scenario("tool_call"):
        client.chat.complete(model="mistral-large-latest", messages=asked, tools=[TOOL])
    with scenario("embeddings"):
        client.embeddings.create(model="mistral-embed", inputs=["a", "b", "c"])
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.chat.complete(model="mistral-large-latest", messages=asked)
