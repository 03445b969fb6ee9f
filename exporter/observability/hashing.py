"""64-bit hashes of many pieces of a buffer at once."""

from __future__ import annotations

import secrets
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from observability.columns import Ints, Keys

Bytes: TypeAlias = NDArray[np.uint8]
#: Bytes of each piece that are looked at together.
HEAD = 48
_WORD = 8
_WORDS = HEAD // _WORD
_SHIFT = np.uint64(29)
#: Row n keeps the first n bytes of a head.
_KEPT = np.tril(np.full((HEAD + 1, HEAD), 0xFF, np.uint8), -1).view("<u8").astype(np.uint64)
_PARTS = np.array([(1 << (8 * count)) - 1 for count in range(_WORD)] + [2**64 - 1], np.uint64)
#: Of this process alone, so that nobody can send pieces whose hashes are equal.
_FACTORS = [np.uint64(secrets.randbits(64) | 1) for _ in range(_WORDS + 2)]


def heads(data: Bytes, start: Ints) -> Keys:
    """The first :data:`HEAD` bytes of each piece as little-endian words, shape (n, words); beyond the end of ``data``
    they are 0. ``start`` is ascending.
    """
    room = max(len(data) - HEAD, 0)
    tail = np.zeros(2 * HEAD, np.uint8)
    tail[: len(data) - room] = data[room:]
    if len(data) < HEAD:
        return _heads_inside(tail, start)
    words = _heads_inside(data, np.minimum(start, room))
    first = int(np.searchsorted(start, room))
    words[first:] = _heads_inside(tail, start[first:] - room)
    return words


def _heads_inside(data: Bytes, start: Ints) -> Keys:
    windows = np.ndarray((len(data) - HEAD + 1,), f"V{HEAD}", data, strides=(1,))
    return windows[start].view("<u8").reshape(-1, _WORDS).astype(np.uint64, copy=False)


def beginnings(length: Ints) -> Keys:
    """Masks of the first ``length`` bytes of :func:`heads`."""
    return _KEPT.take(np.minimum(length, HEAD), axis=0)


def hashed(data: Bytes, start: Ints, length: Ints, words: Keys) -> Keys:
    """Hashes of the pieces of ``data`` at ``start`` (n,), ``length`` bytes each (n,), whose :func:`heads` are
    ``words``, which are changed. Never 0.
    """
    words &= beginnings(length)
    hashes = (words[:, 0] + length.view(np.uint64) * _FACTORS[-1]) * _FACTORS[0]  # what ends in zeros has its length
    for place in range(1, _WORDS):
        hashes ^= hashes >> _SHIFT
        hashes += words[:, place]
        hashes *= _FACTORS[place]
    long = np.flatnonzero(length > HEAD)
    if len(long):
        hashes[long] = _further(hashes[long], data, start[long] + HEAD, length[long] - HEAD)
    hashes ^= hashes >> _SHIFT
    hashes[hashes == 0] = 1
    return hashes


def _further(hashes: Keys, data: Bytes, at: Ints, left: Ints) -> Keys:
    """``hashes`` with what follows at the places ``at``, ``left`` bytes each."""
    rows = np.arange(len(hashes))
    result = hashes.copy()
    while len(rows):
        word = word_at(data, at) & _PARTS.take(np.minimum(left, _WORD))
        found = (result[rows] + word) * _FACTORS[-2]
        result[rows] = found ^ (found >> _SHIFT)
        more = left > _WORD
        rows, at, left = rows[more], at[more] + _WORD, left[more] - _WORD
    return result


def word_at(data: Bytes, at: Ints) -> Keys:
    """Eight bytes from each place ``at``, inside ``data``, which has eight at least; 0 beyond its end."""
    inside = np.minimum(at, len(data) - _WORD)
    words = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    return words[inside].astype(np.uint64, copy=False) >> ((at - inside) * 8).astype(np.uint64)


def hashes_of(column: pa.BinaryArray) -> Keys:
    """Hashes of the values of a column without nulls, shape (n,)."""
    offsets, data = parts(column)
    start = offsets[:-1].astype(np.int64)
    return hashed(data, start, offsets[1:] - start, heads(data, start))


def parts(column: pa.BinaryArray) -> tuple[NDArray[np.int32], Bytes]:
    """Offsets, shape (n + 1,), and bytes of a binary column without nulls."""
    data = column.buffers()[2]
    return offsets_of(column), np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)


def offsets_of(column: pa.Array) -> NDArray[np.int32]:
    """Offsets of a binary or list column, shape (n + 1,); read from its buffer, which costs a tenth of asking Arrow."""
    first = column.offset
    return np.frombuffer(column.buffers()[1], np.int32)[first : first + len(column) + 1]
