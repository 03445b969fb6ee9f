"""Grouping of rows by several columns of codes: many rows, few combinations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from observability.columns import Ints, Text

#: Sizes of the key space up to which a table of it is cheaper than sorting the keys.
_SPARSE = 1 << 17
_MOST = 1 << 62


def group_texts(*columns: Text) -> tuple[Ints, Ints]:
    """Distinct combinations of the rows of several columns of texts, absent texts included.

    Returns (``first``, ``group``): a row that stands for each combination, shape (g,), and the combination of each
    row, shape (n,), so that ``column.codes[first][group] == column.codes``.
    """
    return group_codes(*((column.codes + np.int32(1), len(column.values) + 1) for column in columns))


def group_codes(*columns: tuple[NDArray[np.integer], int]) -> tuple[Ints, Ints]:
    """Like :func:`group_texts` for columns of codes from 0 to below the number that comes with each.

    However many columns there are, no two combinations share a key: where the product of the numbers would not fit
    64 bits, the combinations found so far are numbered anew.
    """
    (codes, size), *others = columns
    key = codes.astype(np.int64)
    for codes, width in others:
        if width == 1:  # a column that nobody filled
            continue
        if size > _MOST // max(width, 1):
            distinct, key = np.unique(key, return_inverse=True)
            size = len(distinct)
        key = key * width + codes
        size *= width
    if size > max(_SPARSE, 8 * len(key)):
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        return first.astype(np.int64), group.astype(np.int64)
    row = np.full(size, -1, np.int64)
    row[key] = np.arange(len(key))
    used = np.flatnonzero(row >= 0)
    number = np.empty(size, np.int64)
    number[used] = np.arange(len(used))
    return row[used], number[key]
