# mypy: ignore-errors
"""traceloop-sdk with its workflow, task, agent and tool decorators around the openai SDK."""

import openai_common
from harness import KEY, QUESTION, SIMULATOR, SINK, flush_with, get_weather, scenario

PACKAGE = "traceloop-sdk"
REQUIRES = ["traceloop-sdk", "openai"]


def decorated(openai) -> None:
    from traceloop.sdk.decorators import agent, task, tool, workflow

    client = openai.OpenAI(api_key=KEY, base_url=f"{SIMULATOR}/v1", max_retries=0)

    @tool(name="get_weather")
    def weather(city):
        return get_weather(city)

    @task(name="answer")
    def answer(question, told):
        asked = [{"role": "user", "content": f"{question} {told}"}]
        return client.chat.completions.create(model="gpt-4o-mini", messages=asked).choices[0].message.content

    @agent(name="weather_agent")
    def run(question):
        return answer(question, weather("Paris"))

    @workflow(name="weather_workflow")
    def whole(question):
        return run(question)

    with scenario("decorated_workflow"):
        whole(QUESTION)


if __name__ == "__main__":
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from traceloop.sdk import Traceloop

    Traceloop.init(
        app_name="recorded-traceloop_sdk",
        exporter=OTLPSpanExporter(f"{SINK}/v1/traces"),
        telemetry_enabled=False,
        disable_batch=True,
    )
    flush_with(trace.get_tracer_provider().force_flush)
    import openai

    openai_common.main(openai)
    decorated(openai)
