"""A whole exporter per test, with its store in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Limits, Runtime, Settings


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(state_dir=tmp_path / "state", log_dir=tmp_path / "logs", instance="test")


@pytest.fixture
def settings() -> Settings:
    return Settings(limits=Limits(settle_seconds=0))


@pytest.fixture
def client(settings: Settings, runtime: Runtime) -> Iterator[TestClient]:
    with TestClient(create_app(Exporter(settings, runtime))) as running:
        yield running


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)
