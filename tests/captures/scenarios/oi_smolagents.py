# mypy: ignore-errors
"""smolagents: a tool-calling agent over OpenAI."""

from harness import KEY, QUESTION, SIMULATOR, get_weather, scenario, tracing

PACKAGE = "openinference-instrumentation-smolagents"
REQUIRES = ["openinference-instrumentation-smolagents", "smolagents[openai]"]


def main() -> None:
    from smolagents import OpenAIServerModel, Tool, ToolCallingAgent

    class Weather(Tool):
        name = "get_weather"
        description = "Get the weather of a city."
        inputs = {"city": {"type": "string", "description": "Name of the city."}}
        output_type = "string"

        def forward(self, city: str) -> str:
            return get_weather(city)

    where = {"api_base": f"{SIMULATOR}/v1", "api_key": KEY, "client_kwargs": {"max_retries": 0}}
    model = OpenAIServerModel("gpt-4o-mini", **where)
    with scenario("agent_tool"):
        ToolCallingAgent(tools=[Weather()], model=model, max_steps=1, verbosity_level=0).run(QUESTION)
    with scenario("agent_stream"):
        agent = ToolCallingAgent(tools=[Weather()], model=model, max_steps=1, verbosity_level=0, stream_outputs=True)
        agent.run(QUESTION)
    with scenario("server_error_500", fault="server_error"):
        ToolCallingAgent(tools=[Weather()], model=model, max_steps=1, verbosity_level=0).run(QUESTION)


if __name__ == "__main__":
    from openinference.instrumentation.smolagents import SmolagentsInstrumentor

    tracing()
    SmolagentsInstrumentor().instrument()
    main()
