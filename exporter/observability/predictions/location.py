"""Where the prediction store is, as the settings and the machine say."""

from __future__ import annotations

from pathlib import Path

from observability.predictions.store import StoreError, sqlite_url
from observability.settings import Predictions, Runtime


def store_url(settings: Predictions, runtime: Runtime, secrets: Path = Path("secrets")) -> str:
    """The URL of the prediction store: that of ``settings``, or of the file in ``secrets`` that they name, or of the
    SQLite file of ``runtime``.

    Raises :class:`~observability.predictions.store.StoreError` if the file that is named cannot be read.
    """
    if settings.url_file is not None:
        file = secrets / settings.url_file
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise StoreError(f"{file}: {error.strerror}") from error
    return settings.url if settings.url is not None else sqlite_url(runtime.predictions_file)
