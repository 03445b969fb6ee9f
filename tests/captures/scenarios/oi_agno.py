# mypy: ignore-errors
"""Agno agents over OpenAI: a tool, a stream, a failure."""

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "openinference-instrumentation-agno"
REQUIRES = ["openinference-instrumentation-agno", "agno", "openai"]
ENV = {"AGNO_TELEMETRY": "false"}


def main() -> None:
    from agno.agent import Agent
    from agno.models.openai import OpenAIChat

    where = {"base_url": f"{SIMULATOR}/v1", "api_key": KEY, "max_retries": 0}
    with scenario("agent_tool"):
        Agent(name="weather", model=OpenAIChat(id="gpt-4o-mini", **where), tools=[get_weather]).run(QUESTION)
    with scenario("agent_reasoning"):
        Agent(model=OpenAIChat(id="o4-mini", **where)).run(QUESTION)
    with scenario("agent_stream"):
        list(Agent(model=OpenAIChat(id="gpt-4o-mini", **where)).run(QUESTION, stream=True))
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        answer = Agent(model=OpenAIChat(id="gpt-4o-mini", **where)).run(QUESTION)
        if "ERROR" in str(answer.status).upper():
            raise RuntimeError("the run ended in an error")


if __name__ == "__main__":
    from openinference.instrumentation.agno import AgnoInstrumentor

    tracing()
    AgnoInstrumentor().instrument()
    main()
