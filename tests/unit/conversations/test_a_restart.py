"""What was learned of prompts when the exporter ended, it knows again when it starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from observability.settings import Runtime, Settings
from tests.support import poll
from tests.unit.conversations.support import COOKING, ask, calls, running, texts
from tests.unit.exporter.support import matching, total


def _streams(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = poll("the state is read", lambda: client.get("/v1/conversations").json()["streams"])
    return found


@pytest.mark.parametrize(("before", "after"), [(130, 800), (300, 700), (700, 300)])
def test_a_restart_goes_on_where_the_exporter_ended(
    settings: Settings, runtime: Runtime, random: np.random.Generator, before: int, after: int
) -> None:
    with running(settings, runtime) as client:
        ask(client, calls(texts(random, before), texts(random, before)))
        known = _streams(client)

    with running(settings, runtime) as client:
        assert _streams(client) == known
        ask(client, calls(texts(random, after), texts(random, after)))
        assert total(client, "llm_text_drift_detected", text="prompt") == 0
        ask(client, calls(texts(random, 300, COOKING), texts(random, 300)))
        assert total(client, "llm_text_drift_detected", text="prompt") == 1
        assert total(client, "llm_text_drift_detected", text="answer") == 0
        known = _streams(client)

    with running(settings, runtime) as client:
        assert _streams(client) == known, "an alarm that was raised is still up"
        poll("the gauges are back", lambda: matching(client, "llm_text_drift_detected"))
        assert total(client, "llm_text_drift_detected", text="prompt") == 1


def test_with_a_baseline_of_another_size_prompts_are_learned_anew(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        ask(client, calls(texts(random, 600)))
    other = settings.conversations.model_copy(update={"baseline_calls": 200})
    with running(settings.model_copy(update={"conversations": other}), runtime) as client:
        ask(client, calls(texts(random, 50)))
        assert total(client, "llm_text_baseline_ratio", text="prompt") == 0.25


def test_with_another_embedder_prompts_are_learned_anew(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        ask(client, calls(texts(random, 600)))
    other = settings.drift.model_copy(update={"embedder": "wordllama"})
    with running(settings.model_copy(update={"drift": other}), runtime) as client:
        ask(client, calls(texts(random, 40)))
        assert total(client, "llm_text_baseline_ratio", text="prompt") == 0.1
