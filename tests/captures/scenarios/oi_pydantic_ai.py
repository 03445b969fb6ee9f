# mypy: ignore-errors
"""pydantic-ai's own spans with OpenInference's names added by its span processor, and the openai instrumentor below."""

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "openinference-instrumentation-pydantic-ai"
REQUIRES = [
    "openinference-instrumentation-pydantic-ai",
    "openinference-instrumentation-openai",
    "pydantic-ai-slim[openai]",
]
ALSO_ACTIVE = ["openinference-instrumentation-openai"]


def main() -> None:
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=AsyncOpenAI(base_url=f"{SIMULATOR}/v1", api_key=KEY, max_retries=0))
    Agent.instrument_all()
    chat = OpenAIChatModel("gpt-4o-mini", provider=provider)
    with scenario("agent_tool"):
        Agent(chat, tools=[get_weather], name="weather_agent").run_sync(QUESTION)
    with scenario("responses"):
        Agent(OpenAIResponsesModel("o4-mini", provider=provider)).run_sync(QUESTION)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        Agent(chat).run_sync(QUESTION)


if __name__ == "__main__":
    from openinference.instrumentation.openai import OpenAIInstrumentor
    from openinference.instrumentation.pydantic_ai import OpenInferenceSpanProcessor

    provider = tracing()
    processors = provider._active_span_processor
    processors._span_processors = (OpenInferenceSpanProcessor(), *processors._span_processors)
    OpenAIInstrumentor().instrument()
    main()
