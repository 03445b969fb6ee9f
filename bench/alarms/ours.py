"""Detectors of ours, each as it is by default, looking at a stream."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench.alarms import streams
from bench.alarms.streams import STEP, Stream
from bench.alarms.watching import Bound, Looks, Watcher, windows
from observability.drift.binning import Binning
from observability.drift.detectors import BY_NAME, BinnedDetector
from observability.drift.sequential import judge
from observability.monitoring.feature import FeatureMonitor
from observability.performance.adwin import ADWIN
from observability.performance.concept import ConceptDriftDetector
from observability.performance.ddm import DDM, EDDM
from observability.performance.error_rate import ErrorRateEDetector
from observability.performance.page_hinkley import PageHinkley
from observability.settings.models import Drift


def _classic(name: str) -> Callable[[Stream, int], Looks]:
    def watch(stream: Stream, begin: int) -> Looks:
        detector = BY_NAME[name]()
        if isinstance(detector, BinnedDetector):
            detector.categorical = stream.categorical
        detector.fit(stream.baseline)
        for seen, window in windows(stream, begin):
            yield seen, int(detector.detect(window).is_drift)

    return watch


def monitor_of(stream: Stream) -> FeatureMonitor:
    """What the exporter keeps of a feature, with its defaults."""
    drift = Drift()
    name = f"feature {zlib.crc32(stream.baseline.tobytes())}"  # ties are broken by chance, and not alike for all
    random = np.random.default_rng(zlib.crc32(name.encode()) + 1)
    if stream.categorical:
        binning = Binning.categorical(_named(stream.baseline), drift.categories, random)
    else:
        binning = Binning.numeric(stream.baseline, drift.bins, random)
    return FeatureMonitor.of(name, binning, drift)


def evidence(stream: Stream) -> Iterator[tuple[int, float]]:
    """The largest evidence so far at each look of the exporter's test, which raises no alarm here."""
    monitor = monitor_of(stream)
    known = np.zeros(STEP, np.bool_)
    for seen in range(STEP, len(stream.values) + 1, STEP):
        new = stream.values[seen - STEP : seen]
        if stream.categorical:
            monitor.take(_named(new))
        else:
            monitor.take_numbers(new, known)
        yield seen, monitor.sequential.peak


def _sequential(stream: Stream, begin: int) -> Looks:  # noqa: ARG001 - it needs all values
    run_length = Drift().average_run_length
    for seen, peak in evidence(stream):
        yield seen, int(judge(np.array([peak]), run_length)[0])


def _named(codes: Any) -> list[str | None]:
    return [f"category {code:.0f}" for code in codes.tolist()]


#: Of detectors whose p-value is known to be rough (docs/drift-tests.md).
_PROMISED = {"wasserstein": 0.06}
CLASSIC = tuple(
    Watcher(
        name,
        _classic(name),
        Bound(share=_PROMISED.get(name, 0.05)),
        kinds=tuple(streams.QUIET) if issubclass(detector, BinnedDetector) else streams.NUMERIC,  # type: ignore[arg-type]
    )
    for name, detector in BY_NAME.items()
)
SEQUENTIAL = Watcher("sequential test", _sequential, Bound(run_length=Drift().average_run_length))


def _each(make: Callable[[Stream], Any]) -> Callable[[Stream, int], Looks]:
    """Of detectors that take every value, and say at which they alarmed."""

    def watch(stream: Stream, begin: int) -> Looks:  # noqa: ARG001
        detector = make(stream)
        for seen in range(STEP, len(stream.values) + 1, STEP):
            yield seen, len(detector.update_many(stream.values[seen - STEP : seen]))

    return watch


def _error_rate(stream: Stream) -> ErrorRateEDetector:
    return ErrorRateEDetector(float(stream.baseline.sum()), len(stream.baseline))


def _window(stream: Stream) -> ConceptDriftDetector:
    return ConceptDriftDetector().fit(stream.baseline)


#: How often a normal value exceeds its mean by more than two standard deviations.
_TWO_DEVIATIONS = 0.0228
CONCEPT = (
    Watcher("error-rate e-detector", _each(_error_rate), Bound(run_length=100_000)),
    Watcher("error window", _each(_window), Bound(share=_TWO_DEVIATIONS), chances=STEP),
    Watcher("ADWIN", _each(lambda stream: ADWIN()), Bound(share=0.002), chances=STEP / ADWIN().clock),  # noqa: ARG005
    Watcher("DDM", _each(lambda stream: DDM()), Bound()),  # noqa: ARG005
    Watcher("EDDM", _each(lambda stream: EDDM()), Bound()),  # noqa: ARG005
    Watcher("Page–Hinkley", _each(lambda stream: PageHinkley()), Bound()),  # noqa: ARG005
)
