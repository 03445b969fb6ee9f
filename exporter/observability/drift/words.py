"""Words of many texts as 64-bit hashes, and a set of words that holds none of them."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from observability.columns import Bools, Floats, Ints, Keys

#: Code points with a class of their own; all beyond are rare scripts, and count as letters that stand alone.
_TABLE = 0x20000
#: Characters that are looked at together.
_TOGETHER = 1 << 17
_SPACE, _LETTER, _DIGIT, _ALONE, _JOINER = range(5)
#: An odd number has an inverse modulo 2**64, so that the hash of a word does not depend on where it stands.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
#: Part of a word where they stand between two of its letters or digits.
_JOINERS = "'’_"


@dataclass(frozen=True)
class Words:
    """``hashes`` (w,) of all words of n texts and the text of each, ``text`` (w,); then for each text, shape (n,): its
    characters that were ``read``, those that are ``letters``, and its ``words``, all counts.
    """

    hashes: Keys
    text: Ints
    lengths: Ints
    read: Ints
    letters: Ints
    words: Ints


def words_of(texts: Sequence[str], *, characters: int) -> Words:
    """Cut ``texts`` to words, in lower case; only the first ``characters`` of each are read.

    A word is a run of letters, marks and digits (Unicode's categories L, M and N), and of apostrophes and underscores
    between two of them; each Han and kana character is a word, as such scripts put no space between words. The hashes
    are the same in every process.
    """
    parts = [text[:characters].lower() for text in texts]
    ends = np.cumsum([len(part) + 1 for part in parts])
    cut, first = [], 0
    while first < len(parts):
        # as many texts as fit, and one at least: the arrays below have some 60 bytes a character
        room = _TOGETHER + (int(ends[first - 1]) if first else 0)
        last = max(int(np.searchsorted(ends, room, side="right")), first + 1)
        cut.append(_cut(parts[first:last], first))
        first = last
    if len(cut) == 1:
        return cut[0]
    if not cut:
        return _cut([], 0)
    columns = ("hashes", "text", "lengths", "read", "letters", "words")
    return Words(*(np.concatenate([getattr(each, name) for each in cut]) for name in columns))


def _cut(parts: list[str], first: int) -> Words:
    """Words of ``parts`` in lower case, which are numbered from ``first``."""
    points = np.frombuffer("\n".join([*parts, ""]).encode("utf-32-le", "surrogatepass"), "<u4")
    lengths = np.array([len(part) for part in parts], np.int64)
    owner = np.repeat(np.arange(len(parts)), lengths + 1)
    kind = _classes().take(np.minimum(points, _TABLE))
    inside = (kind != _SPACE) & (kind != _JOINER)
    joins = np.flatnonzero(kind[1:-1] == _JOINER) + 1
    inside[joins[inside[joins - 1] & inside[joins + 1]]] = True
    alone = kind == _ALONE
    # a word begins where none was before, and on both sides of a character that stands alone
    begins, stops = inside.copy(), inside.copy()
    begins[1:] &= ~inside[:-1] | alone[1:] | alone[:-1]
    stops[:-1] &= ~inside[1:] | alone[:-1] | alone[1:]
    start, stop = np.flatnonzero(begins), np.flatnonzero(stops) + 1
    return Words(
        _hashes(points, start, stop),
        owner[start] + first,
        stop - start,
        lengths,
        np.bincount(owner, (kind == _LETTER) | alone, len(parts)).astype(np.int64),
        np.bincount(owner[start], minlength=len(parts)).astype(np.int64),
    )


def _hashes(points: NDArray[np.uint32], start: Ints, stop: Ints) -> Keys:
    """Σ c·b^i of the code points of each word modulo 2**64, i from 0, from one running sum over all; then mixed."""
    forward = np.full(len(points), _BASE, np.uint64)
    backward = np.full(len(points), _INVERSE, np.uint64)
    if len(points):
        forward[0] = backward[0] = 1
    sums = np.zeros(len(points) + 1, np.uint64)
    np.cumsum((points.astype(np.uint64) + np.uint64(1)) * np.cumprod(forward), out=sums[1:])
    return mixed((sums[stop] - sums[start]) * np.cumprod(backward)[start])


def mixed(values: Keys) -> Keys:
    """Each value with its bits spread over all 64 (the finalizer of splitmix64, Steele, Lea & Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return np.asarray(values ^ (values >> np.uint64(31)), np.uint64)


@functools.cache
def _classes() -> NDArray[np.uint8]:
    """The class of each code point; the last entry is that of all others."""
    table = np.full(_TABLE + 1, _ALONE, np.uint8)
    kinds = {"L": _LETTER, "M": _LETTER, "N": _DIGIT}
    for point in range(_TABLE):
        kind = kinds.get(unicodedata.category(chr(point))[0], _SPACE)
        unspaced = 0x2E80 <= point < 0xA000 or 0xF900 <= point < 0xFB00
        table[point] = _ALONE if kind == _LETTER and unspaced else kind
    for character in _JOINERS:
        table[ord(character)] = _JOINER
    return table


@dataclass(frozen=True)
class Vocabulary:
    """A Bloom filter (Bloom 1970, doi:10.1145/362686.362692) of word hashes: 1 MiBit (128 KiB) and four bits a word,
    whatever it was fitted to. No word can be read from it; whoever has it can ask whether a given word is in it.
    """

    bits: NDArray[np.uint8]

    _BITS = 1 << 20
    _PROBES = 4

    def __post_init__(self) -> None:
        if self.bits.shape != (self._BITS // 8,) or self.bits.dtype != np.uint8:
            raise ValueError(f"a vocabulary has {self._BITS // 8} bytes, not {self.bits.dtype} {self.bits.shape}")

    @classmethod
    def of(cls, hashes: Keys) -> Vocabulary:
        """The set of the words with these ``hashes`` (w,)."""
        bits = np.zeros(cls._BITS, np.bool_)
        bits[cls._places(hashes)] = True
        return cls(np.packbits(bits, bitorder="little"))

    def contains(self, hashes: Keys) -> Bools:
        """Which of ``hashes`` (w,) are in it: all that it was made of, and :attr:`false_positive_rate` of the rest."""
        places = self._places(hashes)
        found = (self.bits[places >> 3] >> (places & 7).astype(np.uint8)) & 1
        return np.asarray(found.all(axis=0))

    @property
    def false_positive_rate(self) -> float:
        """Chance that a word that is not in it is taken for one that is: the share of set bits, to the fourth power.

        9e-4 at 50,000 words, 1e-2 at 100,000, 0.08 at 200,000.
        """
        return float(np.unpackbits(self.bits).mean() ** self._PROBES)

    @classmethod
    def _places(cls, hashes: Keys) -> Ints:
        """Bits of each word, shape (4, w): multiples of one half of the hash added to the other (Kirsch & Mitzenmacher
        2006, doi:10.1007/11841036_42)."""
        low, high = hashes & np.uint64(0xFFFFFFFF), (hashes >> np.uint64(32)) | np.uint64(1)
        probes = np.arange(cls._PROBES, dtype=np.uint64)[:, None]
        return np.asarray((low + probes * high) & np.uint64(cls._BITS - 1), np.int64)

    def to_state(self) -> dict[str, NDArray[np.uint8]]:
        return {"bits": self.bits}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary of :meth:`to_state`. Raises ValueError for an array of another size or type."""
        return cls(np.asarray(state["bits"]))


def share(counts: Floats | Ints, of: Ints) -> Floats:
    """``counts / of``, shape (n,); NaN where ``of`` is 0: a share of nothing is no number."""
    result: Floats = np.full(len(of), np.nan)
    np.divide(counts, of, out=result, where=of > 0)
    return result
