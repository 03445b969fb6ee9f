# mypy: ignore-errors
"""Haystack: a generator, a RAG pipeline with embeddings, a failure."""

from harness import KEY, PAGES, QUESTION, SIMULATOR, facts, scenario, tracing

PACKAGE = "openinference-instrumentation-haystack"
REQUIRES = ["openinference-instrumentation-haystack", "haystack-ai"]
ENV = {"HAYSTACK_TELEMETRY_ENABLED": "False"}


def main() -> None:
    from haystack import Document, Pipeline
    from haystack.components.builders import ChatPromptBuilder
    from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
    from haystack.dataclasses import ChatMessage
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack.utils import Secret

    where = {"api_base_url": f"{SIMULATOR}/v1", "api_key": Secret.from_token(KEY), "max_retries": 0}

    def pipeline(**more):
        made = Pipeline()
        made.add_component("llm", OpenAIChatGenerator(model="gpt-4o-mini", **where, **more))
        return made

    asked = {"llm": {"messages": [ChatMessage.from_user(QUESTION)]}}
    with scenario("generator"):
        pipeline().run(asked)
    with scenario("stream_with_usage"):
        streaming = {"stream_options": {"include_usage": True}}
        pipeline(streaming_callback=lambda _: None, generation_kwargs=streaming).run(asked)
    with scenario("rag"):
        embedding = {"model": "text-embedding-3-small", "dimensions": 16, **where}
        store = InMemoryDocumentStore()
        documents = OpenAIDocumentEmbedder(progress_bar=False, **embedding).run(
            [Document(content=page) for page in PAGES]
        )
        store.write_documents(documents["documents"])
        rag = pipeline()
        rag.add_component("embedder", OpenAITextEmbedder(**embedding))
        rag.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=2))
        template = [ChatMessage.from_user("{% for d in documents %}{{ d.content }}{% endfor %} {{ question }}")]
        rag.add_component("prompt", ChatPromptBuilder(template, required_variables="*"))
        rag.connect("embedder.embedding", "retriever.query_embedding")
        rag.connect("retriever", "prompt.documents")
        rag.connect("prompt", "llm.messages")
        rag.run({"embedder": {"text": QUESTION}, "prompt": {"question": QUESTION}})
        facts["retrievals"] += 1
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        pipeline().run(asked)


if __name__ == "__main__":
    from openinference.instrumentation.haystack import HaystackInstrumentor

    tracing()
    HaystackInstrumentor().instrument()
    main()
