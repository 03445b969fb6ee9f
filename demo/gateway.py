"""Where the stack is: the OTLP endpoint that the demo sends to, and the pages where a person then looks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import httpx


class GatewayError(Exception):
    """The OTLP endpoint cannot be used; the message tells a person what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Base URLs of the stack, without a trailing slash."""

    otlp: str
    jaeger: str
    phoenix: str
    grafana: str
    preview: str
    exporter: str

    def pages(self, trace_id: str) -> dict[str, str]:
        """Where to look: pages, and the one trace in each place that shows traces."""
        return {
            "trace in Jaeger": f"{self.jaeger}/trace/{trace_id}",
            "trace as JSON": f"{self.jaeger}/api/traces/{trace_id}",
            "trace in the preview": f"{self.preview}/trace/{trace_id}",
            "prompts in Phoenix": f"{self.phoenix}/redirects/traces/{trace_id}",
            "dashboards (Grafana)": f"{self.grafana}/d/ai-llm",
            "dashboards (preview)": f"{self.preview}/",
            "numbers": f"{self.exporter}/metrics",
        }


def stack_from_environment(environment: Mapping[str, str] = os.environ) -> Stack:
    """The stack's URLs: the usual ports plus ``PORT_OFFSET``, unless a variable names another place.

    Raises GatewayError if ``PORT_OFFSET`` is not a number.
    """
    try:
        offset = int(environment.get("PORT_OFFSET") or 0)
    except ValueError as error:
        raise GatewayError(f"PORT_OFFSET must be a whole number, not {environment['PORT_OFFSET']!r}") from error

    def url(variable: str, port: int) -> str:
        return (environment.get(variable) or f"http://127.0.0.1:{port + offset}").rstrip("/")

    return Stack(
        otlp=url("OTEL_EXPORTER_OTLP_ENDPOINT", 4318),
        jaeger=url("JAEGER_PUBLIC_URL", 16686),
        phoenix=url("PHOENIX_PUBLIC_URL", 6006),
        grafana=url("GRAFANA_PUBLIC_URL", 3000),
        preview=url("PREVIEW_PUBLIC_URL", 3001),
        exporter=url("EXPORTER_URL", 9464),
    )


def check_gateway(otlp: str, timeout: float = 5.0) -> None:
    """Send an empty export to the OTLP endpoint; raises GatewayError if it is not accepted."""
    try:
        answer = httpx.post(
            f"{otlp}/v1/traces", content=b"", headers={"content-type": "application/x-protobuf"}, timeout=timeout
        )
    except httpx.TimeoutException as error:
        raise GatewayError(f"{otlp} does not answer within {timeout:.0f} s; `make status` says how it is") from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise GatewayError(f"nothing answers at {otlp} — is the stack up? run `make up`") from error
    if answer.status_code != httpx.codes.OK:
        raise GatewayError(
            f"{otlp} answers, but not as an OTLP/HTTP endpoint (HTTP {answer.status_code} to POST /v1/traces); "
            "set OTEL_EXPORTER_OTLP_ENDPOINT to the gateway"
        )
