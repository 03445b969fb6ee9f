"""JSON that also holds infinite numbers: ``1e999`` is valid JSON, and greater than any double."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

_FLOAT = frozenset((float,))


def dumps(value: Any) -> bytes:
    """``value`` as JSON. NaN, which JSON cannot say, is ``null``; an infinite number is ``1e999`` or ``-1e999``."""
    if _infinite(value):
        return _spelled(value)
    return orjson.dumps(value)


def loads(text: bytes | str) -> Any:
    """The value of ``text``, with infinite numbers where they stand. Raises ``ValueError`` if it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _infinite(value: Any) -> bool:
    """Whether ``value`` holds an infinite number somewhere."""
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        return any(_infinite(each) for each in value.values() if type(each) not in _PLAIN)
    if isinstance(value, list):
        if set(map(type, value)) == _FLOAT:
            return any(map(math.isinf, value))
        return any(_infinite(each) for each in value if type(each) not in _PLAIN)
    return False


_PLAIN = frozenset((str, int, bool, type(None)))


def _spelled(value: Any) -> bytes:
    if isinstance(value, float) and math.isinf(value):
        return b"1e999" if value > 0 else b"-1e999"
    if isinstance(value, dict):
        return b"{" + b",".join(orjson.dumps(key) + b":" + _spelled(each) for key, each in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(_spelled, value)) + b"]"
    return orjson.dumps(value)
