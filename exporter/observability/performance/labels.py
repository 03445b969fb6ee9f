"""Labels of any type as codes, so that true and predicted ones can be counted together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from observability.columns import Bools, Ints

#: Code of a label that is missing.
MISSING = -1
#: Whole numbers as near to each other as this are counted, not sorted.
_FEW = 1 << 12


@dataclass(frozen=True)
class Labels:
    """True and predicted labels as indices into ``classes``, :data:`MISSING` where there is none; both (n,)."""

    true: Ints
    predicted: Ints
    classes: tuple[Any, ...]

    @classmethod
    def of(cls, y_true: Any, y_pred: Any, classes: Sequence[Any] | None = None) -> Labels:
        """Encode labels: numbers, booleans, texts or objects; ``None`` and NaN are missing.

        ``classes`` come first and in their order; those that only the labels have follow, sorted where they can be.

        Raises:
            ValueError: the shapes differ or are not (n,).
        """
        true, predicted = _plain(y_true), _plain(y_pred)
        if true.ndim != 1 or true.shape != predicted.shape:
            raise ValueError(f"labels and predictions are (n,), not {true.shape} and {predicted.shape}")
        n = len(true)
        if "O" in (true.dtype.kind, predicted.dtype.kind) or (true.dtype.kind == "U") != (predicted.dtype.kind == "U"):
            found, codes = _of_objects([*true.tolist(), *predicted.tolist()])
        else:
            found, codes = _of_values(np.concatenate([true, predicted]))
        known = () if classes is None else tuple(_scalar(value) for value in classes)
        order = {value: code for code, value in enumerate(known)}
        new = [order.setdefault(value, len(order)) for value in found]
        codes = np.array([*new, MISSING], np.int64)[codes]
        return cls(codes[:n], codes[n:], tuple(order))

    @property
    def present(self) -> Bools:
        """Mask of the rows that have both labels."""
        return np.asarray((self.true != MISSING) & (self.predicted != MISSING))

    def confusion(self, rows: Bools) -> Ints:
        """How many of ``rows`` have each true (first axis) and predicted class; shape (k, k)."""
        k = len(self.classes)
        return np.bincount(self.true[rows] * k + self.predicted[rows], minlength=k * k).reshape(k, k).astype(np.int64)


def _plain(labels: Any) -> NDArray[Any]:
    array = np.asarray(labels)
    mixed = array.dtype.kind == "U" and not isinstance(labels, np.ndarray)  # numpy makes texts of [1, "a"]
    return np.asarray(labels, object) if mixed else array


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _of_values(labels: NDArray[Any]) -> tuple[list[Any], Ints]:
    if labels.dtype.kind in "biu" and len(labels):
        low, high = int(labels.min()), int(labels.max())
        if high - low < _FEW:
            shifted = labels.astype(np.int64) - low
            held = np.bincount(shifted) > 0
            found = (np.flatnonzero(held) + low).astype(labels.dtype)
            return found.tolist(), (np.cumsum(held) - 1)[shifted]
    values, codes = np.unique(labels, return_inverse=True)
    if values.dtype.kind == "f" and len(values) and np.isnan(values[-1]):
        codes = np.where(codes == len(values) - 1, MISSING, codes)
        values = values[:-1]
    return values.tolist(), codes.astype(np.int64)


def _of_objects(labels: list[Any]) -> tuple[list[Any], Ints]:
    distinct = {label for label in labels if not _missing(label)}
    try:
        values = sorted(distinct)
    except TypeError:  # of several types
        values = sorted(distinct, key=lambda label: (type(label).__name__, repr(label)))
    index = {value: code for code, value in enumerate(values)}
    return values, np.array([MISSING if _missing(label) else index[label] for label in labels], np.int64)


def _missing(label: Any) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))
