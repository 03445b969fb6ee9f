"""``python -m demo.support_triage``: the triage agent and its load generator."""

from __future__ import annotations

import sys

import openai
from openinference.instrumentation.openai import OpenAIInstrumentor
from openinference.semconv.resource import ResourceAttributes

from demo.load import parser, run
from demo.support_triage.app import SupportTriage
from demo.telemetry import Telemetry

SERVICE = "support-triage"


def main(arguments: list[str] | None = None) -> int:
    """Run the service; returns its exit code."""
    options = parser("support_triage").parse_args(arguments)
    telemetry = Telemetry(SERVICE, {ResourceAttributes.PROJECT_NAME: SERVICE})
    OpenAIInstrumentor().instrument(tracer_provider=telemetry.tracer_provider)
    client = openai.OpenAI(
        base_url=options.base_url, api_key=f"sk-demo-{SERVICE}", timeout=options.timeout, max_retries=0
    )
    return run(SERVICE, options, telemetry, lambda: SupportTriage(client))


if __name__ == "__main__":
    sys.exit(main())
