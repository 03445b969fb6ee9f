"""The store under many threads: nothing is lost, and every page is of one moment."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from observability import catalogue
from observability.metrics import Metrics

THREADS = 4
LATENCY = catalogue.LLM_REQUEST_LATENCY
_SAMPLE = re.compile(r"^(llm_\S+|exporter_received_total)(\{.*\}) (\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _eager() -> Iterator[None]:
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(label_values=1000, label_length=64, readings={})


def page(metrics: Metrics) -> dict[tuple[str, str], float]:
    """(name, labels) → value."""
    return {(name, labels): float(number) for name, labels, number in _SAMPLE.findall(metrics.page("")[0].decode())}


def total(metrics: Metrics, name: str) -> float:
    return sum(value for (each, _), value in page(metrics).items() if each == name)


def run(*works: Callable[[], None]) -> None:
    """Each of ``works`` in a thread, begun together; raises what one of them raised."""
    together = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def worked(work: Callable[[], None]) -> None:
        together.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=worked, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_every_page_is_of_one_moment(metrics: Metrics) -> None:
    """Every call is counted before its latency, which is one second, so counts, sums and buckets must agree."""
    random = np.random.default_rng(5)
    done = threading.Event()
    pages = 0

    def write() -> None:
        batch = 0
        while not done.is_set() or batch < 50:
            labels = [("shop", "openai", f"m{number}", "chat") for number in range(batch % 40 + 1)]
            rows = random.integers(0, len(labels), 64)
            calls = metrics.series(catalogue.LLM_REQUESTS, [(*each, "success") for each in labels])
            latencies = metrics.series(LATENCY, labels)
            metrics.add(catalogue.LLM_REQUESTS, calls[rows])
            metrics.observe_many(LATENCY, latencies[rows], np.ones(64))
            batch += 1

    def read() -> None:
        nonlocal pages
        try:
            before: dict[tuple[str, str], float] = {}
            for _ in range(100):
                now = page(metrics)
                for series, value in before.items():
                    assert now[series] >= value, series
                for (name, labels), count in now.items():
                    if name == LATENCY.count:
                        assert now[LATENCY.bucket, labels.replace("}", ',le="+Inf"}')] == count
                        assert now[LATENCY.sum, labels] == count
                        assert now["llm_requests_total", labels.replace("}", ',status="success"}')] >= count
                before = now
                pages += 1
        finally:
            done.set()

    run(write, read)
    assert pages == 100
    assert total(metrics, "llm_requests_total") == total(metrics, LATENCY.count) > 0


def test_threads_that_count_one_by_one_lose_nothing(metrics: Metrics) -> None:
    def count() -> None:
        for number in range(400):
            metrics.increase(catalogue.EXPORTER_RECEIVED, ("notifications",))
            metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", f"m{number}"))
            metrics.observe(LATENCY, ("shop", "openai", f"m{number}", "chat"), 1)

    run(*[count] * THREADS)
    assert total(metrics, "exporter_received_total") == THREADS * 400
    assert total(metrics, "llm_unpriced_requests_total") == THREADS * 400
    assert total(metrics, LATENCY.count) == THREADS * 400
    assert {value for (name, _), value in page(metrics).items() if name == LATENCY.count} == {THREADS}
