"""What the exporter knew of models when it ended, it knows again when it starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from observability.monitoring.state import pack, unpack
from observability.predictions.keeper import STATE
from observability.predictions.store import PredictionStore, sqlite_url
from observability.settings import Runtime, Settings
from tests.unit.monitoring.support import Sender, rows, running, samples, value

_DRIFT = "/v1/drift/churn"


def importance(client: TestClient) -> dict[tuple[str, str], float]:
    """By family and feature."""
    families = ("ml_feature_importance", "ml_feature_importance_baseline")
    return {(name, each.labels["feature"]): each.value for name in families for each in samples(client, name)}


def rewritten(runtime: Runtime, change: Callable[[dict[str, Any]], None]) -> None:
    """``change`` what is saved of each model, into what another version would have saved."""
    store = PredictionStore(sqlite_url(runtime.state_dir / "exporter" / "predictions.sqlite"), writer="test")
    saved = store.load_state(STATE)
    assert saved is not None
    state = unpack(saved[1])
    for model in state["models"]:
        change(model)
    store.save_state(STATE, saved[0], pack(state))
    store.close()


def test_a_restart_goes_on_where_the_exporter_ended(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 1000))
        drawn = rows(random, 800)
        sender.label(sender.predict(drawn), drawn)
        sender.predict(rows(random, 1500, shift=1.0))
        before, performance, told = sender.drift(), sender.performance(), importance(client)
        assert before["drift_detected"] is True
        assert ("ml_feature_importance", "age") in told

    with running(settings, runtime, until=_DRIFT) as client:
        again = Sender(client)
        assert again.drift() == before
        assert again.performance()["labelled"] == performance["labelled"]
        assert importance(client) == pytest.approx(told)
        again.sent = 10_000
        again.predict(rows(random, 10))
        assert value(client, "ml_predictions_total", model="churn", status="success") == 10, "counters begin anew"


def test_a_state_that_was_saved_before_importance_was_is_still_read(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 1000))
        sender.predict(rows(random, 500))
        before = sender.drift()
    rewritten(runtime, lambda model: model.pop("contributions"))

    with running(settings, runtime, until=_DRIFT) as client:
        again = Sender(client)
        assert again.drift() == before
        assert importance(client) == {}, "nothing came since"
        again.sent = 10_000
        again.predict(rows(random, 500))
        again.drift()
        assert ("ml_feature_importance", "age") in importance(client)
        assert value(client, "exporter_monitor_failures_total", part="state") == 0


def test_a_feature_whose_state_another_version_made_otherwise_is_watched_anew_and_the_others_go_on(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    with running(settings, runtime) as client:
        sender = Sender(client)
        sender.set_baseline(rows(random, 1000))
        sender.predict(rows(random, 1500, shift=1.0))

    def with_other_groups(model: dict[str, Any]) -> None:
        model["features"]["country"]["sequential"]["recent"] = np.zeros((3, 62))

    rewritten(runtime, with_other_groups)

    with running(settings, runtime, until=_DRIFT) as client:
        again = Sender(client)
        assert again.feature("age")["sequential"]["detected"] is True
        assert again.feature("age")["sequential"]["observations"] > 0
        assert again.feature("country")["sequential"]["observations"] == 0
        assert value(client, "exporter_monitor_failures_total", part="state") == 0
