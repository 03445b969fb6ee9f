"""Which engine runs the stack: Docker Compose where one answers, else this machine itself."""

from __future__ import annotations

from native import docker
from native.context import Context
from native.docker import DockerEngine
from native.errors import NativeError
from native.local import NativeEngine
from native.progress import Progress

ENGINES = ("docker", "native")


def forced(context: Context) -> str | None:
    """``ENGINE`` if it is set. Raises :class:`NativeError` for anything but ``docker`` and ``native``."""
    name = context.environ.get("ENGINE") or None
    if name is not None and name not in ENGINES:
        raise NativeError(f"ENGINE={name!r} must be docker or native")
    return name


def current(context: Context) -> DockerEngine | NativeEngine:
    """The engine for ``down``, ``status`` and ``logs``: the one that brought the stack up."""
    noted, context = docker.remembered(context)
    name = noted or forced(context) or "native"
    return DockerEngine(context) if name == "docker" else NativeEngine(context)


def choose(context: Context) -> tuple[str, str]:
    """The engine for ``up`` and why. Raises :class:`NativeError` if the forced one cannot be used."""
    wanted, running = forced(context), docker.remembered(context)[0]
    if running is not None:
        if wanted is not None and wanted != running:
            raise NativeError(f"{context.state} runs with the {running} engine; make down first, then change it")
        return running, "as this stack was brought up"
    if wanted == "native":
        return "native", "ENGINE=native"
    found = docker.probe(context.environ)
    if found.usable:
        return "docker", found.reason
    if wanted == "docker":
        raise NativeError(f"ENGINE=docker, but it cannot be used: {found.reason}")
    return "native", f"Docker: {found.reason}"


def up(context: Context, progress: Progress) -> DockerEngine | NativeEngine:
    """Bring the stack up with the engine that fits; the engine that runs it now.

    Raises :class:`NativeError` as :meth:`NativeEngine.up` and :meth:`DockerEngine.up` do.
    """
    name, reason = choose(context)
    progress.say(f"engine: {name} ({reason})")
    if name == "docker":
        if context.ports.offset:
            progress.say("PORT_OFFSET shifts the native engine's ports; Compose publishes the documented ones")
        engine = DockerEngine(context)
        docker.remember(context, name)
        try:
            engine.up(progress)
        except docker.ImagesUnavailable as error:
            docker.forget(context)
            if forced(context) == "docker":
                raise
            progress.say(f"{error}: the engine answers but the images cannot be had. Going native.", style="yellow")
        else:
            return engine
    docker.remember(context, "native")
    native = NativeEngine(context)
    native.up(progress)
    return native
