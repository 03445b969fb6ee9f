"""The metrics page of many series: CPU time to render it, and memory to hold it, against prometheus_client."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    enable_created_metrics,
    exposition,
)
from prometheus_client.openmetrics import exposition as openmetrics

from bench.result import Result
from observability import catalogue
from observability.catalogue import Family
from observability.columns import Floats, Keys
from observability.metrics import Metrics

#: Times that each page is rendered; the median counts.
ROUNDS = 7
GOAL = 0.2
ACCEPT = "application/openmetrics-text; version=1.0.0"
_OBSERVATIONS = 8
_CALLS = [(f"service-{number % 20}", "openai", f"gpt-4o-2024-{number // 20:03}", "chat") for number in range(1000)]


@dataclass(frozen=True)
class Series:
    """What one family of the bench holds: ``values`` (series, observations), summed for a counter."""

    family: Family
    labels: Sequence[tuple[str, ...]]
    values: Floats
    trace_ids: Keys


def run() -> list[Result]:
    """Fill both with 10,000 series of our families and render them in turns."""
    series = mix()
    ours, peer = fill(series), fill_peer(series)
    count = sum(len(each.labels) for each in series)
    histograms = sum(len(each.labels) for each in series if each.family.type == "histogram")
    what = (
        f"CPU time of one page of {count:,} series ({histograms:,} of them histograms, {{lines:,}} samples), every one "
        f"moved; median of {ROUNDS} in turns with the peer"
    )
    results = []
    for name, accept, render in (
        ("render_10k_series", "", exposition.generate_latest),
        ("render_10k_series_openmetrics", ACCEPT, openmetrics.generate_latest),
    ):
        # prometheus_client's text format would have `_created` gauges, ours has none
        (enable_created_metrics if accept else disable_created_metrics)()  # type: ignore[no-untyped-call]
        mine, theirs = _in_turns(lambda accept=accept: ours.page(accept)[0], lambda render=render: render(peer))  # type: ignore[misc]
        lines = sum(not line.startswith(b"#") for line in render(peer).splitlines())
        enable_created_metrics()  # type: ignore[no-untyped-call]
        results.append(
            Result(
                name,
                round(mine * 1000, 1),
                "ms",
                what.format(lines=lines),
                peer=f"prometheus_client {render.__module__.removeprefix('prometheus_client.')}.generate_latest: "
                f"{theirs * 1000:.0f} ms",
                ratio=round(mine / theirs, 3),
                goal=f"at most {GOAL} of prometheus_client",
                met=mine / theirs <= GOAL,
            )
        )
    return [*results, _memory()]


def mix() -> list[Series]:
    """Ten series for each of a thousand kinds of calls, two histograms and eight counters, as calls move them."""
    random = np.random.default_rng(7)

    def family(family: Family, *more: tuple[str, ...], scale: float) -> Series:
        width = len(family.labels) - len(more[0]) if more else len(family.labels)
        labels = [(*call[:width], *end) for call in _CALLS for end in (more or ((),))]
        values = random.lognormal(0, 2, (len(labels), _OBSERVATIONS)) * scale
        if scale > 1:
            values = np.ceil(values)
        trace_ids = random.integers(1, 2**63, (len(labels) * _OBSERVATIONS, 2), np.uint64)
        return Series(family, labels, values, trace_ids)

    types = [(each,) for each in ("input", "cache_read", "output")]
    return [
        family(catalogue.LLM_REQUESTS, ("success",), ("error",), scale=10),
        family(catalogue.LLM_TOKEN_USAGE, *types, scale=10_000),
        family(catalogue.LLM_TOKEN_COST, *((*each, "price_list") for each in types), scale=0.01),
        family(catalogue.LLM_REQUEST_LATENCY, scale=1),
        family(catalogue.LLM_TIME_TO_FIRST_TOKEN, scale=0.2),
    ]


def fill(series: list[Series]) -> Metrics:
    """Our store with ``series``."""
    metrics = Metrics(label_values=10**6, label_length=128, readings={}, series_per_family=10**6)
    for each in series:
        ids = metrics.series(each.family, each.labels)
        if each.family.type == "counter":
            metrics.add(each.family, ids, each.values.sum(axis=1))
        else:
            rows = np.repeat(ids, each.values.shape[1])
            metrics.observe_many(each.family, rows, each.values.ravel(), each.trace_ids)
    return metrics


def fill_peer(series: list[Series]) -> CollectorRegistry:
    """prometheus_client with ``series``."""
    registry = CollectorRegistry()
    for each in series:
        family = each.family
        if family.type == "counter":
            counter = Counter(family.name, family.help, family.labels, registry=registry)
            for labels, amount in zip(each.labels, each.values.sum(axis=1).tolist(), strict=True):
                counter.labels(*labels).inc(amount)
        else:
            histogram = Histogram(family.name, family.help, family.labels, registry=registry, buckets=family.buckets)
            traces = iter(each.trace_ids.tolist())
            for labels, values in zip(each.labels, each.values.tolist(), strict=True):
                child = histogram.labels(*labels)
                for value in values:
                    high, low = next(traces)
                    child.observe(value, {"trace_id": f"{high:016x}{low:016x}"})
    return registry


def _in_turns(first: Callable[[], bytes], second: Callable[[], bytes]) -> tuple[float, float]:
    """Median CPU seconds of both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for render, taken in zip((first, second), times, strict=True):
            gc.collect()
            begin = time.process_time()
            render()
            taken.append(time.process_time() - begin)
    return statistics.median(times[0]), statistics.median(times[1])


def _memory() -> Result:
    family = catalogue.LLM_TIME_TO_FIRST_TOKEN
    calls = [(f"service-{number % 20}", "openai", f"gpt-4o-{number // 20:04}", "chat") for number in range(10_000)]
    random = np.random.default_rng(7)
    values = random.lognormal(-1, 2, (len(calls), _OBSERVATIONS))
    trace_ids = random.integers(1, 2**63, (values.size, 2), np.uint64)
    series = [Series(family, calls, values, trace_ids)]
    mine, theirs = _held(lambda: fill(series)), _held(lambda: fill_peer(series))
    return Result(
        "store_10k_histograms",
        round(mine / 2**20, 1),
        "MiB",
        f"memory of {len(calls):,} histograms with {len(family.buckets)} buckets and an exemplar for each bucket that "
        f"{_OBSERVATIONS} observations filled (tracemalloc)",
        peer=f"prometheus_client: {theirs / 2**20:.1f} MiB",
        ratio=round(mine / theirs, 3),
    )


def _held(build: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    held = build()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del held
    return size
