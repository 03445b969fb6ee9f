# mypy: ignore-errors
"""Semantic Kernel with its own GenAI diagnostics."""

import asyncio

from harness import KEY, QUESTION, SIMULATOR, scenario, tracing
from harness import get_weather as weather

PACKAGE = "semantic-kernel"
REQUIRES = ["semantic-kernel"]
ENV = {
    "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS": "true",
    "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE": "false",
}


async def main() -> None:
    from openai import AsyncOpenAI
    from semantic_kernel import Kernel
    from semantic_kernel.agents import ChatCompletionAgent
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
    from semantic_kernel.contents import ChatHistory
    from semantic_kernel.functions import kernel_function

    class Weather:
        @kernel_function(name="get_weather", description="Get the weather of a city.")
        def get_weather(self, city: str) -> str:
            return weather(city)

    client = AsyncOpenAI(base_url=f"{SIMULATOR}/v1", api_key=KEY, max_retries=0)
    service = OpenAIChatCompletion(ai_model_id="gpt-4o-mini", async_client=client)
    settings = service.instantiate_prompt_execution_settings()

    def history():
        made = ChatHistory()
        made.add_user_message(QUESTION)
        return made

    with scenario("chat"):
        await service.get_chat_message_content(history(), settings, kernel=Kernel())
    with scenario("stream"):
        async for _ in service.get_streaming_chat_message_content(history(), settings, kernel=Kernel()):
            pass
    with scenario("agent_tool"):
        agent = ChatCompletionAgent(service=service, name="weather_agent", plugins=[Weather()])
        await agent.get_response(messages=QUESTION)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        await service.get_chat_message_content(history(), settings, kernel=Kernel())


if __name__ == "__main__":
    tracing()
    asyncio.run(main())
