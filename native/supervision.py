"""One supervisord per ``STATE_DIR``: it restarts what crashes and outlives the command that started it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from native.context import MARKER, Context
from native.errors import NativeError

#: A Unix socket's path has at most 107 bytes, and supervisor appends ``.<pid>`` while it makes it.
_SOCKET_PATH_LIMIT = 96
_START_SECONDS = 20.0
#: A component that ends within this many seconds of its start counts as failing to start, and is retried ever later.
_SETTLED_SECONDS = 10
#: For a stop of several components at once, and for supervisord itself after the last one.
_SHUTDOWN_SECONDS = 60
#: What every component gets from the user's environment, and nothing else: neither a secret of the shell, nor what
#: differs between two shells of one user (PATH), because a changed environment restarts the component.
_PASSED = (
    *("HOME", "USER", "LOGNAME", "TZ", "TMPDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
)
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Program:
    """How a component is run. ``fingerprint`` covers the files it reads at its start, so a changed one restarts it.

    ``stop_seconds`` is the time it gets to finish what it has accepted before it is killed.
    """

    name: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    version: str
    source: str
    fingerprint: str = ""
    stop_seconds: int = 30

    def dump(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)


@dataclass(frozen=True)
class ProcessInfo:
    """What supervisor knows of a component. ``state`` is one of its own, such as ``RUNNING`` or ``BACKOFF``."""

    name: str
    state: str
    pid: int
    started: float
    message: str

    @property
    def is_wanted_up(self) -> bool:
        """Up, coming up, or about to be restarted."""
        return self.state in {"RUNNING", "STARTING", "BACKOFF"}


class Supervisor:
    """The supervisord of one stack; safe to use from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changes = threading.RLock()

    # ---- files -------------------------------------------------------------------------------------------------

    @property
    def socket(self) -> Path:
        """The control socket; in a private folder under the temporary one when ``STATE_DIR`` is too long a path."""
        usual = self._context.run / "supervisor.sock"
        if len(os.fsencode(usual)) <= _SOCKET_PATH_LIMIT:
            return usual
        digest = hashlib.sha256(os.fsencode(self._context.state)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ai-observability-{os.getuid()}-{digest}" / "supervisor.sock"

    @property
    def log(self) -> Path:
        return self._context.run / "supervisord.log"

    @property
    def _pidfile(self) -> Path:
        return self._context.run / "supervisord.pid"

    def program_file(self, name: str) -> Path:
        return self._context.run / "components" / f"{name}.json"

    def log_of(self, name: str) -> Path:
        """Where a component's output goes; promtail ships ``*.log`` of that folder."""
        return self._context.logs / f"{name}.log"

    # ---- the daemon --------------------------------------------------------------------------------------------

    def is_up(self) -> bool:
        """Whether supervisord answers."""
        try:
            return bool(self._call("supervisor.getState")["statename"] in {"RUNNING", "RESTARTING"})
        except (OSError, http.client.HTTPException):
            return False

    def start(self) -> None:
        """Start supervisord in a session of its own, unless it runs. Raises :class:`NativeError` if it does not."""
        if self.is_up():
            return
        folder = self.socket.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat()
        if owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o077:
            raise NativeError(f"{folder} must belong to this user and be closed to others; remove it and try again")
        (self._context.run / "conf.d").mkdir(exist_ok=True)
        for old in (self._context.run / "conf.d").glob("*.conf"):
            old.unlink()
        self.log.unlink(missing_ok=True)
        configuration = self._context.run / "supervisord.conf"
        configuration.write_text(self._configuration(), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
            env=self.base_environment(),
            cwd=self._context.state,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            start_new_session=True,
            check=False,
        )
        if done.returncode != 0:
            raise NativeError(f"supervisord did not start: {(done.stdout + done.stderr).strip()}\n  log: {self.log}")
        end = time.monotonic() + _START_SECONDS
        while not self.is_up():
            if time.monotonic() > end:
                raise NativeError(f"supervisord does not answer on {self.socket}\n  log: {self.log}")
            time.sleep(0.05)

    def base_environment(self) -> dict[str, str]:
        """The environment of supervisord, and the beginning of every component's: no more than they need.

        The stack's own mark is in it, by which :func:`marked_processes` finds what belongs to it.
        """
        environ = {name: self._context.environ[name] for name in _PASSED if self._context.environ.get(name)}
        if "HTTP_PROXY" in environ or "http_proxy" in environ:
            # What is on this machine is reached directly.
            known = self._context.environ.get("NO_PROXY") or self._context.environ.get("no_proxy") or ""
            direct = ",".join(filter(None, [known, "localhost", "127.0.0.1", self._context.connect_host]))
            environ |= {"NO_PROXY": direct, "no_proxy": direct}
        fixed = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        return environ | fixed | {"STATE_DIR": str(self._context.state), MARKER: str(self._context.state)}

    def _configuration(self) -> str:
        run = self._context.run
        user = "user=root\n" if os.getuid() == 0 else ""
        return (
            "; made by the native engine at every start\n"
            f"[unix_http_server]\nfile={_escape(self.socket)}\nchmod=0700\n\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\n"
            f"[supervisord]\npidfile={_escape(self._pidfile)}\nlogfile={_escape(self.log)}\n"
            f"logfile_maxbytes=10MB\nlogfile_backups=2\nstrip_ansi=true\n{user}\n"
            f"[include]\nfiles={shlex.quote(_escape(run / 'conf.d'))}/*.conf\n"
        )

    def _section(self, program: Program) -> str:
        name = program.name
        command = [sys.executable, "-I", str(_HERE / "launch.py"), str(self.program_file(name))]
        return (
            f"[program:{name}]\ncommand={_escape(shlex.join(command))}\nautostart=false\nautorestart=true\n"
            # Restarts after 1, 2, 3 … seconds: for hours, so that what mends itself comes back without a hand.
            f"startsecs={_SETTLED_SECONDS}\nstartretries=100\n"
            f"stopasgroup=true\nkillasgroup=true\nstopwaitsecs={program.stop_seconds}\n"
            f"redirect_stderr=true\nstdout_logfile={_escape(self.log_of(name))}\n"
            "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3\n"
        )

    # ---- components --------------------------------------------------------------------------------------------

    def info(self) -> dict[str, ProcessInfo]:
        """Every component that supervisor knows; empty if it is not up."""
        try:
            rows = self._call("supervisor.getAllProcessInfo")
        except (OSError, http.client.HTTPException):
            return {}
        return {
            row["name"]: ProcessInfo(row["name"], row["statename"], row["pid"], float(row["start"]), row["spawnerr"])
            for row in rows
        }

    def stored(self, name: str) -> Program | None:
        """How the component was last run; ``None`` if it never was."""
        try:
            return Program(**json.loads(self.program_file(name).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def ensure(self, program: Program) -> str:
        """Have ``program`` run as described; returns ``started``, ``restarted`` (it had changed) or ``unchanged``."""
        with self._changes:
            file = self.program_file(program.name)
            same = file.exists() and file.read_text(encoding="utf-8") == program.dump()
            known = self.info().get(program.name)
            if known is not None and known.is_wanted_up:
                if same and known.state != "BACKOFF":
                    return "unchanged"
                self._stop(program.name)  # also out of a long wait for its next attempt
            if not same:
                file.touch(mode=0o600)
                file.write_text(program.dump(), encoding="utf-8")
            if known is None:
                section = self._context.run / "conf.d" / f"{program.name}.conf"
                section.write_text(self._section(program), encoding="utf-8")
                self._call("supervisor.reloadConfig")
                self._call("supervisor.addProcessGroup", program.name)
            self._call("supervisor.startProcess", program.name, False)
            return "restarted" if known is not None and known.is_wanted_up else "started"

    def start_component(self, name: str) -> None:
        """Start a component that was stopped by hand."""
        program = self.stored(name)
        if program is None or not self.is_up():
            raise NativeError(f"{name} was not up in this stack; run make up")
        self.ensure(program)

    def stop_component(self, name: str) -> None:
        """Stop one component and wait for it; does nothing if it does not run."""
        with self._changes:
            known = self.info().get(name)
            if known is not None and known.is_wanted_up:
                self._stop(name)

    def _stop(self, name: str) -> None:
        try:
            self._call("supervisor.stopProcess", name)
        except Fault as fault:
            # It ended by itself in between.
            if fault.faultCode != Faults.NOT_RUNNING:
                raise

    def crashes(self) -> dict[str, int]:
        """Component to how often it ended by itself since supervisord was started, from supervisord's log."""
        counts: dict[str, int] = {}
        for file in (self.log, *self.log.parent.glob("supervisord.log.[0-9]")):
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                continue
            for name in re.findall(r"WARN exited: (\S+) \(|INFO exited: (\S+) \(", text):
                ended = name[0] or name[1]
                counts[ended] = counts.get(ended, 0) + 1
        return counts

    # ---- shutdown ----------------------------------------------------------------------------------------------

    def shutdown(self, waves: Iterable[Iterable[str]]) -> list[str]:
        """Stop every component, wave by wave, then supervisord; then end whatever of this stack is left.

        Returns the names of processes that had to be ended because their supervisor was gone or they did not stop.
        Data stay. Safe when nothing runs.
        """
        if self.is_up():
            for wave in waves:
                self._stop_together([name for name in wave if name in self.info()])
            daemon = self._pid()
            self._call("supervisor.shutdown")
            if daemon is not None:
                # Gone already, or it is ended as a leftover below.
                with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                    psutil.Process(daemon).wait(_SHUTDOWN_SECONDS)
        left = end_processes(marked_processes(self._context.state))
        for file in (self._pidfile, self.socket):
            file.unlink(missing_ok=True)
        if self.socket.parent != self._context.run and self.socket.parent.exists():
            self.socket.parent.rmdir()
        return left

    def _stop_together(self, names: list[str]) -> None:
        """Stop several components at once and wait for all."""
        for name in names:
            try:
                self._call("supervisor.stopProcess", name, False)
            except Fault as fault:
                if fault.faultCode != Faults.NOT_RUNNING:
                    raise
        end = time.monotonic() + _SHUTDOWN_SECONDS
        while time.monotonic() < end:
            if all(row.state in {"STOPPED", "EXITED", "FATAL"} for row in self.info().values() if row.name in names):
                return
            time.sleep(0.1)

    def _pid(self) -> int | None:
        return int(self._call("supervisor.getPID"))

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        try:
            target: Any = ServerProxy("http://127.0.0.1", transport=transport)
            for part in method.split("."):
                target = getattr(target, part)
            return target(*arguments)
        finally:
            transport.close()


def _escape(value: object) -> str:
    """A value for supervisor's configuration, in which ``%`` begins an expansion."""
    return str(value).replace("%", "%%")


def marked_processes(state: Path) -> list[psutil.Process]:
    """Processes that carry the mark of the stack in ``state``: supervisord and what it started."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(state):
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue  # of another user, or ended meanwhile: not ours to end
    return found


def end_processes(processes: list[psutil.Process], patience: float = 15.0) -> list[str]:
    """Ask ``processes`` to end, then make them; returns ``name (pid)`` of each that was there."""
    names = []
    for process in processes:
        try:
            names.append(f"{process.name()} (pid {process.pid})")
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    for process in psutil.wait_procs(processes, timeout=patience)[1]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=5)
    return names
