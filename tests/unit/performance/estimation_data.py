"""Seeded data for estimates of performance: the same for the values that NannyML gave and for ours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Rows of the reference, of each chunk, and number of chunks.
REFERENCE, CHUNK, CHUNKS = 4000, 500, 4


def binary(sureness: float, seed: int) -> dict[str, dict[str, Array]]:
    """A binary classifier whose log odds are ``sureness`` times the true ones; inputs drift over the chunks.

    Probabilities have 9 digits, so that files hold them exactly, and no two are equal in practice.
    """
    rng = np.random.default_rng(seed)
    shift = np.repeat(np.linspace(0.0, 1.0, CHUNKS), CHUNK)
    periods = {"reference": np.zeros(REFERENCE), "analysis": shift}
    data = {}
    for period, centre in periods.items():
        log_odds = 1.5 * rng.normal(centre, 1.0) - 0.5
        probability = np.round(1 / (1 + np.exp(-sureness * log_odds)), 9)
        true = (rng.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))).astype(int)
        data[period] = {"y_true": true, "y_pred": (probability >= 0.5).astype(int), "y_pred_proba": probability}
    return data


def three_classes(sureness: float, seed: int) -> dict[str, dict[str, Array]]:
    """A classifier of three classes, likewise; probabilities (n, 3) as ``proba_0`` to ``proba_2``."""
    rng = np.random.default_rng(seed)
    shift = np.repeat(np.linspace(0.0, 1.0, CHUNKS), CHUNK)
    data = {}
    for period, centre in {"reference": np.zeros(REFERENCE), "analysis": shift}.items():
        logits = rng.normal(size=(len(centre), 3)) + np.column_stack([centre, 0 * centre, -centre])
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        table = np.exp(sureness * logits) / np.exp(sureness * logits).sum(axis=1, keepdims=True)
        table = np.round(table, 9)
        true = (rng.random(len(centre))[:, None] > chances.cumsum(axis=1)[:, :2]).sum(axis=1)
        columns = {f"proba_{code}": table[:, code] for code in range(3)}
        data[period] = {"y_true": true, "y_pred": table.argmax(axis=1), **columns}
    return data
