"""Exact drift statistics: 50 features of a 100,000 row reference against a window of 10,000 rows."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench import peers
from bench.result import Result
from observability.drift import counts
from observability.drift.two_sample import SortedReference, bin_counts, ks, quantile_edges, wasserstein1

FEATURES = 50
REFERENCE = 100_000
CURRENT = 10_000
ROUNDS = 5
#: Of the time of scipy, or numpy.
GOALS = {"ks": 0.12, "w1": 0.08, "psi": 0.15}
#: What evidently and NannyML are asked for, by our name.
PEERS: dict[str, dict[str, str | None]] = {
    "evidently": {"ks": "ks", "w1": "wasserstein", "psi": "psi", "default": None},
    "nannyml": {"ks": "kolmogorov_smirnov", "w1": "wasserstein", "jensen_shannon": "jensen_shannon"},
}
_NOTES = {
    "evidently": ", which sees the reference anew each time",
    "nannyml": ", reference fitted beforehand; from 10,000 reference rows on it compares bins, not values",
}
_PEER_SCRIPT = Path(__file__).with_name("peers_drift.py")
_PEER_TIMEOUT = 900
_SIZE = f"{FEATURES} features, reference {REFERENCE:,} rows, window {CURRENT:,} rows"

Table = list[NDArray[np.float64]]
_T = TypeVar("_T")


def run() -> list[Result]:
    """Both in turns in this process; the peers in processes of their own, each with the same data."""
    reference, current = made()
    results = []
    ours: dict[str, float] = {}
    for name, prepare, measure, peer, what in (
        ("ks", SortedReference.fit, _ks, _scipy_ks, "scipy.stats.ks_2samp, asymp"),
        ("w1", _with_areas, _w1, _scipy_w1, "scipy.stats.wasserstein_distance"),
        ("psi", _binned, _psi, _numpy_psi, "numpy.quantile and numpy.histogram"),
    ):
        fitted, preparing = _timed(lambda prepare=prepare: [prepare(each) for each in reference])  # type: ignore[misc]
        mine, theirs = _in_turns(
            lambda measure=measure, fitted=fitted: [measure(*pair) for pair in zip(fitted, current, strict=True)],  # type: ignore[misc]
            lambda peer=peer: [peer(*pair) for pair in zip(reference, current, strict=True)],  # type: ignore[misc]
        )
        ours[name] = mine
        ratio, goal = mine / theirs, GOALS[name]
        results.append(
            Result(
                f"{name}_exact",
                round(mine * 1000, 1),
                "ms",
                f"{name.upper()} of {_SIZE}, reference prepared beforehand (once: {preparing * 1000:.0f} ms, together "
                f"{(mine + preparing) / theirs:.2f} of the peer); CPU time, median of {ROUNDS} in turns with the peer",
                peer=f"{what}, per feature: {theirs * 1000:.0f} ms",
                ratio=round(ratio, 3),
                goal=f"at most {goal} of the peer",
                met=ratio <= goal,
            )
        )
    return [*results, *_others(reference, current, ours)]


def made() -> tuple[Table, Table]:
    """Columns of the usual kinds: bell-shaped, skewed, rounded, with many zeros, of few values; slightly shifted."""
    random = np.random.default_rng(7)

    def column(number: int, rows: int, shift: float) -> NDArray[np.float64]:
        kind = number % 5
        if kind == 0:
            return random.normal(shift, 1, rows)
        if kind == 1:
            return random.lognormal(shift, 1, rows)
        if kind == 2:
            return random.normal(40 + shift, 12, rows).round(1)
        if kind == 3:
            return np.where(random.random(rows) < 0.3, 0.0, random.exponential(1 + shift, rows))
        return random.poisson(4 + shift, rows).astype(np.float64)

    shifts = np.linspace(0, 0.1, FEATURES).tolist()
    return (
        [column(number, REFERENCE, 0.0) for number in range(FEATURES)],
        [column(number, CURRENT, shift) for number, shift in enumerate(shifts)],
    )


def _with_areas(values: NDArray[np.float64]) -> SortedReference:
    reference = SortedReference.fit(values)
    wasserstein1(reference, values[:1])  # what it keeps is made when it is first needed
    return reference


def _binned(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    reference = SortedReference.fit(values)
    edges = quantile_edges(reference)
    return edges, bin_counts(edges, reference)


def _ks(fitted: SortedReference, window: NDArray[np.float64]) -> float | None:
    return ks(fitted, window).p_value


def _w1(fitted: SortedReference, window: NDArray[np.float64]) -> float:
    return wasserstein1(fitted, window).statistic


def _psi(fitted: tuple[NDArray[np.float64], NDArray[np.int64]], window: NDArray[np.float64]) -> float:
    edges, reference = fitted
    return float(counts.psi(reference, bin_counts(edges, window)))


def _scipy_ks(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    return float(stats.ks_2samp(reference, current, method="asymp").pvalue)


def _scipy_w1(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    return float(stats.wasserstein_distance(reference, current))


def _numpy_psi(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    inner = np.unique(np.quantile(reference, np.linspace(0, 1, 11))[1:-1])
    edges = np.concatenate(([-np.inf], inner, [np.inf]))
    return float(counts.psi(np.histogram(reference, edges)[0], np.histogram(current, edges)[0]))


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


def _in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median CPU seconds of both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, taken in zip((first, second), times, strict=True):
            taken.append(_timed(work)[1])
    return statistics.median(times[0]), statistics.median(times[1])


def _others(reference: Table, current: Table, ours: dict[str, float]) -> list[Result]:
    """Rows of those peers that are installed."""
    results = []
    for peer, methods in PEERS.items():
        python = peers.python(peer)
        if python is None:
            continue
        for name, method in methods.items():
            seconds = _peer_seconds(python, peer, method, reference, current)
            mine = ours.get(name)
            results.append(
                Result(
                    f"drift_{peer}_{name}",
                    round(seconds * 1000, 1),
                    "ms",
                    f"{peer}, {method or 'its default tests'}, {_SIZE}; CPU time of one call after a first one"
                    + _NOTES[peer]
                    + "; ratio: ours to it",
                    ratio=None if mine is None else round(mine / seconds, 4),
                )
            )
    return results


def _peer_seconds(python: Path, peer: str, method: str | None, reference: Table, current: Table) -> float:
    task = {"peer": peer, "method": method}
    columns = np.stack(reference, axis=1), np.stack(current, axis=1)
    header = json.dumps(task | {"rows": [len(each) for each in columns], "features": FEATURES}).encode() + b"\n"
    done = subprocess.run(
        [str(python), str(_PEER_SCRIPT)],
        input=header + columns[0].tobytes() + columns[1].tobytes(),
        stdout=subprocess.PIPE,
        timeout=_PEER_TIMEOUT,
        check=True,
    )
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])
