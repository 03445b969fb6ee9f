"""The interaction log: a row per call, rotated, and no prompt in it unless a team asked for that."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Interactions, Limits, Privacy, Runtime, Settings
from tests.unit.exporter.support import chat, exporter_of, send, span, total

#: Spans do not wait for others of their trace.
NOW = Limits(settle_seconds=0)


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def secret_call() -> dict[str, Any]:
    return {
        **chat(gen_ai__response__id="chatcmpl-1", gen_ai__request__stream=True),
        "gen_ai.response.time_to_first_chunk": 0.125,
        "gen_ai.input.messages": '[{"role": "user", "content": "my password is hunter2"}]',
        "gen_ai.output.messages": "never say hunter2",
    }


def test_a_row_says_everything_about_a_call(client: TestClient, runtime: Runtime) -> None:
    made = span(secret_call(), seconds=0.5)
    send(client, made)
    (row,) = rows(runtime.interactions_file)
    assert row.pop("timestamp").endswith("+00:00")
    assert row.pop("latency_seconds") == pytest.approx(0.5)
    assert row.pop("cost_usd") == pytest.approx(100 * 2.5e-6 + 20 * 1e-5)
    assert row == {
        "service": "shop",
        "provider": "openai",
        "model": "gpt-4o",
        "operation": "chat",
        "request_id": "chatcmpl-1",
        "trace_id": made.trace_id.hex(),
        "span_id": made.span_id.hex(),
        "status": "success",
        "error_type": None,
        "time_to_first_token_seconds": 0.125,
        "tokens": {"input": 100, "output": 20},
        "streaming": True,
    }


def test_content_is_not_written_by_default(client: TestClient, runtime: Runtime) -> None:
    send(client, span(secret_call()))
    assert "hunter2" not in runtime.interactions_file.read_text()


def test_content_is_written_when_a_team_turns_it_on(runtime: Runtime) -> None:
    with TestClient(
        create_app(
            Exporter(
                Settings(interactions=Interactions(content=True), privacy=Privacy(content="keep"), limits=NOW), runtime
            )
        )
    ) as client:
        send(client, span(secret_call()))
    (row,) = rows(runtime.interactions_file)
    assert row["input"] == [{"role": "user", "content": "my password is hunter2"}]
    assert row["output"] == "never say hunter2"


def test_unknown_numbers_are_null_and_not_zero(client: TestClient, runtime: Runtime) -> None:
    send(client, span({"gen_ai.operation.name": "chat"}, error="Error code: 401"))
    (row,) = rows(runtime.interactions_file)
    assert (row["tokens"], row["cost_usd"], row["error_type"]) == (None, None, "authentication")


def test_the_log_is_rotated_and_only_whole_rows_are_in_it(runtime: Runtime) -> None:
    told = Settings(interactions=Interactions(max_bytes=5000, backups=2), limits=NOW)
    with TestClient(create_app(Exporter(told, runtime))) as client:
        for start in range(0, 60, 10):
            send(client, *(span(chat(f"model-{start + number}")) for number in range(10)))
        assert total(client, "exporter_interactions_total", outcome="written") == 60
    folder = runtime.interactions_file.parent
    assert {file.name for file in folder.iterdir()} == {"llm.jsonl", "llm.jsonl.1", "llm.jsonl.2"}
    assert all(file.stat().st_size <= 5000 for file in folder.iterdir())
    kept = [row["model"] for name in ("llm.jsonl.2", "llm.jsonl.1", "llm.jsonl") for row in rows(folder / name)]
    assert kept == [f"model-{number}" for number in range(60 - len(kept), 60)]


def test_a_restart_appends(runtime: Runtime) -> None:
    for _ in range(2):
        with TestClient(create_app(Exporter(Settings(limits=NOW), runtime))) as client:
            send(client, span(chat()))
    assert len(rows(runtime.interactions_file)) == 2


def test_without_the_log_there_is_no_file(runtime: Runtime) -> None:
    with TestClient(
        create_app(Exporter(Settings(interactions=Interactions(enabled=False), limits=NOW), runtime))
    ) as client:
        send(client, span(chat()))
        assert total(client, "llm_requests_total") == 1
    assert not runtime.interactions_file.exists()


def test_a_full_disk_drops_rows_counts_them_and_keeps_measuring(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = exporter_of(client).worker._pipeline._interactions
    assert log is not None

    class Full:
        closed = False

        def write(self, _rest: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(log, "_stream", Full())
        send(client, span(chat()), span(chat()))
    assert total(client, "exporter_interactions_total", outcome="dropped") == 2
    assert total(client, "llm_requests_total") == 2
    assert "No space left on device" in caplog.text
    send(client, span(chat()))
    assert total(client, "exporter_interactions_total", outcome="written") == 1


def test_content_is_masked_by_default_when_it_is_written(runtime: Runtime) -> None:
    told = Settings(interactions=Interactions(content=True), limits=NOW)
    attributes = {**chat(), "gen_ai.input.messages": '[{"role": "user", "content": "write to ada@example.com"}]'}
    with TestClient(create_app(Exporter(told, runtime))) as client:
        send(client, span(attributes))
        assert total(client, "exporter_masked_values_total", kind="email") == 1
    (row,) = rows(runtime.interactions_file)
    assert row["input"] == [{"role": "user", "content": "write to [email]"}]


def test_what_cannot_be_masked_is_dropped_and_counted(runtime: Runtime) -> None:
    told = Settings(interactions=Interactions(content=True), privacy=Privacy(max_chars=10), limits=NOW)
    with TestClient(create_app(Exporter(told, runtime))) as client:
        send(client, span({**chat(), "gen_ai.input.messages": "longer than ten characters"}))
        assert total(client, "exporter_masking_failures_total") == 1
    (row,) = rows(runtime.interactions_file)
    assert row["input"] is None


def test_dropped_content_reaches_no_row(runtime: Runtime) -> None:
    told = Settings(interactions=Interactions(content=True), privacy=Privacy(content="drop"), limits=NOW)
    with TestClient(create_app(Exporter(told, runtime))) as client:
        send(client, span(secret_call()))
    assert "hunter2" not in runtime.interactions_file.read_text()


def test_beyond_so_many_a_second_successful_calls_are_sampled_out_and_failed_ones_stay(runtime: Runtime) -> None:
    told = Settings(interactions=Interactions(max_per_second=5), limits=NOW)
    spans = [span(chat()) for _ in range(50)] + [span(chat(), error="Error code: 500") for _ in range(20)]
    with TestClient(create_app(Exporter(told, runtime))) as client:
        send(client, *spans)
        assert total(client, "exporter_interactions_total", outcome="sampled_out") == 45
    written = rows(runtime.interactions_file)
    assert [row["status"] for row in written].count("error") == 20
    assert len(written) == 25


def test_a_share_of_the_traces_is_written(runtime: Runtime) -> None:
    told = Settings(interactions=Interactions(sample_ratio=0.5, max_per_second=10_000), limits=NOW)
    with TestClient(create_app(Exporter(told, runtime))) as client:
        send(client, *(span(chat()) for _ in range(1000)))
    assert 400 < len(rows(runtime.interactions_file)) < 600
