"""What differs between machines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from observability.settings.base import SettingsError


@dataclass(frozen=True, slots=True)
class Runtime:
    """What differs between machines; from the environment. Folders are made when they are first needed."""

    state_dir: Path = Path(".stack")
    host: str = "127.0.0.1"
    port: int = 9464
    log_dir: Path = Path(".stack/logs")
    log_file: Path | None = None
    phoenix_url: str | None = None
    secrets_dir: Path = Path("secrets")
    instance: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Runtime:
        """``STATE_DIR EXPORTER_HOST EXPORTER_PORT EXPORTER_INSTANCE LOG_DIR EXPORTER_LOG_FILE SECRETS_DIR
        PHOENIX_URL``; empty is as good as unset.

        Raises :class:`SettingsError` if ``EXPORTER_PORT`` is no port.
        """
        state_dir = Path(environ.get("STATE_DIR") or ".stack")
        port = environ.get("EXPORTER_PORT") or "9464"
        if not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise SettingsError(f"EXPORTER_PORT: {port!r} is not a port")
        log_file = environ.get("EXPORTER_LOG_FILE")
        return cls(
            state_dir=state_dir,
            host=environ.get("EXPORTER_HOST") or "127.0.0.1",
            port=int(port),
            log_dir=Path(environ.get("LOG_DIR") or state_dir / "logs"),
            log_file=Path(log_file) if log_file else None,
            secrets_dir=Path(environ.get("SECRETS_DIR") or "secrets"),
            instance=environ.get("EXPORTER_INSTANCE") or None,
            phoenix_url=(environ.get("PHOENIX_URL") or "").rstrip("/") or None,
        )

    @property
    def ledger_file(self) -> Path:
        return self.state_dir / "exporter" / "ledger.sqlite"

    @property
    def predictions_file(self) -> Path:
        return self.state_dir / "exporter" / "predictions.sqlite"

    @property
    def interactions_file(self) -> Path:
        return self.log_dir / "interactions" / "llm.jsonl"
