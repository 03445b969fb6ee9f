# mypy: ignore-errors
"""litellm and the openai SDK below it, both under OpenInference: LLM span inside LLM span."""

import asyncio

from harness import KEY, LONG, QUESTION, SIMULATOR, scenario, tracing

PACKAGE = "openinference-instrumentation-litellm"
REQUIRES = ["openinference-instrumentation-litellm", "openinference-instrumentation-openai", "litellm", "openai"]
ALSO_ACTIVE = ["openinference-instrumentation-openai"]
ENV = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def main() -> None:
    import litellm

    where = {"api_base": f"{SIMULATOR}/v1", "api_key": KEY, "num_retries": 0, "max_retries": 0}
    asked = [{"role": "user", "content": QUESTION}]
    with scenario("chat"):
        litellm.completion(model="openai/gpt-4o-mini", messages=asked, **where)
    with scenario("cached_reasoning"):
        for _ in range(2):
            litellm.completion(model="openai/o4-mini", messages=[{"role": "system", "content": LONG}, *asked], **where)
    with scenario("async_chat"):
        asyncio.run(_ask(litellm.acompletion(model="openai/gpt-4o-mini", messages=asked, **where)))
    with scenario("stream_with_usage"):
        more = {"stream": True, "stream_options": {"include_usage": True}}
        list(litellm.completion(model="openai/gpt-4o-mini", messages=asked, **more, **where))
    with scenario("embeddings"):
        litellm.embedding(model="openai/text-embedding-3-small", input=["a b", "c"], dimensions=16, **where)
    with scenario("rate_limit_429", fault="rate_limit_exceeded"):
        litellm.completion(model="openai/gpt-4o-mini", messages=asked, **where)


async def _ask(call) -> None:
    await call
    await asyncio.sleep(1)  # what litellm does after an answer is a task of this loop


if __name__ == "__main__":
    from openinference.instrumentation.litellm import LiteLLMInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    tracing()
    OpenAIInstrumentor().instrument()
    LiteLLMInstrumentor().instrument()
    main()
