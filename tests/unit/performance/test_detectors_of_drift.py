"""ADWIN, DDM, EDDM and Page-Hinkley, step by step against river."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from river import drift as river_drift

from observability.performance.adwin import ADWIN
from observability.performance.ddm import DDM, EDDM
from observability.performance.page_hinkley import PageHinkley

Floats = NDArray[np.float64]
#: Its constructors have no types.
drift: Any = river_drift


@st.composite
def streams(draw: st.DrawFn) -> tuple[Floats, int]:
    """Errors of several rates after each other, and where the stream is cut in two."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rates = draw(st.lists(st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.5, 0.9, 1.0]), min_size=1, max_size=4))
    lengths = [draw(st.integers(1, 600)) for _ in rates]
    stream = np.concatenate([rng.random(n) < rate for n, rate in zip(lengths, rates, strict=True)]).astype(float)
    return stream, draw(st.integers(0, len(stream)))


def in_two(ours: Any, fresh: Any, stream: Floats, cut: int) -> list[int]:
    """Drifts found by ``ours`` up to the cut, and by a ``fresh`` one that goes on from its state."""
    before = ours.update_many(stream[:cut])
    fresh.from_state(json.loads(json.dumps(ours.to_state())))
    return [*before.tolist(), *(cut + fresh.update_many(stream[cut:])).tolist()]


def drifts(theirs: Any, stream: Floats, convert: Callable[[float], float] = float) -> list[int]:
    found = []
    for place, value in enumerate(stream):
        theirs.update(convert(value))
        if theirs.drift_detected:
            found.append(place)
    return found


@settings(max_examples=80, deadline=None)
@given(
    streams(),
    st.booleans(),
    st.sampled_from([0.002, 0.05, 0.3]),
    st.sampled_from([1, 7, 32]),
    st.sampled_from([2, 5]),
    st.sampled_from([1, 5, 20]),
)
def test_adwin_equals_that_of_river(
    data: tuple[Floats, int], bounded: bool, delta: float, clock: int, buckets: int, shortest: int
) -> None:
    stream, cut = data
    if bounded:
        stream = stream * np.random.default_rng(1).random(len(stream))
    options: dict[str, Any] = {
        "delta": delta,
        "clock": clock,
        "max_buckets": buckets,
        "min_window_length": shortest,
        "grace_period": 10,
    }
    theirs, fresh = drift.ADWIN(**options), ADWIN(**options)
    assert in_two(ADWIN(**options), fresh, stream, cut) == drifts(theirs, stream)
    assert fresh.width == theirs.width
    assert fresh.total == pytest.approx(theirs.total, abs=1e-9)
    assert fresh.estimation == pytest.approx(theirs.estimation, abs=1e-12)
    assert fresh.variance * fresh.width == pytest.approx(theirs.variance, abs=1e-9)  # river's is the sum of squares


@settings(max_examples=80, deadline=None)
@given(streams(), st.sampled_from([1, 30, 100]), st.sampled_from([(2.0, 3.0), (1.0, 1.5)]))
def test_ddm_equals_that_of_river(data: tuple[Floats, int], warm_start: int, levels: tuple[float, float]) -> None:
    stream, cut = data
    theirs, fresh = drift.binary.DDM(warm_start, *levels), DDM(warm_start, *levels)
    assert in_two(DDM(warm_start, *levels), fresh, stream, cut) == drifts(theirs, stream, bool)
    assert fresh.warning_detected == theirs.warning_detected
    assert fresh.estimation == pytest.approx(theirs._p.get(), abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(streams(), st.sampled_from([1, 30, 100]), st.sampled_from([(0.95, 0.9), (0.8, 0.75)]))
def test_eddm_equals_that_of_river(data: tuple[Floats, int], warm_start: int, levels: tuple[float, float]) -> None:
    stream, cut = data
    theirs, fresh = drift.binary.EDDM(warm_start, *levels), EDDM(warm_start, *levels)
    assert in_two(EDDM(warm_start, *levels), fresh, stream, cut) == drifts(theirs, stream, bool)
    assert fresh.warning_detected == theirs.warning_detected


@pytest.mark.parametrize("detector", ["ddm", "eddm"])
def test_warnings_come_step_by_step_as_in_river(detector: str) -> None:
    rng = np.random.default_rng(4)
    stream = np.concatenate([rng.random(900) < rate for rate in (0.1, 0.25, 0.05, 0.5)]).astype(float)
    theirs, ours = (drift.binary.DDM(), DDM()) if detector == "ddm" else (drift.binary.EDDM(), EDDM())
    warned = 0
    for value in stream:
        theirs.update(bool(value))
        ours.update(value)
        assert (ours.drift_detected, ours.warning_detected) == (theirs.drift_detected, theirs.warning_detected)
        warned += ours.warning_detected
    assert warned > 10


@settings(max_examples=80, deadline=None)
@given(
    streams(),
    st.sampled_from([1.0, 0.9999, 0.9, 0.5]),
    st.sampled_from([3.0, 15.0, 50.0]),
    st.sampled_from(["up", "down", "both"]),
)
def test_page_hinkley_equals_that_of_river(data: tuple[Floats, int], alpha: float, threshold: float, mode: Any) -> None:
    stream, cut = data
    options: dict[str, Any] = {"alpha": alpha, "threshold": threshold * (0.2 if alpha < 0.95 else 1), "mode": mode}
    theirs, fresh = drift.PageHinkley(**options), PageHinkley(**options)
    assert in_two(PageHinkley(**options), fresh, stream, cut) == drifts(theirs, stream)
    assert fresh._up == pytest.approx(theirs._sum_increase, abs=1e-9)
    assert fresh._down == pytest.approx(theirs._sum_decrease, abs=1e-9)


def test_the_state_of_a_long_stream_is_small() -> None:
    stream = (np.random.default_rng(5).random(200_000) < 0.1).astype(float)
    for detector in (ADWIN(), DDM(), EDDM(), PageHinkley()):
        detector.update_many(stream)
        assert len(json.dumps(detector.to_state())) < 5000


def test_values_that_are_none_are_refused() -> None:
    for detector in (ADWIN(), DDM(), EDDM(), PageHinkley()):
        with pytest.raises(ValueError, match=r"errors|values"):
            detector.update(float("nan"))
    with pytest.raises(ValueError, match="0 \\(right\\) or 1"):
        DDM().update(0.5)
    with pytest.raises(ValueError, match="at least beta"):
        EDDM(alpha=0.5, beta=0.6)
    with pytest.raises(ValueError, match="up, down or both"):
        PageHinkley(mode="sideways")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 0 and 1"):
        PageHinkley(alpha=1.5)


def test_the_window_of_adwin_shrinks_at_a_drift_as_in_river() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        stream = rng.random(1500) * np.repeat([0.3, 1.0], [int(rng.integers(300, 900)), 1500])[:1500]
        theirs, ours = drift.ADWIN(), ADWIN()
        last = drifts(theirs, stream)[0]
        theirs = drift.ADWIN()
        drifts(theirs, stream[: last + 1])
        assert ours.update_many(stream[: last + 1]).tolist() == [last]
        assert ours.width == theirs.width < last + 1
        assert ours.variance * ours.width == pytest.approx(theirs.variance, abs=1e-9)
