# mypy: ignore-errors
"""The OpenAI Agents SDK under OpenTelemetry's own instrumentor."""

import asyncio

import ollm_openai_agents
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-genai-openai-agents"
REQUIRES = ["opentelemetry-instrumentation-genai-openai-agents", "openai-agents"]

if __name__ == "__main__":
    from opentelemetry.instrumentation.genai.openai_agents import OpenAIAgentsInstrumentor

    tracing()
    OpenAIAgentsInstrumentor().instrument()
    asyncio.run(ollm_openai_agents.main())
