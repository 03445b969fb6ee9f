"""Checks of columns as they came: each is looked at as a whole, and value by value only where something is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from observability.columns import Floats, Ints

_NONE = type(None)
_HEXADECIMAL = re.compile("[0-9a-f]*")
_TEXT = frozenset((str, _NONE))
NUMBER = frozenset((int, float))
MAYBE_NUMBER = frozenset((int, float, _NONE))
#: By how much a probability may miss 0 or 1: what single precision makes of a softmax.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one body: of its items, and of what one item may hold."""

    items: int = 50_000
    #: Of the decompressed body.
    body_bytes: int = 20_000_000
    #: Features of one prediction.
    features: int = 500
    #: Characters of an id, and of the name of a model, version, variant, feature, segment or class.
    name_length: int = 256
    #: Characters of any other text.
    text_length: int = 10_000
    #: Numbers of a feature that is an embedding.
    embedding_length: int = 4096
    #: Classes of ``probabilities``.
    classes: int = 1000
    #: Keys of ``segment``.
    segments: int = 20
    #: How far a timestamp may lie ahead of the clock.
    future_seconds: float = 3600.0
    #: Errors that are told; more are only counted.
    errors: int = 100


class Errors:
    """What is wrong with which row; ``indices`` (n,) are the places of the rows in the body."""

    def __init__(self, indices: Sequence[int], most: int) -> None:
        self._indices = indices
        self._most = most
        self._found: dict[tuple[int, str], str] = {}
        self._rows: set[int] = set()

    def add(self, row: int, pointer: str, detail: str) -> None:
        """``pointer``: where in the item (RFC 6901); ``detail``: what is wrong, as in "must be a number"."""
        self._rows.add(row)
        if not self.full:
            # the first fault of a place explains those that follow from it
            place = (self._indices[row], pointer)
            self._found.setdefault(place, detail)

    @property
    def full(self) -> bool:
        """Whether no more are told."""
        return len(self._found) >= self._most

    def __len__(self) -> int:
        """Rows with an error."""
        return len(self._rows)

    def good(self) -> Ints:
        """Rows without one."""
        mask = np.ones(len(self._indices), np.bool_)
        mask[list(self._rows)] = False
        return np.flatnonzero(mask)

    def told(self) -> list[dict[str, Any]]:
        """By the place of their item."""
        found = sorted(self._found.items(), key=lambda each: each[0][0])
        return [{"index": index, "pointer": pointer, "detail": detail} for (index, pointer), detail in found]


def pointer(*names: str) -> str:
    """The JSON pointer (RFC 6901) of ``names``."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def kind(value: object) -> str:
    """What JSON calls ``value``, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, dict) else "a list"


def texts(
    values: list[Any], name: str, errors: Errors, limit: int, *, required: bool = False, integers: bool = False
) -> list[Any]:
    """``values`` as texts of at most ``limit`` characters, ``None`` where there is none.

    ``required``: none may be missing or empty. ``integers``: a whole number stands for its digits.
    """
    if not set(map(type, values)) <= _TEXT:
        values = [_as_text(row, value, name, errors, integers) for row, value in enumerate(values)]
    distinct = set(values)
    if required or None in distinct:
        if required and (None in distinct or "" in distinct):
            for row, value in enumerate(values):
                if not value:
                    errors.add(row, pointer(name), "is required" if value is None else "must not be empty")
        distinct.discard(None)
    if unfit(distinct, limit):
        for row, value in enumerate(values):
            if value is not None and (why := unfit((value,), limit)):
                errors.add(row, pointer(name), why)
    return values


def _as_text(row: int, value: Any, name: str, errors: Errors, integers: bool) -> str | None:
    if value is None or type(value) is str:
        return value
    if integers and type(value) is int:
        return str(value)
    errors.add(row, pointer(name), f"must be a text, not {kind(value)}")
    return "?"


def unfit(found: Iterable[str], limit: int) -> str | None:
    """Why one of ``found`` cannot be kept; ``None`` if all can."""
    values = found if isinstance(found, set | list | tuple) else list(found)
    if not values:
        return None
    longest = max(map(len, values))
    if longest > limit:
        return f"has {longest} characters, more than {limit}"
    if "\0" in "".join(values):  # PostgreSQL keeps none
        return "must not contain the character U+0000"
    return None


def numbers(values: list[Any], name: str, errors: Errors, *, low: float, high: float, rounding: float = 0.0) -> Floats:
    """``values`` (n,) as numbers between ``low`` and ``high``, NaN where there is none."""
    if not set(map(type, values)) <= MAYBE_NUMBER:
        values = [_as_number(row, value, name, errors) for row, value in enumerate(values)]
    found = np.array(values, np.float64)
    bad = (found < low - rounding) | (found > high + rounding) | np.isinf(found)
    for row in np.flatnonzero(bad).tolist():
        errors.add(row, pointer(name), f"must be {between(low, high)}, not {values[row]:g}")
    return np.clip(found, low, high) if rounding else found


def between(low: float, high: float) -> str:
    """``low`` to ``high`` in words."""
    if math.isinf(high):
        return f"a finite number of at least {low:g}"
    return f"between {low:g} and {high:g}"


def _as_number(row: int, value: Any, name: str, errors: Errors) -> float | None:
    if type(value) in MAYBE_NUMBER:
        return value  # type: ignore[no-any-return]
    errors.add(row, pointer(name), f"must be a number, not {kind(value)}")
    return None


def confidences(values: list[Any], name: str, errors: Errors) -> Floats:
    """``values`` (n,) as probabilities."""
    return numbers(values, name, errors, low=0.0, high=1.0, rounding=ROUNDING)


def times(values: list[Any], name: str, errors: Errors, now: float, future_seconds: float) -> Floats:
    """``values`` (n,), RFC 3339 or Unix seconds, as Unix seconds; ``now`` where there is none."""
    kinds = set(map(type, values))
    if kinds == {_NONE}:
        return np.full(len(values), now)
    if not kinds <= MAYBE_NUMBER:
        values = [_as_seconds(row, value, name, errors) for row, value in enumerate(values)]
    found = np.array(values, np.float64)
    found = np.where(np.isnan(found), now, found)
    latest = now + future_seconds
    for row in np.flatnonzero((found < 0) | (found > latest)).tolist():
        if found[row] < 0:
            errors.add(row, pointer(name), "must not be before 1970")
        elif 100 * latest < found[row] <= 1000 * latest:
            errors.add(row, pointer(name), f"must be in seconds: {found[row]:.0f} looks like milliseconds")
        else:
            ahead = found[row] - now
            errors.add(row, pointer(name), f"lies {ahead:.0f} s ahead, more than {future_seconds:.0f}")
    return found


def _as_seconds(row: int, value: Any, name: str, errors: Errors) -> float | None:
    if type(value) is str:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or len(value) < 20:
            errors.add(row, pointer(name), f"must be RFC 3339 or Unix seconds, not {value[:40]!r}")
        elif moment.tzinfo is None:
            errors.add(row, pointer(name), f"must have a time zone, such as {value[:40]}Z")
        else:
            return moment.timestamp()
        return None
    if type(value) in MAYBE_NUMBER:
        return value  # type: ignore[no-any-return]
    errors.add(row, pointer(name), f"must be RFC 3339 or Unix seconds, not {kind(value)}")
    return None


def hexadecimal(values: list[Any], name: str, errors: Errors, digits: int) -> list[Any]:
    """``values`` as lower-case ids of so many digits; ``None`` where there is none, or nothing but zeros."""
    if set(map(type, values)) == {_NONE}:
        return values
    values = texts(values, name, errors, digits)
    zeros = "0" * digits
    given = [value for value in values if value is not None]
    if zeros not in given and set(map(len, given)) <= {digits} and _HEXADECIMAL.fullmatch("".join(given)):
        return values
    fixed: list[str | None] = []
    for row, value in enumerate(values):
        small = value.lower() if value else None
        if small is not None and (len(small) != digits or small.strip("0123456789abcdef")):
            errors.add(row, pointer(name), f"must be {digits} hexadecimal digits, not {value[:40]!r}")
        fixed.append(None if small == zeros else small)
    return fixed


def outcomes(values: list[Any], name: str, errors: Errors, limit: int, failed: Callable[[int], bool]) -> list[Any]:
    """``values`` as classes or numbers; ``None`` only in rows of which ``failed`` says so."""
    kinds = set(map(type, values))
    if kinds <= {str, bool, int} and (str not in kinds or not unfit(_texts_of(values), limit)):
        return values
    if kinds <= NUMBER and np.isfinite(np.array(values, np.float64)).all():
        return values
    fixed: list[Any] = []
    for row, value in enumerate(values):
        known = None if type(value) is float and math.isnan(value) else value
        fixed.append(known)
        if known is None:
            if not failed(row):
                errors.add(row, pointer(name), "is required")
        elif type(known) is str:
            if why := unfit((known,), limit):
                errors.add(row, pointer(name), why)
        elif type(known) not in (bool, int, float):
            errors.add(row, pointer(name), f"must be a text, number or boolean, not {kind(known)}")
        elif math.isinf(known):
            errors.add(row, pointer(name), "must be a finite number")
    return fixed


def _texts_of(values: Iterable[Any]) -> set[str]:
    return {value for value in values if type(value) is str}
