# mypy: ignore-errors
"""AutoGen agents with their own tracing, and OpenTelemetry's instrumentor of the openai SDK below."""

import asyncio

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "autogen-agentchat"
REQUIRES = ["autogen-agentchat", "autogen-ext[openai]", "opentelemetry-instrumentation-openai-v2"]
ALSO_ACTIVE = ["opentelemetry-instrumentation-openai-v2"]


async def main() -> None:
    from autogen_agentchat.agents import AssistantAgent
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    client = OpenAIChatCompletionClient(model="gpt-4o-mini", base_url=f"{SIMULATOR}/v1", api_key=KEY, max_retries=0)
    with scenario("agent_tool"):
        await AssistantAgent("weather_agent", client, tools=[get_weather], reflect_on_tool_use=True).run(task=QUESTION)
    with scenario("agent_plain"):
        await AssistantAgent("plain", client).run(task=QUESTION)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        await AssistantAgent("plain", client).run(task=QUESTION)


if __name__ == "__main__":
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    tracing()
    OpenAIInstrumentor().instrument()
    asyncio.run(main())
