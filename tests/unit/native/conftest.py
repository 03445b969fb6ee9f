"""Small repositories and fake commands for the tests of the native engine; what is started here is ended here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from native.context import Context
from native.ports import Ports
from native.supervision import Program, Supervisor, end_processes, marked_processes
from tests.support import ROOT, free_offset

#: The system's own commands, without what a developer has added to PATH (Go, Docker, a Prometheus).
PLAIN_PATH = "/usr/bin:/bin"


@pytest.fixture
def commands(tmp_path: Path) -> Callable[..., str]:
    """``commands(docker="exit 1")`` makes shell scripts and returns a PATH that has them and no other but sh's."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for name in ("sh", "sleep", "env", "cat", "echo"):
        (folder / name).symlink_to(shutil.which(name, path=PLAIN_PATH) or f"/bin/{name}")

    def make(**scripts: str) -> str:
        for name, body in scripts.items():
            script = folder / name
            script.write_text(f"#!/bin/sh\n{body}\n")
            script.chmod(0o755)
        return str(folder)

    return make


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """A stack of the real repository under ``tmp_path``; its processes are ended afterwards, whatever happened."""
    made = Context(
        state=tmp_path / "state",
        cache=tmp_path / "ai-observability",
        ports=Ports(free_offset(44000)),
        listen_host="127.0.0.1",
        config=ROOT / "observability.yml",
        environ={"PATH": PLAIN_PATH, "HOME": str(tmp_path), "ENGINE": "native"},
    )
    made.prepare()
    yield made
    end_processes(marked_processes(made.state))


@pytest.fixture
def supervisor(context: Context) -> Iterator[Supervisor]:
    """A supervisord of its own, running."""
    made = Supervisor(context)
    made.start()
    yield made
    made.shutdown([])


def program(supervisor: Supervisor, code: str, name: str = "tiny", **env: str) -> Program:
    """A component that is a line of Python."""
    environ = supervisor.base_environment() | env
    return Program(name, [sys.executable, "-c", code], environ, str(Path.cwd()), "1.0.0", "PATH")


def native(context: Context, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """``python -m native …`` for that stack, as the Makefile runs it."""
    return subprocess.run(
        [sys.executable, "-m", "native", *arguments],
        cwd=ROOT,
        env=environment(context, **env),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def environment(context: Context, **env: str) -> dict[str, str]:
    """The variables that make ``python -m native`` mean that stack."""
    return {
        **context.environ,
        "STATE_DIR": str(context.state),
        "XDG_CACHE_HOME": str(context.cache.parent),
        "PORT_OFFSET": str(context.ports.offset),
        **env,
    }
