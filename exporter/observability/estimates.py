"""Calls without usage → token numbers estimated from their content."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from observability.records import INPUT, NO_TOKENS, OUTPUT, Calls
from observability.tokens import estimate_usage


def estimated(calls: Calls) -> Calls:
    """Those of ``calls`` that brought content and no usage, with usage that is estimated from the content."""
    rows, table = [], []
    silent = ~calls.has_usage & (calls.error_type.codes < 0)
    for row in np.flatnonzero(silent).tolist():
        content = (calls.input[row], calls.output[row])
        if content == (None, None):
            continue
        given, said = estimate_usage(calls.model[row] or "", *content)
        usage = np.full(calls.usage.shape[1], NO_TOKENS, np.int64)
        usage[INPUT] = NO_TOKENS if given is None else given
        usage[OUTPUT] = NO_TOKENS if said is None else said
        if (usage > 0).any():
            rows.append(row)
            table.append(usage)
    picked = calls.take(np.array(rows, np.int64))
    usage_table = np.array(table, np.int64).reshape(-1, calls.usage.shape[1])
    return replace(picked, usage=usage_table, estimated=np.ones(len(rows), np.bool_))
