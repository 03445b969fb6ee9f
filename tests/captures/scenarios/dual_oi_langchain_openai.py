# mypy: ignore-errors
"""LangChain and the openai SDK below it, both under OpenInference: in one trace, or (streams) in two."""

from harness import KEY, QUESTION, SIMULATOR, scenario, tracing

PACKAGE = "openinference-instrumentation-langchain"
REQUIRES = [
    "openinference-instrumentation-langchain",
    "openinference-instrumentation-openai",
    "langchain",
    "langchain-openai",
]
ALSO_ACTIVE = ["openinference-instrumentation-openai"]


def main() -> None:
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_openai import ChatOpenAI

    where = {"model": "gpt-4o-mini", "base_url": f"{SIMULATOR}/v1", "api_key": KEY, "max_retries": 0}
    prompt = ChatPromptTemplate.from_messages([("system", "You are terse."), ("user", "{question}")])
    with scenario("chain"):
        (prompt | ChatOpenAI(**where)).invoke({"question": QUESTION})
    with scenario("batch"):
        (prompt | ChatOpenAI(**where)).batch([{"question": QUESTION}] * 3)
    with scenario("stream_with_usage"):
        list(ChatOpenAI(stream_usage=True, **where).stream(QUESTION))
    with scenario("stream_without_usage"):
        list(ChatOpenAI(stream_usage=False, **where).stream(QUESTION))
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        ChatOpenAI(**where).invoke(QUESTION)


if __name__ == "__main__":
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    tracing()
    OpenAIInstrumentor().instrument()
    LangChainInstrumentor().instrument()
    main()
