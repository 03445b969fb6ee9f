"""Serialised ``KeyValue`` messages: their keys, and where their values are; many at once.

Spans bring a few dozen keys, each thousands of times. So a key is not cut out and compared: hashes of the bytes of all
keys are looked up in the keys that came before.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from observability.columns import Bools, Ints, Keys, Text
from observability.hashing import Bytes, hashed, heads, parts
from observability.hashtable import Table

_KEY_TAG, _VALUE_TAG = 0x0A, 0x12
#: The length of a key that is told in one byte.
_LONGEST = 127
#: Names that are remembered; keys come from the wire.
_MOST_NAMES = 16_384
_PLACES = 2 * _MOST_NAMES


@dataclass(frozen=True, slots=True)
class Messages:
    """Serialised ``KeyValue`` messages: each from ``start`` to ``end`` (n,) in ``data``, the bytes of ``buffer``."""

    buffer: pa.Buffer | None
    data: Bytes
    start: Ints
    end: Ints

    @classmethod
    def of(cls, column: pa.BinaryArray) -> Messages:
        """Those of a column without nulls."""
        offsets, data = parts(column)
        bounds = offsets.astype(np.int64)
        return cls(column.buffers()[2], data, bounds[:-1], bounds[1:])

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, row: int) -> bytes:
        return self.data[self.start[row] : self.end[row]].tobytes()

    def take(self, rows: Ints) -> Messages:
        """These, in this order."""
        return Messages(self.buffer, self.data, self.start.take(rows), self.end.take(rows))

    def values(self, begin: Ints, order: Ints) -> pa.BinaryArray:
        """Copies of the values as serialised ``AnyValue``, put in ``order``; empty where there is none.

        ``begin`` (n,) is where the fields of the values begin, which reach to the ends of the messages; the messages
        are ascending.
        """
        if not len(self):
            return pa.array([], pa.binary())
        inside, right = _inside(self.data, begin, self.end)
        bounds = np.empty(2 * len(self) + 1, np.int32)  # of values, and of what is between them
        bounds[0:-1:2] = inside if right.all() else np.where(right, inside, self.end)
        bounds[1::2] = self.end
        bounds[-1] = self.end[-1]
        between = pa.Array.from_buffers(pa.binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), self.buffer])
        found = between.take(pa.array(2 * order))
        if right.all():
            return found
        odd = {row: _value_of(self[row]) for row in np.flatnonzero(~right).tolist()}
        texts = found.to_pylist()
        return pa.array([odd.get(row, text) for row, text in zip(order.tolist(), texts, strict=True)], pa.binary())


class Names:
    """The keys that came before, by their hashes; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._table = Table(_PLACES)
        self._names: list[str] = []
        self._codes: dict[str, int] = {}

    def read(self, messages: Messages) -> tuple[Text, Ints]:
        """The keys of ``messages``, and where the fields of their values begin. Raises ``DecodeError`` for a message
        that cannot be read.
        """
        words = heads(messages.data, messages.start)
        length = (words[:, 0] >> np.uint64(8)).astype(np.uint8).astype(np.int64)
        value = messages.start + 2 + length
        regular = (words[:, 0].astype(np.uint8) == _KEY_TAG) & (length <= _LONGEST) & (value <= messages.end)
        hashes = hashed(messages.data, messages.start, np.where(regular, length + 2, 0), words)
        with self._lock:
            keys = self._known(messages, hashes, regular, length)
        # What is written in an unusual way has its value looked for where it has its key, and is then read as a whole.
        return keys, np.where(regular, value, messages.start)

    def _known(self, messages: Messages, hashes: Keys, regular: Bools, length: Ints) -> Text:
        if len(self._names) > _MOST_NAMES // 2:
            self._clear()
        places = self._table.find(hashes)
        known = (places >= 0) & regular
        codes = np.zeros(len(hashes), np.int64)
        codes[known] = self._table.words.take(places[known])
        new: dict[int, int] = {}
        for row in np.flatnonzero(~known).tolist():
            if not regular[row]:
                codes[row] = self._code(KeyValue.FromString(messages[row]).key)
                continue
            hash_ = int(hashes[row])
            if hash_ not in new:
                new[hash_] = self._code(messages[row][2 : 2 + int(length[row])].decode("utf-8", "replace"))
            codes[row] = new[hash_]
        if len(self._table) + len(new) <= _MOST_NAMES:  # a batch may have more names than there is room for
            self._table.put(np.fromiter(new, np.uint64, len(new)), np.fromiter(new.values(), np.uint64, len(new)))
        used = np.flatnonzero(np.bincount(codes, minlength=1))
        narrow = np.zeros(int(used[-1]) + 1 if len(used) else 1, np.int32)
        narrow[used] = np.arange(len(used))
        return Text(narrow.take(codes), tuple(self._names[code] for code in used.tolist()))

    def _code(self, name: str) -> int:
        code = self._codes.get(name)
        if code is None:
            code = self._codes[name] = len(self._names)
            self._names.append(name)
        return code


def _inside(data: Bytes, begin: Ints, end: Ints) -> tuple[Ints, Bools]:
    """Where the values begin whose fields go from ``begin`` to ``end``, and for which rows that is certain."""
    room = end - begin
    pairs = np.ndarray((max(len(data) - 1, 0),), "<u2", data, strides=(1,))
    if not len(pairs):
        return end, room == 0
    # Tag and length of a short value at one look.
    right = pairs[np.minimum(begin, len(pairs) - 1)] == ((room - 2) << 8 | _VALUE_TAG)
    inside = begin + 2
    middling = np.flatnonzero(~right & (room > 129) & (room <= 16_386))  # content: a length of two bytes
    if len(middling):
        tag, low, high = (data.take(begin.take(middling) + place).astype(np.int64) for place in range(3))
        length = (low & 0x7F) | high << 7
        sure = (tag == _VALUE_TAG) & (low >= 0x80) & (high < 0x80) & (length == room.take(middling) - 3)
        rows = middling[sure]
        inside[rows], right[rows] = begin.take(rows) + 3, True
    for row in np.flatnonzero(~right).tolist():
        start, stop = int(begin[row]), int(end[row])
        if start >= stop:  # no value, or a key that is longer than its message
            inside[row], right[row] = stop, start == stop
            continue
        head = 3 + (stop - start > 16_386) + (stop - start > 2_097_155)  # a length has as many bytes as it needs
        if data[start] == _VALUE_TAG and _varint(data[start + 1 : start + head]) == stop - start - head:
            inside[row], right[row] = start + head, True
    return inside, right


def _varint(encoded: Bytes) -> int:
    """The number that all of ``encoded`` is; -1 if it is none."""
    found = 0
    for place, byte in enumerate(encoded.tolist()):
        found |= (byte & 0x7F) << (7 * place)
        if (byte < 0x80) != (place == len(encoded) - 1):
            return -1
    return found


def _value_of(message: bytes) -> bytes:
    """The value of a ``KeyValue``; empty for one that cannot be read."""
    try:
        return KeyValue.FromString(message).value.SerializeToString()
    except DecodeError:
        return b""
