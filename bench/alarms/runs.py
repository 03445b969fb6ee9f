"""All runs of our own detectors, in processes of their own, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from bench.alarms import embeddings, ours, streams
from bench.alarms.streams import Floats
from bench.alarms.watching import Watcher, follow, median
from observability.drift.embeddings import EmbeddingDriftDetector
from observability.drift.sequential import judge
from observability.settings.models import Drift

#: Streams of each scenario; of the sequential test, whose false alarms are rare, more quiet ones.
STREAMS, RARE = 30, 300
#: Features of one model.
FEATURES = 10
#: Average run lengths that the evidence is compared with; the last is the default.
RUN_LENGTHS = (1e5, 1e6, Drift().average_run_length)

Row = dict[str, Any]


def classic(pool: ProcessPoolExecutor) -> list[Row]:
    """A row for each detector of windows, scenario and stream."""
    jobs = [(at, scenario) for at, each in enumerate(ours.CLASSIC) for scenario in each.scenarios()]
    return _flat(pool.map(_classic, *zip(*jobs, strict=True)))


def _classic(at: int, scenario: str) -> list[Row]:
    watcher = ours.CLASSIC[at]
    return [_row(watcher, scenario) | follow(watcher, streams.stream(scenario, n)) for n in range(STREAMS)]


def _row(watcher: Watcher, scenario: str) -> Row:
    bound = {"share": watcher.bound.share, "run_length": watcher.bound.run_length}
    return {"watcher": watcher.name, "scenario": scenario, "bound": bound, "chances": watcher.chances}


def sequential_delays(pool: ProcessPoolExecutor) -> list[Row]:
    """A row for each change and stream, of the sequential test."""
    return _flat(pool.map(_sequential, streams.CHANGES))


def _sequential(scenario: str) -> list[Row]:
    watcher = ours.SEQUENTIAL
    return [_row(watcher, scenario) | follow(watcher, streams.stream(scenario, n)) for n in range(STREAMS)]


def evidence(pool: ProcessPoolExecutor) -> dict[str, Floats]:
    """The largest evidence so far at each look, (streams, looks), of each kind of quiet stream."""
    jobs = [(kind, first) for kind in streams.QUIET for first in range(0, RARE, STREAMS)]
    parts = list(pool.map(_evidence, *zip(*jobs, strict=True)))
    found: dict[str, list[Floats]] = {kind: [] for kind in streams.QUIET}
    for (kind, _), part in zip(jobs, parts, strict=True):
        found[kind].append(part)
    return {kind: np.concatenate(each) for kind, each in found.items()}


def _evidence(kind: str, first: int) -> Floats:
    rows = range(first, first + STREAMS)
    return np.array([[peak for _, peak in ours.evidence(streams.quiet(kind, number))] for number in rows])


def quiet_of(peaks: dict[str, Floats]) -> list[Row]:
    """The rows of the sequential test at quiet streams, at its default."""
    rows = []
    for kind, found in peaks.items():
        for each in found:
            alarmed = each >= RUN_LENGTHS[-1]
            first = (int(np.argmax(alarmed)) + 1) * streams.STEP if alarmed.any() else None
            row = {"quiet": True, "looks": len(each), "alarms": int(alarmed.sum()), "first": first}
            rows.append(_row(ours.SEQUENTIAL, kind) | row | {"values": len(each) * streams.STEP})
    return rows


def run_lengths(peaks: dict[str, Floats]) -> list[Row]:
    """How many quiet streams alarm at each run length, and what is promised."""
    rows = []
    for kind, found in peaks.items():
        values = found.shape[1] * streams.STEP
        for run_length in RUN_LENGTHS:
            alarmed = (found[:, -1] >= run_length).astype(np.float64)
            rows.append({"kind": kind, "run_length": run_length, **_shares(alarmed), "promised": values / run_length})
    return rows


def together(peaks: dict[str, Floats]) -> list[Row]:
    """Models of ten features that are judged together, quiet or with half of the features drifting: which share of the
    alarms of a model is false, 1 where all are and 0 where there are none."""
    kinds = [peaks[kind] for kind in streams.NUMERIC if kind in streams.INDEPENDENT]
    mixed = np.concatenate(kinds)[np.random.default_rng(3).permutation(sum(map(len, kinds)))]
    models = mixed[: len(mixed) // FEATURES * FEATURES, -1].reshape(-1, FEATURES)
    values = mixed.shape[1] * streams.STEP
    rows = []
    for drifted in (0, FEATURES // 2):
        known = models.copy()
        known[:, :drifted] = math.inf
        for run_length in RUN_LENGTHS:
            alarms = np.array([judge(model, run_length) for model in known])
            false = alarms[:, drifted:].sum(axis=1) / np.maximum(alarms.sum(axis=1), 1)
            promised = values / run_length * (FEATURES - drifted) / FEATURES
            rows.append({"drifted": drifted, "run_length": run_length, **_shares(false), "promised": promised})
    return rows


def _shares(values: Floats) -> Row:
    """Mean of ``values`` (n,) and its standard error."""
    error = values.std(ddof=1) / math.sqrt(len(values))
    return {"of": len(values), "found": float(values.mean()), "error": float(error)}


def concept(pool: ProcessPoolExecutor) -> list[Row]:
    """A row for each detector of errors, scenario and stream."""
    jobs = [(at, name) for at in range(len(ours.CONCEPT)) for name in ("quiet", *streams.WORSE)]
    return _flat(pool.map(_concept, *zip(*jobs, strict=True)))


def _concept(at: int, name: str) -> list[Row]:
    watcher = ours.CONCEPT[at]
    rate = streams.WORSE.get(name)
    return [_row(watcher, name) | follow(watcher, streams.errors(n, rate)) for n in range(RARE)]


def moved(pool: ProcessPoolExecutor) -> list[Row]:
    """A row for each window of embeddings, quiet and moved."""
    return _flat(pool.map(_moved, range(STREAMS)))


def _moved(number: int) -> list[Row]:
    found = [embeddings.quiet(_fit, number)]
    found += [embeddings.moved(_fit, move, number) for move in embeddings.MOVES]
    about = {"watcher": "EmbeddingDriftDetector", "bound": {"share": 0.01, "run_length": None}, "chances": 1.0}
    return [about | each for each in found]


def _fit(reference: Floats) -> Any:
    detector = EmbeddingDriftDetector(reference)
    return lambda window: detector.detect(window).is_drift


def _flat(parts: Iterable[list[Row]]) -> list[Row]:
    return [row for part in parts for row in part]


def summaries(rows: list[Row], scenarios: Iterable[str], counted: Iterable[str]) -> Iterator[Row]:
    """A row for each detector: its false alarms, whether they are within what it promises, and its median delays.

    The share of looks is of the scenarios ``counted``; within, if it exceeds the promise by no more than two standard
    errors, as streams differ.
    """
    counted = tuple(counted)
    for name in dict.fromkeys(row["watcher"] for row in rows):
        own = [row for row in rows if row["watcher"] == name]
        quiet = [row for row in own if row["quiet"]]
        independent = [row for row in quiet if row["scenario"] in counted]
        delays = {
            scenario: median([row["delay"] for row in own if row["scenario"] == scenario and not row["quiet"]])
            for scenario in scenarios
        }
        yield {
            "detector": name,
            "streams": len(independent),
            "false_alarm_share_of_looks": _share(independent),
            "streams_with_an_alarm": {
                kind: _alarmed([row for row in quiet if row["scenario"] == kind])
                for kind in dict.fromkeys(row["scenario"] for row in quiet)
            },
            "bound": own[0]["bound"],
            "within": within(independent, own[0]["bound"], own[0]["chances"]),
            "median_delay": {
                key: value if math.isfinite(value) else None for key, value in delays.items() if not math.isnan(value)
            },
        }


def _share(rows: list[Row]) -> float:
    return float(sum(min(row["alarms"], row["looks"]) for row in rows) / sum(row["looks"] for row in rows))


def _alarmed(rows: list[Row]) -> float:
    return sum(row["first"] is not None for row in rows) / len(rows)


def within(rows: list[Row], bound: dict[str, float | None], chances: float) -> bool | None:
    """Whether quiet streams alarm as seldom as is promised; ``None`` without a promise."""
    if bound["share"] is not None:
        shares = np.array([row["alarms"] / (row["looks"] * chances) for row in rows])
        return bool(shares.mean() - 2 * shares.std(ddof=1) / math.sqrt(len(shares)) <= bound["share"])
    if bound["run_length"] is None:
        return None
    values = rows[0]["values"]
    if values < bound["run_length"]:
        promised, found = values / bound["run_length"], _alarmed(rows)
        return bool(found - 2 * math.sqrt(max(found * (1 - found), 0) / len(rows)) <= promised)
    rates = np.array([row["alarms"] / row["values"] for row in rows])
    return bool(rates.mean() - 2 * rates.std(ddof=1) / math.sqrt(len(rates)) <= 1 / bound["run_length"])
