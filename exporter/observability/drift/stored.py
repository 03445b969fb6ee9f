"""The tables of a comparison, from what the exporter stored of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from observability import settings
from observability.drift.sources import LIMITS, Source
from observability.predictions.baselines import load_baseline
from observability.predictions.first import baseline_of_predictions
from observability.predictions.location import store_url
from observability.predictions.profiles import Kind
from observability.predictions.rows import Predictions
from observability.predictions.store import PredictionStore, sqlite_url
from observability.predictions.stored import Filter


@dataclass(frozen=True)
class Place:
    """Where the prediction store is: a URL, the folder of the exporter's data, or a configuration; else as the
    exporter itself looks for it."""

    url: str | None = None
    state_dir: Path | None = None
    config: str | None = None


class Store:
    """The exporter's store, of one model; ``""`` is any version."""

    def __init__(self, place: Place, model: str, version: str, kinds: Mapping[str, Kind]) -> None:
        """Raises :class:`~observability.settings.SettingsError` and
        :class:`~observability.predictions.store.StoreError`."""
        self._settings = settings.load(place.config)
        own = next((each for each in self._settings.models if each.name == model), None)
        self._kinds = {**(own.kinds if own is not None else {}), **kinds}
        self._model, self._version = model, version
        self._name = f"{model} {version}".strip()
        self._store = PredictionStore(_url(place, self._settings), writer="drift", create=False)

    def baseline(self) -> Source:
        """That of the version, else that of all versions. Raises ``ValueError`` where there is none."""
        stored = self._store.baseline(self._model, self._version) or self._store.baseline(self._model, "")
        if stored is None:
            raise ValueError(f"the store has no baseline of {self._name}")
        return Source(f"baseline of {self._name} ({stored.hash[:8]})", load_baseline(stored.content, self._kinds))

    def newest(self, count: int | None) -> Source:
        """The newest predictions that did not fail, as many as the exporter's window if ``count`` is ``None``. Raises
        ``ValueError`` where there is none."""
        wanted = Filter(model=self._model, version=self._version or None, failed=False)
        parts = self._store.newest(wanted, count or self._settings.drift.window)
        if not parts:
            raise ValueError(f"the store has no prediction of {self._name}")
        predictions = Predictions.concat([part.predictions for part in parts])
        return Source(f"newest predictions of {self._name}", baseline_of_predictions(predictions, LIMITS, self._kinds))

    def close(self) -> None:
        """Close the connections."""
        self._store.close()


def _url(place: Place, loaded: settings.Settings) -> str:
    if place.url is not None:
        return place.url
    runtime = settings.Runtime.from_environ()
    if place.state_dir is not None:
        return sqlite_url(replace(runtime, state_dir=place.state_dir).predictions_file)
    return store_url(loaded.predictions, runtime)
