# mypy: ignore-errors
"""LlamaIndex over OpenAI: completion, chat, streams, RAG with embeddings, a function agent, a failure."""

import asyncio

from harness import KEY, PAGES, QUESTION, SIMULATOR, facts, get_weather, scenario, tracing

PACKAGE = "openinference-instrumentation-llama-index"
REQUIRES = [
    "openinference-instrumentation-llama-index",
    "llama-index-core",
    "llama-index-llms-openai",
    "llama-index-embeddings-openai",
]


def main(instrumentor) -> None:
    instrumentor.instrument()
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.llms import ChatMessage
    from llama_index.embeddings.openai import OpenAIEmbedding
    from llama_index.llms.openai import OpenAI

    where = {"api_base": f"{SIMULATOR}/v1", "api_key": KEY, "max_retries": 0}
    llm = OpenAI(model="gpt-4o-mini", **where)
    reasoning = OpenAI(model="o4-mini", **where)
    embedding = OpenAIEmbedding(model="text-embedding-3-small", dimensions=16, **where)

    with scenario("complete"):
        llm.complete(QUESTION)
    with scenario("chat_reasoning"):
        reasoning.chat([ChatMessage(role="user", content=QUESTION)])
    with scenario("stream_without_usage"):
        list(llm.stream_chat([ChatMessage(role="user", content=QUESTION)]))
    with scenario("stream_with_usage"):
        asked = OpenAI(model="gpt-4o-mini", additional_kwargs={"stream_options": {"include_usage": True}}, **where)
        list(asked.stream_chat([ChatMessage(role="user", content=QUESTION)]))
    with scenario("rag"):
        index = VectorStoreIndex.from_documents([Document(text=page) for page in PAGES], embed_model=embedding)
        index.as_query_engine(llm=llm, similarity_top_k=2).query(QUESTION)
        facts["retrievals"] += 1
    with scenario("agent_tool"):
        agent = FunctionAgent(tools=[get_weather], llm=OpenAI(model="gpt-4o-mini", **where), streaming=False)
        asyncio.run(_run(agent))
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        llm.chat([ChatMessage(role="user", content=QUESTION)])


async def _run(agent) -> None:
    await agent.run(QUESTION)


if __name__ == "__main__":
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    tracing()
    main(LlamaIndexInstrumentor())
