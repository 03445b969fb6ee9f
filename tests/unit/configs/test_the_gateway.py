"""The real gateway with the committed config, backends that are dead or come back, and the real Loki."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.captures.truth import FOLDER as CAPTURES
from tests.support import poll
from tests.unit.configs.live import Gateway, gateway, loki, streams


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path) as started:
        yield started


def _stored(running: Gateway, trace_id: str) -> bool:
    answer = httpx.get(running.url("JAEGER_UI_PORT", f"/api/traces/{trace_id}"), timeout=5)
    return answer.status_code == 200 and answer.json()["data"][0]["traceID"] == trace_id.lstrip("0").zfill(32)


def test_one_dead_backend_stops_no_other_and_gets_everything_once_when_it_is_back(running: Gateway) -> None:
    with running.exporter.up():  # Phoenix is dead
        began = time.monotonic()
        sent = running.send(500)
        poll("the exporter's spans", lambda: len(running.exporter.trace_ids) == 500, deadline=10)
        poll("the trace in storage", lambda: _stored(running, sent[-1]), deadline=10)
        assert time.monotonic() - began < 10, "the dead backend held up the others"
        assert running.phoenix.trace_ids == []
        waiting = poll("a queue", lambda: running.metrics("otelcol_exporter_queue_size").get("otlphttp/phoenix"), 5)
        assert waiting > 0
        with running.phoenix.up():
            poll("what waited for Phoenix", lambda: len(running.phoenix.trace_ids) >= 500, deadline=30)
        assert sorted(running.phoenix.trace_ids) == sorted(sent)
        assert sorted(running.exporter.trace_ids) == sorted(sent)


def test_a_full_queue_drops_its_own_spans_counts_them_and_costs_no_other_backend_any(running: Gateway) -> None:
    sent: list[str] = []
    with running.exporter.up():
        for _ in range(4):  # 48 MB of prompts; a queue holds 32 MiB
            sent.extend(running.send(300, size=40_000))
            poll("the exporter's spans", lambda: sorted(running.exporter.trace_ids) == sorted(sent), deadline=60)
        assert sorted(running.exporter.trace_ids) == sorted(sent)
        dropped = running.metrics("otelcol_exporter_enqueue_failed_spans_total")
        assert dropped.get("otlphttp/phoenix", 0) > 0
        assert not dropped.get("otlphttp/exporter")
        assert running.exporter.largest <= 4 * 1024**2, "a batch is larger than the config's max_size"


def test_traces_outlive_a_restart_of_the_gateway(tmp_path: Path) -> None:
    with gateway(tmp_path) as first, first.exporter.up():
        (sent,) = first.send(1)
        poll("the trace in storage", lambda: _stored(first, sent), deadline=10)
    with gateway(tmp_path) as second:
        poll("the trace after the restart", lambda: _stored(second, sent), deadline=10)


def test_span_metrics_have_the_names_that_the_monitor_page_reads_and_an_exemplar(running: Gateway) -> None:
    with running.exporter.up(), running.phoenix.up():
        sent = running.send(3)

        def exemplar() -> str | None:
            page = httpx.get(
                running.url("SPANMETRICS_PORT", "/metrics"),
                headers={"accept": "application/openmetrics-text;version=1.0.0"},
                timeout=5,
            ).text
            assert page.endswith("# EOF\n")
            buckets = [line for line in page.splitlines() if "traces_span_metrics_duration_milliseconds_bucket" in line]
            with_trace = [line for line in buckets if any(trace in line for trace in sent)]
            return with_trace[0] if with_trace else None

        line = poll("an exemplar", exemplar, deadline=30)
        assert 'service_name="probe"' in line
        assert 'span_name="chat gpt-4o"' in line
        assert 'trace_id="' in line.partition(" # ")[2]


def test_a_log_by_otlp_is_in_loki_with_its_trace_id_and_few_labels(tmp_path: Path) -> None:
    (tmp_path / "l").mkdir()
    (tmp_path / "g").mkdir()
    with loki(tmp_path / "l") as url, gateway(tmp_path / "g", LOKI_URL=url) as running:
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        for key, value in (("service.name", "probe"), ("service.instance.id", "i-1"), ("k8s.pod.name", "p-1")):
            group.resource.attributes.add(key=key).value.string_value = value
        record = group.scope_logs.add().log_records.add(
            time_unix_nano=time.time_ns(), severity_text="WARN", severity_number=13, trace_id=bytes(range(16))
        )
        record.body.string_value = "slow answer"
        answer = httpx.post(
            running.url("OTLP_HTTP_PORT", "/v1/logs"),
            content=request.SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
            timeout=10,
        )
        assert answer.status_code == 200
        query = f'{{service_name="probe"}} | trace_id="{bytes(range(16)).hex()}"'
        (found,) = poll("the log in Loki", lambda: streams(url, query), deadline=20)
        assert found["values"][0][1] == "slow answer"
        assert found["stream"]["service_instance_id"] == "i-1"
        labels = httpx.get(f"{url}/loki/api/v1/labels", timeout=5).json()["data"]
        assert labels == ["service_name"], "an attribute without an end became an index label"


def test_metrics_that_apps_send_are_on_the_page_under_their_standard_names(running: Gateway) -> None:
    for body in sorted(CAPTURES.glob("*/*.metrics.pb")):
        answer = httpx.post(
            running.url("OTLP_HTTP_PORT", "/v1/metrics"),
            content=body.read_bytes(),
            headers={"content-type": "application/x-protobuf"},
            timeout=10,
        )
        assert answer.status_code == 200, body

    def names() -> set[str] | None:
        page = httpx.get(running.url("SPANMETRICS_PORT", "/metrics"), timeout=5).text
        found = {line.partition("{")[0] for line in page.splitlines() if line.startswith("gen_ai_")}
        return found if wanted <= found else None

    wanted = {
        "gen_ai_client_operation_duration_seconds_bucket",
        "gen_ai_client_operation_duration_seconds_count",
        "gen_ai_client_token_usage_bucket",
        "gen_ai_client_token_usage_sum",
    }
    poll("the translated names", names, deadline=20)
