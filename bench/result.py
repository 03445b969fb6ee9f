"""One measured figure, in the form of ``bench/results.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """``value`` in ``unit``; ``ratio`` against ``peer`` (measured in the same run) where there is one.

    ``goal`` says in words what the project promises, ``met`` whether this run kept it (``None`` without a goal),
    ``how`` what was done, so that anybody can repeat it.
    """

    name: str
    value: float
    unit: str
    how: str
    peer: str | None = None
    ratio: float | None = None
    goal: str | None = None
    met: bool | None = None

    def as_row(self) -> dict[str, Any]:
        row = asdict(self)
        return {key: row[key] for key in ("name", "value", "unit", "peer", "ratio", "goal", "met", "how")}
