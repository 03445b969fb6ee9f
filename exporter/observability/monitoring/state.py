"""Nested mappings and lists of arrays, numbers and texts ↔ bytes, without pickling."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import orjson

_SKELETON = "skeleton"
_ARRAY = "__array__"


def pack(state: Any) -> bytes:
    """``state`` as a compressed ``.npz``. Raises ``TypeError`` for what is neither of these."""
    arrays: list[np.ndarray[Any, Any]] = []

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return {_ARRAY: len(arrays) - 1}
        if isinstance(value, dict):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        if isinstance(value, np.generic):
            return plain(value.item())
        if isinstance(value, float) and not np.isfinite(value):
            arrays.append(np.array(value))
            return {_ARRAY: len(arrays) - 1}
        return value

    skeleton = orjson.dumps(plain(state))
    output = io.BytesIO()
    named = {f"a{at}": array for at, array in enumerate(arrays)}
    np.savez_compressed(output, **{_SKELETON: np.frombuffer(skeleton, np.uint8)}, **named)  # type: ignore[arg-type]
    return output.getvalue()


def unpack(content: bytes) -> Any:
    """What :func:`pack` was given; tuples are lists now. Raises ``ValueError`` or ``KeyError`` for other bytes."""
    with np.load(io.BytesIO(content), allow_pickle=False) as held:

        def rich(value: Any) -> Any:
            if isinstance(value, dict):
                if _ARRAY in value:
                    array = held[f"a{value[_ARRAY]}"]
                    return array if array.ndim else array.item()
                return {key: rich(each) for key, each in value.items()}
            return [rich(each) for each in value] if isinstance(value, list) else value

        return rich(orjson.loads(held[_SKELETON].tobytes()))
