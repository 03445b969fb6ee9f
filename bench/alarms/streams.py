"""Streams that are quiet, and streams that change: each is a baseline and what comes after it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
Alter = Callable[[np.random.Generator, Floats], Floats]

#: Values of a baseline; values between two looks; values that a window holds.
BASELINE, STEP, WINDOW = 2000, 50, 500
#: Looks at a quiet stream.
LOOKS = 1000
#: Values before a change, and after it: a drift that is not found by then was missed.
BEFORE, AFTER = 5000, 20_000
#: Values over which a slow change comes.
RAMP = 5000
#: Shares of eight categories.
_SHARES = np.array((0.30, 0.20, 0.15, 0.12, 0.10, 0.07, 0.04, 0.02))
#: Categories whose shares change, by this much.
_MOVED = 0.05
_CORRELATION = 0.6


def _categories(random: np.random.Generator, count: int, shares: Floats = _SHARES) -> Floats:
    return np.searchsorted(np.cumsum(shares)[:-1], random.random(count), "right").astype(np.float64)


def _zeros(random: np.random.Generator, count: int) -> Floats:
    return np.where(random.random(count) < 0.3, 0.0, random.exponential(1.0, count))


def _correlated(random: np.random.Generator, count: int) -> Floats:
    """x ← 0.6 x + noise, with variance 1."""
    from scipy.signal import lfilter

    noise = random.normal(0.0, np.sqrt(1 - _CORRELATION**2), count)
    start = [_CORRELATION * random.normal()]
    return np.asarray(lfilter([1.0], [1.0, -_CORRELATION], noise, zi=start)[0], np.float64)


#: What is drawn where nothing drifts.
QUIET: dict[str, Draw] = {
    "normal": lambda random, count: random.normal(0.0, 1.0, count),
    "skewed": lambda random, count: random.lognormal(0.0, 1.0, count),
    "counts": lambda random, count: random.poisson(4.0, count).astype(np.float64),
    "zeros": _zeros,
    "categories": _categories,
    "correlated": _correlated,
}
#: Kinds whose values are independent of one another: what bounds of a look are stated for.
INDEPENDENT = ("normal", "skewed", "counts", "zeros", "categories")
#: Kinds that are numbers.
NUMERIC = tuple(kind for kind in QUIET if kind != "categories")


@dataclass(frozen=True)
class Change:
    """What becomes of values (n,) of ``kind`` from the moment of the change on."""

    kind: str
    alter: Alter


def _shift(by: float) -> Alter:
    return lambda random, values: values + by  # noqa: ARG005


def _ramp(random: np.random.Generator, values: Floats) -> Floats:  # noqa: ARG001
    return np.asarray(values + np.minimum(np.arange(len(values)) / RAMP, 1.0), np.float64)


def _move(random: np.random.Generator, values: Floats) -> Floats:
    shares = _SHARES.copy()
    shares[0] -= _MOVED
    shares[4] += _MOVED
    return _categories(random, len(values), shares)


CHANGES: dict[str, Change] = {
    **{f"{by} σ": Change("normal", _shift(by)) for by in (0.1, 0.2, 0.3, 0.5, 1.0)},
    "spread × 1.5": Change("normal", lambda random, values: values * 1.5),  # noqa: ARG005
    "ramp to 1 σ": Change("normal", _ramp),
    "category + 5 points": Change("categories", _move),
}


@dataclass(frozen=True)
class Stream:
    """``baseline`` (m,), and the ``values`` (n,) after it; of ``categories`` these are codes. ``change`` is where they
    change, ``None`` where they do not."""

    baseline: Floats
    values: Floats
    categorical: bool
    change: int | None


def quiet(kind: str, number: int) -> Stream:
    """Stream ``number`` of ``kind``: as many values as a window and :data:`LOOKS` steps hold."""
    random = _random(kind, number)
    draw = QUIET[kind]
    return Stream(draw(random, BASELINE), draw(random, WINDOW + STEP * (LOOKS - 1)), kind == "categories", None)


def changed(name: str, number: int) -> Stream:
    """Stream ``number`` with a change of :data:`CHANGES`."""
    random = _random(name, number)
    change = CHANGES[name]
    draw = QUIET[change.kind]
    baseline, before, after = draw(random, BASELINE), draw(random, BEFORE), draw(random, AFTER)
    values = np.concatenate((before, change.alter(random, after)))
    return Stream(baseline, values, change.kind == "categories", BEFORE)


def stream(scenario: str, number: int) -> Stream:
    """Stream ``number`` of a quiet kind or of a change, by its name."""
    return quiet(scenario, number) if scenario in QUIET else changed(scenario, number)


#: Share of errors that a model makes before and, of those that get worse, after.
ERRORS = 0.1
WORSE: dict[str, float] = {f"to {rate:.0%}": rate for rate in (0.12, 0.15, 0.2, 0.3, 0.5)}


def errors(number: int, rate: float | None = None) -> Stream:
    """Errors, 1 or 0, of a model; from the change on with ``rate``, where there is one."""
    random = _random(f"errors {rate}", number)
    baseline = (random.random(BASELINE) < ERRORS).astype(np.float64)
    if rate is None:
        count = WINDOW + STEP * (LOOKS - 1)
        return Stream(baseline, (random.random(count) < ERRORS).astype(np.float64), False, None)
    before, after = random.random(BEFORE) < ERRORS, random.random(AFTER) < rate
    return Stream(baseline, np.concatenate((before, after)).astype(np.float64), False, BEFORE)


def _random(name: str, number: int) -> np.random.Generator:
    return np.random.default_rng((zlib.crc32(name.encode()), number))
