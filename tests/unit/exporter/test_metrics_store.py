"""The store: batches, threads, retirement, bounds, and memory that stays flat."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from observability import catalogue
from observability.catalogue import Family
from observability.columns import Keys
from observability.metrics import OTHER, Metrics
from observability.metrics.guard import LEAVE_SECONDS

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
CALL = ("shop", "openai", "gpt-4o", "chat")
IDLE = 3600.0


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Callable[..., Metrics]:
    """Makes a store with a clock of its own: ``make(label_values=…, series_per_family=…)``."""

    def made(*, label_values: int = 50, series_per_family: int = 5000) -> Metrics:
        return Metrics(
            label_values=label_values,
            label_length=64,
            readings={},
            series_per_family=series_per_family,
            idle_seconds=IDLE,
            clock=clock,
        )

    return made


@pytest.fixture
def metrics(make: Callable[..., Metrics]) -> Metrics:
    return make()


def samples(metrics: Metrics, name: str, **labels: str) -> list[Sample]:
    text = metrics.page(OPENMETRICS)[0].decode()
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return [
        sample
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def value(metrics: Metrics, name: str, **labels: str) -> float:
    (sample,) = samples(metrics, name, **labels)
    return float(sample.value)


def lines(metrics: Metrics) -> list[str]:
    """The page without what is about the process."""
    page = metrics.page("")[0].decode()
    found = [line for line in page.splitlines() if line.startswith(("llm_", "rag_", "exporter_"))]
    assert found
    return found


def trace_ids(rows: int) -> Keys:
    return np.stack((np.arange(rows, dtype=np.uint64), np.arange(1, rows + 1, dtype=np.uint64)), axis=1)


def models(metrics: Metrics, family: Family) -> set[str]:
    return {sample.labels["model"] for sample in samples(metrics, family.name)}


# --- Batches --------------------------------------------------------------------------------------


def test_a_batch_counts_what_its_rows_count_one_by_one(make: Callable[..., Metrics]) -> None:
    one, many = make(), make()
    random = np.random.default_rng(3)
    labels = [("shop", "openai", f"m{number}", "chat") for number in range(7)]
    rows = random.integers(0, 7, 500)
    latencies = random.lognormal(0, 2, 500)
    latencies[::5] = np.nan
    latencies[1] = 81.92  # a bound is inside its own bucket
    latencies[2] = math.inf
    tokens = random.integers(0, 1000, 500).astype(np.float64)
    errors = many.series(catalogue.LLM_ERRORS, [(*each, "timeout") for each in labels])
    usage = many.series(catalogue.LLM_TOKEN_USAGE, [(*each[:3], "input") for each in labels])
    latency = many.series(catalogue.LLM_REQUEST_LATENCY, labels)
    many.add(catalogue.LLM_ERRORS, errors[rows])
    many.add(catalogue.LLM_TOKEN_USAGE, usage[rows], tokens)
    many.observe_many(catalogue.LLM_REQUEST_LATENCY, latency[rows], latencies)
    for row, seconds, count in zip(rows.tolist(), latencies.tolist(), tokens.tolist(), strict=True):
        one.increase(catalogue.LLM_ERRORS, (*labels[row], "timeout"))
        one.increase(catalogue.LLM_TOKEN_USAGE, (*labels[row][:3], "input"), count)
        if not math.isnan(seconds):
            one.observe(catalogue.LLM_REQUEST_LATENCY, labels[row], seconds)
    for name in (
        catalogue.LLM_ERRORS.name,
        catalogue.LLM_TOKEN_USAGE.name,
        catalogue.LLM_REQUEST_LATENCY.bucket,
        catalogue.LLM_REQUEST_LATENCY.count,
    ):
        assert _plain(samples(many, name)) == _plain(samples(one, name))
    sums = [
        {str(each.labels): each.value for each in samples(side, "llm_request_latency_seconds_sum")}
        for side in (one, many)
    ]
    assert sums[0] == pytest.approx(sums[1], nan_ok=True)


def _plain(found: list[Sample]) -> list[tuple[str, float]]:
    return sorted((str(sorted(each.labels.items())), each.value) for each in found)


def test_the_last_row_of_a_bucket_is_its_exemplar(metrics: Metrics) -> None:
    ids = np.repeat(metrics.series(catalogue.LLM_REQUEST_LATENCY, [CALL]), 5)
    seconds = np.array([0.011, 0.5, 0.012, np.nan, 0.013])
    times = np.array([1e9 + 0.5, 1e9, 1e9, 1e9, 1e9 + 0.25])
    metrics.observe_many(catalogue.LLM_REQUEST_LATENCY, ids, seconds, trace_ids(5), times)
    found = {
        each.labels["le"]: (each.exemplar.labels["trace_id"], each.exemplar.value, str(each.exemplar.timestamp))
        for each in samples(metrics, catalogue.LLM_REQUEST_LATENCY.bucket)
        if each.exemplar
    }
    assert found == {
        "0.02": (f"{4:016x}{5:016x}", 0.013, "1000000000.250000000"),
        "0.64": (f"{1:016x}{2:016x}", 0.5, "1000000000.000000000"),
    }


def test_a_counter_of_a_batch_has_the_last_trace_as_exemplar(metrics: Metrics) -> None:
    ids = metrics.series(catalogue.LLM_ERRORS, [(*CALL, "timeout"), (*CALL, "server_error")])
    metrics.add(catalogue.LLM_ERRORS, ids[[0, 0, 1]], None, trace_ids(3))
    found = {
        each.labels["error_type"]: each.exemplar.labels["trace_id"]
        for each in samples(metrics, "llm_errors_total")
        if each.exemplar
    }
    assert found == {"timeout": f"{1:016x}{2:016x}", "server_error": f"{2:016x}{3:016x}"}


@pytest.mark.parametrize("folded", [False, True])
def test_a_batch_without_rows_changes_nothing(metrics: Metrics, folded: bool) -> None:
    before = lines(metrics)
    ids = metrics.series(catalogue.LLM_REQUEST_LATENCY, [], folded=folded)
    assert ids.shape == (0,)
    metrics.observe_many(catalogue.LLM_REQUEST_LATENCY, ids, np.zeros(0), trace_ids(0))
    metrics.add(catalogue.LLM_REQUESTS, metrics.series(catalogue.LLM_REQUESTS, [], folded=folded))
    assert lines(metrics) == before


@pytest.mark.parametrize("amount", [-1.0, math.nan])
def test_a_counter_that_would_go_down_is_refused_and_left_as_it_was(metrics: Metrics, amount: float) -> None:
    ids = metrics.series(catalogue.LLM_REQUESTS, [(*CALL, "success"), (*CALL, "error")])
    with pytest.raises(ValueError, match="counters only go up"):
        metrics.add(catalogue.LLM_REQUESTS, ids, np.array([1.0, amount]))
    with pytest.raises(ValueError, match="counters only go up"):
        metrics.increase(catalogue.LLM_REQUESTS, (*CALL, "success"), amount)
    assert [each.value for each in samples(metrics, "llm_requests_total")] == [0, 0]


@pytest.mark.parametrize("folded", [False, True])
def test_too_few_labels_are_refused(metrics: Metrics, folded: bool) -> None:
    with pytest.raises(ValueError, match=r"the 5 labels|argument 2 is shorter"):
        metrics.series(catalogue.LLM_REQUESTS, [CALL], folded=folded)
    assert not samples(metrics, "llm_requests_total")


def test_a_family_of_another_type_is_refused(metrics: Metrics) -> None:
    with pytest.raises(TypeError, match="llm_requests_total is a counter, not a histogram"):
        metrics.observe(catalogue.LLM_REQUESTS, (*CALL, "success"), 1)
    with pytest.raises(TypeError, match="is a histogram, not a counter"):
        metrics.increase(catalogue.LLM_REQUEST_LATENCY, CALL)
    with pytest.raises(TypeError, match="is a counter, not a gauge"):
        metrics.set(catalogue.LLM_REQUESTS, (*CALL, "success"), 1)
    assert not samples(metrics, "llm_requests_total")


# --- Folding --------------------------------------------------------------------------------------


def test_folded_samples_are_counted_by_family_and_label(make: Callable[..., Metrics]) -> None:
    metrics = make(label_values=1)
    labels = [(*CALL, "success"), ("shop", "openai", "late", "chat", "success"), ("new", "acme", "x", "chat", "error")]
    metrics.series(catalogue.LLM_REQUESTS, labels, np.array([5, 7, 0]))
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "late"))
    folded = {
        (each.labels["family"], each.labels["label"]): each.value
        for each in samples(metrics, "exporter_folded_series_total")
    }
    assert folded == {
        ("llm_requests_total", "model"): 7,
        ("llm_requests_total", "service"): 0,
        ("llm_requests_total", "provider"): 0,
        ("llm_unpriced_requests_total", "model"): 1,
    }


def test_labels_that_went_through_the_guard_before_are_counted_as_folded_too(make: Callable[..., Metrics]) -> None:
    metrics = make(label_values=1)
    names = metrics.guard.fold_many("model", ["gpt-4o", "late"], [2, 3])
    metrics.series(catalogue.LLM_UNPRICED_REQUESTS, [("openai", name) for name in names], np.array([2, 3]), folded=True)
    assert value(metrics, "exporter_folded_series_total", family="llm_unpriced_requests_total", label="model") == 3


def test_a_dimension_with_many_values_takes_no_room_from_another(make: Callable[..., Metrics]) -> None:
    metrics = make(label_values=3)
    for number in range(20):
        metrics.increase(catalogue.LLM_DIMENSION_COST, ("tenant", f"t{number}"), 1)
    metrics.increase(catalogue.LLM_DIMENSION_COST, ("team", "search"), 1)
    shown = {
        (each.labels["dimension"], each.labels["value"]) for each in samples(metrics, "llm_dimension_cost_usd_total")
    }
    assert shown == {("tenant", "t0"), ("tenant", "t1"), ("tenant", "t2"), ("tenant", OTHER), ("team", "search")}
    assert value(metrics, "exporter_folded_series_total", family="llm_dimension_cost_usd_total", label="tenant") == 17


@pytest.mark.parametrize("folded", [False, True])
def test_a_full_family_folds_new_combinations_and_loses_no_sample(make: Callable[..., Metrics], folded: bool) -> None:
    metrics = make(series_per_family=30)
    labels = [(f"s{a}", f"p{b}", f"m{c}", "chat", "success") for a in range(5) for b in range(5) for c in range(5)]
    ids = metrics.series(catalogue.LLM_REQUESTS, labels, folded=folded)
    metrics.add(catalogue.LLM_REQUESTS, ids)
    found = samples(metrics, "llm_requests_total")
    assert len(found) == 31
    assert sum(each.value for each in found) == 125
    assert value(metrics, "llm_requests_total", service=OTHER, provider=OTHER, model=OTHER) == 95
    assert value(metrics, "exporter_series", family="llm_requests_total") == 31
    if not folded:
        assert value(metrics, "exporter_folded_series_total", family="llm_requests_total", label="model") == 95


# --- Retirement -----------------------------------------------------------------------------------


def test_an_idle_series_leaves_the_page_and_begins_anew_when_it_returns(
    metrics: Metrics, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as early:
        early.setattr("time.time", lambda: 1_700_000_000.0)
        metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "old"), 5, {"trace_id": "ab" * 16})
        metrics.observe(catalogue.LLM_REQUEST_LATENCY, CALL, 3.0, {"trace_id": "ab" * 16})
    clock.now += IDLE - 10
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "busy"))
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {"old", "busy"}
    clock.now += 20
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {"busy"}
    assert not samples(metrics, catalogue.LLM_REQUEST_LATENCY.bucket)
    assert value(metrics, "exporter_retired_series_total", family="llm_unpriced_requests_total") == 1
    assert value(metrics, "exporter_series", family="llm_unpriced_requests_total") == 1
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "old"), 2)
    metrics.observe(catalogue.LLM_REQUEST_LATENCY, CALL, 0.5)
    (counter,) = samples(metrics, "llm_unpriced_requests_total", model="old")
    assert (counter.value, counter.exemplar) == (2, None)
    assert value(metrics, "llm_unpriced_requests_created", model="old") > 1_700_000_000
    assert value(metrics, catalogue.LLM_REQUEST_LATENCY.count) == 1
    assert value(metrics, catalogue.LLM_REQUEST_LATENCY.sum) == 0.5
    assert not any(each.exemplar for each in samples(metrics, catalogue.LLM_REQUEST_LATENCY.bucket))


def test_families_without_labels_from_the_wire_are_never_retired(metrics: Metrics, clock: Clock) -> None:
    metrics.touch(catalogue.EXPORTER_RECEIVED, ("traces",))
    metrics.set(catalogue.EXPORTER_PROBE_SUCCESS, ("phoenix",), 1)
    clock.now += 100 * IDLE
    assert value(metrics, "exporter_received_total", signal="traces") == 0
    assert value(metrics, "exporter_probe_success") == 1
    assert value(metrics, "exporter_build_info") == 1
    assert value(metrics, "exporter_span_lag_seconds_count") == 0


def test_retired_values_make_room_for_others(make: Callable[..., Metrics], clock: Clock) -> None:
    metrics = make(label_values=2, series_per_family=2)
    for model in ("a", "b", "c"):
        metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", model))
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {"a", "b", OTHER}
    clock.now += IDLE + 10
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "c"))
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {"c"}


def test_ids_stay_good_while_others_are_retired(metrics: Metrics, clock: Clock) -> None:
    metrics.series(catalogue.LLM_UNPRICED_REQUESTS, [("openai", f"old-{number}") for number in range(20)])
    clock.now += IDLE + 10
    ids = metrics.series(catalogue.LLM_UNPRICED_REQUESTS, [("openai", "new")])
    clock.now += 10
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {"new"}
    metrics.series(catalogue.LLM_UNPRICED_REQUESTS, [("openai", f"more-{number}") for number in range(20)])
    metrics.add(catalogue.LLM_UNPRICED_REQUESTS, ids)
    assert value(metrics, "llm_unpriced_requests_total", model="new") == 1


def test_a_late_heavy_hitter_gets_the_series_of_the_least_used_value(
    make: Callable[..., Metrics], clock: Clock
) -> None:
    metrics = make(label_values=2)
    for model, calls in (("big", 100), ("small", 2), ("heavy", 300)):
        for _ in range(calls):
            metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", model))
            metrics.observe(catalogue.LLM_REQUEST_LATENCY, ("shop", "openai", model, "chat"), 1)
    clock.now += 6
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {
        "big",
        "small",
        OTHER,
    }  # its last samples can be scraped
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "small"))
    assert value(metrics, "llm_unpriced_requests_total", model="small") == 2  # the third is among the others
    clock.now += LEAVE_SECONDS + 6
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {"big", OTHER}
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "heavy"))
    assert models(metrics, catalogue.LLM_UNPRICED_REQUESTS) == {"big", "heavy", OTHER}
    assert value(metrics, "exporter_retired_series_total", family="llm_unpriced_requests_total") == 1
    assert value(metrics, "exporter_retired_series_total", family="llm_request_latency_seconds") == 1
    assert sum(each.value for each in samples(metrics, "llm_unpriced_requests_total")) == 404 - 2


def test_a_value_stays_as_long_as_a_series_that_was_handed_out_with_it_is_fresh(
    make: Callable[..., Metrics], clock: Clock
) -> None:
    metrics = make(label_values=1)
    labels = [("openai", name) for name in metrics.guard.fold_many("model", ["first"])]
    metrics.guard.fold("model", "heavy", 500)
    for _ in range(5):
        clock.now += LEAVE_SECONDS - 10
        ids = metrics.series(catalogue.LLM_UNPRICED_REQUESTS, labels, folded=True)  # folded before the change
        metrics.page("")
        metrics.add(catalogue.LLM_UNPRICED_REQUESTS, ids)
    assert value(metrics, "llm_unpriced_requests_total", model="first") == 5
    clock.now += LEAVE_SECONDS + 10
    assert not samples(metrics, "llm_unpriced_requests_total")


# --- Bounds ---------------------------------------------------------------------------------------


def test_a_million_users_and_models_stay_few_series_and_little_memory(
    make: Callable[..., Metrics], clock: Clock
) -> None:
    metrics = make(label_values=200)
    batch, batches = 2000, 500
    memory = []
    for number in range(batches):
        first = number * batch
        users = metrics.guard.fold_many("user", [f"user-{first + each}" for each in range(batch)])
        names = metrics.guard.fold_many("model", [f"model-{first + each}" for each in range(batch)])
        ids = metrics.series(
            catalogue.LLM_DIMENSION_REQUESTS, [("user", user, "success") for user in users], folded=True
        )
        metrics.add(catalogue.LLM_DIMENSION_REQUESTS, ids)
        ids = metrics.series(catalogue.LLM_UNPRICED_REQUESTS, [("openai", name) for name in names], folded=True)
        metrics.add(catalogue.LLM_UNPRICED_REQUESTS, ids)
        clock.now += 1
        if number % 100 == 50:
            gc.collect()
            memory.append(psutil.Process().memory_info().rss)
    assert memory[-1] - memory[0] < 8 * 2**20, memory
    for family in (catalogue.LLM_DIMENSION_REQUESTS, catalogue.LLM_UNPRICED_REQUESTS):
        found = samples(metrics, family.name)
        assert len(found) <= 201
        assert sum(each.value for each in found) == batch * batches
    assert value(metrics, "exporter_folded_series_total", family="llm_dimension_requests_total", label="user") > 999_000

    metrics.guard.fold("model", "latest", 5000)
    clock.now += 6
    metrics.page("")
    clock.now += LEAVE_SECONDS + 6
    metrics.page("")
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "latest"))
    assert value(metrics, "llm_unpriced_requests_total", model="latest") == 1
    assert len(samples(metrics, "llm_unpriced_requests_total")) <= 201
