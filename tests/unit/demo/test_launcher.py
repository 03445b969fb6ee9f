"""``python -m demo`` as a user meets it: clear errors, clean ends, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from demo.__main__ import PRESETS
from demo.gateway import GatewayError, check_gateway, stack_from_environment
from demo.launcher import SERVICES
from demo.simulator.app import parse_faults
from demo.support_triage.tickets import OTHER_TICKETS
from tests.support import ROOT, poll
from tests.unit.demo.support import Receiver, attributes

FAST = ("--latency-scale", "0.1", "--think", "0.02", "--timeout", "1")


def start(endpoint: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo", *FAST, *arguments],
        cwd=ROOT,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "PYTHONUNBUFFERED": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 90) -> tuple[int, str, str]:
    """Wait for the end; exit code, standard output and standard error."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return process.returncode, out, err


def unused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def children_of(process: subprocess.Popen[str], count: int = 4) -> list[psutil.Process]:
    def found() -> list[psutil.Process] | None:
        children = psutil.Process(process.pid).children(recursive=True)
        return children if len(children) >= count else None

    return poll(f"{count} child processes", found, deadline=60)


def wait_for_traffic(process: subprocess.Popen[str]) -> None:
    """Until all children are ready and the launcher watches them."""
    if process.stdout is None:
        raise AssertionError("started without a pipe")
    for line in process.stdout:
        if line.startswith("sending traffic"):
            return
    raise AssertionError("the demo ended before it sent anything")


def none_left(children: list[psutil.Process]) -> None:
    poll("all children ended", lambda: not [child for child in children if child.is_running()], deadline=30)


def test_without_a_stack_it_says_what_to_do() -> None:
    url = unused_url()
    code, out, err = finish(start(url, "--seconds", "5"))
    assert code == 1
    assert err == f"demo: nothing answers at {url} — is the stack up? run `make up`\n"
    assert out == ""


def test_something_else_on_the_port_is_not_taken_for_the_gateway(receiver: Receiver) -> None:
    receiver.status = 404
    with pytest.raises(GatewayError, match="not as an OTLP/HTTP endpoint"):
        check_gateway(receiver.url)


def test_a_gateway_that_hangs_is_reported(receiver: Receiver) -> None:
    with receiver.lock, pytest.raises(GatewayError, match="does not answer within"):
        check_gateway(receiver.url, timeout=0.2)


def test_ctrl_c_flushes_everything_and_the_summary_agrees_with_the_ledger(receiver: Receiver, tmp_path: Path) -> None:
    summary_file = tmp_path / "summary.json"
    process = start(receiver.url, "--summary", str(summary_file))
    children = children_of(process)
    poll("spans of all services", lambda: all(receiver.spans(service) for service in SERVICES), 60)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, err) == (0, ""), err
    none_left(children)

    summary = json.loads(summary_file.read_text())
    assert summary["problems"] == []
    received = {span.trace_id.hex() for span in receiver.spans()}
    for service in SERVICES:
        ids = summary["traces"][service]
        assert len(ids) == summary["services"][service]["interactions"] > 0
        assert set(ids) <= received
        assert all(times > 0 for *_, times in summary["services"][service]["counts"])
    # research-agent's calls of the openai client are seen twice: what OpenInference sees of them is left out
    calls = [
        span
        for service in SERVICES
        for span in receiver.spans(service)
        if span.name.startswith(("chat ", "embeddings ", "rerank "))
        or (span.name == "ChatCompletion" and service == "support-triage")
    ]
    assert len(calls) == summary["ledger"]["totals"]["requests"]
    shown = summary["urls"]["trace in Jaeger"].rsplit("/", 1)[1]
    assert shown in received
    assert all(url in out for url in summary["urls"].values())


def test_it_ends_by_itself_after_the_seconds_of_the_environment(receiver: Receiver) -> None:
    code, out, err = finish(start(receiver.url, DEMO_SECONDS="1.5", DEMO_FAULTS="none"))
    assert (code, err) == (0, "")
    assert "sending traffic for 1.5 s" in out
    assert " 0 errors\n" in out
    assert receiver.spans("rag-assistant")


def test_faults_of_the_command_line_reach_the_provider(receiver: Receiver, tmp_path: Path) -> None:
    summary_file = tmp_path / "summary.json"
    arguments = ("--seconds", "3", "--faults", "error_ratio=0.6,kind=server_error", "--summary", str(summary_file))
    code, _, err = finish(start(receiver.url, *arguments))
    assert (code, err) == (0, "")
    totals = json.loads(summary_file.read_text())["ledger"]["totals"]
    assert set(totals["errors"]) == {"server_error"}
    assert 0.4 < totals["errors"]["server_error"] / totals["requests"] < 0.7


def test_tools_fail_and_have_careless_names_when_told_so(receiver: Receiver) -> None:
    for preset in ("tools", "careless-names"):
        code, _, err = finish(start(receiver.url, "--seconds", "4", "--faults", preset))
        assert (code, err) == (0, "")
    spans = [span for span in receiver.spans("research-agent") if span.name.startswith(("execute_tool", "tools/call"))]
    failed = [span for span in spans if span.status.code == Status.STATUS_CODE_ERROR]
    assert len(failed) >= 3
    assert any(span.name.startswith("execute_tool read_page-") for span in spans)


def test_half_way_the_tickets_are_about_something_else_when_told_so(receiver: Receiver) -> None:
    code, _, err = finish(start(receiver.url, "--seconds", "8", "--faults", "prompt-drift"))
    assert (code, err) == (0, "")
    tickets = sorted(
        (span for span in receiver.spans("support-triage") if span.name == "triage ticket"),
        key=lambda span: span.start_time_unix_nano,
    )
    others = {ticket.text for ticket in OTHER_TICKETS}
    new = [attributes(span.attributes)["input.value"] in others for span in tickets]
    assert 0 < sum(new) < len(new)
    assert new == sorted(new), "none before, all after"


def test_no_child_outlives_a_launcher_that_was_killed(receiver: Receiver) -> None:
    process = start(receiver.url)
    children = children_of(process)
    process.kill()
    finish(process)
    none_left(children)


def test_a_service_that_dies_ends_the_demo_with_an_error(receiver: Receiver) -> None:
    process = start(receiver.url)
    children = children_of(process)
    wait_for_traffic(process)
    victim = next(child for child in children if "demo.rag_assistant" in child.cmdline())
    victim.kill()
    code, _, err = finish(process)
    assert code == 1
    assert "problem: rag-assistant ended early" in err
    none_left(children)


def test_telemetry_that_the_gateway_refuses_is_reported_and_not_swallowed(receiver: Receiver) -> None:
    process = start(receiver.url)
    wait_for_traffic(process)
    poll("spans", lambda: all(receiver.spans(service) for service in SERVICES), deadline=60)
    receiver.status = 400
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert code == 1
    assert "lost" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--faults", "error_ratio=2"), "error_ratio must be between 0 and 1"),
        (("--faults", "chaos"), "neither key=value nor one of none, errors"),
        (("--faults", "kind=gremlins"), "unknown kind"),
        (("--faults", "colour=red"), "unknown fault setting: colour"),
        (("--faults", "tool_error_ratio=1.5"), "a share must be between 0 and 1"),
        (("--seconds", "-1"), "must not be negative"),
        (("--seconds", "soon"), "invalid float value"),
    ],
)
def test_a_wrong_option_is_explained(arguments: tuple[str, ...], message: str) -> None:
    code, _, err = finish(start(unused_url(), *arguments))
    assert code == 2
    assert message in err


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_valid_setting(preset: str) -> None:
    faults = PRESETS[preset]
    parse_faults(faults.provider)
    assert 0 <= (faults.tool_error_ratio or 0) <= 1


def test_the_stack_is_looked_for_at_the_usual_ports_plus_the_offset() -> None:
    stack = stack_from_environment({"PORT_OFFSET": "200", "PHOENIX_PUBLIC_URL": "https://phoenix.example.com/"})
    assert stack.otlp == "http://127.0.0.1:4518"
    assert stack.jaeger == "http://127.0.0.1:16886"
    assert stack.phoenix == "https://phoenix.example.com"
    assert stack_from_environment({}).otlp == "http://127.0.0.1:4318"
    with pytest.raises(GatewayError, match="PORT_OFFSET"):
        stack_from_environment({"PORT_OFFSET": "many"})
