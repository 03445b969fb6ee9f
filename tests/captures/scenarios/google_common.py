# mypy: ignore-errors
"""The google-genai SDK: content with thoughts and cache, streams, tools, embeddings, a failure."""

from harness import KEY, LONG, QUESTION, SIMULATOR, get_weather, scenario

REQUIRES = []


def main(instrumentor) -> None:
    instrumentor.instrument()
    from google import genai
    from google.genai import types

    client = genai.Client(api_key=KEY, http_options={"base_url": SIMULATOR})
    with scenario("generate"):
        client.models.generate_content(model="gemini-2.5-flash", contents=QUESTION)
    with scenario("thoughts_and_cache"):
        config = types.GenerateContentConfig(system_instruction=LONG)
        for _ in range(2):
            client.models.generate_content(model="gemini-2.5-pro", contents=QUESTION, config=config)
    with scenario("stream"):
        list(client.models.generate_content_stream(model="gemini-2.5-pro", contents=QUESTION))
    with scenario("automatic_function_calling"):
        config = types.GenerateContentConfig(tools=[get_weather])
        client.models.generate_content(model="gemini-2.5-flash", contents=QUESTION, config=config)
    with scenario("embeddings"):
        client.models.embed_content(model="gemini-embedding-001", contents=["a b", "c"])
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.models.generate_content(model="gemini-2.5-flash", contents=QUESTION)
