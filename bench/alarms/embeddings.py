"""Windows of embeddings, quiet and moved; needs nothing but numpy, as peers run it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.alarms.streams import Floats

REFERENCE, WINDOW, DIMENSIONS = 1000, 200, 64
#: Windows of a quiet reference, and of one that moves: a move that is not found by then was missed.
LOOKS, MOST = 50, 25
#: How far the mean moves, in standard deviations of one dimension; 0 where nothing does.
MOVES = (0.5, 1.0, 2.0)

#: Fits a reference (n, d); what comes back says of a window (m, d) whether it drifted.
Fit = Callable[[Floats], Callable[[Floats], bool]]


def name(move: float) -> str:
    """What a move is called in results."""
    return f"mean moved by {move}"


def quiet(fit: Fit, number: int) -> dict[str, Any]:
    """Alarms of windows of the same distribution as reference ``number``."""
    random = np.random.default_rng((1, number))
    looks = fit(random.normal(size=(REFERENCE, DIMENSIONS)))
    alarms = sum(int(looks(random.normal(size=(WINDOW, DIMENSIONS)))) for _ in range(LOOKS))
    first = 0 if alarms else None
    row = {"quiet": True, "move": 0.0, "scenario": "quiet", "looks": LOOKS, "alarms": alarms, "first": first}
    return row | {"values": LOOKS * WINDOW}


def moved(fit: Fit, move: float, number: int) -> dict[str, Any]:
    """Values until a window of a mean that moved by ``move`` alarms, ``None`` for never."""
    random = np.random.default_rng((2, number))
    looks = fit(random.normal(size=(REFERENCE, DIMENSIONS)))
    direction = random.normal(size=DIMENSIONS)
    offset = move * direction / np.linalg.norm(direction)
    for look in range(1, MOST + 1):
        if looks(random.normal(size=(WINDOW, DIMENSIONS)) + offset):
            return {"quiet": False, "move": move, "scenario": name(move), "delay": look * WINDOW}
    return {"quiet": False, "move": move, "scenario": name(move), "delay": None}
