# mypy: ignore-errors
"""The cohere SDK under OpenLLMetry's instrumentor: chat, stream, embeddings, reranking, a failure."""

from harness import KEY, PAGES, QUESTION, SIMULATOR, scenario, tracing
from mistral_common import TOOL

PACKAGE = "opentelemetry-instrumentation-cohere"
REQUIRES = ["opentelemetry-instrumentation-cohere", "cohere<6"]


def main(instrumentor) -> None:
    instrumentor.instrument()
    import cohere

    client = cohere.ClientV2(api_key=KEY, base_url=SIMULATOR)
    once = {"max_retries": 0}
    asked = {"model": "command-r-plus-08-2024", "messages": [{"role": "user", "content": QUESTION}]}
    with scenario("chat"):
        client.chat(**asked)
    with scenario("stream"):
        list(client.chat_stream(**asked))
    with scenario("tool_call"):
        client.chat(**asked, tools=[TOOL])
    with scenario("embeddings"):
        client.embed(model="embed-v4.0", input_type="search_document", texts=["a", "b"], embedding_types=["float"])
    with scenario("rerank"):
        client.rerank(model="rerank-v3.5", query=QUESTION, documents=list(PAGES), top_n=2)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.chat(**asked, request_options=once)


if __name__ == "__main__":
    from opentelemetry.instrumentation.cohere import CohereInstrumentor

    tracing()
    main(CohereInstrumentor())
