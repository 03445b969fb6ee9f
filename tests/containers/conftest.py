"""The stack of docker-compose.yml in a real engine, for the whole session; skipped where there is none or no images."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from testcontainers.compose import DockerCompose

from native import docker
from tests.support import ROOT
from tests.unit.configs.support import services, versions

#: Beside a stack on the usual ports: Compose publishes the same ports on another address of the loopback.
ADDRESS = "127.0.0.77"
ENVIRONMENT = {
    "COMPOSE_PROJECT_NAME": "ai-observability-test",
    "TELEMETRY_NETWORK": "ai-observability-test-telemetry",
    "BIND_ADDRESS": ADDRESS,
}


def _missing(images: list[str]) -> list[str]:
    inspect = ["docker", "image", "inspect", "--format", "{{.Id}}"]
    return [
        image
        for image in images
        if subprocess.run([*inspect, image], capture_output=True, timeout=30, check=False).returncode != 0
    ]


def _why_not() -> str | None:
    """The reason why the containers cannot be started on this machine; ``None`` if they can."""
    engine = docker.probe(os.environ)
    if not engine.usable:
        return f"Docker: {engine.reason}"
    ours = services()["exporter"]["image"]
    wanted = [service["image"] for service in services().values() if not service.get("profiles")]
    missing = _missing([image for image in wanted if image != ours])
    if missing:
        return f"the engine has no {', '.join(missing)}; docker compose pull gets them"
    python, uv = versions()["PYTHON_VERSION"], versions()["UV_VERSION"]
    bases = [f"python:{python}-slim-bookworm", f"ghcr.io/astral-sh/uv:{uv}"]
    missing = _missing(bases)
    if missing:
        return f"the exporter's image cannot be built without {', '.join(missing)}; docker compose build gets them"
    return None


@pytest.fixture(scope="session")
def containers() -> Iterator[DockerCompose]:
    """The whole stack, healthy, in a project, network and address of its own; removed with its volumes at the end."""
    reason = _why_not()
    if reason:
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        stack = DockerCompose(str(ROOT), compose_file_name="docker-compose.yml", wait=True)  # it builds by itself
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
