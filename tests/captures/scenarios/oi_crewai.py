# mypy: ignore-errors
"""CrewAI: a crew of one agent with a tool."""

from harness import KEY, QUESTION, SIMULATOR, scenario, tracing
from harness import get_weather as weather

PACKAGE = "openinference-instrumentation-crewai"
REQUIRES = ["openinference-instrumentation-crewai", "openinference-instrumentation-openai", "crewai"]
ALSO_ACTIVE = ["openinference-instrumentation-openai"]
ENV = {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false", "OTEL_SDK_DISABLED": "false"}


def main() -> None:
    from crewai import LLM, Agent, Crew, Task
    from crewai.tools import tool

    @tool("get_weather")
    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return weather(city)

    llm = LLM(model="openai/gpt-4o-mini", base_url=f"{SIMULATOR}/v1", api_key=KEY, max_retries=0)

    def crew(tools):
        agent = Agent(
            role="Forecaster", goal="Tell the weather", backstory="You watch the sky.", llm=llm, tools=tools, max_iter=2
        )
        task = Task(description=QUESTION, expected_output="One sentence.", agent=agent)
        return Crew(agents=[agent], tasks=[task], verbose=False)

    with scenario("crew"):
        crew([]).kickoff()
    with scenario("crew_tool"):
        crew([get_weather]).kickoff()
    with scenario("authentication_401", fault="authentication"):
        crew([]).kickoff()


if __name__ == "__main__":
    from openinference.instrumentation.crewai import CrewAIInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    tracing()
    CrewAIInstrumentor().instrument()
    OpenAIInstrumentor().instrument()
    main()
