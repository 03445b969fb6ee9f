# mypy: ignore-errors
"""Google's Agent Development Kit with its own tracing, over Gemini."""

import asyncio
import os

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "google-adk"
REQUIRES = ["google-adk"]
ENV = {"ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS": "false"}


async def main() -> None:
    from google.adk.agents import Agent
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    async def run(**more):
        agent = Agent(model="gemini-2.5-flash", name="weather_agent", instruction="Be brief.", **more)
        runner = InMemoryRunner(agent, app_name="capture")
        session = await runner.session_service.create_session(app_name="capture", user_id="u")
        message = types.Content(role="user", parts=[types.Part(text=QUESTION)])
        async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=message):
            pass

    with scenario("agent_plain"):
        await run()
    with scenario("agent_tool"):
        await run(tools=[get_weather])
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        await run()


if __name__ == "__main__":
    os.environ.update(GOOGLE_API_KEY=KEY, GOOGLE_GEMINI_BASE_URL=SIMULATOR, GOOGLE_GENAI_USE_VERTEXAI="0")
    tracing()
    asyncio.run(main())
