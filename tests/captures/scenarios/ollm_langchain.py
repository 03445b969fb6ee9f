# mypy: ignore-errors
"""LangChain and LangGraph over OpenAI under OpenLLMetry's instrumentor."""

from harness import KEY, PAGES, QUESTION, SIMULATOR, facts, get_weather, scenario, tracing

PACKAGE = "opentelemetry-instrumentation-langchain"
REQUIRES = ["opentelemetry-instrumentation-langchain", "langchain", "langchain-openai", "langgraph", "numpy"]


def main(instrumentor) -> None:
    instrumentor.instrument()
    from langchain.agents import create_agent
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.vectorstores import InMemoryVectorStore
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    where = {"base_url": f"{SIMULATOR}/v1", "api_key": KEY, "max_retries": 0}
    llm = ChatOpenAI(model="gpt-4o-mini", **where)
    prompt = ChatPromptTemplate.from_messages([("system", "You are terse."), ("user", "{question}")])

    with scenario("chain"):
        (prompt | llm | StrOutputParser()).invoke({"question": QUESTION})
    with scenario("reasoning"):
        ChatOpenAI(model="o4-mini", **where).invoke(QUESTION)
    with scenario("stream_with_usage"):
        list(ChatOpenAI(model="gpt-4o-mini", stream_usage=True, **where).stream(QUESTION))
    with scenario("stream_without_usage"):
        list(ChatOpenAI(model="gpt-4o-mini", stream_usage=False, **where).stream(QUESTION))
    with scenario("responses_api"):
        ChatOpenAI(model="o4-mini", use_responses_api=True, **where).invoke(QUESTION)
    with scenario("rag"):
        embeddings = OpenAIEmbeddings(
            model="text-embedding-3-small", dimensions=16, check_embedding_ctx_length=False, **where
        )
        store = InMemoryVectorStore.from_texts(list(PAGES), embeddings)
        pages = store.as_retriever(search_kwargs={"k": 2}).invoke(QUESTION)
        facts["retrievals"] += 1
        (prompt | llm).invoke({"question": QUESTION + "".join(page.page_content for page in pages)})
    with scenario("agent_tool"):
        agent = create_agent(llm, [get_weather], name="weather_agent")
        agent.invoke({"messages": [{"role": "user", "content": QUESTION}]})
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        (prompt | llm).invoke({"question": QUESTION})


if __name__ == "__main__":
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor

    tracing()
    main(LangchainInstrumentor())
