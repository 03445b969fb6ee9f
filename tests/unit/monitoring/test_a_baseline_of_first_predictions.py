"""A model without a baseline is compared with its first predictions, where that is set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from observability.monitoring.state import unpack
from observability.predictions.keeper import STATE
from observability.predictions.store import PredictionStore, sqlite_url
from observability.settings import Limits, Model, Predictions, Runtime, Settings
from tests.support import poll
from tests.unit.monitoring.support import PARQUET, Sender, baseline, post, rows, running, samples, value

_FIRST = 1000
_DRIFT = "/v1/drift/churn"


@pytest.fixture
def settings() -> Settings:
    return Settings(limits=Limits(settle_seconds=0), models=(Model(name="churn", baseline_from=_FIRST),))


def made(sender: Sender) -> dict[str, Any]:
    """The baseline, once there is one."""
    return poll("a baseline", lambda: dict(sender.drift()["baseline"] or {}), deadline=30)


def test_the_first_predictions_are_the_baseline_of_those_after_them(
    client: TestClient, random: np.random.Generator
) -> None:
    sender = Sender(client)
    early = rows(random, 600)
    ids = sender.predict(early)
    sender.label(ids, early)
    assert sender.drift()["baseline"] is None
    ids += sender.predict(rows(random, 600))

    found = made(sender)

    assert (found["rows"], found["source"]) == (_FIRST, "first_predictions")
    stored = client.get("/v1/baselines/churn?version=1").json()
    assert (stored["hash"], stored["source"]) == (found["hash"], "first_predictions")
    assert stored["features"]["age"]["kind"] == "numeric"
    assert client.get(f"/v1/audit/{ids[0]}").json()["baseline_hash"] is None
    assert sender.performance()["n_labelled"] == 600, "what is known of labels stays"
    assert sender.performance()["n"] == 1200

    (later, *_) = sender.predict(rows(random, 1000))
    assert client.get(f"/v1/audit/{later}").json()["baseline_hash"] == found["hash"]
    assert sender.drift()["drift_detected"] is False
    sender.predict(rows(random, 1500, shift=1.0))
    assert sender.feature("age")["sequential"]["detected"] is True
    assert value(client, "ml_baseline_rows", model="churn", version="1") == _FIRST


def test_a_restart_before_there_are_enough_loses_none_of_them(
    settings: Settings, runtime: Runtime, random: np.random.Generator
) -> None:
    first, second = rows(random, 700), rows(random, 700)
    with running(settings, runtime) as client:
        Sender(client).predict(first)
    with running(settings, runtime, until=_DRIFT) as client:
        sender = Sender(client)
        sender.sent = 700
        assert sender.drift()["baseline"] is None
        sender.predict(second)
        found = made(sender)
        age = client.get("/v1/baselines/churn?version=1").json()["features"]["age"]
        assert age["mean"] == pytest.approx(np.concatenate((first.age, second.age))[:_FIRST].mean())
    with running(settings, runtime, until=_DRIFT) as client:
        assert Sender(client).drift()["baseline"] == found


def test_the_state_is_saved_at_once_so_that_no_restart_compares_them_with_themselves(
    client: TestClient, runtime: Runtime, random: np.random.Generator
) -> None:
    sender = Sender(client)
    sender.predict(rows(random, _FIRST))
    found = made(sender)
    store = PredictionStore(sqlite_url(runtime.state_dir / "exporter" / "predictions.sqlite"), writer="reader")

    def saved() -> bool:
        state = store.load_state(STATE)
        return state is not None and unpack(state[1])["models"][0]["baseline"] == found["hash"]

    poll("the state is saved", saved, deadline=30)
    store.close()


@pytest.mark.parametrize("version", ["1", ""])
def test_a_posted_baseline_replaces_it(client: TestClient, random: np.random.Generator, version: str) -> None:
    sender = Sender(client)
    sender.predict(rows(random, _FIRST))
    before = made(sender)

    posted = baseline(rows(random, 500))
    answer = client.put(f"/v1/baselines/churn?version={version}", content=posted, headers=PARQUET)
    sender.predict(rows(random, 100))

    found = sender.drift()["baseline"]
    assert found["hash"] == answer.json()["hash"] != before["hash"]
    assert found["source"] == "posted"


def test_each_version_has_its_own_and_others_go_on(client: TestClient, random: np.random.Generator) -> None:
    one, two = Sender(client, "1"), Sender(client, "2")
    one.set_baseline(rows(random, 500))
    one.predict(rows(random, 700))
    two.predict(rows(random, _FIRST, shift=2.0))

    assert made(two)["source"] == "first_predictions"
    assert one.drift()["baseline"]["source"] == "posted"
    assert one.feature("age")["window"] == 700


def test_features_that_say_nothing_are_no_obstacle(client: TestClient, random: np.random.Generator) -> None:
    items = [
        {
            "model": "churn",
            "features": {
                "empty": None,
                "rare": 1.0 if at == 3 else None,
                "constant": 7,
                "mixed": "forty" if at % 10 == 0 else float(at),
                "vector": [1.0, 2.0, 3.0][: 3 - at % 2],
                "same": [0.0, 0.0],
            },
            "prediction": "yes",
        }
        for at in range(2 * _FIRST)
    ]
    post(client, "/v1/predictions", items[:_FIRST])
    sender = Sender(client, "")
    assert made(sender)["rows"] == _FIRST
    post(client, "/v1/predictions", items[_FIRST:])
    features = {each["feature"]: each for each in sender.drift()["features"]}
    assert {"rare", "constant", "mixed", "@prediction"} <= set(features)
    assert features["constant"]["window"] == _FIRST
    assert features["constant"]["sequential"]["detected"] is False
    for part in ("baseline", "drift"):
        assert sum(each.value for each in samples(client, "exporter_monitor_failures_total", part=part)) == 0


def test_predictions_of_which_no_baseline_can_be_made_are_told_and_cost_nothing_else(
    runtime: Runtime, random: np.random.Generator
) -> None:
    declared = Model(name="churn", baseline_from=100, kinds={"country": "numeric"})
    with running(Settings(limits=Limits(settle_seconds=0), models=(declared,)), runtime) as client:
        sender = Sender(client)
        sender.predict(rows(random, 150))

        def failures() -> float:
            return value(client, "exporter_monitor_failures_total", part="baseline")

        assert poll("it is told", failures, deadline=30) == 1
        sender.predict(rows(random, 50))
        assert sender.drift()["baseline"] is None
        assert value(client, "ml_predictions_total", status="success", model="churn") == 200


def test_without_stored_features_the_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="churn: baseline_from needs"):
        Settings(predictions=Predictions(features=False), models=(Model(name="churn", baseline_from=500),))
