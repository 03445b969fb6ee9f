"""A whole exporter per test, with its files in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Limits, Runtime, Settings


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(state_dir=tmp_path / "state", log_dir=tmp_path / "logs")


@pytest.fixture
def settings() -> Settings:
    """What the exporter under test is told; a test module overrides it for other limits.

    Spans do not wait for others of their trace, so that a test can look at once.
    """
    return Settings(limits=Limits(settle_seconds=0))


@pytest.fixture
def client(settings: Settings, runtime: Runtime) -> Iterator[TestClient]:
    """A running exporter behind its HTTP surface."""
    with TestClient(create_app(Exporter(settings, runtime))) as running:
        yield running
