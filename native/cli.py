"""``python -m native up|down|status|logs|start|stop|restart|build``: what the Makefile calls."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import FrameType

from rich.console import Console

from native import docker, phoenix_env
from native.build import build, find, preflight
from native.components import COMPONENTS, GO_BINARIES
from native.context import Context
from native.docker import DockerEngine
from native.engine import current, up
from native.errors import Interrupted, NativeError
from native.locking import exclusive
from native.ports import conflicts
from native.programs import Programs
from native.progress import Progress
from native.status import print_addresses
from native.supervision import Supervisor

_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done and healthy, 1 not (the reason is printed), 130 interrupted."""
    options = _parser().parse_args(arguments)
    # A closed terminal and a polite kill end `up` as Ctrl-C does: what is up stays up, compilers are ended.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        return int(_COMMANDS[options.command](Context.from_environ(), options))
    except Interrupted as error:
        print(f"\n{error}", file=sys.stderr)
        return _INTERRUPTED
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _INTERRUPTED
    except NativeError as error:
        print(f"\nmake {options.command}: {error}" if "\n" not in str(error) else f"\n{error}", file=sys.stderr)
        return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m native", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="bring the stack up; idempotent")
    commands.add_parser("down", help="stop it; the data stay")
    status = commands.add_parser("status", help="state of every component; exit status 1 if one is not healthy")
    status.add_argument("--json", action="store_true", help="as JSON")
    logs = commands.add_parser("logs", help="the last lines of the logs")
    logs.add_argument("component", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true")
    for verb in ("start", "stop", "restart"):
        commands.add_parser(verb, help=f"{verb} one component").add_argument("component", choices=list(COMPONENTS))
    builds = commands.add_parser("build", help="build what is neither on PATH nor in the cache")
    what = builds.add_mutually_exclusive_group()
    what.add_argument(
        "--tools", action="store_true", help="only what tests and checks use: promtool, amtool, docker-compose"
    )
    what.add_argument("--all", action="store_true", help="components, tools and Phoenix's environment")
    builds.add_argument("names", nargs="*", metavar="name", help="only these")
    commands.add_parser("preview", help="the preview in the foreground, on PREVIEW_PORT")
    where = commands.add_parser("which", help="path of a binary that is on PATH or in the cache")
    where.add_argument("name", choices=list(GO_BINARIES))
    return parser


def _up(context: Context, _options: argparse.Namespace) -> int:
    with exclusive(context, "up"), Progress() as progress:
        engine = up(context, progress)
    console = Console(soft_wrap=True)
    print_addresses(console, engine.addresses(), engine.name)
    for remark in engine.remarks():
        console.print(remark, highlight=False)
    return 0


def _down(context: Context, _options: argparse.Namespace) -> int:
    if not context.run.exists():
        print("nothing runs here")
        return 0
    with exclusive(context, "down"), Progress() as progress:
        current(context).down(progress)
        docker.forget(context)
    return 0


def _status(context: Context, options: argparse.Namespace) -> int:
    status = current(context).status()
    if options.json:
        print(status.to_json())
    else:
        width = None if sys.stdout.isatty() else 200
        status.print(Console(width=width))
    return 0 if status.is_healthy else 1


def _logs(context: Context, options: argparse.Namespace) -> int:
    engine = current(context)
    if isinstance(engine, DockerEngine):
        return engine.logs(options.component, options.follow)
    files = engine.log_files(options.component)
    if not files:
        raise NativeError(f"there is no log in {context.logs}")
    command = ["tail", "-n", "100", *(["-F"] if options.follow else []), *map(str, files)]
    return subprocess.run(command, check=False).returncode


def _start(context: Context, options: argparse.Namespace) -> int:
    current(context).start_component(options.component)
    return 0


def _stop(context: Context, options: argparse.Namespace) -> int:
    current(context).stop_component(options.component)
    return 0


def _restart(context: Context, options: argparse.Namespace) -> int:
    engine = current(context)
    engine.stop_component(options.component)
    engine.start_component(options.component)
    return 0


def _build(context: Context, options: argparse.Namespace) -> int:
    unknown = [name for name in options.names if name not in GO_BINARIES]
    if unknown:
        raise NativeError(f"no binary {unknown[0]!r}; there are: {', '.join(GO_BINARIES)}")
    wanted = [
        binary
        for binary in GO_BINARIES.values()
        if (binary.name in options.names if options.names else options.all or binary.tool == options.tools)
    ]
    never = threading.Event()  # Ctrl-C arrives in this thread itself
    errors: list[str] = []
    with Progress() as progress:
        looked = [(binary, *find(binary, context)) for binary in wanted]
        for line in filter(None, (remark for _, _, remark in looked)):
            progress.say(line)
        missing = [binary for binary, found, _ in looked if found is None]
        for line in preflight(missing, context):
            progress.say(line)
        for binary in missing:
            try:
                build(binary, context, progress, never)
            except NativeError as error:
                errors.append(str(error))
        if options.all:
            phoenix_env.install(context, progress, never)
    if errors:
        raise NativeError("\n".join(errors))
    return 0


def _which(context: Context, options: argparse.Namespace) -> int:
    found, _ = find(GO_BINARIES[options.name], context)
    if found is None:
        raise NativeError(f"{options.name} is neither on PATH nor in the cache; python -m native build {options.name}")
    print(found.path)
    return 0


def _preview(context: Context, _options: argparse.Namespace) -> int:
    engine = current(context)
    context = engine.context
    port = int(context.environ.get("PREVIEW_PORT") or context.ports["preview"])
    taken = conflicts({"preview": {"preview": port}}, context.listen_host)
    if taken:
        raise NativeError(f"{taken[0]}; choose another one: make preview PREVIEW_PORT={port + 1}")
    program = Programs(context, Supervisor(context)).preview(port)
    return subprocess.run(program.argv, env={**context.environ, **program.env}, cwd=program.cwd, check=False).returncode


_COMMANDS: dict[str, Callable[[Context, argparse.Namespace], int]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "build": _build,
    "preview": _preview,
    "which": _which,
}
