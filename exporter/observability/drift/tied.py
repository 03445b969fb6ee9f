"""The Anderson–Darling test of samples with many equal values, for which its published table does not hold."""

from __future__ import annotations

import numpy as np

from observability.columns import Floats, Ints

#: From this share of values that are equal to another one on, permutations give the p-value: with less the table is
#: exact enough (docs/drift-tests.md).
MANY = 0.1
_PERMUTATIONS = 999
#: Values that are dealt at once, for the sake of memory.
_AT_ONCE = 2_000_000


def anderson_darling_p_value(reference: Ints, current: Ints, *, seed: int = 0) -> float:
    """Share of 999 permutations, the samples themselves counted, that have an A² at least as large.

    ``reference`` and ``current`` (k,) say how often each of k distinct values, in ascending order, is in the samples.
    Given which values there are, every way to deal them to the two samples is equally likely without drift (Fisher),
    so that this holds for any ties. The p-value is never below 0.001. O(999 (n + m)).
    """
    ties = reference + current
    m = int(current.sum())
    ends = np.cumsum(ties) - 1
    own = float(_squares(np.cumsum(current)[None], ties, m)[0])
    random = np.random.default_rng(seed)
    together = max(1, _AT_ONCE // (int(ends[-1]) + 1))
    as_large = 0
    for start in range(0, _PERMUTATIONS, together):
        labels = np.zeros((min(together, _PERMUTATIONS - start), int(ends[-1]) + 1), np.int8)
        labels[:, :m] = 1
        random.permuted(labels, axis=1, out=labels)
        drawn = _squares(np.cumsum(labels, axis=1, dtype=np.int64)[:, ends], ties, m)
        # equal up to rounding is equal: with few values the same table is dealt again and again
        as_large += int(np.count_nonzero(drawn >= own * (1 - 1e-12)))
    return (1 + as_large) / (1 + _PERMUTATIONS)


def _squares(below: Ints, ties: Ints, m: int) -> Floats:
    """A² up to what is the same for all of ``below`` (p, k), the values of the current sample up to each: equation 7 of
    Scholz & Stephens 1987, in which both samples deviate by the same amount."""
    total = int(ties.sum())
    rank = np.cumsum(ties) - ties / 2
    weight = ties / (rank * (total - rank) - total * ties / 4)
    middle = below - np.diff(below, axis=1, prepend=0) / 2
    return np.asarray((total * middle - rank * m) ** 2 @ weight, np.float64)
