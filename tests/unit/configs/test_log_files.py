"""The real Promtail and the real Loki with the committed configs: what a line in a file becomes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support import poll
from tests.unit.configs.live import loki, promtail, streams

TRACE = "0af7651916cd43dd8448eb211c80319c"
_NOW = datetime.now(UTC).replace(microsecond=250_000) - timedelta(minutes=5)
_STAMP = _NOW.strftime("%Y-%m-%dT%H:%M:%S.250Z")
_NANOSECONDS = str(int(_NOW.timestamp() * 1e6) * 1000)

#: File name to one line of it, as the component writes it, and the level that it has in Loki.
LINES = {
    "exporter.log": (json.dumps({"timestamp": _STAMP, "level": "warning", "event": "x", "trace_id": TRACE}), "warn"),
    "jaeger.log": (json.dumps({"level": "error", "ts": _STAMP, "msg": "Exporting failed"}), "error"),
    "prometheus.log": (f'time={_STAMP} level=INFO source=main.go:1 msg="Server is ready"', "info"),
    "loki.log": (f'level=error ts={_STAMP} caller=ratestore.go:110 msg="no ring"', "error"),
    "grafana.log": (f'logger=settings t={_STAMP} level=eror msg="Starting"', "error"),
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Loki that has received every line of :data:`LINES` and of the other files below."""
    folder = tmp_path_factory.mktemp("promtail")
    logs, containers = folder / "logs", folder / "containers"
    (logs / "interactions").mkdir(parents=True)
    for name, (line, _) in LINES.items():
        (logs / name).write_text(line + "\n")
    (logs / "phoenix.log").write_text("plain text\n")
    (logs / "promtail.log").write_text(f'level=warn ts={_STAMP} msg="its own"\n')
    row = {"timestamp": _STAMP, "service": "rag", "model": "gpt-4o", "status": "error", "trace_id": TRACE}
    (logs / "interactions" / "llm.jsonl").write_text(json.dumps({**row, "request_id": "chatcmpl-1"}) + "\n")

    def container(name: str, line: str, service: str | None) -> None:
        (containers / name).mkdir(parents=True)
        entry: dict[str, Any] = {"log": line + "\n", "stream": "stderr", "time": datetime.now(UTC).isoformat()}
        if service:
            entry["attrs"] = {"com.docker.compose.service": service}
        (containers / name / f"{name}-json.log").write_text(json.dumps(entry) + "\n")

    container("a", f'time={_STAMP} level=WARN msg="from a container"', "alertmanager")
    container("b", "somebody else's secret", None)
    container("c", "exporter twice", "exporter")
    with (
        loki(folder) as loki_url,
        promtail(folder, loki_url, CONTAINER_LOG_DIR=str(containers)),
    ):
        wanted = {*(name.removesuffix(".log") for name in LINES), "phoenix", "alertmanager"}
        poll(
            "every component's line",
            lambda: {found["stream"].get("component") for found in streams(loki_url, '{job="stack"}')} >= wanted,
            deadline=60,
        )
        poll("the interaction", lambda: streams(loki_url, '{job="interactions"}'), deadline=30)
        yield loki_url


@pytest.mark.parametrize("name", LINES)
def test_a_line_keeps_its_own_time_and_its_level_is_one_of_a_single_vocabulary(url: str, name: str) -> None:
    line, level = LINES[name]
    (found,) = streams(url, f'{{component="{name.removesuffix(".log")}"}}')
    assert found["stream"]["level"] == level
    assert found["values"] == [[_NANOSECONDS, line]]


def test_a_line_without_a_format_is_kept_with_the_time_of_reading(url: str) -> None:
    (found,) = streams(url, '{component="phoenix"}')
    assert "level" not in found["stream"]
    assert abs(int(found["values"][0][0]) - time.time_ns()) < 600 * 10**9
    assert found["values"][0][0] != _NANOSECONDS


def test_promtails_own_log_is_not_shipped_because_it_would_feed_itself(url: str) -> None:
    assert streams(url, '{job="stack"} |= "its own"') == []


def test_an_interaction_is_found_by_its_trace_and_labelled_by_service_model_and_status(url: str) -> None:
    (found,) = streams(url, f'{{job="interactions"}} | trace_id="{TRACE}" | request_id="chatcmpl-1"')
    assert found["values"][0][0] == _NANOSECONDS
    wanted = {"service": "rag", "model": "gpt-4o", "status": "error", "service_name": "rag"}
    assert wanted.items() <= found["stream"].items()


def test_everything_with_a_trace_is_found_by_the_query_of_grafanas_link_from_a_span(url: str) -> None:
    found = streams(url, f'{{service_name=~".+"}} | trace_id="{TRACE}"')
    assert {entry["stream"]["service_name"] for entry in found} == {"exporter", "rag"}


def test_a_container_is_named_by_its_service_and_strangers_and_doubles_stay_out(url: str) -> None:
    (found,) = streams(url, '{component="alertmanager"}')
    assert found["stream"]["level"] == "warn"
    assert found["values"][0][1].startswith(f"time={_STAMP}")
    assert streams(url, '{job="stack"} |~ "secret|twice"') == []


def test_only_bounded_labels_are_indexed(url: str) -> None:
    labels = httpx.get(f"{url}/loki/api/v1/labels", timeout=5).json()["data"]
    assert set(labels) == {"job", "component", "level", "service", "model", "status", "service_name"}
