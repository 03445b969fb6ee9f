# mypy: ignore-errors
"""LangChain and LangGraph under openlit, which instruments the openai SDK below as well."""

import ollm_langchain
from harness import SINK, flush_with

PACKAGE = "openlit"
REQUIRES = ["openlit", "langchain", "langchain-openai", "langgraph", "numpy", "opentelemetry-sdk<1.40"]


class Openlit:
    """Instruments everything that it finds."""

    def instrument(self) -> None:
        import openlit
        from opentelemetry import trace

        openlit.init(otlp_endpoint=SINK, disable_metrics=True)
        flush_with(trace.get_tracer_provider().force_flush)


if __name__ == "__main__":
    ollm_langchain.main(Openlit())
