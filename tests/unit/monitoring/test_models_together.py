"""Which models move together: from predictions, labels and drift of several models to their correlation."""

from __future__ import annotations

import time

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from observability.columns import Floats
from observability.monitoring.together import SIGNALS, Series, Together
from observability.settings import Correlation, Limits, Performance, Runtime, Settings
from tests.unit.monitoring.support import post, running, samples, value

_BUCKET = 60.0
_BUCKETS = 40
_MODELS = ("credit", "fraud", "search")


@pytest.fixture
def settings() -> Settings:
    wanted = Correlation(bucket="1m", buckets=_BUCKETS, min_buckets=20)
    return Settings(limits=Limits(settle_seconds=0), performance=Performance(correlation=wanted))


def middle() -> float:
    """Of the minute before this one."""
    return time.time() // _BUCKET * _BUCKET - _BUCKET / 2


def send(client: TestClient, model: str, latency: Floats, wrong: Floats, now: float) -> None:
    """Ten predictions in each of t minutes, the last one ``now``: their latency (t,), and how many of ten err (t,)."""
    predictions: list[dict[str, object]] = []
    labels: list[dict[str, object]] = []
    for minute, (seconds, errors) in enumerate(zip(latency.tolist(), wrong.tolist(), strict=True)):
        for at in range(10):
            id_ = f"{model}-{minute}-{at}"
            moment = now - (len(latency) - 1 - minute) * _BUCKET
            predictions.append(
                {"prediction_id": id_, "model": model, "timestamp": moment, "prediction": "yes",
                 "latency_seconds": seconds}
            )  # fmt: skip
            labels.append({"prediction_id": id_, "label": "no" if at < errors else "yes"})
    post(client, "/v1/predictions", predictions)
    post(client, "/v1/labels", labels)


def tick(client: TestClient, now: float) -> None:
    """One minute after ``now`` begins, so that what came before is looked at."""
    later = {"model": "credit", "prediction": "yes", "timestamp": now + _BUCKET, "latency_seconds": 0.01}
    post(client, "/v1/predictions", [later])


def send_all(client: TestClient, random: np.random.Generator) -> None:
    """Credit and fraud have their latency in common, and fraud and search their errors."""
    now = middle()
    cause, other = random.random(_BUCKETS), random.integers(0, 11, _BUCKETS).astype(np.float64)
    send(client, "credit", 0.01 + cause, random.integers(0, 11, _BUCKETS).astype(np.float64), now)
    send(client, "fraud", 0.5 + cause / 10, other, now)
    send(client, "search", 0.01 + random.random(_BUCKETS), other, now)
    tick(client, now)


def test_models_that_share_a_cause_are_told_by_the_signal_that_they_share(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        send_all(client, random)
        found = {(each["signal"], each["first"], each["second"]): each for each in performance(client)}

        assert len(found) == 6, "three pairs of two signals: nothing has a baseline to drift from"
        assert found["latency", "credit", "fraud"]["rho"] == pytest.approx(1)
        assert found["error", "fraud", "search"]["rho"] == pytest.approx(1)
        assert {key for key, each in found.items() if each["together"]} == {
            ("latency", "credit", "fraud"),
            ("error", "fraud", "search"),
        }
        shown = value(client, "ml_model_correlation", model="credit", other="fraud", signal="latency")
        assert shown == pytest.approx(1)
        proven = value(client, "ml_model_correlation_p_value", model="credit", other="fraud", signal="latency")
        assert proven < 1e-6
        assert len(samples(client, "ml_model_correlation")) == 6
        before = performance(client)

    with running(settings, runtime, until="/performance?model=search") as client:
        assert performance(client) == before


def performance(client: TestClient) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get("/performance").json()["correlations"]
    return found


def test_one_model_or_too_few_buckets_have_no_series(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        now = middle()
        send(client, "credit", 0.01 + random.random(_BUCKETS), np.full(_BUCKETS, 3.0), now)
        assert performance(client) == []
        send(client, "fraud", 0.01 + random.random(19), np.full(19, 3.0), now)
        tick(client, now)
        assert performance(client) == []
        assert samples(client, "ml_model_correlation") == []


def test_drift_that_two_models_have_at_once_is_correlated(random: np.random.Generator) -> None:
    together = Together(Correlation(bucket="1m", buckets=_BUCKETS, min_buckets=20), 50)
    distance = random.random(_BUCKETS)
    for minute, each in enumerate(distance.tolist()):
        for model in _MODELS[:2]:
            together.add("drift", model, np.array([60.0 * minute + 1]), np.array([each]))
        together.refresh()
    (pair,) = together.found["drift"]
    assert (pair.first, pair.second, pair.n) == ("credit", "fraud", _BUCKETS - 1), "the last minute has not ended"
    assert pair.rho == pytest.approx(1)


def test_no_more_pairs_are_compared_than_the_setting_says(random: np.random.Generator) -> None:
    together = Together(Correlation(bucket="1m", buckets=_BUCKETS, min_buckets=10, pairs=3), 5)
    for minute in range(_BUCKETS):
        for at in range(8):
            if minute >= at:  # less is known of every next one
                together.add("latency", f"m{at}", np.array([60.0 * minute]), random.random(1))
    together.refresh()
    pairs = {(pair.first, pair.second) for pair in together.found["latency"]}
    assert pairs == {("m0", "m1"), ("m0", "m2"), ("m1", "m2")}
    assert together.to_state()["models"] == [f"m{at}" for at in range(5)]

    together.add("latency", "late", np.array([60.0 * 1000]), np.array([0.5]))
    assert together.to_state()["models"] == [*(f"m{at}" for at in range(1, 5)), "late"], "the others ended long ago"


def test_a_state_of_other_buckets_is_left() -> None:
    first = Together(Correlation(bucket="1m", buckets=_BUCKETS), 5)
    first.add("latency", "m", np.linspace(0, 60 * (_BUCKETS - 1), _BUCKETS), np.linspace(0, 1, _BUCKETS))
    for other in (Correlation(bucket="2m", buckets=_BUCKETS), Correlation(bucket="1m", buckets=50)):
        again = Together(other, 5)
        again.from_state(first.to_state())
        assert again.to_state()["models"] == []


@examples(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from((1.0, 2.5, float("nan")))), min_size=1, max_size=8),
        max_size=8,
    )
)
def test_a_ring_has_the_means_of_the_newest_buckets_whatever_the_order(batches: list[list[tuple[int, float]]]) -> None:
    size = 10
    series = Series(size)
    expected: dict[int, list[float]] = {}
    for batch in batches:
        numbers, values = np.array([each for each, _ in batch]), np.array([each for _, each in batch])
        series.add("error", numbers, values)
        known = [(number, each) for number, each in batch if not np.isnan(each)]
        newest = max([*expected, *(number for number, _ in known)], default=-1)
        for number, each in known:
            if number > newest - size:
                expected.setdefault(number, []).append(each)
        expected = {number: each for number, each in expected.items() if number > newest - size}
    last = max(expected, default=0)
    means = series.means(last)
    assert series.newest == (last if expected else -1)
    assert np.isnan(means[[SIGNALS.index("drift"), SIGNALS.index("latency")]]).all()
    for place, number in enumerate(range(last - size + 1, last + 1)):
        mean = means[SIGNALS.index("error"), place]
        if number in expected:
            assert mean == pytest.approx(np.mean(expected[number]))
        else:
            assert np.isnan(mean)
