"""``python -m demo.research_agent``: the research agent and its load generator."""

from __future__ import annotations

import os
import sys

import httpx
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInferenceInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

from demo.load import parser, run
from demo.provider_calls import api_key, make_client
from demo.research_agent.app import ResearchAgent
from demo.telemetry import Telemetry

SERVICE, TEAM = "research-agent", "research"


def main(arguments: list[str] | None = None) -> int:
    """Run the service; returns its exit code."""
    options = parser("research_agent").parse_args(arguments)
    # Content on the spans: tokens that nobody reports are estimated from it. What is said here is made up.
    os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only")
    telemetry = Telemetry(SERVICE, TEAM)
    OpenAIInstrumentor().instrument()
    OpenInferenceInstrumentor().instrument(tracer_provider=telemetry.tracer_provider)
    with (
        make_client(SERVICE, options.base_url, options.timeout) as client,
        httpx.Client(timeout=options.timeout, trust_env=False) as http,
    ):
        return run(
            SERVICE,
            options,
            telemetry,
            lambda: ResearchAgent(
                client,
                http,
                options.base_url.removesuffix("/v1"),
                api_key(SERVICE),
                tool_error_ratio=options.tool_error_ratio,
                latency_scale=options.latency_scale,
                careless_names=options.careless_names,
            ),
        )


if __name__ == "__main__":
    sys.exit(main())
