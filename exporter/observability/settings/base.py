"""What every section of ``observability.yml`` is made of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

_DURATION = re.compile(r"(?:\d+(?:ms|s|m|h|d|w))+")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

DURATION_PATTERN = rf"^{_DURATION.pattern}$"
#: A Prometheus duration such as ``30s``, ``5m`` or ``1h30m``.
Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN)]
#: A name that can stand in a label or a file name.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,128}$")]


class SettingsError(ValueError):
    """``observability.yml`` cannot be used; the message names the file, the key and what is wrong."""


def seconds(duration: str) -> float:
    """Length of a Prometheus duration in seconds: ``seconds("1m30s") == 90.0``.

    Raises ``ValueError`` for anything else than a Prometheus duration.
    """
    if not _DURATION.fullmatch(duration):
        raise ValueError(f"{duration!r} is not a duration such as 30s, 5m or 1h30m")
    return sum(float(n) * _UNIT_SECONDS[unit] for n, unit in re.findall(r"(\d+)(ms|s|m|h|d|w)", duration))


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
