"""JSON logging: one object per line, for our code and for uvicorn's."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

_FILE_BYTES = 10_000_000
_FILE_BACKUPS = 3
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """``timestamp level logger event message`` and whatever was given as ``extra``; an exception as ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": "log",
            "message": record.getMessage(),
        }
        entry.update((key, value) for key, value in vars(record).items() if key not in _PLAIN)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str).decode()


def configure(log_file: Path | None, level: int = logging.INFO) -> None:
    """Send every logger's lines as JSON to standard output, and to ``log_file`` (rotated) if there is one.

    Raises ``OSError`` if the file cannot be opened.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if log_file is not None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.handlers.RotatingFileHandler(log_file, maxBytes=_FILE_BYTES, backupCount=_FILE_BACKUPS))
    for handler in handlers:
        handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=handlers, force=True)
    logging.captureWarnings(True)
    for chatty in ("httpx", "httpcore"):  # one line per probe says nothing
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Complaint:
    """Lets the first of a row of equal complaints through, then one a minute."""

    def __init__(self, every_seconds: float = 60.0) -> None:
        self._every = every_seconds
        self._last = float("-inf")

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._every:
            return False
        self._last = now
        return True
