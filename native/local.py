"""The native engine: brings the stack up, in parallel where that helps, and tells how it is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

import psutil

from native import phoenix_env
from native.build import Binary, Remaining, build, find, preflight
from native.components import COMPONENTS, GO_BINARIES, Address, GoBinary, addresses, component, page
from native.context import Context
from native.errors import Interrupted, NativeError
from native.ports import conflicts
from native.programs import Programs, grafana_home
from native.progress import Progress
from native.readiness import health_url, is_healthy, wait_until_healthy
from native.status import HEALTHY, Row, Status
from native.supervision import Program, Supervisor, end_processes, marked_processes
from observability import settings

NO_GRAFANA = "Grafana is not on this machine (no package has it): the preview shows the same generated dashboards."
#: Their Go modules hold no built web pages.
NO_PAGES = "Built from its module: {names} with the API but no web page; the preview shows metrics and traces."


class NativeEngine:
    """The stack of one ``STATE_DIR`` as ordinary processes."""

    name = "native"

    def __init__(self, context: Context) -> None:
        self.context = context
        self._supervisor = Supervisor(context)
        self._programs = Programs(context, self._supervisor)

    # ---- up ----------------------------------------------------------------------------------------------------

    def up(self, progress: Progress) -> None:
        """Bring every component up and wait until each is healthy.

        What is up and unchanged is left alone. Raises :class:`NativeError` before anything is started when the
        config is wrong, a port is taken, or Go or the disk does not suffice; afterwards when components failed
        (the others run). :class:`Interrupted` leaves running what is up.
        """
        self._check_config()
        self._end_orphans(progress)
        names = self._wanted()
        self._check_ports(names)
        found, missing = self._look_for_binaries(progress)
        for line in preflight(missing, self.context):
            progress.say(line)
        if not self.context.uses_committed_files:
            self._generate()
        self._supervisor.start()
        _Bringing(self.context, self._supervisor, self._programs, progress).run(names, found, missing)

    def _wanted(self) -> list[str]:
        has_grafana = grafana_home(self.context) is not None
        return [name for name in COMPONENTS if name != "grafana" or has_grafana]

    def _check_config(self) -> None:
        named = None if self.context.uses_committed_files else self.context.config
        try:
            # Without a name a missing observability.yml of the repository means the defaults.
            settings.load(named or (self.context.config if self.context.config.exists() else None), environ={})
        except settings.SettingsError as error:
            raise NativeError(str(error)) from error

    def _end_orphans(self, progress: Progress) -> None:
        if self._supervisor.is_up():
            return
        left = end_processes(marked_processes(self.context.state))
        if left:
            progress.say(f"ended what was left of an earlier run whose supervisor is gone: {', '.join(left)}")

    def _check_ports(self, names: list[str]) -> None:
        needed = {name: self.context.ports.of(name) for name in names}
        taken = conflicts(needed, self.context.listen_host)
        if taken:
            ours = {process.pid for process in marked_processes(self.context.state)}
            taken = [conflict for conflict in taken if conflict.pid not in ours]
        if taken:
            lines = "\n".join(f"  {conflict}" for conflict in taken)
            raise NativeError(f"{lines}\n  End that process, or shift every port: make up PORT_OFFSET=10000")

    def _look_for_binaries(self, progress: Progress) -> tuple[dict[str, Binary], list[GoBinary]]:
        found: dict[str, Binary] = {}
        missing: list[GoBinary] = []
        for name in (name for name in COMPONENTS if name in GO_BINARIES):
            binary, remark = find(GO_BINARIES[name], self.context)
            if remark:
                progress.say(remark)
            if binary is None:
                missing.append(GO_BINARIES[name])
            else:
                found[name] = binary
        return found, missing

    def _generate(self) -> None:
        """Rules and dashboards for a config other than the committed one."""
        out, config = self.context.generated, str(self.context.config)
        out.mkdir(parents=True, exist_ok=True)
        for arguments in (
            ["alerts.generate", "--config", config, "--out-dir", str(out)],
            ["dashboards_src.generate", "--config", config, "--out", str(out / "grafana" / "dashboards")],
        ):
            done = subprocess.run(
                [sys.executable, "-m", *arguments],
                cwd=self.context.repo,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise NativeError(f"python -m {arguments[0]} failed for {config}:\n{done.stderr or done.stdout}")

    # ---- down, stop, start -------------------------------------------------------------------------------------

    def down(self, progress: Progress) -> None:
        """Stop everything of this stack; the data stay. Safe when nothing runs."""
        if not self.context.run.exists():
            progress.say("nothing runs here")
            return
        waves = [[name for name, part in COMPONENTS.items() if part.stop_wave == wave] for wave in (0, 1)]
        was_up = self._supervisor.is_up()
        left = self._supervisor.shutdown(waves)
        if left:
            progress.say(f"ended what had no supervisor: {', '.join(left)}")
        remaining = marked_processes(self.context.state)
        if remaining:
            names = ", ".join(f"{process.name()} (pid {process.pid})" for process in remaining)
            raise NativeError(f"these do not end: {names}")
        progress.say(f"stopped; the data are kept in {self.context.state}" if was_up or left else "nothing runs here")

    def stop_component(self, name: str) -> None:
        self._supervisor.stop_component(component(name).name)

    def start_component(self, name: str) -> None:
        """Start a component that was stopped, and wait until it is healthy."""
        part = component(name)
        self._supervisor.start_component(name)
        wait_until_healthy(part, self.context, self._supervisor, threading.Event())

    # ---- status ------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """The components that belong to this stack: those wanted on this machine."""
        names = self._wanted()
        infos, crashes = self._supervisor.info(), self._supervisor.crashes()
        with ThreadPoolExecutor(max_workers=len(names)) as pool:
            healthy = dict(zip(names, pool.map(self._is_healthy, names), strict=True))
        rows = []
        for name in names:
            info = infos.get(name)
            program = self._supervisor.stored(name)
            alive = info is not None and info.state in {"RUNNING", "STARTING"} and info.pid > 0
            rows.append(
                Row(
                    component=name,
                    state=_state(info.state if info else "", alive and healthy[name]),
                    url=page(name, self.context),
                    version=program.version if program else "",
                    pid=info.pid if info and alive else None,
                    memory_bytes=_memory(info.pid) if info and alive else None,
                    uptime_seconds=time.time() - info.started if info and alive else None,
                    restarts=crashes.get(name, 0),
                    log=_short(self._supervisor.log_of(name)),
                    source=program.source if program else "",
                )
            )
        remarks = self.remarks() if infos else ["Nothing runs here; start it with: make up"]
        return Status(self.name, rows, self.addresses(), remarks)

    def remarks(self) -> list[str]:
        """Plain lines on what is different from Docker on this machine."""
        built = [
            name
            for name in ("prometheus", "jaeger")
            if (run := self._supervisor.stored(name)) and run.source == "cache"
        ]
        lines = [] if "grafana" in self._wanted() else [NO_GRAFANA]
        return lines + ([NO_PAGES.format(names=" and ".join(built))] if built else [])

    def _is_healthy(self, name: str) -> bool:
        return is_healthy(health_url(COMPONENTS[name], self.context))

    def addresses(self) -> list[Address]:
        """What the closing table of ``up`` lists."""
        return addresses(self.context, self._wanted())

    def log_files(self, name: str | None) -> list[Path]:
        """Logs of one component, or of all that have one."""
        names = [component(name).name] if name else list(COMPONENTS)
        return [file for file in map(self._supervisor.log_of, names) if file.exists()]


class _Bringing:
    """One run of ``up``: builds one after another (each uses every core), Phoenix's installation beside them,
    and starts each component the moment it can run."""

    def __init__(self, context: Context, supervisor: Supervisor, programs: Programs, progress: Progress) -> None:
        self._context = context
        self._supervisor = supervisor
        self._programs = programs
        self._progress = progress
        self._cancelled = threading.Event()

    def run(self, names: list[str], found: dict[str, Binary], missing: list[GoBinary]) -> None:
        remaining = Remaining(missing)
        self._progress.left = lambda: str(remaining)
        with ThreadPoolExecutor(max_workers=len(names) + 2, thread_name_prefix="up") as pool:
            tasks: list[Future[list[str]]] = []
            for name in names:
                if name in found:
                    tasks.append(pool.submit(self._bring, name, partial(self._go, name, found[name])))
                elif name in GO_BINARIES:
                    continue
                elif name == "grafana":
                    tasks.append(pool.submit(self._bring, name, self._grafana))
                elif name == "phoenix":
                    tasks.append(pool.submit(self._bring, name, self._phoenix))
                else:
                    tasks.append(pool.submit(self._bring, name, getattr(self._programs, name)))
            tasks.append(pool.submit(self._build_all, missing, remaining, pool))
            try:
                # A short wait each time, so that Ctrl-C is seen at once.
                while wait(tasks, timeout=0.2).not_done:
                    pass
            except KeyboardInterrupt:
                self._cancelled.set()
                self._progress.say("interrupted: ending what is under way …")
        errors = [error for task in tasks for error in task.result()]
        if self._cancelled.is_set():
            up = [name for name, info in self._supervisor.info().items() if info.is_wanted_up]
            running = f"left running: {', '.join(sorted(up))}" if up else "nothing runs"
            raise Interrupted(f"interrupted; {running}. make up goes on from here, make down stops it all.")
        if errors:
            raise NativeError("\n".join(errors))

    def _build_all(self, missing: list[GoBinary], remaining: Remaining, pool: ThreadPoolExecutor) -> list[str]:
        errors: list[str] = []
        starts: list[Future[list[str]]] = []
        for binary in missing:
            if self._cancelled.is_set():
                break
            remaining.start(binary)
            try:
                built = build(binary, self._context, self._progress, self._cancelled)
            except Interrupted:
                break
            except NativeError as error:
                errors.append(str(error))
                self._progress.say(str(error), style="red")
                continue
            finally:
                remaining.finish()
            name = binary.name
            starts.append(pool.submit(self._bring, name, partial(self._go, name, built)))
        return errors + [error for start in starts for error in start.result()]

    def _bring(self, name: str, make: Callable[[], Program]) -> list[str]:
        """Start one component and wait for it; its errors, so that one that fails stops no other."""
        try:
            program = make()
            if self._cancelled.is_set():
                return []
            self._progress.begin(name, "starting")
            outcome = self._supervisor.ensure(program)
            wait_until_healthy(COMPONENTS[name], self._context, self._supervisor, self._cancelled)
            if outcome != "unchanged":
                again = " again, with its changed config" if outcome == "restarted" else ""
                self._progress.say(f"{name} {program.version} is up{again}: {page(name, self._context)}", "green")
        except Interrupted:
            return []
        except (NativeError, OSError) as error:
            self._progress.say(str(error), style="red")
            return [str(error)]
        finally:
            self._progress.end(name)
        return []

    def _go(self, name: str, binary: Binary) -> Program:
        make: Callable[[Binary], Program] = getattr(self._programs, name)
        return make(binary)

    def _phoenix(self) -> Program:
        phoenix_env.install(self._context, self._progress, self._cancelled)
        return self._programs.phoenix()

    def _grafana(self) -> Program:
        home = grafana_home(self._context)
        if home is None:
            raise NativeError("grafana: it was there a moment ago, and is gone")
        return self._programs.grafana(*home)


def _state(supervised: str, healthy: bool) -> str:
    """One word for a person: ``healthy``, ``starting``, ``unhealthy``, ``crashing``, ``stopped``."""
    if healthy:
        return HEALTHY
    return {"RUNNING": "unhealthy", "STARTING": "starting", "BACKOFF": "crashing", "FATAL": "failed"}.get(
        supervised, "stopped"
    )


def _memory(pid: int) -> int | None:
    """Resident bytes of a process and all its children; ``None`` if it has ended."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return None
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _short(file: Path) -> str:
    """Relative to the working directory where that is shorter."""
    relative = os.path.relpath(file)
    return relative if len(relative) < len(str(file)) else str(file)
