# mypy: ignore-errors
"""Strands Agents with its own tracing, over OpenAI."""

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "strands-agents"
REQUIRES = ["strands-agents[otel,openai]"]


def main() -> None:
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel

    model = OpenAIModel(
        client_args={"base_url": f"{SIMULATOR}/v1", "api_key": KEY, "max_retries": 0}, model_id="gpt-4o-mini"
    )
    weather = tool(get_weather)
    with scenario("agent_tool"):
        Agent(model=model, tools=[weather], callback_handler=None, name="weather_agent")(QUESTION)
    with scenario("agent_plain"):
        Agent(model=model, callback_handler=None)(QUESTION)
    with scenario("server_error_500", fault="server_error"):
        Agent(model=model, callback_handler=None)(QUESTION)


if __name__ == "__main__":
    tracing()
    main()
