"""How the value of an attribute is read: each function returns ``None`` for what it cannot read."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

#: Longer documents are not parsed for a number in them.
_LONGEST_DOCUMENT = 1_000_000
#: Numbers from here on (infinity among them) are no tokens, dollars or seconds.
LARGEST = 1e15
#: Brackets in a text below which nothing is nested too deeply to be written.
_FEW_BRACKETS = 200


def text(value: Any) -> str | None:
    """A non-empty string; numbers are written out, and a string that was written as JSON is without its quotes."""
    if isinstance(value, str):
        stripped = value.strip()
        if stripped[:1] == '"' == stripped[-1:] and len(stripped) > 1:
            stripped = stripped[1:-1].strip()
        return stripped or None
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, int | float) else None


def number(value: Any) -> float | None:
    """A finite number, or the decimal string of one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value) if math.isfinite(value) else None
        except OverflowError:
            return None
    if isinstance(value, str):
        try:
            return number(float(value))
        except ValueError:
            return None
    return None


def amount(value: Any) -> float | None:
    """A number of tokens, dollars or seconds: not negative, and not beyond all reason."""
    found = number(value)
    return found if found is not None and 0 <= found < LARGEST else None


def count(value: Any) -> int | None:
    """A number of tokens or documents: not negative, cut to an integer."""
    found = number(value)
    return int(found) if found is not None and found >= 0 else None


def boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def document(value: Any) -> Any:
    """What a JSON string, or the ``repr`` of a Python value, holds; a value that is no string stays as it is.

    ``None`` for a string that is neither, for one of more than a million characters, and for a Python value that JSON
    has no word for.
    """
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    if stripped[:1] not in "[{" or not stripped or len(stripped) > _LONGEST_DOCUMENT:
        return None
    try:
        return orjson.loads(stripped)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(orjson.dumps(ast.literal_eval(stripped), option=orjson.OPT_NON_STR_KEYS))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def mapping(value: Any) -> Mapping[str, Any] | None:
    """The object in a JSON string such as ``llm.invocation_parameters``."""
    found = document(value)
    return found if isinstance(found, dict) else None


def content(value: Any) -> Any:
    """Prompts and answers: JSON where the string holds JSON that can be written again, else the string itself."""
    found = document(value) if isinstance(value, str) else value
    if found is None:
        return value
    if isinstance(value, str) and value.count("[") + value.count("{") > _FEW_BRACKETS:
        try:
            orjson.dumps(found)
        except orjson.JSONEncodeError:  # nested too deeply
            return value
    return found


def moment_ns(value: Any) -> int | None:
    """Unix nanoseconds of an ISO 8601 time, which may stand in quotes."""
    written = text(value)
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e9)
