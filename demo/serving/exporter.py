"""The exporter, as a model's server talks to it."""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Any

import httpx
import pyarrow as pa

#: Seconds that one request may take.
TIMEOUT_SECONDS = 10.0
#: Characters of an answer that a person is told.
_TOLD = 300
_JSON, _ARROW, _PARQUET = (
    "application/json",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
)
#: Statuses that say "not now", beside those of a failing server.
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)


class Unavailable(Exception):
    """Nothing was taken, or nobody knows: the same request may be sent again later."""


class Refused(Exception):
    """Nothing was taken, and nothing ever will be."""


class Kind(StrEnum):
    """What is posted, by its path and form. JSON has no infinite numbers, Arrow no column of numbers and texts."""

    PREDICTIONS = "predictions"
    TABLES = "predictions as tables"
    LABELS = "labels"

    @property
    def path(self) -> str:
        return "/v1/labels" if self is Kind.LABELS else "/v1/predictions"

    @property
    def counted_as(self) -> str:
        """``predictions`` or ``labels``."""
        return self.path.rpartition("/")[2]


def kind_of(prediction: dict[str, Any]) -> Kind:
    """How ``prediction`` has to be sent."""
    infinite = any(isinstance(value, float) and math.isinf(value) for value in prediction["features"].values())
    return Kind.TABLES if infinite else Kind.PREDICTIONS


class Exporter:
    """For one thread. Every method raises :class:`Unavailable` or :class:`Refused`, with a reason for people."""

    def __init__(self, http: httpx.Client) -> None:
        """``http`` has the exporter's URL as its base, and :data:`TIMEOUT_SECONDS`."""
        self._http = http

    def baseline(self, model: str, version: str, table: bytes) -> int:
        """Set the baseline; its rows."""
        path = f"/v1/baselines/{model}"
        return int(self._send("PUT", path, table, _PARQUET, {"version": version})["rows"])

    def post(self, kind: Kind, items: list[dict[str, Any]]) -> int:
        """Send ``items``; how many of them were invalid. An id makes sending twice harmless."""
        if kind is Kind.TABLES:
            return int(self._send("POST", kind.path, _arrow(items), _ARROW)["rejected"])
        return int(self._send("POST", kind.path, json.dumps(items, allow_nan=False).encode(), _JSON)["rejected"])

    def _send(self, method: str, path: str, body: bytes, media: str, query: dict[str, str] | None = None) -> Any:
        headers = {"Content-Type": media}
        try:
            answer = self._http.request(method, path, params=query, content=body, headers=headers)
        except httpx.TransportError as error:
            raise Unavailable(str(error) or type(error).__name__) from error
        if answer.is_server_error or answer.status_code in _LATER:
            raise Unavailable(f"HTTP {answer.status_code} {answer.text[:_TOLD]}")
        if not answer.is_success:
            raise Refused(f"{method} {path}: HTTP {answer.status_code} {answer.text[:_TOLD]}")
        return answer.json()


def _arrow(items: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for item in items for name in item))  # from_pylist looks at the first item only
    table = pa.Table.from_pylist([{name: item.get(name) for name in names} for item in items])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
