"""The real tools and components that the tests of the alerts drive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components import binary


@pytest.fixture(scope="session")
def promtool() -> Path:
    return binary("promtool")


@pytest.fixture(scope="session")
def amtool() -> Path:
    return binary("amtool")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    return binary("prometheus")


@pytest.fixture(scope="session")
def alertmanager() -> Path:
    return binary("alertmanager")


@pytest.fixture(scope="session")
def loki() -> Path:
    return binary("loki")


@pytest.fixture(scope="session")
def jaeger() -> Path:
    return binary("jaeger")
