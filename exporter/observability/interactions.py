"""The interaction log: one JSON object per LLM call, in a file that is rotated by size."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from observability import catalogue
from observability.catalogue import TOKEN_TYPES
from observability.columns import Bools
from observability.cost import Priced
from observability.intake import anyvalue
from observability.logs import Complaint
from observability.metrics import Metrics
from observability.privacy import Masker, MaskingError
from observability.records import Calls
from observability.settings import Interactions, seconds
from observability.vocabulary import values

_LOG = logging.getLogger(__name__)
_64_BITS = 2.0**64


class InteractionLog:
    """Appends rows to ``file``; at ``max_bytes`` it becomes ``file.1`` and so on, ``backups`` are kept.

    For one thread. A row that cannot be written is counted as dropped; it never stops the measuring.
    """

    def __init__(
        self,
        file: Path,
        metrics: Metrics,
        settings: Interactions,
        masker: Masker | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``masker`` makes content harmless, ``None`` keeps it as it is; ``clock`` tells Unix seconds.

        Raises ``OSError`` if the folder cannot be made or the file not be opened.
        """
        self._file = file
        self._metrics = metrics
        self._settings = settings
        self._masker = masker
        self._clock = clock
        self._max_bytes = settings.max_bytes
        self._backups = settings.backups
        self._complaint = Complaint()
        self._allowance = float(settings.max_per_second)
        self._refilled = clock()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = self._open()
        self._size = self._stream.tell()
        self._remove_old()
        for outcome in ("written", "sampled_out", "dropped"):
            metrics.touch(catalogue.EXPORTER_INTERACTIONS, (outcome,))

    def write(self, calls: Calls, priced: Priced) -> None:
        """Append a row for each call that is sampled; after it returned the rows are in the file."""
        chosen = np.flatnonzero(self._sampled(calls))
        if len(chosen) < len(calls):
            self._count("sampled_out", len(calls) - len(chosen))
        calls = calls.take(chosen)
        latency = calls.latency
        usd = np.where(priced.source.present, priced.total, np.nan)[chosen]
        rows = (self._row(calls, row, latency[row], usd[row]) for row in range(len(calls)))
        for chunk, lines in _chunks(rows, self._max_bytes):
            try:
                self._append(chunk)
            except OSError as error:
                self._count("dropped", lines)
                if self._complaint.due():
                    _LOG.error("%s: cannot be written: %s", self._file, error, extra={"event": "interactions_failed"})
            else:
                self._count("written", lines)

    def _sampled(self, calls: Calls) -> Bools:
        """Which calls are written: a share of the traces, and at most so many successful ones a second."""
        ratio = self._settings.sample_ratio
        sampled = np.ones(len(calls), np.bool_) if ratio >= 1 else calls.trace.astype(np.float64) / _64_BITS < ratio
        now = self._clock()
        most = float(self._settings.max_per_second)
        self._allowance = min(most, self._allowance + max(now - self._refilled, 0.0) * most)
        self._refilled = now
        successes = np.flatnonzero(sampled & ~calls.error_type.present)
        sampled[successes[int(self._allowance) :]] = False
        self._allowance -= min(len(successes), int(self._allowance))
        return sampled

    def _row(self, calls: Calls, row: int, latency: float, usd: float) -> bytes:
        """The row of one call, JSON and a line feed: ``null`` is what nobody reported; content is there if kept.

        ``latency`` and ``usd`` are NaN where they are not known.
        """
        tokens = {
            name: count for name, count in zip(TOKEN_TYPES, calls.usage[row, :5].tolist(), strict=True) if count >= 0
        }
        error = calls.error_type[row]
        words = calls.trace_id[row].tolist()
        entry: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(calls.end_ns[row] / 1e9, UTC).isoformat(timespec="microseconds"),
            "service": calls.service[row],
            "provider": calls.provider[row],
            "model": calls.model[row],
            "operation": calls.operation[row],
            "request_id": _decoded(calls.response_id[row]),
            "trace_id": f"{words[0]:016x}{words[1]:016x}",
            "span_id": f"{int(calls.span_id[row]):016x}",
            "status": "success" if error is None else "error",
            "error_type": error,
            "latency_seconds": _known(latency),
            "time_to_first_token_seconds": _known(calls.time_to_first_token[row]),
            "tokens": tokens or None,
            "cost_usd": _known(usd),
            "streaming": bool(calls.streaming[row]),
            **{name: value for name, column in calls.dimensions.items() if (value := column[row]) is not None},
        }
        if self._settings.content:
            for wanted, name, content in (
                (self._settings.input, "input", calls.input[row]),
                (self._settings.output, "output", calls.output[row]),
            ):
                if wanted and content is not None:
                    entry[name] = self._harmless(content)
        return orjson.dumps(entry, default=_bytes_as_hex, option=orjson.OPT_APPEND_NEWLINE)

    def _harmless(self, content: object) -> object:
        """``content`` as it may be written; ``None`` where it could not be masked."""
        if self._masker is None:
            return content
        try:
            masked, kinds = self._masker.value(content)
        except MaskingError:
            self._metrics.increase(catalogue.EXPORTER_MASKING_FAILURES, ())
            return None
        for kind, times in kinds.items():
            self._metrics.increase(catalogue.EXPORTER_MASKED, (kind,), times)
        return masked

    def _count(self, outcome: str, rows: int) -> None:
        self._metrics.increase(catalogue.EXPORTER_INTERACTIONS, (outcome,), rows)

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
        self._remove_old()
        self._stream = self._open()
        self._size = 0

    def _remove_old(self) -> None:
        """Delete rotated files older than ``max_age``."""
        oldest = self._clock() - seconds(self._settings.max_age)
        for number in range(1, self._backups + 1):
            backup = self._backup(number)
            if backup.exists() and backup.stat().st_mtime < oldest:
                backup.unlink()

    def _backup(self, number: int) -> Path:
        return self._file.with_name(f"{self._file.name}.{number}")


def _decoded(identity: bytes | None) -> str | None:
    return None if identity is None else values.text(anyvalue.python_value(identity))


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


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
