"""``python -m demo.rag_assistant``: the RAG app and its load generator."""

from __future__ import annotations

import os
import sys

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

from demo.load import parser, run
from demo.provider_calls import make_client
from demo.rag_assistant.app import RagAssistant
from demo.telemetry import Telemetry

SERVICE, TEAM = "rag-assistant", "search"


def main(arguments: list[str] | None = None) -> int:
    """Run the service; returns its exit code."""
    options = parser("rag_assistant").parse_args(arguments)
    # Prompts and pages on the spans, for Phoenix: they are made up. An app with real customers decides this for itself.
    os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only")
    telemetry = Telemetry(SERVICE, TEAM)
    OpenAIInstrumentor().instrument()
    with make_client(SERVICE, options.base_url, options.timeout) as client:
        return run(SERVICE, options, telemetry, lambda: RagAssistant(client))


if __name__ == "__main__":
    sys.exit(main())
