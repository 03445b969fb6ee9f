"""``observability.yml``: the one file a team edits, read by the exporter and by the generators.

Unknown keys are errors, and every error names the file and the key. Environment variables carry only
what differs between machines (paths, host names, ports); see :class:`Runtime`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator

from observability.settings.alerts import Alerts as Alerts
from observability.settings.alerts import ErrorSurgeAlert as ErrorSurgeAlert
from observability.settings.base import DURATION_PATTERN as DURATION_PATTERN
from observability.settings.base import Duration as Duration
from observability.settings.base import Name as Name
from observability.settings.base import SettingsError as SettingsError
from observability.settings.base import Strict
from observability.settings.base import seconds as seconds
from observability.settings.conversations import Conversations as Conversations
from observability.settings.limits import Interactions as Interactions
from observability.settings.limits import Label as Label
from observability.settings.limits import Limits as Limits
from observability.settings.models import DEFAULT_WATCHES, unique
from observability.settings.models import Correlation as Correlation
from observability.settings.models import Drift as Drift
from observability.settings.models import Model as Model
from observability.settings.models import Performance as Performance
from observability.settings.models import Predictions as Predictions
from observability.settings.models import Watch as Watch
from observability.settings.money import Budget as Budget
from observability.settings.money import Dimension as Dimension
from observability.settings.money import PriceOverride as PriceOverride
from observability.settings.money import Prices as Prices
from observability.settings.notifications import Email as Email
from observability.settings.notifications import Links as Links
from observability.settings.notifications import Notifications as Notifications
from observability.settings.notifications import PagerDuty as PagerDuty
from observability.settings.notifications import Slack as Slack
from observability.settings.privacy import Privacy as Privacy
from observability.settings.runtime import Runtime as Runtime

CONFIG_VARIABLE = "OBSERVABILITY_CONFIG"
DEFAULT_CONFIG = "observability.yml"

#: What pydantic says in terms of Python, said in terms of YAML.
_MESSAGES = {
    "extra_forbidden": "unknown key",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping",
    "missing": "is required",
}


class Settings(Strict):
    """The whole of ``observability.yml``. An empty file is valid: every key has a default."""

    budgets: tuple[Budget, ...] = (Budget(name="daily-total", limit_usd=100.0),)
    dimensions: tuple[Dimension, ...] = Field(
        default=(Dimension(name="team"),), description="attributes that money and calls are kept by"
    )
    labels: dict[Name, Label] = Field(default_factory=dict, description="limits of single labels, such as model")
    prices: Prices = Prices()
    privacy: Privacy = Privacy()
    alerts: Alerts = Alerts()
    notifications: Notifications = Notifications()
    interactions: Interactions = Interactions()
    limits: Limits = Limits()
    predictions: Predictions = Predictions()
    models: tuple[Model, ...] = Field(default=(), description="models that need more than a baseline")
    drift: Drift = Drift()
    performance: Performance = Performance()
    conversations: Conversations = Conversations()
    watches: tuple[Watch, ...] = Field(default=DEFAULT_WATCHES, description="metrics whose anomalies are told")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Settings:
        unique([budget.name for budget in self.budgets], "budgets")
        unique([model.name for model in self.models], "models")
        unique([watch.name for watch in self.watches], "watches")
        made = [model.name for model in self.models if model.baseline_from is not None]
        if made and not self.predictions.features:
            raise ValueError(f"models: {made[0]}: baseline_from needs predictions.features, which is off")
        known = {dimension.name for dimension in self.dimensions}
        for budget in self.budgets:
            strange = sorted(set(budget.where) - known)
            if strange:
                raise ValueError(f"budgets: {budget.name}: {strange[0]!r} is not one of the dimensions {sorted(known)}")
        return self


def load(path: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read settings from ``path``, else from ``$OBSERVABILITY_CONFIG``, else from ``./observability.yml``.

    A file that was named must exist; without a name a missing ``./observability.yml`` means the defaults.
    Raises :class:`SettingsError` naming the file and every wrong key.
    """
    named = path if path is not None else environ.get(CONFIG_VARIABLE)
    file = Path(named) if named else Path(DEFAULT_CONFIG)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if named:
            raise SettingsError(f"{file}: no such file") from error
        return Settings()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{file}: not YAML: {error}") from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError(f"{file}: the top level must be a mapping, not {type(data).__name__}")
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "(top level)"
            message = _MESSAGES.get(problem["type"], problem["msg"])
            lines.append(f"{file}: {key}: {message}")
        raise SettingsError("\n".join(lines)) from error
