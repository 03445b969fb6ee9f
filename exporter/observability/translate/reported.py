"""The numbers that spans report, in columns of the fields that some of them have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from observability.columns import Bools, Column, Floats, Ints
from observability.translate.reader import Reader
from observability.vocabulary import fields

_NOBODY = np.float64("nan")


class Reported:
    """Fields of :data:`fields.NUMBERS`, NaN where a span does not have one; n rows."""

    def __init__(self, reader: Reader) -> None:
        self._rows = len(reader.spans)
        self._columns = {name: reader.numbers(name) for name in fields.NUMBERS if name in reader}

    def __getitem__(self, name: str) -> Column:
        return self._columns.get(name, _NOBODY)

    def missing(self, name: str) -> Bools:
        """Mask of the spans that do not have the field, shape (n,)."""
        return np.isnan(self.whole(name))

    def whole(self, name: str) -> Floats:
        """The field as a column, whether anybody has it or not, shape (n,)."""
        column = self._columns.get(name)
        return np.full(self._rows, np.nan) if column is None else column

    def fill(self, row: int, numbers: Mapping[str, float], *, zeros: bool = False) -> None:
        """Numbers of one span where it has none; with ``zeros`` also where it has 0."""
        for name, number in numbers.items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = np.full(self._rows, np.nan)
            if np.isnan(column[row]) or (zeros and column[row] == 0):
                column[row] = number

    def take(self, rows: Ints) -> dict[str, Column]:
        """Every field for these rows."""
        return {name: self._columns[name].take(rows) if name in self._columns else _NOBODY for name in fields.NUMBERS}
