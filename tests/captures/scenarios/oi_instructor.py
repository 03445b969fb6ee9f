# mypy: ignore-errors
"""instructor over the openai SDK, both under OpenInference."""

from harness import KEY, QUESTION, SIMULATOR, scenario, tracing

PACKAGE = "openinference-instrumentation-instructor"
REQUIRES = ["openinference-instrumentation-instructor", "openinference-instrumentation-openai", "instructor", "openai"]
ALSO_ACTIVE = ["openinference-instrumentation-openai"]


def main() -> None:
    import instructor
    import openai
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str
        degrees: int

    raw = openai.OpenAI(base_url=f"{SIMULATOR}/v1", api_key=KEY, max_retries=0)
    client = instructor.from_openai(raw, mode=instructor.Mode.JSON_SCHEMA)
    asked = {"messages": [{"role": "user", "content": QUESTION}], "response_model": Weather, "max_retries": 0}
    with scenario("extract"):
        client.chat.completions.create(model="gpt-4o-mini", **asked)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        client.chat.completions.create(model="gpt-4o-mini", **asked)


if __name__ == "__main__":
    from openinference.instrumentation.instructor import InstructorInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    tracing()
    InstructorInstrumentor().instrument()
    OpenAIInstrumentor().instrument()
    main()
