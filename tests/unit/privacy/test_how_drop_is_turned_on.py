"""``privacy.content: drop`` reaches the gateway's command line in both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from native.build import Binary
from native.context import Context
from native.docker import DockerEngine
from native.programs import Programs
from native.supervision import Program, Supervisor
from tests.support import ROOT
from tests.unit.configs.support import bind_mounts, config, interpolate

FILES = [f"--config={ROOT}/jaeger/config.yml", f"--config={ROOT}/jaeger/privacy-drop.yml"]


def jaeger(tmp_path: Path, text: str | None) -> Program:
    file = tmp_path / "team.yml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    environ = {"STATE_DIR": str(tmp_path / "state"), "OBSERVABILITY_CONFIG": str(file), "HOME": str(tmp_path)}
    context = Context.from_environ(environ)
    return Programs(context, Supervisor(context)).jaeger(Binary(Path("/bin/true"), "1.2.3", "cache"))


def test_natively_the_second_file_is_given_when_the_settings_say_drop(tmp_path: Path) -> None:
    program = jaeger(tmp_path, "privacy: {content: drop}")
    assert program.argv[1:] == FILES


@pytest.mark.parametrize("text", ["privacy: {content: mask}", "privacy: {content: keep}", "", None])
def test_natively_it_is_not_given_otherwise(tmp_path: Path, text: str | None) -> None:
    assert jaeger(tmp_path, text).argv[1:] == FILES[:1]


def test_the_gateway_is_started_anew_when_the_setting_changes(tmp_path: Path) -> None:
    assert jaeger(tmp_path, "privacy: {content: drop}") != jaeger(tmp_path, "privacy: {content: mask}")


def test_in_containers_a_variable_names_the_second_file_and_the_file_is_mounted() -> None:
    command = config("docker-compose.yml")["services"]["jaeger"]["command"]
    mounted = {target for name, _, target, _ in bind_mounts() if name == "jaeger"}
    for overlay, second in (({}, "config.yml"), ({"GATEWAY_OVERLAY": "privacy-drop.yml"}, "privacy-drop.yml")):
        given = [interpolate(part, overlay) for part in command]
        assert given == ["--config=/etc/jaeger/config.yml", f"--config=/etc/jaeger/{second}"]
        assert {part.removeprefix("--config=") for part in given} <= mounted


@pytest.mark.parametrize(("text", "overlay"), [("privacy: {content: drop}", "privacy-drop.yml"), ("", "unset")])
def test_make_up_with_docker_gives_compose_that_variable(tmp_path: Path, text: str, overlay: str) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "${GATEWAY_OVERLAY-unset}" > "$STATE_DIR/overlay"\n', encoding="utf-8")
    docker.chmod(0o755)
    (tmp_path / "team.yml").write_text(text, encoding="utf-8")
    environ = {
        "STATE_DIR": str(tmp_path), "OBSERVABILITY_CONFIG": str(tmp_path / "team.yml"), "HOME": str(tmp_path),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }  # fmt: skip
    DockerEngine(Context.from_environ(environ)).start_component("jaeger")
    assert (tmp_path / "overlay").read_text(encoding="utf-8").strip() == overlay
