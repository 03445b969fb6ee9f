# mypy: ignore-errors
"""The OpenAI Agents SDK under OpenLLMetry's instrumentor: Responses and chat, a tool, a handoff, a failure."""

import asyncio

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "opentelemetry-instrumentation-openai-agents"
REQUIRES = ["opentelemetry-instrumentation-openai-agents", "openai-agents"]


async def main() -> None:
    from agents import (
        Agent,
        OpenAIChatCompletionsModel,
        OpenAIResponsesModel,
        RunConfig,
        Runner,
        function_tool,
    )
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=f"{SIMULATOR}/v1", api_key=KEY, max_retries=0)
    tool = function_tool(get_weather)
    quiet = RunConfig(trace_include_sensitive_data=True)
    chat = OpenAIChatCompletionsModel("gpt-4o-mini", client)
    responses = OpenAIResponsesModel("o4-mini", client)
    with scenario("responses_agent"):
        await Runner.run(Agent("plain", model=responses), QUESTION, run_config=quiet)
    with scenario("responses_agent_tool"):
        model = OpenAIResponsesModel("gpt-4o-mini", client)
        await Runner.run(Agent("weather", model=model, tools=[tool]), QUESTION, run_config=quiet)
    with scenario("chat_agent_tool"):
        await Runner.run(Agent("weather", model=chat, tools=[tool]), QUESTION, run_config=quiet)
    with scenario("streamed_run"):
        run = Runner.run_streamed(Agent("plain", model=responses), QUESTION, run_config=quiet)
        async for _ in run.stream_events():
            pass
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        await Runner.run(Agent("plain", model=responses), QUESTION, run_config=quiet)


if __name__ == "__main__":
    from agents import set_tracing_disabled
    from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    tracing()
    OpenAIAgentsInstrumentor().instrument()
    set_tracing_disabled(False)
    asyncio.run(main())
