"""The real tools and components that the tests of the alerts drive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.alerts.support import find_binary


def _binary(name: str) -> Path:
    found = find_binary(name)
    if found is None:
        pytest.skip(f"{name} is neither on PATH nor in the cache; `make test` builds it")
    return found


@pytest.fixture(scope="session")
def promtool() -> Path:
    return _binary("promtool")


@pytest.fixture(scope="session")
def amtool() -> Path:
    return _binary("amtool")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    return _binary("prometheus")


@pytest.fixture(scope="session")
def alertmanager() -> Path:
    return _binary("alertmanager")


@pytest.fixture(scope="session")
def loki() -> Path:
    return _binary("loki")


@pytest.fixture(scope="session")
def jaeger() -> Path:
    return _binary("jaeger")
