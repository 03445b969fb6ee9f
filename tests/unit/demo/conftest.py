"""Fixtures of the demo's tests."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from demo.simulator.answers import PromptCache
from demo.simulator.app import Simulator
from demo.simulator.faults import FaultPlan, Faults
from demo.simulator.ledger import Ledger
from tests.unit.demo.support import Receiver, client_of, serving


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Simulator, str, openai.OpenAI]]:
    """One simulator that answers at once, its URL, and a client of it."""
    simulator = Simulator(latency_scale=0)
    with serving(simulator) as found, client_of(found) as client:
        yield simulator, found, client


@pytest.fixture
def url(served: tuple[Simulator, str, openai.OpenAI]) -> str:
    """The URL of a simulator with an empty ledger and an empty cache, that makes no errors of its own."""
    simulator, found, _ = served
    simulator.plan = FaultPlan(simulator.seed, Faults(error_ratio=0))
    simulator.cache = PromptCache()
    simulator.ledger = Ledger()
    return found


@pytest.fixture
def client(url: str, served: tuple[Simulator, str, openai.OpenAI]) -> openai.OpenAI:
    """The real client of ``url``."""
    return served[2]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
