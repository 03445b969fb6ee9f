"""The Docker engine: the same commands through Docker Compose, and whether it can be used at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from native.components import COMPONENTS, Address, addresses, page
from native.context import Context
from native.errors import NativeError
from native.ports import Ports
from native.progress import Progress
from native.status import Row, Status
from native.versions import numbers

_ANSWER_SECONDS = 15.0


class ImagesUnavailable(NativeError):
    """The engine answers, but an image can be neither pulled nor built."""


@dataclass(frozen=True)
class Engine:
    """Whether Docker can be used, and why or why not, in words that fit after "Docker: "."""

    usable: bool
    reason: str


def probe(environ: Mapping[str, str]) -> Engine:
    """Ask for Compose v2 (or newer) and for an engine that answers."""
    try:
        version = _run(["docker", "compose", "version", "--short"], environ)
    except FileNotFoundError:
        return Engine(False, "there is no docker command")
    except subprocess.TimeoutExpired:
        return Engine(False, f"docker compose did not answer within {_ANSWER_SECONDS:.0f} s")
    found = numbers(version.stdout)
    if version.returncode != 0 or found is None:
        return Engine(False, "it has no Compose v2")
    if found[0] < 2:
        return Engine(False, f"its Compose is {version.stdout.strip()}, and v2 is needed")
    try:
        info = _run(["docker", "info", "--format", "{{.ServerVersion}}"], environ)
    except subprocess.TimeoutExpired:
        return Engine(False, f"the engine did not answer within {_ANSWER_SECONDS:.0f} s")
    if info.returncode != 0 or not info.stdout.strip():
        return Engine(False, "no engine answers")
    return Engine(True, f"engine {info.stdout.strip()}, Compose {version.stdout.strip()}")


def _run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=dict(environ),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=_ANSWER_SECONDS,
        check=False,
    )


class DockerEngine:
    """The stack of ``docker-compose.yml``, on the documented ports."""

    name = "docker"

    def __init__(self, context: Context) -> None:
        # Compose publishes the documented ports; PORT_OFFSET belongs to the native engine.
        self.context = replace(context, ports=Ports(0))
        self._command = ["docker", "compose", "--project-directory", str(context.repo)]

    def up(self, progress: Progress) -> None:
        """Fetch and build the images, then start and wait until every service is healthy.

        Raises :class:`ImagesUnavailable` if the images cannot be had, :class:`NativeError` if services fail.
        """
        progress.say("fetching and building the images …")
        for arguments in (["pull", "--ignore-buildable", "--policy", "missing"], ["build"]):
            done = self._compose(*arguments)
            if done != 0:
                raise ImagesUnavailable(f"docker compose {arguments[0]} failed with exit status {done}")
        done = self._compose("up", "--detach", "--wait")
        if done != 0:
            raise NativeError(f"docker compose up failed with exit status {done}; see: make status, make logs")

    def down(self, progress: Progress) -> None:
        done = self._compose("down", "--remove-orphans")
        if done != 0:
            raise NativeError(f"docker compose down failed with exit status {done}")
        progress.say("stopped; the data are kept in the named volumes")

    def stop_component(self, name: str) -> None:
        self._must("stop", name)

    def start_component(self, name: str) -> None:
        self._must("up", "--detach", "--wait", name)

    def _must(self, *arguments: str) -> None:
        done = self._compose(*arguments)
        if done != 0:
            raise NativeError(f"docker compose {' '.join(arguments)} failed with exit status {done}")

    def status(self) -> Status:
        """From ``docker compose ps``; memory from ``docker stats``."""
        listing = _run([*self._command, "ps", "--all", "--format", "json"], self.context.environ)
        if listing.returncode != 0:
            raise NativeError(f"docker compose ps failed: {listing.stderr.strip()}")
        services = [json.loads(line) for line in listing.stdout.splitlines() if line.strip()]
        memory = self._memory([service["ID"] for service in services if service.get("State") == "running"])
        rows = [
            Row(
                component=service["Service"],
                state=service.get("Health") or ("stopped" if service.get("State") == "exited" else service["State"]),
                url=page(service["Service"], self.context) if service["Service"] in COMPONENTS else "",
                version=str(service.get("Image", "")).rpartition(":")[2],
                memory_bytes=memory.get(service["ID"]),
                log=f"make logs COMPONENT={service['Service']}",
                source="image",
            )
            for service in services
        ]
        remarks = [] if rows else ["Nothing runs here; start it with: make up"]
        return Status(self.name, rows, self.addresses(), remarks)

    def _memory(self, containers: list[str]) -> dict[str, int]:
        """Container id, as in ``docker compose ps``, to bytes."""
        if not containers:
            return {}
        done = _run(["docker", "stats", "--no-stream", "--format", "json", *containers], self.context.environ)
        if done.returncode != 0:
            return {}
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        used = {row["ID"]: parse_size(row["MemUsage"].partition("/")[0].strip()) for row in rows}
        return {identity: size for identity in containers for short, size in used.items() if identity.startswith(short)}

    def addresses(self) -> list[Address]:
        """What the closing table of ``up`` lists; the preview is a component of the native engine only."""
        return addresses(self.context, [name for name in COMPONENTS if name != "preview"])

    def remarks(self) -> list[str]:
        return []

    def logs(self, name: str | None, follow: bool) -> int:
        arguments = ["logs", "--tail", "100", *(["--follow"] if follow else []), *([name] if name else [])]
        return self._compose(*arguments)

    def _compose(self, *arguments: str) -> int:
        sys.stdout.flush()
        environ = dict(self.context.environ)
        if self.context.drops_content:
            environ.setdefault("GATEWAY_OVERLAY", "privacy-drop.yml")
        return subprocess.run(
            [*self._command, *arguments], env=environ, stdin=subprocess.DEVNULL, check=False
        ).returncode


def parse_size(text: str) -> int:
    """Bytes of a size as Docker prints it: ``58.2MiB``, ``1.1GiB``, ``512kB``, ``0B``."""
    units = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
    digits = text.rstrip("".join(set("".join(units))))
    unit = text[len(digits) :]
    if unit not in units:
        raise ValueError(f"{text!r} is not a size of Docker's")
    return int(float(digits) * units[unit])


def remember(context: Context, engine: str) -> None:
    """Note in ``STATE_DIR`` which engine runs the stack, and on which ports, for ``status`` and ``down``."""
    context.prepare()
    file = context.run / "engine.json"
    unfinished = Path(f"{file}.{os.getpid()}")
    noted = {"engine": engine, "port_offset": context.ports.offset, "listen_host": context.listen_host}
    unfinished.write_text(json.dumps(noted), encoding="utf-8")
    unfinished.replace(file)


def remembered(context: Context) -> tuple[str | None, Context]:
    """The engine that runs the stack of this ``STATE_DIR``, if any, and the context that it was brought up with."""
    try:
        noted = json.loads((context.run / "engine.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, context
    ports = Ports(int(noted["port_offset"]))
    return str(noted["engine"]), replace(context, ports=ports, listen_host=str(noted["listen_host"]))


def forget(context: Context) -> None:
    (context.run / "engine.json").unlink(missing_ok=True)
