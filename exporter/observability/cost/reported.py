"""Costs that spans bring: from the provider's answer or from the app's gateway."""

from __future__ import annotations

import numpy as np

from observability.columns import Bools, Floats, Ints
from observability.cost.sheet import COST_TYPES
from observability.records import CACHE_WRITE, INPUT, OUTPUT, REASONING, REPORTED

_IN = slice(INPUT, CACHE_WRITE + 1)
_OUT = slice(OUTPUT, REASONING + 1)
_REQUEST, _TOTAL = COST_TYPES.index("request"), COST_TYPES.index("total")
_INPUT_COST, _OUTPUT_COST, _TOTAL_COST = (REPORTED.index(name) for name in ("input", "output", "total"))
#: Relative and absolute difference below which two sums of money are the same.
_CLOSE, _TINY = 1e-9, 1e-12


def with_reported(reported: Floats, billable: Bools, usd: Floats, total: Floats) -> Ints:
    """Write reported costs over listed ones in ``usd`` (7, n) and ``total`` (n,); returns the rows that had one.

    ``reported`` has shape (n, 3), NaN where nobody said. Negative and infinite numbers say nothing. Neither does a sum
    of zero for a call that is ``billable``, shape (n,), that is, used tokens or may have: gateways and
    instrumentations write 0 for models that they do not know. What ``usd`` holds of overrides and price list gives the
    proportions in which a reported cost is split.
    """
    unsaid = np.isnan(reported)
    rows = np.flatnonzero(~(unsaid[:, 0] & unsaid[:, 1] & unsaid[:, 2]))
    said = np.ascontiguousarray(reported[rows].T)
    told = np.isfinite(said) & (said >= 0)
    amounts = np.where(told, said, 0.0)
    sides = amounts[_INPUT_COST] + amounts[_OUTPUT_COST]
    told[_TOTAL_COST] &= (amounts[_TOTAL_COST] > 0) | (sides == 0)
    whole = np.where(told[_TOTAL_COST], amounts[_TOTAL_COST], sides)
    believed = told.any(axis=0) & ((whole > 0) | ~billable[rows])
    if not believed.all():
        rows, amounts, told = rows[believed], amounts[:, believed], told[:, believed]
    listed = usd[:, rows]
    uncharged = np.isnan(listed)
    split, whole = _split(amounts, told, np.where(uncharged, 0.0, listed))
    # A listed type that costs nothing of the reported sum is still charged: with 0.
    usd[:, rows] = np.where(uncharged & (split <= 0), np.nan, split)
    total[rows] = whole
    return rows


def _split(amounts: Floats, told: Bools, listed: Floats) -> tuple[Floats, Floats]:
    """Reported costs by the columns of COST_TYPES, shape (7, m), and their sums, shape (m,)."""
    listed_in, listed_out, fee = listed[_IN].sum(axis=0), listed[_OUT].sum(axis=0), listed[_REQUEST]
    has_in, has_out, has_total = told
    ins, outs, given = amounts

    # A side that nobody said is what the total leaves for it, else what the list says.
    ins = np.where(has_in, ins, np.where(has_total, np.maximum(given - outs, 0.0), listed_in))
    outs = np.where(has_out, outs, np.where(has_total, np.maximum(given - ins, 0.0), listed_out))
    # With the total alone both sides and the fee have the proportions of the list.
    only_total = ~(has_in | has_out)
    whole_list = listed_in + listed_out + fee
    share = np.divide(given, whole_list, out=np.zeros_like(given), where=whole_list > 0)
    ins, outs = np.where(only_total, listed_in * share, ins), np.where(only_total, listed_out * share, outs)
    fees = np.where(only_total, fee * share, 0.0)

    # The total counts: sides that exceed it (a discount) are cut, what they leave open belongs to no type.
    sides = ins + outs + fees
    over = has_total & (sides > given * (1 + _CLOSE) + _TINY)
    cut = np.divide(given, sides, out=np.ones_like(given), where=over)
    whole = np.where(has_total, given, sides)
    rest = whole - sides * cut

    split = np.empty((len(COST_TYPES), len(given)))
    split[_IN] = _proportions(listed[_IN], listed_in) * (ins * cut)
    split[_OUT] = _proportions(listed[_OUT], listed_out) * (outs * cut)
    split[_REQUEST] = fees * cut
    split[_TOTAL] = np.where(rest > whole * _CLOSE + _TINY, rest, 0.0)
    return split, whole


def _proportions(cost: Floats, listed: Floats) -> Floats:
    """Shares of each column; all in the first row where the list has no price. Shape of ``cost``."""
    alone = np.zeros_like(cost)
    alone[0] = 1.0
    return np.divide(cost, listed, out=alone, where=listed > 0)
