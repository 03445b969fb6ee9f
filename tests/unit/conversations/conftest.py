"""An exporter that looks at every prompt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from observability.settings import Conversations, Drift, Limits, Runtime, Settings
from tests.unit.conversations.support import running


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(state_dir=tmp_path / "state", log_dir=tmp_path / "logs", instance="test")


@pytest.fixture
def settings() -> Settings:
    """Enough a second for a test to send all it has at once."""
    return Settings(
        limits=Limits(settle_seconds=0),
        drift=Drift(embedder="hashing"),
        conversations=Conversations(
            baseline_calls=400, max_per_second=100_000, embeddings_per_second=100_000, queue_calls=10_000
        ),
    )


@pytest.fixture
def client(settings: Settings, runtime: Runtime) -> Iterator[TestClient]:
    with running(settings, runtime) as client:
        yield client


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)
