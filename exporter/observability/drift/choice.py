"""Which test a feature gets where nobody named one: by its type, the sizes of both samples and its distinct values."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["numeric", "categorical", "boolean"]

#: From so many current values on, a p-value finds shifts that matter to nobody, and a distance is used instead.
LARGE = 1000
#: Numbers of so few distinct values are ranks or codes: they are compared value by value.
FEW = 10


def choose(kind: Kind, n_reference: int, n_current: int, distinct: int) -> str:
    """Name of a test of :data:`observability.drift.detectors.BY_NAME`; docs/drift-tests.md gives the reasons.

    ``distinct`` is the number of distinct values of the reference. The size that counts is that of the smaller sample:
    it limits what can be seen. Raises ValueError for an unknown kind or an empty sample.
    """
    if min(n_reference, n_current) < 1:
        raise ValueError(f"no test compares {n_reference} with {n_current} values")
    large = min(n_reference, n_current) >= LARGE
    if kind == "numeric" and distinct > FEW:
        return "wasserstein" if large else "ks"
    if kind in ("numeric", "categorical"):
        return "jensen_shannon" if large else "chi2"
    if kind == "boolean":
        return "total_variation" if large else "chi2"
    raise ValueError(f"no kind of feature is called {kind!r}; there are: numeric, categorical, boolean")
