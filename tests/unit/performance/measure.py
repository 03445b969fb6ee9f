"""The figures of docs/performance.md: ``PYTHONPATH=exporter python -m tests.unit.performance.measure``; some minutes.

False alarms, delays and coverage have fixed seeds; times are the best of five on whatever machine this is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from river import drift as river_drift

from observability.performance.adwin import ADWIN
from observability.performance.classification import evaluate_classification
from observability.performance.concept import ConceptDriftDetector
from observability.performance.ddm import DDM, EDDM
from observability.performance.direct import EstimatedRegression
from observability.performance.error_rate import ErrorRateEDetector
from observability.performance.estimated import EstimatedClassification
from observability.performance.importance import importances
from observability.performance.page_hinkley import PageHinkley
from observability.performance.regression import evaluate_regression
from observability.performance.segments import by_segment
from observability.performance.tracker import PerformanceTracker
from tests.unit.performance import test_intervals as intervals

RATE, BASELINE, QUIET, RUNS = 0.1, 5000, 10_000, 1000


def detectors(rng: np.random.Generator) -> dict[str, Callable[[], Any]]:
    """One of each kind at its default, with a baseline of its own where it needs one."""

    def baseline() -> Any:
        return (rng.random(BASELINE) < RATE).astype(float)

    return {
        "ConceptDriftDetector": lambda: ConceptDriftDetector().fit(baseline()),
        "ConceptDriftDetector, deviation=single": lambda: ConceptDriftDetector(deviation="single").fit(baseline()),
        "ConceptDriftDetector, multiplier 4": lambda: ConceptDriftDetector(1000, 4.0).fit(baseline()),
        "DDM": DDM,
        "EDDM": EDDM,
        "ADWIN": ADWIN,
        "PageHinkley": PageHinkley,
        "ErrorRateEDetector": lambda: ErrorRateEDetector(float(baseline().sum()), BASELINE),
    }


def errors(rng: np.random.Generator, n: int, rate: float) -> Any:
    return (rng.random(n) < rate).astype(float)


def alarms() -> Iterator[str]:
    """Share of quiet runs with an alarm; median delay after 1000 quiet labels, of runs that were quiet till then."""
    names = list(detectors(np.random.default_rng(0)))
    for name in names:
        rng = np.random.default_rng(1)
        make = detectors(rng)[name]
        false = np.mean([make().update_many(errors(rng, QUIET, RATE)).size > 0 for _ in range(RUNS)])
        delays = []
        for shift in (0.05, 0.1, 0.2):
            found: list[float] = []
            while len(found) < 300:
                detector = make()
                if detector.update_many(errors(rng, 1000, RATE)).size:
                    continue
                after = detector.update_many(errors(rng, 5000, RATE + shift))
                found.append(after[0] + 1 if after.size else np.inf)
            delays.append(f"{np.median(found):.0f}")
        yield f"{name:40} {100 * false:5.1f} %   {' '.join(f'{delay:>6}' for delay in delays)}"


def best(work: Callable[[], Any]) -> float:
    """Seconds."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def against_river() -> Iterator[str]:
    theirs: Any = river_drift
    stream = errors(np.random.default_rng(2), 100_000, RATE)
    pairs = [
        (theirs.binary.DDM, DDM, bool), (theirs.binary.EDDM, EDDM, bool),
        (theirs.ADWIN, ADWIN, float), (theirs.PageHinkley, PageHinkley, float),
    ]  # fmt: skip
    for their, our, convert in pairs:
        values = [convert(value) for value in stream]

        def one_by_one(make: Any = their, values: list[Any] = values) -> None:
            detector = make()
            for value in values:
                detector.update(value)

        def batches(size: int, make: Any = our) -> None:
            detector = make()
            for start in range(0, len(stream), size):
                detector.update_many(stream[start : start + size])

        scale = 1e6 / len(stream)
        ours = [f"{best(lambda size=size: batches(size)) * scale:.3f}" for size in (100, 1000, 10_000)]  # type: ignore[misc]
        yield f"{our.__name__:12} river {best(one_by_one) * scale:.3f} us/value, ours by 100, 1000, 10000: {ours}"


def times() -> Iterator[str]:
    rng = np.random.default_rng(3)
    n = 10_000
    for k in (2, 5):
        table = rng.dirichlet(np.ones(k), n)
        true, predicted = rng.integers(0, k, n), table.argmax(axis=1)

        def evaluate(true: Any = true, predicted: Any = predicted, table: Any = table, k: int = k) -> Any:
            return evaluate_classification(true, predicted, table, classes=range(k))

        yield f"evaluate_classification, {k} classes: {best(evaluate) * 1e3:.2f} ms"
        estimator = EstimatedClassification.fit(true, table, classes=range(k), calibrate=True)

        def estimate(predicted: Any = predicted, table: Any = table, estimator: Any = estimator) -> Any:
            return estimator.estimate(predicted, table)

        yield f"EstimatedClassification.estimate, {k} classes: {best(estimate) * 1e3:.2f} ms"
    features, values = rng.normal(size=(n, 20)), rng.normal(size=n)
    yield f"evaluate_regression: {best(lambda: evaluate_regression(values, values[::-1])) * 1e3:.2f} ms"
    loss = EstimatedRegression.fit(features, values, values[::-1])
    yield f"EstimatedRegression.estimate, 20 features: {best(lambda: loss.estimate(features, values)) * 1e3:.2f} ms"
    fit = best(lambda: EstimatedRegression.fit(features, values, values[::-1]))
    yield f"EstimatedRegression.fit, 20 features: {fit * 1e3:.0f} ms"
    codes = rng.integers(0, 20, n)
    yield f"by_segment, 20 segments: {best(lambda: by_segment(codes, values)) * 1e3:.2f} ms"
    counts = rng.integers(0, 50, (50, 12, 10))
    yield f"importances, 50 features of 12 x 10 counts: {best(lambda: importances(counts)) * 1e3:.2f} ms"
    detector = ErrorRateEDetector(500, 5000)
    stream = errors(rng, 1000, RATE)
    yield f"ErrorRateEDetector, 1000 errors: {best(lambda: detector.update_many(stream)) * 1e3:.3f} ms"
    tracker = PerformanceTracker()
    recorded = best(lambda: [tracker.record(0.1, 0.9, True) for _ in range(1000)])  # type: ignore[func-returns-value]
    yield f"PerformanceTracker.record: {recorded * 1e3:.2f} us"
    yield f"PerformanceTracker.compute_metrics: {best(tracker.compute_metrics) * 1e3:.2f} ms"


def coverage() -> Iterator[str]:
    """Of 95 % intervals at n = 300, over 4000 runs."""

    def binary(rng: np.random.Generator, n: int = intervals.N) -> Any:
        outcome, predicted, probability = intervals.scored(rng, n)
        return evaluate_classification(outcome, predicted, probability, positive=True)

    def many(rng: np.random.Generator, n: int = intervals.N) -> Any:
        true, predicted, table = intervals.three(rng, n)
        return evaluate_classification(true, predicted, table, classes=[0, 1, 2])

    def regression(rng: np.random.Generator, n: int = intervals.N) -> Any:
        predicted = rng.normal(size=n)
        return evaluate_regression(predicted + rng.normal(size=n), predicted)

    for make in (binary, many, regression):
        exact = make(np.random.default_rng(5), 2_000_000)
        truth = {name: estimate.value for name, estimate in exact.items() if name != "ece"}
        held = intervals.coverage(make, truth, 4000)
        shares = ", ".join(f"{name} {100 * share:.1f}" for name, share in zip(truth, held, strict=True))
        yield f"{make.__name__}: {shares}"


def main() -> None:
    for part in (times, against_river, coverage, alarms):
        for line in part():
            print(line, flush=True)


if __name__ == "__main__":
    main()
