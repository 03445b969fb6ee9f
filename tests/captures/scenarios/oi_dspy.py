# mypy: ignore-errors
"""DSPy, whose spans carry no usage."""

from harness import KEY, QUESTION, SIMULATOR, scenario, tracing

PACKAGE = "openinference-instrumentation-dspy"
REQUIRES = ["openinference-instrumentation-dspy", "dspy"]


def main() -> None:
    import dspy

    lm = dspy.LM("openai/gpt-4o-mini", api_base=f"{SIMULATOR}/v1", api_key=KEY, cache=False, num_retries=0)
    dspy.configure(lm=lm)
    with scenario("predict"):
        dspy.Predict("question -> answer")(question=QUESTION)
    with scenario("chain_of_thought"):
        dspy.ChainOfThought("question -> answer")(question=QUESTION)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        dspy.Predict("question -> answer")(question=QUESTION)


if __name__ == "__main__":
    from openinference.instrumentation.dspy import DSPyInstrumentor

    tracing()
    DSPyInstrumentor().instrument()
    main()
