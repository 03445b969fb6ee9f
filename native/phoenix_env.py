"""Phoenix's own Python environment in the cache: its 120 dependencies stay out of the stack's."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from native.build import follow, locked, tail
from native.context import Context
from native.errors import NativeError
from native.golang import GIB, require_disk
from native.progress import Progress, spell

#: Measured: the environment is 855 MB, and uv's cache holds the archives once more.
DISK = 2 * GIB


def folder(context: Context) -> Path:
    return context.cache / f"phoenix-{context.version('phoenix')}"


def python(context: Context) -> Path:
    """The interpreter that runs Phoenix."""
    return folder(context) / "bin" / "python"


def _lock_file(context: Context) -> Path:
    return context.repo / "requirements" / "phoenix.lock"


def is_complete(context: Context) -> bool:
    """Whether the environment holds exactly what ``requirements/phoenix.lock`` says now."""
    try:
        installed = (folder(context) / ".complete").read_text(encoding="utf-8")
    except OSError:
        return False
    return installed == _wanted(context) and os.access(python(context), os.X_OK)


def mark_complete(context: Context) -> None:
    """Note that the environment holds what the lock says."""
    (folder(context) / ".complete").write_text(_wanted(context), encoding="utf-8")


def _wanted(context: Context) -> str:
    return hashlib.sha256(_lock_file(context).read_bytes()).hexdigest()


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise NativeError("uv is missing from .venv; run make again, it installs it")
    return found


def install(context: Context, progress: Progress, cancelled: threading.Event) -> None:
    """Make the environment, unless it is complete; a half made one is made anew.

    Raises :class:`NativeError` with the last lines and the log's path when it fails, ``Interrupted`` when
    ``cancelled`` is set meanwhile.
    """
    target = folder(context)
    job = progress.begin("phoenix", "installing")
    try:
        with locked(context.cache / ".phoenix.lock", job, cancelled):
            if is_complete(context):
                return
            require_disk((context.cache,), DISK, "Phoenix's environment")
            (target / ".complete").unlink(missing_ok=True)
            log = context.cache / "phoenix-install.log"
            log.unlink(missing_ok=True)
            uv = _uv()
            for command in (
                [uv, "venv", "--clear", "--python", sys.executable, str(target)],
                [
                    uv,
                    "pip",
                    "install",
                    "--python",
                    str(python(context)),
                    "--require-hashes",
                    "-r",
                    str(_lock_file(context)),
                ],
            ):
                with log.open("ab") as output:
                    process = subprocess.Popen(
                        command,
                        cwd=context.cache,
                        env={**context.environ, "VIRTUAL_ENV": ""},
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                    follow(process, log, job, cancelled)
                if process.returncode != 0:
                    last = "\n".join(f"    {line}" for line in tail(log).splitlines())
                    raise NativeError(f"phoenix: the installation failed\n{last}\n  log: {log}")
            mark_complete(context)
            progress.say(f"phoenix: installed in {spell(job.elapsed)}")
    finally:
        progress.end("phoenix")
