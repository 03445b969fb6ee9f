"""``python -m demo.support_triage``: the triage agent and its load generator."""

from __future__ import annotations

import sys

from openinference.instrumentation.openai import OpenAIInstrumentor

from demo.load import parser, run
from demo.provider_calls import make_client
from demo.support_triage.app import SupportTriage
from demo.telemetry import Telemetry

SERVICE, TEAM = "support-triage", "support"


def main(arguments: list[str] | None = None) -> int:
    """Run the service; returns its exit code."""
    options = parser("support_triage").parse_args(arguments)
    telemetry = Telemetry(SERVICE, TEAM)
    OpenAIInstrumentor().instrument(tracer_provider=telemetry.tracer_provider)
    with make_client(SERVICE, options.base_url, options.timeout) as client:

        def app() -> SupportTriage:
            return SupportTriage(
                client, careless_names=options.careless_names, other_topic_after=options.other_topic_after
            )

        return run(SERVICE, options, telemetry, app)


if __name__ == "__main__":
    sys.exit(main())
