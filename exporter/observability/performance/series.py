"""Any metric over time: values that stand out, and a level that has got worse for good."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from observability.columns import Bools, Floats

#: What a median absolute deviation is multiplied with to estimate a standard deviation of normal values.
_TO_DEVIATION = 1.4826022185056018


@dataclass(frozen=True)
class Anomalies:
    """Per value of a series, all (t,): what was ``expected``, the robust ``score`` and whether it is an anomaly.

    NaN (and no anomaly) where the value is missing or too little came before it.
    """

    expected: Floats
    score: Floats
    is_anomaly: Bools


def find_anomalies(
    values: Any,
    *,
    window: int = 60,
    period: int | None = None,
    threshold: float = 5.0,
    minimum: int = 10,
    floor: float = 0.0,
) -> Anomalies:
    """Compare each of ``values`` (t,) with those before it: |x - median| / (1.4826 · MAD) above ``threshold``.

    Median and median absolute deviation are of the last ``window`` values, or with a ``period`` (1440 for days of
    minutes) of the last ``window`` values of the same phase, so that no value judges itself and a daily rhythm is no
    anomaly; at least ``minimum`` of them are there. One outlier does not widen the band, as it would a mean and
    standard deviation. ``floor`` is the smallest deviation that counts as 1, in the unit of the values: where half of
    the last values are equal, anything else is infinitely far without it.

    Raises:
        ValueError: not (t,), or a window or period of less than 1.
    """
    series = np.asarray(values, np.float64)
    if series.ndim != 1:
        raise ValueError(f"a series is (t,), not {series.shape}")
    if window < 1 or (period is not None and period < 1):
        raise ValueError("window and period are at least 1")
    stride = period or 1
    padded = np.concatenate([series, np.full(-len(series) % stride, np.nan)])
    phases = padded.reshape(-1, stride).T  # (phase, turn)
    before = np.concatenate([np.full((stride, window), np.nan), phases[:, :-1]], axis=1)
    past = np.lib.stride_tricks.sliding_window_view(before, window, axis=1)  # (phase, turn, window)
    known = np.count_nonzero(~np.isnan(past), axis=2)
    expected = _median(past, known)
    deviation = _TO_DEVIATION * _median(np.abs(past - expected[..., None]), known)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = phases - expected
        score = np.where(distance == 0, 0.0, distance / np.maximum(deviation, floor))
    score = np.where(known >= minimum, score, np.nan)
    expected = np.where(known >= minimum, expected, np.nan)
    flat = [table.T.ravel()[: len(series)] for table in (expected, score)]
    with np.errstate(invalid="ignore"):
        return Anomalies(flat[0], flat[1], np.asarray(np.abs(flat[1]) > threshold))


def _median(values: Floats, known: Any) -> Floats:
    """Over the last axis, of what is not NaN; NaN of nothing."""
    ordered = np.sort(values, axis=-1)  # NaN last
    middle = np.stack([np.maximum(known - 1, 0) // 2, known // 2], axis=-1)
    middle = np.minimum(middle, values.shape[-1] - 1)
    return np.asarray(np.take_along_axis(ordered, middle, axis=-1).mean(axis=-1))


@dataclass(frozen=True)
class Regression:
    """A level that has changed: ``start`` is the index of the first value of it, ``found`` that of the alarm.

    ``before`` and ``after`` are medians of the baseline and of the values from ``start`` to ``found``; ``score`` is the
    sum of deviations that exceeded ``threshold``, in standard deviations.
    """

    start: int
    found: int
    before: float
    after: float
    score: float
    threshold: float


def find_regression(
    values: Any,
    baseline: Any,
    *,
    worse: Literal["up", "down"] = "up",
    slack: float = 0.5,
    average_run_length: float = 10_000,
) -> Regression | None:
    """The first time that ``values`` (t,) go up (or down) from the level of ``baseline`` (b,) for good, if they do.

    Page's CUSUM: deviations from the baseline's median, in its robust standard deviations, less ``slack`` of them, are
    summed from 0 up; a sum above h is a regression that began where it last was 0. Half the shift that matters is the
    best ``slack``. h is such that independent normal values raise an alarm every ``average_run_length`` values (after
    Siegmund 1985); a deviation counts for 4 standard deviations at most, so that one outlier is none. Values that
    follow each other closely (autocorrelated ones) alarm sooner: aggregate them to longer buckets. NaN is left out.

    Raises:
        ValueError: fewer than 10 values of the baseline, one that does not move, or a slack of 0.
    """
    series, reference = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    reference = reference[~np.isnan(reference)]
    if len(reference) < 10:
        raise ValueError("a baseline has at least 10 values")
    before = float(np.median(reference))
    deviation = _TO_DEVIATION * float(np.median(np.abs(reference - before))) or float(reference.std())
    if deviation == 0:
        raise ValueError("a baseline of equal values does not say what a small deviation is")
    threshold = decision_limit(slack, average_run_length)
    places = np.flatnonzero(~np.isnan(series))
    sign = 1.0 if worse == "up" else -1.0
    steps = np.clip(sign * (series[places] - before) / deviation, -_MOST, _MOST) - slack
    total = np.cumsum(steps)
    lowest = np.minimum(np.minimum.accumulate(total), 0.0)
    beyond = total - lowest > threshold
    if not beyond.any():
        return None
    found = int(np.argmax(beyond))
    quiet = np.flatnonzero(total[: found + 1] <= lowest[: found + 1])
    start = int(quiet[-1]) + 1 if len(quiet) else 0
    after = float(np.median(series[places[start : found + 1]]))
    score = float(total[found] - lowest[found])
    return Regression(int(places[start]), int(places[found]), before, after, score, threshold)


#: Standard deviations that one value counts for at most.
_MOST = 4.0


def decision_limit(slack: float, average_run_length: float) -> float:
    """h of a one-sided CUSUM of standard normal values: solves ARL = (exp(2kb) - 2kb - 1) / 2k², b = h + 1.166
    (Siegmund 1985, "Sequential analysis", section X.2), k being ``slack``.

    Raises:
        ValueError: a slack of 0 or less, or a run length of less than 2.
    """
    if slack <= 0 or average_run_length < 2:
        raise ValueError("the slack is above 0, the average run length at least 2")
    target, x = 2 * slack**2 * average_run_length, 1.0
    for _ in range(100):
        x = math.log(target + x + 1)  # a contraction
    return max(x / (2 * slack) - 1.166, 0.0)
