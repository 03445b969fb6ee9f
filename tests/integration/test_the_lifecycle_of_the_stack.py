"""``make up`` and ``make down`` as a user meets them: idempotent, nothing left behind, nothing lost."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support import PORTS, Stack, free_offset, poll, port_is_free, send_span

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A second stack, since these tests stop it."""
    stack = Stack(tmp_path_factory.mktemp("lifecycle"), free_offset(38000))
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def processes_of(stack: Stack) -> list[str]:
    """Processes that were started for this stack: each carries its state folder in its environment, as a mark."""
    mark = str(stack.state_dir)
    found = []
    for process in psutil.process_iter(["pid", "name"]):
        if process.pid == os.getpid():
            continue
        try:
            if process.environ().get("AI_OBSERVABILITY_STACK") == mark:
                found.append(f"{process.pid} {process.name()}")
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def in_jaeger(stack: Stack, trace_id: bytes) -> bool:
    return httpx.get(f"{stack.url('jaeger')}/api/traces/{trace_id.hex()}", timeout=30).status_code == 200


def requests_in_prometheus(stack: Stack) -> float:
    rows = stack.query('max_over_time(llm_requests_total{service="lifecycle",status="success"}[1h])')
    return sum(float(row["value"][1]) for row in rows)


def test_a_second_up_changes_nothing(own_stack: Stack) -> None:
    before = {name: row["pid"] for name, row in own_stack.status()["components"].items()}
    done = own_stack.up()
    after = {name: row["pid"] for name, row in own_stack.status()["components"].items()}
    assert before == after
    assert own_stack.url("prometheus") in done.stdout


def test_every_component_listens_on_loopback_only(own_stack: Stack) -> None:
    ports = {port + own_stack.offset for port in PORTS.values()}
    pids = {row["pid"] for row in own_stack.status()["components"].values() if row["pid"]}
    for pid in list(pids):
        pids |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    listening = [
        (c.pid, c.laddr.ip, c.laddr.port)
        for c in psutil.net_connections("inet")
        if c.laddr and c.status == psutil.CONN_LISTEN and c.pid in pids
    ]
    assert {port for _, _, port in listening} & ports
    # gRPC binds an IPv4 address through an IPv6 socket.
    outside = [row for row in listening if row[1] not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")]
    assert not outside


def test_a_killed_component_comes_back(own_stack: Stack) -> None:
    victim = own_stack.status()["components"]["alertmanager"]["pid"]
    os.kill(victim, signal.SIGKILL)

    def back() -> bool:
        row = own_stack.status()["components"]["alertmanager"]
        return bool(row["state"] == "healthy" and row["pid"] != victim)

    poll("alertmanager healthy under another pid", back, deadline=90)


def test_down_leaves_no_process_and_no_port_and_the_next_up_has_the_data(own_stack: Stack) -> None:
    trace_id = uuid.uuid4().bytes
    send_span(own_stack, "lifecycle", trace_id)
    poll("the span in Jaeger", lambda: in_jaeger(own_stack, trace_id))
    poll("its request in Prometheus", lambda: requests_in_prometheus(own_stack) >= 1, deadline=90)

    assert len(processes_of(own_stack)) > len(own_stack.status()["components"]), "the supervisor and every component"
    own_stack.down()
    assert processes_of(own_stack) == []
    taken = [name for name, port in PORTS.items() if not port_is_free(port + own_stack.offset)]
    assert taken == []

    own_stack.up()
    poll("the span of before in Jaeger", lambda: in_jaeger(own_stack, trace_id))
    poll("the request of before in Prometheus", lambda: requests_in_prometheus(own_stack) >= 1)
    spent = httpx.get(f"{own_stack.url('exporter')}/metrics", timeout=30).text
    line = next(line for line in spent.splitlines() if line.startswith("llm_budget_spent_usd{"))
    assert float(line.rsplit(" ", 1)[1]) > 0, "the cost ledger was lost"


def test_down_is_safe_when_nothing_runs(tmp_path: Path) -> None:
    assert Stack(tmp_path / "never", free_offset(42000)).make("down", timeout=60).returncode == 0
