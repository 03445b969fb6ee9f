"""The interaction log: one JSON object per LLM call, in a file that is rotated by size."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from observability import catalogue
from observability.cost import Cost
from observability.logs import Complaint
from observability.metrics import Metrics
from observability.records import LlmCall

_LOG = logging.getLogger(__name__)


class InteractionLog:
    """Appends rows to ``file``; at ``max_bytes`` it becomes ``file.1`` and so on, ``backups`` are kept.

    For one thread. A row that cannot be written is counted as dropped; it never stops the measuring.
    """

    def __init__(self, file: Path, metrics: Metrics, *, max_bytes: int, backups: int) -> None:
        """Raises ``OSError`` if the folder cannot be made or the file not be opened."""
        self._file = file
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._backups = backups
        self._complaint = Complaint()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = self._open()
        self._size = self._stream.tell()
        for outcome in ("written", "dropped"):
            metrics.touch(catalogue.EXPORTER_INTERACTIONS, (outcome,))

    def write(self, priced: Sequence[tuple[LlmCall, Cost | None]]) -> None:
        """Append one row per call; after it returned the rows are in the file."""
        for chunk, rows in _chunks((row(call, cost) for call, cost in priced), self._max_bytes):
            try:
                self._append(chunk)
            except OSError as error:
                self._metrics.increase(catalogue.EXPORTER_INTERACTIONS, ("dropped",), rows)
                if self._complaint.due():
                    _LOG.error("%s: cannot be written: %s", self._file, error, extra={"event": "interactions_failed"})
            else:
                self._metrics.increase(catalogue.EXPORTER_INTERACTIONS, ("written",), rows)

    def close(self) -> None:
        self._stream.close()

    def _append(self, chunk: bytes) -> None:
        if self._stream.closed:
            self._stream = self._open()
            self._size = self._stream.tell()
        if self._size and self._size + len(chunk) > self._max_bytes:
            self._rotate()
        rest = memoryview(chunk)
        while rest:  # an unbuffered write may take a part only
            rest = rest[self._stream.write(rest) :]
        self._size += len(chunk)

    def _open(self) -> IO[bytes]:
        return self._file.open("ab", buffering=0)

    def _rotate(self) -> None:
        self._stream.close()
        for number in range(self._backups - 1, 0, -1):
            older = self._backup(number)
            if older.exists():
                older.replace(self._backup(number + 1))
        self._file.replace(self._backup(1))
        self._stream = self._open()
        self._size = 0

    def _backup(self, number: int) -> Path:
        return self._file.with_name(f"{self._file.name}.{number}")


def row(call: LlmCall, cost: Cost | None) -> bytes:
    """The row of one call, JSON and a line feed: ``null`` is what nobody reported; content is there if it was kept."""
    entry: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(call.end_ns / 1e9, UTC).isoformat(timespec="microseconds"),
        "service": call.service,
        "provider": call.provider,
        "model": call.model,
        "operation": call.operation,
        "request_id": call.response_id,
        "trace_id": call.trace_id,
        "span_id": call.span_id,
        "status": call.status,
        "error_type": call.error_type,
        "latency_seconds": call.latency_seconds,
        "time_to_first_token_seconds": call.time_to_first_token_seconds,
        "tokens": None if call.usage is None else call.usage.by_type(),
        "cost_usd": None if cost is None else cost.total,
        "streaming": call.streaming,
    }
    if call.input is not None:
        entry["input"] = call.input
    if call.output is not None:
        entry["output"] = call.output
    return orjson.dumps(entry, default=_bytes_as_hex, option=orjson.OPT_APPEND_NEWLINE)


def _bytes_as_hex(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _chunks(rows: Iterable[bytes], size: int) -> Iterable[tuple[bytes, int]]:
    """Whole rows joined to chunks of at most ``size`` bytes (a longer row alone), and how many rows are in each."""
    held: list[bytes] = []
    length = 0
    for line in rows:
        if held and length + len(line) > size:
            yield b"".join(held), len(held)
            held, length = [], 0
        held.append(line)
        length += len(line)
    if held:
        yield b"".join(held), len(held)
