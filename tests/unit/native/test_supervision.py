"""Supervision with real processes: restarts, changes, environments, and nothing left behind."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from native.components import Component
from native.context import Context
from native.errors import Interrupted, NativeError
from native.readiness import wait_until_healthy
from native.supervision import Supervisor, marked_processes
from tests.support import poll
from tests.unit.native.conftest import program

SLEEP = "import time; time.sleep(600)"


def pid_of(supervisor: Supervisor, name: str = "tiny") -> int | None:
    info = supervisor.info().get(name)
    return info.pid if info is not None and info.state in {"STARTING", "RUNNING"} and info.pid else None


def test_a_component_that_crashes_is_restarted_and_counted(supervisor: Supervisor) -> None:
    assert supervisor.ensure(program(supervisor, SLEEP)) == "started"
    first = poll("the process", lambda: pid_of(supervisor))
    assert supervisor.crashes() == {}
    os.kill(first, signal.SIGKILL)
    second = poll("another process", lambda: (pid := pid_of(supervisor)) != first and pid)
    # Between fork and exec the kernel shows no environment.
    poll("its mark", lambda: "STATE_DIR" in psutil.Process(second).environ())
    assert supervisor.crashes() == {"tiny": 1}


def test_an_unchanged_component_is_left_alone_and_a_changed_one_restarted(supervisor: Supervisor) -> None:
    same = program(supervisor, SLEEP)
    supervisor.ensure(same)
    first = poll("the process", lambda: pid_of(supervisor))
    assert supervisor.ensure(same) == "unchanged"
    assert pid_of(supervisor) == first
    assert supervisor.ensure(replace(same, fingerprint="another config")) == "restarted"
    poll("another process", lambda: (pid := pid_of(supervisor)) != first and pid)
    assert not psutil.pid_exists(first)
    assert supervisor.crashes() == {}, "a restart that was asked for is no crash"


def test_a_value_with_any_character_reaches_the_component(supervisor: Supervisor, tmp_path: Path) -> None:
    value = """100% "double" 'single' ; # , = $HOME %(here)s \\ and\na second line, ünïcode"""
    out = tmp_path / "value"
    code = f"import os, pathlib, time; pathlib.Path({str(out)!r}).write_text(os.environ['VALUE']); time.sleep(600)"
    supervisor.ensure(program(supervisor, code, VALUE=value))
    assert poll("the value", lambda: out.exists() and out.read_text()) == value


def test_a_component_gets_no_secret_of_the_users_shell(context: Context) -> None:
    shell = {**context.environ, "OPENAI_API_KEY": "sk-1", "HTTP_PROXY": "http://proxy:3128"}
    environ = Supervisor(replace(context, environ=shell)).base_environment()
    assert "OPENAI_API_KEY" not in environ
    assert environ["HTTP_PROXY"] == "http://proxy:3128"
    assert "127.0.0.1" in environ["NO_PROXY"].split(","), "what is on this machine is reached directly"


def test_output_and_errors_go_to_one_log_of_the_component(supervisor: Supervisor) -> None:
    supervisor.ensure(
        program(supervisor, f"import sys; print('out', flush=True); print('err', file=sys.stderr); {SLEEP}")
    )
    log = supervisor.log_of("tiny")
    assert poll("both lines", lambda: log.exists() and "err" in log.read_text() and log.read_text()) == "out\nerr\n"


def test_shutdown_leaves_no_process_not_even_a_grandchild(supervisor: Supervisor, context: Context) -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"
    supervisor.ensure(program(supervisor, code))
    supervisor.ensure(program(supervisor, SLEEP, name="other"))
    poll("supervisord, two components and a grandchild", lambda: len(marked_processes(context.state)) == 4)
    assert supervisor.shutdown([["other"], ["tiny"]]) == []
    assert marked_processes(context.state) == []
    assert not supervisor.is_up()
    assert not supervisor.socket.exists()
    assert supervisor.shutdown([["tiny"]]) == [], "safe when nothing runs"


def test_a_component_that_ignores_the_polite_signal_is_ended(supervisor: Supervisor, context: Context) -> None:
    ready = context.state / "ready"
    code = f"import signal, pathlib; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch(); {SLEEP}"
    supervisor.ensure(replace(program(supervisor, code), stop_seconds=1))
    poll("the handler", ready.exists)
    supervisor.shutdown([["tiny"]])
    assert marked_processes(context.state) == []


def test_what_a_dead_supervisor_leaves_is_found_and_ended(supervisor: Supervisor, context: Context) -> None:
    supervisor.ensure(program(supervisor, SLEEP))
    orphan = poll("the process", lambda: pid_of(supervisor))
    daemon = next(process for process in marked_processes(context.state) if process.pid != orphan)
    daemon.kill()
    poll("the death of supervisord", lambda: not supervisor.is_up())
    assert psutil.pid_exists(orphan)
    left = supervisor.shutdown([["tiny"]])
    assert [f"(pid {orphan})" in name for name in left] == [True]
    assert marked_processes(context.state) == []


def test_a_state_folder_with_a_path_too_long_for_a_socket_works(context: Context) -> None:
    deep = replace(context, state=context.state / ("deep" * 15) / ("deeper" * 10))
    deep.prepare()
    supervisor = Supervisor(deep)
    try:
        supervisor.start()
        assert len(str(supervisor.socket)) < 100
        assert supervisor.socket.parent.stat().st_mode & 0o077 == 0
        supervisor.ensure(program(supervisor, SLEEP))
        poll("the process", lambda: pid_of(supervisor))
    finally:
        supervisor.shutdown([["tiny"]])
    assert marked_processes(deep.state) == []
    assert not supervisor.socket.parent.exists()


def test_a_component_stopped_by_hand_stays_down_until_it_is_started(supervisor: Supervisor) -> None:
    supervisor.ensure(program(supervisor, SLEEP))
    first = poll("the process", lambda: pid_of(supervisor))
    supervisor.stop_component("tiny")
    assert pid_of(supervisor) is None
    assert not psutil.pid_exists(first)
    supervisor.stop_component("tiny")  # again: nothing to do
    supervisor.start_component("tiny")
    poll("another process", lambda: pid_of(supervisor))


def test_a_component_that_was_never_up_cannot_be_started(supervisor: Supervisor) -> None:
    with pytest.raises(NativeError, match="ghost was not up in this stack; run make up"):
        supervisor.start_component("ghost")


def component(deadline: float = 60.0) -> Component:
    return Component("tiny", "a test", "/healthz", "exporter", deadline=deadline)


def test_a_component_that_ends_while_it_starts_is_reported_with_its_last_lines(
    supervisor: Supervisor, context: Context
) -> None:
    supervisor.ensure(program(supervisor, "import sys; print('cannot open the store'); sys.exit(3)"))
    with pytest.raises(NativeError, match="tiny: ends again and again") as caught:
        wait_until_healthy(component(), context, supervisor, threading.Event())
    assert "    cannot open the store" in str(caught.value)
    assert f"log: {supervisor.log_of('tiny')}" in str(caught.value)


def test_a_component_that_is_never_healthy_is_reported_at_its_deadline(
    supervisor: Supervisor, context: Context
) -> None:
    supervisor.ensure(program(supervisor, SLEEP))
    url = context.url("exporter")
    with pytest.raises(NativeError, match=rf"tiny: not healthy after 0 s \({url}/healthz\)"):
        wait_until_healthy(component(deadline=0.4), context, supervisor, threading.Event())


def test_waiting_for_a_component_can_be_interrupted(supervisor: Supervisor, context: Context) -> None:
    supervisor.ensure(program(supervisor, SLEEP))
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Interrupted):
        wait_until_healthy(component(), context, supervisor, cancelled)
    assert pid_of(supervisor) is not None, "it is left running"


def test_waiting_returns_when_the_components_own_endpoint_answers(supervisor: Supervisor, context: Context) -> None:
    code = (
        "import http.server, time\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200 if self.path == '/healthz' else 404); self.end_headers()\n"
        f"http.server.HTTPServer(('127.0.0.1', {context.ports['exporter']}), H).serve_forever()"
    )
    supervisor.ensure(program(supervisor, code))
    wait_until_healthy(component(), context, supervisor, threading.Event())
