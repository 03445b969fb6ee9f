"""Binaries of the Go components: on ``PATH``, else in the cache, else built once from ``native/<module>/go.mod``."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from native.components import GoBinary
from native.context import Context
from native.errors import Interrupted, NativeError
from native.golang import GIB, find_go, require, require_disk
from native.progress import Job, Progress, spell
from native.versions import go_needed, numbers

#: Free disk asked for per module. Measured from empty caches: the five modules fill Go's module cache with 6.0 GB and
#: its build cache with 5.7 GB, 11 GiB in all.
DISK_PER_MODULE = int(2.2 * GIB)
_TAIL_LINES = 15


@dataclass(frozen=True)
class Binary:
    """A usable executable. ``source`` is ``PATH`` or ``cache``."""

    path: Path
    version: str
    source: str


def recipe(binary: GoBinary, context: Context) -> list[str]:
    """``go build`` and its flags, without the output file; a changed recipe is a new build."""
    version = context.version(_release_of(binary))
    command = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-v"]
    if binary.tags:
        command += ["-tags", binary.tags]
    return [*command, "-ldflags", f"-s -w -X {binary.stamp.format(version=version)}"]


def _release_of(binary: GoBinary) -> str:
    """promtool is released with prometheus, amtool with alertmanager."""
    return binary.module


def fingerprint(binary: GoBinary, context: Context) -> str:
    """Hash of all that decides what is built: the pinned module (comments aside), the package and the flags."""
    go_mod = (context.repo / "native" / binary.module / "go.mod").read_text(encoding="utf-8")
    pinned = [text for line in go_mod.splitlines() if (text := line.split("//")[0].strip())]
    return hashlib.sha256("\n".join([*pinned, binary.package, *recipe(binary, context)]).encode()).hexdigest()


def cache_folder(binary: GoBinary, context: Context) -> Path:
    return context.cache / "bin" / f"{binary.name}-{context.version(_release_of(binary))}"


def in_cache(binary: GoBinary, context: Context) -> Binary | None:
    """The cached build, unless its recipe has changed since."""
    folder = cache_folder(binary, context)
    try:
        built = json.loads((folder / "build.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    path = folder / binary.name
    if built.get("fingerprint") != fingerprint(binary, context) or not os.access(path, os.X_OK):
        return None
    return Binary(path, context.version(_release_of(binary)), "cache")


def on_path(binary: GoBinary, context: Context) -> tuple[Binary | None, str]:
    """A binary of that name on ``PATH`` whose major version fits, and why one that is there is not used."""
    found = shutil.which(binary.name, path=context.environ.get("PATH"))
    if found is None:
        return None, ""
    wanted = context.version(_release_of(binary))
    try:
        done = subprocess.run(
            [found, *binary.version_arguments], capture_output=True, text=True, timeout=20, check=False, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{found} does not run ({error}); building {binary.name} {wanted} instead"
    have = numbers(done.stdout + done.stderr)
    if have is None:
        return None, f"{found} does not say its version; building {binary.name} {wanted} instead"
    needed = numbers(wanted)
    if needed is None or have[0] != needed[0]:
        spelled = ".".join(map(str, have))
        return None, f"{found} is version {spelled}, not {wanted}; building {binary.name} {wanted} instead"
    return Binary(Path(found), ".".join(map(str, have)), "PATH"), ""


def find(binary: GoBinary, context: Context) -> tuple[Binary | None, str]:
    """The binary if it need not be built, and a remark on one that was passed over."""
    found, remark = on_path(binary, context)
    return found or in_cache(binary, context), remark


def preflight(binaries: list[GoBinary], context: Context) -> list[str]:
    """Check, before anything is built, that Go and the disk suffice for ``binaries``; lines to show.

    Raises :class:`NativeError` if not.
    """
    if not binaries:
        return []
    names = ", ".join(binary.name for binary in binaries)
    go = find_go(context.environ, names)
    remarks = []
    for binary in binaries:
        go_mod = (context.repo / "native" / binary.module / "go.mod").read_text(encoding="utf-8")
        remarks.append(require(go, go_needed(go_mod), f"{binary.name} {context.version(_release_of(binary))}"))
    modules = {binary.module for binary in binaries}
    require_disk((*go.caches, context.cache), DISK_PER_MODULE * len(modules), names)
    return [remark for remark in remarks if remark]


@contextmanager
def locked(file: Path, job: Job, cancelled: threading.Event) -> Iterator[None]:
    """Hold ``file`` against other builds of the same binary; says so while it waits."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                job.detail = "another run is building it, waiting"
                if cancelled.wait(0.5):
                    raise Interrupted(f"waiting for the build of {job.component} was interrupted") from None
        job.detail = ""
        yield


def build(binary: GoBinary, context: Context, progress: Progress, cancelled: threading.Event) -> Binary:
    """Build ``binary`` into the cache, or take what another run has just built there.

    Raises :class:`NativeError` with the last lines and the log's path when it fails, :class:`Interrupted` when
    ``cancelled`` is set meanwhile. The binary appears in the cache complete or not at all.
    """
    folder = cache_folder(binary, context)
    job = progress.begin(binary.name, "building")
    try:
        with locked(folder / ".lock", job, cancelled):
            ready = in_cache(binary, context)
            if ready is not None:
                return ready
            preflight([binary], context)
            _compile(binary, context, folder, job, cancelled)
            progress.say(f"{binary.name}: built in {spell(job.elapsed)}")
    finally:
        progress.end(binary.name)
    ready = in_cache(binary, context)
    if ready is None:
        raise NativeError(f"{binary.name}: built, but {folder} does not hold it; is something cleaning the cache?")
    return ready


def _compile(binary: GoBinary, context: Context, folder: Path, job: Job, cancelled: threading.Event) -> None:
    go = find_go(context.environ, binary.name)
    log = folder / "build.log"
    unfinished = folder / f".{binary.name}.{os.getpid()}"
    environ = dict(context.environ) | {"CGO_ENABLED": "0", "GOWORK": "off", "GOOS": "", "GOARCH": ""}
    command = [str(go.path), *recipe(binary, context), "-o", str(unfinished), binary.package]
    try:
        with log.open("wb") as output:
            # A session of its own: Ctrl-C reaches us alone, and we end the compilers too.
            process = subprocess.Popen(
                command,
                cwd=context.repo / "native" / binary.module,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            follow(process, log, job, cancelled)
        if process.returncode != 0:
            raise NativeError(_explain(binary, log, process.returncode))
        unfinished.replace(folder / binary.name)
        marker = folder / f".build.{os.getpid()}"
        marker.write_text(json.dumps({"fingerprint": fingerprint(binary, context)}), encoding="utf-8")
        marker.replace(folder / "build.json")
    finally:
        unfinished.unlink(missing_ok=True)


def follow(process: subprocess.Popen[bytes], log: Path, job: Job, cancelled: threading.Event) -> None:
    """Wait for ``process``, showing how much it has logged; whatever ends the wait early ends its group too.

    Raises :class:`Interrupted` when ``cancelled`` is set.
    """
    lines, position = 0, 0
    try:
        while True:
            try:
                process.wait(0.2)
                return
            except subprocess.TimeoutExpired:
                pass
            if cancelled.is_set():
                raise Interrupted(f"{job.component}: {job.doing} was interrupted")
            with log.open("rb") as written:
                written.seek(position)
                chunk = written.read()
            position += len(chunk)
            lines += chunk.count(b"\n")
            last = chunk.rstrip().rpartition(b"\n")[2].decode(errors="replace")
            if last:
                job.detail = f"{lines} steps, {last.strip()[-60:]}"
    except BaseException:
        end_group(process)
        raise


def end_group(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End a process that leads its own group, and the group with it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def tail(file: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a text file; "" if it is missing."""
    try:
        with file.open(encoding="utf-8", errors="replace") as handle:
            return "".join(deque(handle, maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""


def _explain(binary: GoBinary, log: Path, code: int) -> str:
    last = tail(log)
    reason = ""
    if "no space left on device" in last:
        reason = " (the disk is full)"
    elif re.search(r"dial tcp|no such host|i/o timeout|proxyconnect", last):
        reason = " (the module proxy was not reached; see GOPROXY)"
    indented = "\n".join(f"    {line}" for line in last.splitlines())
    return f"{binary.name}: the build failed with exit status {code}{reason}\n{indented}\n  log: {log}"


class Remaining:
    """What is left to build, and about how long that takes at the pace seen so far."""

    def __init__(self, binaries: list[GoBinary]) -> None:
        self._waiting = list(binaries)
        self._current: tuple[GoBinary, float] | None = None
        # A first guess from the measured CPU time, as if 100 s of it were already seen; what is built corrects it.
        self._weight, self._seconds = 100.0, 160.0 / max(1, os.cpu_count() or 1)
        self._lock = threading.Lock()

    def start(self, binary: GoBinary) -> None:
        with self._lock:
            self._waiting = [waiting for waiting in self._waiting if waiting is not binary]
            self._current = (binary, time.monotonic())

    def finish(self) -> None:
        with self._lock:
            if self._current is not None:
                binary, since = self._current
                self._weight += binary.weight
                self._seconds += time.monotonic() - since
            self._current = None

    def __str__(self) -> str:
        with self._lock:
            pace = self._seconds / self._weight
            seconds = sum(binary.weight for binary in self._waiting) * pace
            if self._current is not None:
                binary, since = self._current
                seconds += max(0.0, binary.weight * pace - (time.monotonic() - since))
            names = ", ".join(binary.name for binary in self._waiting)
        if not names and not seconds:
            return ""
        return f"left to build: {names or 'nothing more'}, about {spell(seconds)}"
