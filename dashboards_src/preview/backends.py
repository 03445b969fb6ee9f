"""Read-only ways to the backends: an allow-list of API paths, never an open proxy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx

#: Seconds until a query is given up; Prometheus' own limit is two minutes, no reader waits that long.
TIMEOUT = httpx.Timeout(30.0, connect=3.0)
#: Answers beyond this are cut off with an error: a page cannot draw them. Bytes.
LARGEST_ANSWER = 32_000_000

_LABEL = r"[A-Za-z_][A-Za-z0-9_]*"


class NotAllowedError(Exception):
    """The path is not on the list of the backend."""


class BackendError(Exception):
    """A backend gave no answer; the message is for the reader of a panel."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One component: how it is called on the page, where it is, and which GET paths may be asked."""

    title: str
    url: str
    paths: tuple[re.Pattern[str], ...]

    def allows(self, path: str) -> bool:
        return any(pattern.fullmatch(path) for pattern in self.paths)


def _paths(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


_KNOWN: dict[str, tuple[str, str, str, tuple[re.Pattern[str], ...]]] = {
    "prometheus": (
        "Prometheus",
        "PROMETHEUS_URL",
        "http://127.0.0.1:9090",
        _paths(
            "api/v1/query", "api/v1/query_range", "api/v1/query_exemplars", "api/v1/labels", "api/v1/series",
            f"api/v1/label/{_LABEL}/values", "api/v1/rules", "api/v1/alerts",
        ),
    ),
    "loki": (
        "Loki",
        "LOKI_URL",
        "http://127.0.0.1:3100",
        _paths(
            "loki/api/v1/query", "loki/api/v1/query_range", "loki/api/v1/labels", f"loki/api/v1/label/{_LABEL}/values"
        ),
    ),
    "jaeger": (
        "Jaeger",
        "JAEGER_URL",
        "http://127.0.0.1:16686",
        _paths("api/traces", "api/traces/[0-9a-f]{1,32}", "api/services"),
    ),
    "alertmanager": ("Alertmanager", "ALERTMANAGER_URL", "http://127.0.0.1:9093", _paths("api/v2/alerts")),
    "exporter": ("The exporter", "EXPORTER_URL", "http://127.0.0.1:9464", _paths("v1/notifications")),
}  # fmt: skip


def from_environ(environ: Mapping[str, str] = os.environ) -> dict[str, Backend]:
    """The backends by name, each at ``$<NAME>_URL`` or its usual port on this machine."""
    return {
        name: Backend(title, environ.get(variable, "").rstrip("/") or default, paths)
        for name, (title, variable, default, paths) in _KNOWN.items()
    }


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes
    media_type: str


async def ask(client: httpx.AsyncClient, backend: Backend, path: str, query: str) -> Answer:
    """GET ``path?query`` from ``backend``; its own errors (status 4xx and 5xx) are answers.

    Raises :class:`NotAllowedError` for a path that is not listed and :class:`BackendError` without a usable answer.
    """
    if not backend.allows(path):
        raise NotAllowedError(f"{path} of {backend.title} is not offered here")
    url = f"{backend.url}/{quote(path)}"
    try:
        async with client.stream("GET", url, params=query, timeout=TIMEOUT) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > LARGEST_ANSWER:
                    raise BackendError(
                        f"{backend.title} answered with more than {LARGEST_ANSWER // 1_000_000} MB; "
                        "choose a shorter time range or narrower filters"
                    )
            media_type = response.headers.get("content-type", "application/json")
            return Answer(response.status_code, bytes(content), media_type)
    except httpx.TimeoutException as error:
        raise BackendError(f"{backend.title} did not answer in time at {backend.url}") from error
    except httpx.TransportError as error:
        raise BackendError(f"{backend.title} does not answer at {backend.url}") from error
