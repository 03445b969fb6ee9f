"""The Compose file, read by Docker Compose itself; no engine is needed for that."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from native.build import find
from native.components import GO_BINARIES
from native.context import Context
from tests.support import ROOT


@pytest.fixture(scope="module")
def compose() -> Path:
    found, _ = find(GO_BINARIES["docker-compose"], Context.from_environ())
    if found is None:
        pytest.skip("docker-compose is neither on PATH nor in the cache: python -m native build --tools")
    return found.path


def run(compose: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(compose), "--project-directory", str(ROOT), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize("profiles", [(), ("--profile", "*")], ids=["as it is", "with every profile"])
def test_docker_compose_accepts_the_file_without_a_warning(compose: Path, profiles: tuple[str, ...]) -> None:
    done = run(compose, *profiles, "config", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_docker_compose_refuses_a_file_with_a_wrong_key(compose: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {exporter: {image: busybox, helthcheck: {}}}\n")
    done = run(compose, "--file", str(wrong), "config", "--quiet")
    assert done.returncode != 0
    assert "helthcheck" in done.stderr


def test_every_image_that_compose_would_pull_is_pinned(compose: Path) -> None:
    done = run(compose, "--profile", "*", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    for name, service in services.items():
        if "build" not in service:
            tag = service["image"].rpartition(":")[2]
            assert any(digit.isdigit() for digit in tag), f"{name}: {service['image']}"
            assert tag != "latest"
