"""The page says what prometheus_client would say of the same numbers, in both formats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, exposition
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.utils import floatToGoString

from observability import catalogue
from observability.catalogue import Family
from observability.metrics import Metrics
from observability.metrics.page import content_type, go_floats

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TEXT = "text/plain; version=0.0.4"
NOW = 1_767_225_600.123
#: What Prometheus 3 sends by default, and with ``created-timestamp-zero-ingestion``.
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROTOBUF_FIRST = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," + PROMETHEUS_3
)
CALL = ("shop", "openai", "gpt-4o", "chat")
ODD = ('quo"te', "back\\slash", "line\nfeed", "üñí 漢字 🦜", 'all "\\\n\\n\\\\', " ", "{},=#")


@dataclass
class Both:
    """The same numbers in our store and in prometheus_client."""

    ours: Metrics
    registry: CollectorRegistry
    peers: dict[str, Counter | Gauge | Histogram]

    def child(self, family: Family, labels: tuple[str, ...]) -> Any:
        peer = self.peers[family.name]
        return peer.labels(*labels) if labels else peer

    def increase(
        self, family: Family, labels: tuple[str, ...], amount: float, exemplar: dict[str, str] | None = None
    ) -> None:
        self.ours.increase(family, labels, amount, exemplar)
        self.child(family, labels).inc(amount, exemplar)

    def set(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        self.ours.set(family, labels, value)
        self.child(family, labels).set(value)

    def observe(
        self, family: Family, labels: tuple[str, ...], value: float, exemplar: dict[str, str] | None = None
    ) -> None:
        self.ours.observe(family, labels, value, exemplar)
        self.child(family, labels).observe(value, exemplar)

    def assert_equal(self) -> None:
        """Both pages hold the same families, samples, creation times and exemplars."""
        expected = {each.name: each for each in parse_openmetrics(openmetrics.generate_latest(self.registry).decode())}  # type: ignore[no-untyped-call]
        _compare(parse_openmetrics(page(self.ours, OPENMETRICS)), expected)  # type: ignore[no-untyped-call]
        expected = {each.name: each for each in parse_text(exposition.generate_latest(self.registry).decode())}
        _compare(parse_text(page(self.ours, TEXT)), {k: v for k, v in expected.items() if not k.endswith("_created")})


#: Families whose numbers the store itself makes.
_OWN = {"exporter_series", "exporter_build_info"}


def _compare(found: Iterable[Metric], expected: dict[str, Metric]) -> None:
    families = {each.name: each for each in found if not each.name.startswith(("process_", "python_"))}
    assert families.keys() == expected.keys()
    for name, family in families.items():
        peer = expected[name]
        assert (family.type, family.documentation, family.unit) == (peer.type, peer.documentation, peer.unit)
        if name not in _OWN:
            assert sorted(map(_sample, family.samples)) == sorted(map(_sample, peer.samples)), name


def _sample(sample: Any) -> str:
    """Text, because NaN is not equal to itself."""
    return repr((sample.name, sorted(sample.labels.items()), sample.value, sample.timestamp, sample.exemplar))


def page(metrics: Metrics, accept: str) -> str:
    return metrics.page(accept)[0].decode()


def both() -> Both:
    registry = CollectorRegistry()
    peers: dict[str, Counter | Gauge | Histogram] = {}
    for family in catalogue.EXPOSED:
        if family.type == "histogram":
            made: Any = Histogram(family.name, family.help, family.labels, registry=registry, buckets=family.buckets)
        else:
            kind = Counter if family.type == "counter" else Gauge
            made = kind(family.name, family.help, family.labels, registry=registry)
        peers[family.name] = made
    pair = Both(Metrics(label_values=1000, label_length=1000, readings={}), registry, peers)
    pair.set(catalogue.EXPORTER_PRICE_LIST_TIMESTAMP, (), 0)
    return pair


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Creation and exemplar times of both sides are the same."""
    with monkeypatch.context() as patched:
        patched.setattr("time.time", lambda: NOW)
        yield


def test_an_empty_page_is_that_of_prometheus_client() -> None:
    both().assert_equal()


def test_every_kind_of_family_is_written_as_prometheus_client_writes_it() -> None:
    pair = both()
    trace = {"trace_id": "0123456789abcdef" * 2}
    for number, value in enumerate((0.005, 0.01, 0.0100001, 30, 81.92, 5000, -1.0, math.inf)):
        pair.observe(catalogue.LLM_REQUEST_LATENCY, CALL, value, trace if number % 2 else None)
        pair.observe(catalogue.EXPORTER_LAG, (), value)
    pair.increase(catalogue.LLM_ERRORS, (*CALL, "timeout"), 1, trace)
    pair.increase(catalogue.LLM_REQUESTS, (*CALL, "success"), 3)
    pair.increase(catalogue.LLM_REQUESTS, (*CALL, "error"), 0)
    pair.increase(catalogue.EXPORTER_MASKING_FAILURES, (), 2)
    pair.set(catalogue.EXPORTER_PROBE_SUCCESS, ("phoenix",), 1)
    pair.assert_equal()


def test_numbers_of_every_size_come_out_as_they_went_in() -> None:
    pair = both()
    values = (0.0, 1e-9, 1 / 3, 0.1 + 0.2, 999_999.0, 1e6, 1_234_567.0, 12_345_678.9, 2.0**53, 1e16, 1e22, 1e300)
    for number, value in enumerate((*values, -5.5, -2e7, math.inf, -math.inf, math.nan, 5e-324)):
        pair.set(catalogue.DATA_DRIFT_DETECTED, (f"m{number}",), value)
        if value >= 0:
            pair.increase(catalogue.LLM_TOKEN_USAGE, ("shop", "openai", f"m{number}", "input"), value)
            pair.observe(catalogue.LLM_TIME_PER_OUTPUT_TOKEN, CALL, value)
    pair.assert_equal()


def test_counts_above_what_is_written_from_a_table_are_right() -> None:
    pair = both()
    ids = pair.ours.series(catalogue.LLM_AGENT_STEPS, [("shop", "helper")])
    child = pair.child(catalogue.LLM_AGENT_STEPS, ("shop", "helper"))
    for value, times in ((1.0, 4095), (3.0, 1), (40.0, 2000)):
        pair.ours.observe_many(catalogue.LLM_AGENT_STEPS, np.repeat(ids, times), np.full(times, value))
        for _ in range(times):
            child.observe(value)
    pair.assert_equal()


@pytest.mark.parametrize("odd", ODD)
def test_odd_label_values_are_escaped_as_prometheus_client_escapes_them(odd: str) -> None:
    pair = both()
    pair.increase(catalogue.LLM_REQUESTS, (odd, "openai", odd, "chat", "success"), 1)
    pair.observe(catalogue.LLM_TOOL_DURATION, ("shop", odd), 0.3, {"trace_id": "ab" * 16})
    pair.set(catalogue.DATA_DRIFT_DETECTED, (odd,), 1)
    pair.assert_equal()


@settings(max_examples=60, deadline=None)
@given(
    calls=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
            st.floats(0, 1e300),
            st.integers(1, 2**128 - 1),
        ),
        max_size=12,
    )
)
def test_any_labels_and_numbers_are_those_of_prometheus_client(calls: list[tuple[str, float, int]]) -> None:
    pair = both()
    for text, value, number in calls:
        trace = {"trace_id": f"{number:032x}"}
        pair.increase(catalogue.LLM_UNPRICED_REQUESTS, (text, "m"), value, trace)
        pair.observe(catalogue.LLM_MCP_DURATION, ("shop", text), value, trace)
        pair.set(catalogue.DATA_DRIFT_DETECTED, (text,), -value)
    pair.assert_equal()


@given(st.lists(st.floats() | st.integers(0, 10**7).map(float)))
@example([0.0, -0.0, 1e-4, 9.9e-5, 999_999.9999999999, 1e6, math.inf, math.nan])
def test_floats_are_written_as_prometheus_client_writes_them(values: list[float]) -> None:
    assert [text.decode() for text in go_floats(np.array(values, np.float64))] == [floatToGoString(v) for v in values]  # type: ignore[no-untyped-call]


def test_a_reading_is_asked_for_each_page() -> None:
    answers: Iterator[Mapping[tuple[str, ...], float]] = iter(
        [{}, {("gpt-4o", "2026-01-01"): 0.25}, {("gpt-4o", "2026-01-01"): 0.5, ("o3", "2026-01-02"): 1.0}]
    )
    metrics = Metrics(label_values=5, label_length=50, readings={catalogue.LLM_DAILY_COST: lambda: next(answers)})
    assert "\nllm_daily_cost_usd{" not in page(metrics, TEXT)
    assert '\nllm_daily_cost_usd{model="gpt-4o",date="2026-01-01"} 0.25\n' in page(metrics, TEXT)
    assert '\nllm_daily_cost_usd{model="o3",date="2026-01-02"} 1.0\n' in page(metrics, TEXT)


def test_text_that_no_encoding_has_does_not_take_the_page_away() -> None:
    metrics = Metrics(label_values=5, label_length=50, readings={})
    metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, ("openai", "lone \ud800 surrogate"))
    assert 'llm_unpriced_requests_total{provider="openai",model="lone ? surrogate"} 1.0' in page(metrics, TEXT)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        (PROTOBUF_FIRST, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_the_content_type_is_what_prometheus_client_answers(accept: str, expected: str) -> None:
    assert content_type(accept) == expected == choose_encoder(accept)[1]


@pytest.mark.parametrize("asked", ["version=2.0.0", "version=1.0.0;escaping=dots", "version=1.0.0;escaping=values"])
def test_what_the_page_is_not_written_in_is_not_promised(asked: str) -> None:
    answer = content_type(f"application/openmetrics-text;{asked}")
    assert answer == "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
