# mypy: ignore-errors
"""LangChain and LangGraph under OpenTelemetry's own instrumentor."""

import ollm_langchain
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-genai-langchain"
REQUIRES = ["opentelemetry-instrumentation-genai-langchain", "langchain", "langchain-openai", "langgraph", "numpy"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor

    tracing()
    ollm_langchain.main(LangChainInstrumentor())
