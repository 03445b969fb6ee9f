"""Which engine runs the stack, with real commands of the name docker on PATH."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from native import docker, engine
from native.context import Context
from native.docker import DockerEngine, parse_size
from native.errors import NativeError
from native.local import NativeEngine
from native.ports import Ports
from native.progress import Progress
from native.supervision import marked_processes
from tests.unit.native.conftest import PLAIN_PATH, native

#: A docker whose Compose is v2 and whose engine answers; what else it is asked is written to $LOG.
WORKS = """
case "$*" in
  "compose version --short") echo 2.40.3 ;;
  "info --format {{.ServerVersion}}") echo 28.2.2 ;;
  *) echo "$*" >> "$LOG"; %s ;;
esac"""


def case(version: str, info: str) -> str:
    return f'case "$1" in compose) {version} ;; info) {info} ;; esac'


def with_docker(context: Context, path: str, **env: str) -> Context:
    environ = {name: value for name, value in context.environ.items() if name != "ENGINE"}
    return replace(context, environ=environ | {"PATH": path, "LOG": str(context.state / "asked")} | env)


def asked(context: Context) -> list[str]:
    """The Compose commands that the fake docker was given."""
    prefix = f"compose --project-directory {context.repo} "
    return [line.removeprefix(prefix) for line in (context.state / "asked").read_text().splitlines()]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (case("exit 1", "echo 28"), "it has no Compose v2"),
        (case("echo docker: unknown command", "echo 28"), "it has no Compose v2"),
        (case("echo 1.29.2", "echo 28"), "its Compose is 1.29.2, and v2 is needed"),
        (case("echo 2.40.3", "exit 1"), "no engine answers"),
        (case("echo 2.40.3", "echo"), "no engine answers"),
    ],
)
def test_a_docker_that_cannot_be_used_means_native_and_says_why(
    context: Context, commands: Callable[..., str], script: str, reason: str
) -> None:
    found = with_docker(context, commands(docker=script))
    assert engine.choose(found) == ("native", f"Docker: {reason}")
    with pytest.raises(NativeError, match=f"ENGINE=docker, but it cannot be used: {reason}"):
        engine.choose(replace(found, environ={**found.environ, "ENGINE": "docker"}))


def test_a_machine_without_docker_runs_natively(context: Context, commands: Callable[..., str]) -> None:
    assert engine.choose(with_docker(context, commands())) == ("native", "Docker: there is no docker command")


def test_a_docker_that_does_not_answer_is_not_waited_for(
    context: Context, commands: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "_ANSWER_SECONDS", 0.5)
    found = with_docker(context, commands(docker=case("echo 2.40.3", "exec sleep 600")))
    assert engine.choose(found) == ("native", "Docker: the engine did not answer within 0 s")


@pytest.mark.parametrize("compose", ["2.40.3", "v2.24.0", "5.0.1"])
def test_a_docker_that_answers_is_used(context: Context, commands: Callable[..., str], compose: str) -> None:
    found = with_docker(context, commands(docker=case(f"echo {compose}", "echo 28.2.2")))
    assert engine.choose(found) == ("docker", f"engine 28.2.2, Compose {compose}")


def test_engine_native_does_not_even_ask_docker(context: Context, commands: Callable[..., str]) -> None:
    found = with_docker(context, commands(docker=WORKS % "exit 1"), ENGINE="native")
    assert engine.choose(found) == ("native", "ENGINE=native")


def test_a_running_stack_keeps_its_engine_until_it_is_down(context: Context, commands: Callable[..., str]) -> None:
    found = with_docker(context, commands(docker=WORKS % "exit 0"))
    docker.remember(context, "native")
    assert engine.choose(found) == ("native", "as this stack was brought up")
    elsewhere = replace(found, ports=Ports(0))
    assert isinstance(engine.current(elsewhere), NativeEngine)
    assert engine.current(elsewhere).context.ports == context.ports, "status needs no PORT_OFFSET"
    with pytest.raises(NativeError, match="runs with the native engine; make down first"):
        engine.choose(replace(found, environ={**found.environ, "ENGINE": "docker"}))
    docker.forget(context)
    assert engine.choose(found)[0] == "docker"


def test_up_with_docker_fetches_builds_and_waits_and_down_uses_docker_too(
    context: Context, commands: Callable[..., str]
) -> None:
    found = with_docker(context, commands(docker=WORKS % "exit 0"))
    with Progress() as progress:
        used = engine.up(found, progress)
    assert isinstance(used, DockerEngine)
    assert asked(found) == ["pull --ignore-buildable --policy missing", "build", "up --detach --wait"]
    later = engine.current(replace(found, environ={**found.environ, "PATH": PLAIN_PATH}))
    assert isinstance(later, DockerEngine), "the engine is remembered, whatever is on PATH now"
    done = native(found, "down")
    assert done.returncode == 0, done.stderr
    assert asked(found)[-1] == "down --remove-orphans"
    assert docker.remembered(found)[0] is None


def test_the_closing_table_of_docker_has_the_documented_ports_whatever_the_offset(
    context: Context, commands: Callable[..., str]
) -> None:
    found = with_docker(context, commands(docker=WORKS % "exit 0"))
    done = native(found, "up")
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:3000" in done.stdout
    assert "http://127.0.0.1:9090" in done.stdout
    assert "PORT_OFFSET shifts the native engine's ports" in done.stdout


def test_images_that_cannot_be_had_mean_native_and_it_says_so(context: Context, commands: Callable[..., str]) -> None:
    # No Go on this PATH, so that the native engine stops right after the fall back that is tested here.
    found = with_docker(context, commands(docker=WORKS % "exit 18"))
    done = native(found, "up")
    assert "docker compose pull failed with exit status 18" in done.stdout
    assert "Going native" in done.stdout
    assert done.returncode == 1
    assert "there is no Go on PATH" in done.stderr
    assert asked(found) == ["pull --ignore-buildable --policy missing"]
    assert docker.remembered(found)[0] != "docker"


def test_images_that_cannot_be_had_are_an_error_if_docker_was_asked_for(
    context: Context, commands: Callable[..., str]
) -> None:
    found = with_docker(context, commands(docker=WORKS % "exit 18"), ENGINE="docker")
    done = native(found, "up", ENGINE="docker")
    assert done.returncode == 1
    assert "docker compose pull failed with exit status 18" in done.stderr
    assert "Going native" not in done.stdout
    assert marked_processes(found.state) == []


def test_services_that_do_not_get_healthy_are_an_error_not_a_reason_to_go_native(
    context: Context, commands: Callable[..., str]
) -> None:
    fails = 'case "$*" in *"up --detach"*) exit 1 ;; esac'
    found = with_docker(context, commands(docker=WORKS % fails))
    done = native(found, "up")
    assert done.returncode == 1
    assert "docker compose up failed with exit status 1; see: make status, make logs" in done.stderr
    assert "Going native" not in done.stdout
    assert docker.remembered(found)[0] == "docker", "status and logs must ask Docker"


PS = [
    {"ID": "aaaa1111", "Service": "loki", "State": "running", "Health": "healthy", "Image": "grafana/loki:3.7.8"},
    {"ID": "bbbb2222", "Service": "jaeger", "State": "exited", "Health": "", "Image": "jaegertracing/jaeger:2.13.0"},
]
STATS = [{"ID": "aaaa1111", "MemUsage": "58.5MiB / 1GiB"}]


def test_status_with_docker_has_state_version_and_memory(
    context: Context, commands: Callable[..., str], tmp_path: Path
) -> None:
    for name, rows in (("ps", PS), ("stats", STATS)):
        (tmp_path / name).write_text("\n".join(json.dumps(row) for row in rows))
    answer = f'case "$*" in *" ps "*) cat {tmp_path}/ps ;; stats*) cat {tmp_path}/stats ;; esac'
    found = with_docker(context, commands(docker=WORKS % answer))
    docker.remember(found, "docker")
    done = native(found, "status", "--json")
    assert done.returncode == 1, "jaeger is down"
    document = json.loads(done.stdout)
    loki, jaeger = document["components"]["loki"], document["components"]["jaeger"]
    assert (loki["state"], loki["version"], loki["url"]) == ("healthy", "3.7.8", "http://127.0.0.1:3100")
    assert loki["memory_bytes"] == int(58.5 * 1024**2)
    assert (jaeger["state"], jaeger["memory_bytes"]) == ("stopped", None)


@pytest.mark.parametrize(
    ("text", "size"), [("58.5MiB", 61341696), ("1.5GiB", 1610612736), ("512kB", 512000), ("0B", 0)]
)
def test_sizes_of_docker_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'12 parsecs' is not a size"):
        parse_size("12 parsecs")
