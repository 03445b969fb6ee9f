# mypy: ignore-errors
"""The openai SDK through langfuse's drop-in and its observe decorator; spans go by OTLP to the sink."""

import openai_common
from harness import KEY, QUESTION, SIMULATOR, facts, flush_with, get_weather, scenario, tracing

PACKAGE = "langfuse"
REQUIRES = ["langfuse", "openai"]


def agent(openai) -> None:
    from langfuse import observe

    client = openai.OpenAI(api_key=KEY, base_url=f"{SIMULATOR}/v1", max_retries=0)

    @observe(as_type="retriever")
    def retrieve(question):
        facts["retrievals"] += 1
        return ["Paris is warm."]

    @observe(as_type="tool", name="get_weather")
    def weather(city):
        return get_weather(city)

    @observe(as_type="agent")
    def run(question):
        pages = retrieve(question)
        told = weather("Paris")
        asked = [{"role": "user", "content": f"{question} {pages} {told}"}]
        return client.chat.completions.create(model="gpt-4o-mini", messages=asked).choices[0].message.content

    with scenario("observed_agent"):
        run(QUESTION)


if __name__ == "__main__":
    provider = tracing()
    from langfuse import Langfuse

    langfuse = Langfuse(
        public_key="pk-lf-capture", secret_key="sk-lf-capture", host=SIMULATOR, tracer_provider=provider
    )
    flush_with(provider.force_flush)
    from langfuse.openai import openai

    openai_common.main(openai)
    agent(openai)
