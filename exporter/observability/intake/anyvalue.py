"""Serialised ``AnyValue`` messages → numbers, texts and Python values; a column at a time where it matters.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from observability.columns import ABSENT, Bools, Coded, Codes, Floats, Ints, Keys
from observability.hashing import offsets_of, parts, word_at

_Parsed = TypeVar("_Parsed", bound=Hashable)

_INT_TAG, _DOUBLE_TAG = 0x18, 0x21
_MAX_VARINT = 10
#: The longest varint that stands in a word beside its tag.
_IN_A_WORD = 7
#: Where bytes of a varint say that another follows; row n for the first n bytes.
_FOLLOWED = np.array([sum(0x80 << (8 * place) for place in range(count)) for count in range(_IN_A_WORD + 1)], np.uint64)


def parsed(column: pa.BinaryArray, parse: Callable[[bytes], _Parsed | None]) -> Coded[_Parsed]:
    """``column`` with each distinct value parsed once; what parses to ``None`` is absent."""
    offsets = offsets_of(column)
    if len(column) and offsets[0] == offsets[-1]:  # nobody said anything
        only = parse(b"")
        return Coded.absent(len(column)) if only is None else Coded.constant(only, len(column))
    encoded = column.dictionary_encode()
    indices = encoded.indices
    codes: Codes = np.asarray(indices if not indices.null_count else indices.fill_null(ABSENT))
    values = [parse(value) for value in encoded.dictionary.to_pylist()]
    if None not in values and len(set(values)) == len(values):
        return Coded(codes, tuple(value for value in values if value is not None))
    return Coded(codes, tuple(range(len(values)))).map(values)


def python_value(raw: bytes) -> Any:
    """The Python value of a serialised ``AnyValue``: ``None`` for an empty or malformed one."""
    if raw[:1] == b"\n" and len(raw) > 1 and raw[1] < 0x80 and len(raw) == raw[1] + 2:  # a short string
        return raw[2:].decode("utf-8", "replace")
    try:
        return value_of(AnyValue.FromString(raw))
    except DecodeError:
        return None


def serialised(text: str) -> bytes:
    """``text`` as a serialised ``AnyValue``."""
    return AnyValue(string_value=text).SerializeToString()


def value_of(any_value: AnyValue) -> Any:
    """The Python value of an ``AnyValue``; ``None`` for an empty one."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: value_of(item.value) for item in any_value.kvlist_value.values}
    return getattr(any_value, kind)


def numbers(values: pa.BinaryArray) -> tuple[Floats, Bools]:
    """Serialised ``AnyValue``s that are integers or doubles as float64, shape (n,), and a mask of the others.

    Integers beyond 2**53 lose their last digits; token counts and durations do not come near.
    """
    offsets, data = parts(values)
    starts = offsets[:-1].astype(np.int64)
    lengths = offsets[1:] - starts
    if len(data) < 8:
        data = np.concatenate([data, np.zeros(8, np.uint8)])
    words = word_at(data, np.minimum(starts, len(data) - 1))
    tags = np.where(lengths > 1, words & np.uint64(0xFF), np.uint64(0))
    result = np.full(len(values), np.nan)
    integer = (tags == _INT_TAG) & (lengths <= _MAX_VARINT + 1)
    short = integer & (lengths <= _IN_A_WORD + 1)
    if short.all():
        result = _short_varints(words >> np.uint64(8), lengths - 1)
    else:
        rows = np.flatnonzero(short)
        result[rows] = _short_varints(words.take(rows) >> np.uint64(8), lengths.take(rows) - 1)
        rows = np.flatnonzero(integer & ~short)
        if len(rows):
            result[rows] = _varints(data, starts[rows] + 1, lengths[rows] - 1)
        rows = np.flatnonzero((tags == _DOUBLE_TAG) & (lengths == 9))
        if len(rows):
            result[rows] = word_at(data, starts[rows] + 1).view(np.float64)
    return result, np.isnan(result)


def _short_varints(words: Keys, lengths: Ints) -> Floats:
    """Base-128 varints of up to seven bytes, the lowest of ``words``, ``lengths`` long; NaN if they do not end."""
    if not len(words):
        return np.empty(0)
    longest = int(lengths.max())
    total = words & np.uint64(0x7F)
    for place in range(1, longest):
        part = (words >> np.uint64(8 * place)) & np.uint64(0x7F)
        total |= np.where(lengths > place, part << np.uint64(7 * place), np.uint64(0))
    ended = (words & _FOLLOWED.take(lengths)) == _FOLLOWED.take(lengths - 1)
    found = total.astype(np.float64)
    if not ended.all():
        found[~ended] = np.nan
    return found


def _varints(data: NDArray[np.uint8], starts: Ints, lengths: Ints) -> NDArray[np.float64]:
    """Base-128 varints (two's complement of 64 bits) at ``starts``, ``lengths`` bytes long; NaN if they do not end."""
    total = np.zeros(len(starts), np.uint64)
    ended = np.zeros(len(starts), np.bool_)
    for place in range(int(lengths.max())):
        inside = place < lengths
        byte = np.where(inside, data[np.minimum(starts + place, len(data) - 1)], 0).astype(np.uint64)
        total |= (byte & np.uint64(0x7F)) << np.uint64(7 * place)
        ended |= inside & (byte < 0x80) & (place == lengths - 1)
    return np.where(ended, total.view(np.int64).astype(np.float64), np.nan)
