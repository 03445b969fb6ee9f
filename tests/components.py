"""Real components and tools for tests that drive one of them: found, run to the end, or kept running."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support import ROOT, poll


def binary(name: str) -> Path:
    """A real component or tool; skips the test, saying so, where the machine has none."""
    found = find_binary(name)
    if found is None:
        pytest.skip(f"{name} is neither on PATH nor in the cache; `make test` builds it")
    return found


def find_binary(name: str) -> Path | None:
    """``name`` on ``PATH``, else the newest build in the cache that the native engine fills."""
    found = shutil.which(name)
    if found:
        return Path(found)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ai-observability" / "bin"
    built = [path for path in cache.glob(f"{name}-*/{name}") if os.access(path, os.X_OK)]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


def run(*argv: str | Path, cwd: Path = ROOT, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; output is captured, the exit status is the caller's to judge."""
    return subprocess.run(
        [str(part) for part in argv], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(argv: list[str | Path], cwd: Path, ready: str, env: dict[str, str] | None = None) -> Iterator[None]:
    """Run a component in ``cwd`` until the block ends; enters when the URL ``ready`` answers 200.

    What it printed is shown when it ends before that or the block fails.
    """
    log = cwd / f"{Path(argv[0]).name}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(part) for part in argv], cwd=cwd, stdout=output, stderr=output, env={**os.environ, **(env or {})}
        )

    def answers() -> bool:
        assert child.poll() is None, f"{argv[0]} ended with status {child.returncode}"
        return httpx.get(ready, timeout=5).status_code == 200

    try:
        poll(ready, answers, deadline=60)
        yield
    except BaseException:
        print(log.read_text(errors="replace")[-6000:])
        raise
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
