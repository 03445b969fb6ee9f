"""How far values repeat one another: an estimate, and a test that stays quiet because of it."""

from __future__ import annotations

import numpy as np
import pytest

from observability.columns import Floats
from observability.drift.autocorrelation import Autocorrelation
from observability.drift.binning import Binning
from observability.monitoring.feature import FeatureMonitor


def ar1(random: np.random.Generator, rho: float, count: int) -> Floats:
    """A stream of standard normal values, each of which resembles the one before it."""
    from scipy.signal import lfilter

    noise = random.normal(0, np.sqrt(1 - rho**2), count)
    noise[0] = random.normal()
    return np.asarray(lfilter([1.0], [1.0, -rho], noise))


def test_independent_values_are_taken_as_such() -> None:
    found = Autocorrelation()
    found.update(np.random.default_rng(0).normal(0, 1, 5000))

    assert found.time == 1
    assert found.thinning == 1


@pytest.mark.parametrize(("rho", "low", "high"), [(0.5, 2.0, 4.5), (0.9, 10.0, 28.0)])
def test_the_time_of_a_stream_that_repeats_itself_is_found(rho: float, low: float, high: float) -> None:
    """(1 + ρ) / (1 − ρ) is 3 and 19."""
    found = Autocorrelation()
    found.update(ar1(np.random.default_rng(1), rho, 20_000))

    assert low < found.time < high
    assert rho**found.thinning < 0.15


def test_a_shift_of_the_level_is_no_correlation() -> None:
    random = np.random.default_rng(2)
    found = Autocorrelation()
    for start in range(0, 4000, 100):
        found.update(random.normal(2.0 if start >= 2000 else 0.0, 1, 100))

    assert found.thinning <= 2


def test_rows_that_come_five_times_each_are_worth_one() -> None:
    found = Autocorrelation()
    found.update(np.repeat(np.random.default_rng(3).normal(0, 1, 2000), 5))

    assert found.thinning >= 5
    assert found.time > 3


def test_an_estimate_survives_its_state() -> None:
    first, second = Autocorrelation(), Autocorrelation()
    stream = ar1(np.random.default_rng(4), 0.8, 1000)
    first.update(stream[:700])
    second.from_state(first.to_state())
    first.update(stream[700:])
    second.update(stream[700:])

    assert (first.time, first.thinning) == (second.time, second.thinning)


def monitor(random: np.random.Generator) -> FeatureMonitor:
    binning = Binning.numeric(random.normal(0, 1, 2000), 10, random)
    return FeatureMonitor("x", binning, window=2000, run_length=10_000, clear_after=1000)


def test_a_quiet_stream_that_repeats_itself_keeps_the_bound_because_it_is_thinned() -> None:
    """By the bound 40 % of streams of 4000 values may alarm at 10,000; without thinning nearly all do."""
    alarms = careless = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        careful, other = monitor(random), monitor(random)
        other.correlation = _Blind()
        stream = ar1(random, 0.9, 4000)
        for start in range(0, 4000, 100):
            part = stream[start : start + 100]
            for each in (careful, other):
                each.take_numbers(part, np.zeros(len(part), np.bool_))
        alarms += careful.sequential.peak >= 10_000
        careless += other.sequential.peak >= 10_000

    assert alarms <= 4
    assert careless >= 15


class _Blind(Autocorrelation):
    """Takes every value for a new one."""

    def update(self, scores: Floats) -> None:
        self._values = 1.0 + len(scores)


@pytest.mark.parametrize("sizes", [(1,) * 40, (7, 3, 30), (40,)])
def test_every_third_value_is_taken_wherever_batches_end(sizes: tuple[int, ...]) -> None:
    watched = monitor(np.random.default_rng(0))
    watched.correlation.thinning = 3
    taken: list[int] = []
    at = 0
    for size in sizes:
        taken += (watched._thinned(size) + at).tolist()
        at += size

    assert taken == list(range(0, 40, 3))
