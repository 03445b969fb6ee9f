"""Serialised ``KeyValue`` messages → codes of their keys, and where their values are; many at once.

Spans bring a few dozen keys, each thousands of times. So a key is not cut out and compared: the first bytes of all
attributes are looked at as a table of 64-bit words, whose hashes are looked up in the keys that came before.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from observability.columns import Bools, Codes, Ints, Keys, Text
from observability.hashing import Bytes, hashed, heads, parts
from observability.hashtable import Table
from observability.spans import Attribute, Attributes

_KEY_TAG, _VALUE_TAG = 0x0A, 0x12
#: The length of a key that is told in one byte.
_LONGEST = 127
#: Names that are remembered; keys come from the wire.
_MOST_NAMES = 16_384
_PLACES = 2 * _MOST_NAMES


@dataclass(frozen=True, slots=True)
class KeyValues:
    """n attributes: ``key``, and the bytes ``raw`` whose part from ``value`` to the end is the field of the value.

    ``odd`` are rows that are written in an unusual way, with their values as serialised ``AnyValue``.
    """

    key: Text
    raw: pa.BinaryArray
    value: Ints
    odd: dict[int, bytes]

    def by_key(self, owner: Ints, rows: Ints) -> Attributes:
        """Those of ``rows`` (ascending); ``owner`` is the span of each of all attributes."""
        codes = self.key.codes.take(rows)
        narrow = codes.astype(np.int16) if len(self.key.values) < 2**15 else codes  # sorted by radix
        order = np.argsort(narrow, kind="stable")
        span, value = owner.take(rows.take(order)), self._values(rows, order)
        bounds = [0, *np.cumsum(np.bincount(codes, minlength=len(self.key.values))).tolist()]
        return {
            key: Attribute(key, span[begin:end], value.slice(begin, end - begin))
            for key, (begin, end) in zip(self.key.values, itertools.pairwise(bounds), strict=True)
            if begin < end
        }

    def _values(self, rows: Ints, order: Ints) -> pa.BinaryArray:
        """The values of ``rows``, put in ``order``, as serialised ``AnyValue``: empty where there is none."""
        if not len(rows):
            return pa.array([], pa.binary())
        offsets, data = parts(self.raw)
        begin, end = self.value.take(rows), offsets[1:].take(rows).astype(np.int64)
        begin, right = _inside(data, begin, end)
        odd = self.odd
        if not right.all():
            odd = {**{int(row): _value_of(self.raw[int(row)].as_py()) for row in rows[~right].tolist()}, **odd}
            begin = np.where(right, begin, end)
        bounds = np.empty(2 * len(rows) + 1, np.int32)  # of values, and of what is between them
        bounds[0:-1:2], bounds[1::2], bounds[-1] = begin, end, offsets[-1]
        between = pa.Array.from_buffers(
            pa.binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), self.raw.buffers()[2]]
        )
        found = between.take(pa.array(2 * order))
        if not odd:
            return found
        texts = found.to_pylist()
        for place, row in enumerate(rows[order].tolist()):
            texts[place] = odd.get(row, texts[place])
        return pa.array(texts, pa.binary())


class Names:
    """The keys that came before, by their hashes; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._table = Table(_PLACES)
        self._names: list[str] = []
        self._codes: dict[str, int] = {}

    def split(self, raw: pa.BinaryArray) -> KeyValues:
        """Read the keys of ``raw``, serialised ``KeyValue`` messages. Raises ``DecodeError`` for one without a key that
        can be read.
        """
        offsets, data = parts(raw)
        start, end = offsets[:-1].astype(np.int64), offsets[1:]
        words = heads(data, start)
        length = (words[:, 0] >> np.uint64(8)).astype(np.uint8).astype(np.int64)
        value = start + 2 + length
        regular = (words[:, 0].astype(np.uint8) == _KEY_TAG) & (length <= _LONGEST) & (value <= end)
        hashes = hashed(data, start, np.where(regular, length + 2, 0), words)
        with self._lock:
            return self._read(raw, hashes, regular, value, length)

    def _read(self, raw: pa.BinaryArray, hashes: Keys, regular: Bools, value: Ints, length: Ints) -> KeyValues:
        if len(self._names) > _MOST_NAMES // 2:
            self._clear()
        odd: dict[int, bytes] = {}
        places = self._table.find(hashes)
        known = (places >= 0) & regular
        if known.all():
            codes: Ints = self._table.words.take(places).view(np.int64)
        else:
            codes = np.zeros(len(hashes), np.int64)
            codes[known] = self._table.words.take(places[known])
            new: dict[int, int] = {}
            for row in np.flatnonzero(~known).tolist():
                if not regular[row]:
                    name, odd[row] = _read_odd(raw[row].as_py())
                    codes[row] = self._code(name)
                    continue
                hashed = int(hashes[row])
                if hashed not in new:
                    message = raw[row].as_py()
                    new[hashed] = self._code(message[2 : 2 + int(length[row])].decode("utf-8", "replace"))
                codes[row] = new[hashed]
            self._remember(new)
        used = np.flatnonzero(np.bincount(codes, minlength=1))
        narrow = np.zeros(int(used[-1]) + 1 if len(used) else 1, np.int32)
        narrow[used] = np.arange(len(used))
        key_codes: Codes = narrow.take(codes)
        return KeyValues(Text(key_codes, tuple(self._names[code] for code in used.tolist())), raw, value, odd)

    def _code(self, name: str) -> int:
        code = self._codes.get(name)
        if code is None:
            code = self._codes[name] = len(self._names)
            self._names.append(name)
        return code

    def _remember(self, new: dict[int, int]) -> None:
        if len(self._table) + len(new) > _MOST_NAMES:  # of one batch with more names than there is room for
            return
        self._table.put(np.fromiter(new, np.uint64, len(new)), np.fromiter(new.values(), np.uint64, len(new)))


def _inside(data: Bytes, begin: Ints, end: Ints) -> tuple[Ints, Bools]:
    """Where the values begin whose fields go from ``begin`` to ``end``, and for which rows that is certain."""
    room = end - begin
    # A length has as many bytes as it needs: one below 128, two below 16,384.
    head = 2 + (room > 129).astype(np.int64) + (room > 16_386) + (room > 2_097_155)
    length = room - head
    if not len(data):
        return end, room == 0
    last = len(data) - 1
    right = data[np.minimum(begin, last)] == _VALUE_TAG
    first = data[np.minimum(begin + 1, last)]
    short = head == 2
    right &= ~short | (first == length)
    for row in np.flatnonzero(right & ~short).tolist():
        right[row] = _varint(data[int(begin[row]) + 1 : int(begin[row]) + int(head[row])]) == length[row]
    empty = room == 0
    return np.where(empty, end, begin + head), right | empty


def _varint(encoded: Bytes) -> int:
    """The number that all of ``encoded`` is; -1 if it is none."""
    found = 0
    for place, byte in enumerate(encoded.tolist()):
        found |= (byte & 0x7F) << (7 * place)
        if (byte < 0x80) != (place == len(encoded) - 1):
            return -1
    return found


def _read_odd(message: bytes) -> tuple[str, bytes]:
    """Key and value of a ``KeyValue`` in whatever order and form it is written."""
    read = KeyValue.FromString(message)
    return read.key, read.value.SerializeToString()


def _value_of(message: bytes) -> bytes:
    """The value alone; empty for a message that is malformed."""
    try:
        return _read_odd(message)[1]
    except DecodeError:
        return b""
