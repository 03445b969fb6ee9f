# mypy: ignore-errors
"""The openai SDK: chat, reasoning and cache, streams, Responses API, tools, embeddings, failures."""

from harness import KEY, LONG, QUESTION, SIMULATOR, scenario
from mistral_common import TOOL

REQUIRES = []


def main(openai) -> None:
    client = openai.OpenAI(api_key=KEY, base_url=f"{SIMULATOR}/v1", max_retries=0)
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": QUESTION}]}
    with scenario("chat"):
        client.chat.completions.create(**asked)
    with scenario("cached_reasoning"):
        messages = [{"role": "system", "content": LONG}, *asked["messages"]]
        for _ in range(2):
            client.chat.completions.create(model="o4-mini", messages=messages)
    with scenario("stream_with_usage"):
        list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    with scenario("stream_without_usage"):
        list(client.chat.completions.create(**asked, stream=True))
    with scenario("responses"):
        client.responses.create(model="o4-mini", input=QUESTION)
    with scenario("responses_stream"):
        list(client.responses.create(model="o4-mini", input=QUESTION, stream=True))
    with scenario("tool_call"):
        client.chat.completions.create(**asked, tools=[TOOL])
    with scenario("embeddings"):
        client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=16)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.chat.completions.create(**asked)
    with scenario("model_not_found_404"):
        try:
            client.chat.completions.create(**{**asked, "model": "gpt-9"})
        except openai.NotFoundError:
            pass
        else:
            raise RuntimeError("the model was found")
