"""Columns: how many values of one kind are held together, so that work is done per batch and not per value."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int32]
Bools: TypeAlias = NDArray[np.bool_]
#: Python objects, ``None`` where there is none.
Objects: TypeAlias = NDArray[np.object_]
#: Hashes and identifiers of 64 bits.
Keys: TypeAlias = NDArray[np.uint64]

#: Code of a value that nobody gave.
ABSENT = -1

_Value = TypeVar("_Value", bound=Hashable)
_New = TypeVar("_New", bound=Hashable)


@dataclass(frozen=True)
class Coded(Generic[_Value]):
    """A column of values, each distinct one stored once.

    ``codes`` has shape (n,): the index into ``values``, or :data:`ABSENT`. ``values`` may hold some that no row has,
    and holds none twice.
    """

    codes: Codes
    values: tuple[_Value, ...]

    @classmethod
    def of(cls, values: Iterable[_Value | None]) -> Coded[_Value]:
        """Encode ``values``; ``None`` is absent."""
        index: dict[_Value, int] = {}
        codes = [ABSENT if value is None else index.setdefault(value, len(index)) for value in values]
        return cls(np.array(codes, np.int32), tuple(index))

    @classmethod
    def absent(cls, rows: int) -> Coded[_Value]:
        return cls(np.full(rows, ABSENT, np.int32), ())

    @classmethod
    def constant(cls, value: _Value, rows: int) -> Coded[_Value]:
        return cls(np.zeros(rows, np.int32), (value,))

    @classmethod
    def concat(cls, parts: Sequence[Coded[_Value]]) -> Coded[_Value]:
        """All rows of ``parts``, one after the other."""
        if len(parts) == 1:
            return parts[0]
        index: dict[_Value, int] = {}
        codes = []
        for part in parts:
            new = [index.setdefault(value, len(index)) for value in part.values]
            codes.append(_look_up(np.array([*new, ABSENT], np.int32), part.codes))
        return cls(np.concatenate(codes) if codes else np.empty(0, np.int32), tuple(index))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> _Value | None:
        code = self.codes[row]
        return None if code == ABSENT else self.values[code]

    def take(self, rows: Ints | Bools | slice) -> Coded[_Value]:
        """These rows, in this order; ``rows`` are indices, a mask or a slice."""
        return Coded(self.codes[rows], self.values)

    def to_list(self) -> list[_Value | None]:
        values: tuple[_Value | None, ...] = (*self.values, None)
        return [values[code] for code in self.codes.tolist()]

    def map(self, values: Sequence[_New | None], absent: _New | None = None) -> Coded[_New]:
        """Each value replaced: ``values[i]`` stands for ``self.values[i]``, ``absent`` where there is none."""
        index: dict[_New, int] = {}
        new = [ABSENT if value is None else index.setdefault(value, len(index)) for value in (*values, absent)]
        return Coded(_look_up(np.array(new, np.int32), self.codes), tuple(index))

    def filled(self, other: Coded[_Value]) -> Coded[_Value]:
        """Where this column is absent, the value of ``other`` in the same row."""
        gaps = self.codes == ABSENT
        if not gaps.any():
            return self
        index = {value: code for code, value in enumerate(self.values)}
        new = [index.setdefault(value, len(index)) for value in other.values]
        filled = _look_up(np.array([*new, ABSENT], np.int32), other.codes)
        return Coded(np.where(gaps, filled, self.codes), tuple(index))

    def where(self, mask: Bools, other: Coded[_Value]) -> Coded[_Value]:
        """The value of ``other`` where ``mask`` is false."""
        return Coded(np.where(mask, self.codes, np.int32(ABSENT)), self.values).filled(
            Coded(np.where(mask, np.int32(ABSENT), other.codes), other.values)
        )

    def equals(self, value: _Value) -> Bools:
        """Mask of the rows that have ``value``."""
        if value not in self.values:
            return np.zeros(len(self.codes), np.bool_)
        return np.asarray(self.codes == self.values.index(value))

    @property
    def present(self) -> Bools:
        """Mask of the rows that have a value."""
        return np.asarray(self.codes != ABSENT)


#: A column of texts.
Text: TypeAlias = Coded[str]


def _look_up(table: Codes, codes: Codes) -> Codes:
    """``table[code]``, whose last entry stands for :data:`ABSENT`."""
    return np.asarray(table[codes], np.int32)


def missing(objects: Objects) -> Bools:
    """Mask of the rows that are ``None``."""
    return np.asarray(objects == np.array(None), np.bool_)
