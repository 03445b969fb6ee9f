# mypy: ignore-errors
"""Microsoft's Agent Framework with its own telemetry, over OpenAI chat completions and Responses."""

import asyncio

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "agent-framework-core"
REQUIRES = ["agent-framework-core", "agent-framework-openai"]
ENV = {"ENABLE_INSTRUMENTATION": "true", "ENABLE_SENSITIVE_DATA": "false"}


async def main() -> None:
    import agent_framework
    from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient
    from openai import AsyncOpenAI

    make = getattr(agent_framework, "Agent", None) or agent_framework.ChatAgent
    client = AsyncOpenAI(base_url=f"{SIMULATOR}/v1", api_key=KEY, max_retries=0)
    chat = OpenAIChatCompletionClient(model="gpt-4o-mini", async_client=client)
    responses = OpenAIChatClient(model="o4-mini", async_client=client)
    with scenario("agent_tool"):
        await make(chat, name="weather_agent", tools=[get_weather]).run(QUESTION)
    with scenario("responses"):
        await make(responses, name="thinker").run(QUESTION)
    with scenario("stream"):
        async for _ in make(chat, name="plain").run(QUESTION, stream=True):
            pass
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        await make(chat, name="plain").run(QUESTION)


if __name__ == "__main__":
    from agent_framework.observability import enable_instrumentation

    tracing()
    enable_instrumentation()
    asyncio.run(main())
