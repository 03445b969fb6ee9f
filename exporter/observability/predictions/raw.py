"""Items of a body before they are checked: columns of whatever was sent."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from observability.predictions.checks import Errors


@dataclass(slots=True)
class Raw:
    """Items as they came, in columns: field → values (n,); ``indices`` (n,) are their places in the body.

    ``rejected`` items are not among them, because they are no objects: ``refused`` tells why.
    ``extended``: numbers may be infinite or NaN, which JSON has none of.
    """

    columns: dict[str, list[Any]]
    indices: Sequence[int]
    errors: Errors
    rejected: int = 0
    refused: Sequence[dict[str, Any]] = ()
    extended: bool = False

    def column(self, name: str) -> list[Any]:
        """The values of a field, ``None`` where there is none."""
        return self.columns.get(name) or [None] * len(self.indices)


def unknown_field(key: str, names: Sequence[str]) -> str:
    """What is wrong with a field that nobody knows."""
    close = difflib.get_close_matches(key[:64], names, 1)
    return f"is not a known field: did you mean {close[0]}?" if close else f"is not a known field: {', '.join(names)}"
