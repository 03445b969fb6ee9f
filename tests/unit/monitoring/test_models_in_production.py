"""From a posted prediction to the gauges: a whole exporter, as a user sees it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Limits, Model, Runtime, Settings
from tests.unit.exporter.support import send, span
from tests.unit.monitoring.support import JSON, Sender, rows, samples, value


def test_quiet_traffic_raises_nothing_and_a_shift_raises_an_alarm_of_the_feature_that_shifted(
    client: TestClient, random: np.random.Generator
) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 2000))
    sender.predict(rows(random, 3000))

    quiet = sender.drift()
    assert quiet["drift_detected"] is False
    assert quiet["drift_share"] == 0
    assert value(client, "data_drift_detected", model="churn") == 0
    assert sender.feature("age")["measures"]["psi"]["score"] < 0.03

    sender.predict(rows(random, 1500, shift=1.0))

    assert sender.feature("age")["sequential"]["detected"] is True
    assert sender.feature("country")["sequential"]["detected"] is False
    assert value(client, "data_drift_detected", model="churn") == 1
    assert value(client, "ml_drift_detected", drift_type="sequential", feature="age") == 1
    assert value(client, "ml_drift_score", drift_type="psi", feature="age") > 0.25
    assert value(client, "ml_drift_p_value", drift_type="chi2", feature="age") < 1e-9
    assert value(client, "ml_drift_share", model="churn") == 0.5
    assert value(client, "ml_drift_alarms_total", feature="age") == 1


def test_an_alarm_ends_when_the_data_are_as_before_and_not_sooner(
    client: TestClient, random: np.random.Generator
) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 2000))
    sender.predict(rows(random, 500))
    sender.predict(rows(random, 3000, shift=1.0))
    assert sender.feature("age")["sequential"]["detected"] is True, "a drift that lasts is not the new normal"

    sender.predict(rows(random, 4000))

    assert sender.feature("age")["sequential"]["detected"] is False
    assert value(client, "data_drift_detected", model="churn") == 0


def test_without_data_there_is_no_series(client: TestClient, random: np.random.Generator) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 500))
    assert samples(client, "data_drift_detected") == []

    sender.predict(rows(random, 20))

    client.get("/v1/drift/churn")
    assert samples(client, "data_drift_detected") == []
    assert samples(client, "ml_drift_score") == []
    assert value(client, "ml_predictions_total", status="success", model="churn") == 20
    assert value(client, "ml_drift_effective_samples", feature="age") == 20


def test_a_corrected_label_takes_the_place_of_the_old_one(client: TestClient, random: np.random.Generator) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 2000))
    drawn = rows(random, 300)
    ids = sender.predict(drawn)
    sender.label(ids, drawn)
    said = drawn.chance > 0.5
    wrong = np.flatnonzero(said != drawn.truth)
    assert sender.performance()["labelled"]["metrics"]["accuracy"]["value"] == pytest.approx(1 - len(wrong) / 300)

    part = wrong[:40]
    sender.label([ids[at] for at in part], replace(drawn, truth=said[part]))

    found = sender.performance()
    assert found["labelled"]["metrics"]["accuracy"]["value"] == pytest.approx(1 - (len(wrong) - 40) / 300)
    assert found["n_labelled"] == 300, "a correction is no prediction of its own"
    assert value(client, "ml_labels_total", model="churn") == 300


def test_labels_make_performance_whenever_they_come(client: TestClient, random: np.random.Generator) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 2000))
    early, late = rows(random, 300), rows(random, 300)
    sender.label([f"1-{at}" for at in range(300)], early)
    ids = sender.predict(early)
    assert ids[0] == "1-0"
    sender.label(sender.predict(late), late)

    found = sender.performance()

    right = np.concatenate(((early.chance > 0.5) == early.truth, (late.chance > 0.5) == late.truth)).mean()
    assert found["n_labelled"] == 600
    assert found["labelled"]["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert found["baseline"]["n"] == 2000
    assert (
        found["estimated"]["metrics"]["accuracy"]["lower"] < right < found["estimated"]["metrics"]["accuracy"]["upper"]
    )
    assert {each["segment"] for each in found["segments"]["region"]} == {"north", "south"}
    assert value(client, "ml_model_accuracy", metric_type="accuracy") == pytest.approx(right)
    assert value(client, "ml_model_accuracy_lower", metric_type="accuracy") < right
    assert value(client, "ml_labels_total", model="churn") == 600
    assert value(client, "ml_model_labelled_samples", model="churn") == 600
    assert sum(sample.value for sample in samples(client, "ml_segment_labelled_samples")) == 600


def test_a_concept_that_turned_round_is_told_by_its_labels_alone(
    client: TestClient, random: np.random.Generator
) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 2000))
    quiet = rows(random, 1000)
    sender.label(sender.predict(quiet), quiet)
    assert sender.drift()["concept"]["detected"] is False
    assert value(client, "ml_drift_detected", drift_type="concept") == 0
    turned = rows(random, 500, flip=True)
    sender.label(sender.predict(turned), turned)

    assert sender.drift()["concept"]["detected"] is True
    assert value(client, "ml_drift_detected", drift_type="concept", feature="@error") == 1
    assert value(client, "ml_drift_detected", drift_type="sequential", feature="age") == 0


def test_what_is_wrong_with_values_is_counted_by_kind(client: TestClient, random: np.random.Generator) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 1000))
    odd = [
        {"age": None, "country": "DE"},
        {"age": "forty", "country": "XX"},
        {"age": 1e9, "country": None},
        {"age": 40, "country": "DE"},
    ]
    items = [
        {"prediction_id": f"o{at}", "model": "churn", "version": "1", "features": each, "prediction": "no"}
        for at, each in enumerate(odd)
    ]
    assert client.post("/v1/predictions", json=items).json()["accepted"] == 4
    client.get("/v1/drift/churn")

    found = {
        (sample.labels["feature"], sample.labels["issue"]): sample.value
        for sample in samples(client, "ml_data_quality_issues_total")
        if sample.value and not sample.labels["feature"].startswith("@")
    }
    assert found == {
        ("age", "missing"): 1,
        ("age", "type_mismatch"): 1,
        ("age", "out_of_range"): 1,
        ("country", "missing"): 1,
        ("country", "new_category"): 1,
    }
    assert value(client, "ml_data_quality_values_total", feature="age") == 4


def test_bins_are_counters_with_traces_and_their_ratios_are_those_of_the_baseline(
    client: TestClient, random: np.random.Generator
) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 1000))
    sender.predict(rows(random, 400))
    client.get("/v1/drift/churn")

    counted = samples(client, "ml_feature_bin_total", feature="age")
    ratios = samples(client, "ml_reference_bin_ratio", feature="age")
    assert sum(sample.value for sample in counted) == 400
    assert sum(sample.value for sample in ratios) == pytest.approx(1)
    assert {sample.labels["bin"] for sample in counted} == {sample.labels["bin"] for sample in ratios}
    assert any(sample.exemplar and len(sample.exemplar.labels["trace_id"]) == 32 for sample in counted)


def test_a_prediction_that_is_sent_twice_counts_once(client: TestClient, random: np.random.Generator) -> None:
    sender = Sender(client)
    drawn = rows(random, 50)
    sender.predict(drawn)
    sender.sent = 0
    answer = client.post(
        "/v1/predictions",
        json=[{"prediction_id": "1-0", "model": "churn", "version": "1", "features": {}, "prediction": "no"}],
    )

    assert answer.json()["duplicates"] == 1
    client.get("/v1/drift/churn")
    assert value(client, "ml_predictions_total", status="success", model="churn") == 50
    assert value(client, "exporter_duplicate_items_total", signal="predictions") == 1
    assert value(client, "ml_duplicate_predictions_total", model="churn") == 1


def test_the_first_of_several_with_one_id_in_a_body_is_taken_and_the_others_are_counted(client: TestClient) -> None:
    bodies = [("a", 1.0), ("b", 2.0), ("a", 3.0), ("a", 4.0)]
    items = [{"prediction_id": id_, "model": "m", "prediction": said} for id_, said in bodies]

    answer = client.post("/v1/predictions", json=[*items, {"prediction_id": "a", "model": "m", "confidence": 9}])

    assert (answer.json()["accepted"], answer.json()["duplicates"], answer.json()["rejected"]) == (4, 2, 1)
    assert client.get("/v1/audit/a").json()["prediction"] == 1.0
    assert value(client, "ml_predictions_total", status="success", model="m") == 2
    assert value(client, "exporter_duplicate_items_total", signal="predictions") == 2
    assert value(client, "ml_duplicate_predictions_total", model="m") == 2


def test_good_items_are_kept_beside_bad_ones_which_are_told(client: TestClient) -> None:
    body = (
        b"""[{"model": "m", "prediction": 1, "confidence": 1.7}, {"model": "m", "prediction": 2.5}, {"modle": "m"}]"""
    )

    answer = client.post("/v1/predictions", content=body, headers=JSON)

    assert answer.status_code == 200
    found = answer.json()
    assert (found["accepted"], found["rejected"]) == (1, 2)
    assert {(error["index"], error["pointer"]) for error in found["errors"]} >= {(0, "/confidence"), (2, "/modle")}
    assert len(found["ids"]) == 1
    assert client.get(f"/v1/audit/{found['ids'][0]}").json()["prediction"] == 2.5


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{nonsense", JSON, 400),
        (b"[]", {"Content-Type": "text/csv"}, 415),
        (b'[{"model": 1}]', JSON, 422),
        (b"x" * 21_000_000, JSON, 413),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused_with_problem_details(
    client: TestClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/v1/predictions", content=body, headers=headers)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_failed_predictions_are_errors_of_a_known_kind(client: TestClient) -> None:
    items = [{"model": "m", "error_type": kind} for kind in ("TimeoutError", "KeyError", "read timed out")]
    assert client.post("/v1/predictions", json=items).json()["accepted"] == 3

    assert value(client, "ml_predictions_total", model="m", status="error") == 3
    assert value(client, "ml_prediction_errors_total", model="m", error_type="timeout") == 2
    assert value(client, "ml_prediction_errors_total", model="m", error_type="other") == 1


def test_a_span_that_says_what_was_predicted_is_a_prediction_and_any_other_is_not(client: TestClient) -> None:
    told = span(
        {
            "ml.model.name": "spans",
            "ml.model.version": "7",
            "ml.prediction.id": "from-a-span",
            "ml.prediction.value": "yes",
            "ml.prediction.confidence": 0.9,
            "ml.feature.age": 41.0,
            "ml.segment.region": "north",
        },
        name="ml.predict",
        seconds=0.25,
    )
    silent = span({"ml.model.name": "spans", "ml.prediction.id": "posted elsewhere"}, name="ml.predict")
    send(client, told, silent)

    found = client.get("/v1/audit/from-a-span").json()
    assert (found["model"], found["version"], found["prediction"]) == ("spans", "7", "yes")
    assert found["features"] == {"age": 41.0}
    assert found["latency_seconds"] == pytest.approx(0.25)
    assert found["trace"]["trace_id"] == told.trace_id.hex()
    assert client.get("/v1/audit/posted elsewhere").status_code == 404
    assert value(client, "ml_predictions_total", model="spans", status="success") == 1


def test_another_baseline_begins_anew(client: TestClient, random: np.random.Generator) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 1000))
    sender.predict(rows(random, 2000, shift=1.0))
    assert sender.drift()["drift_detected"] is True

    answer = sender.set_baseline(rows(random, 1000, shift=1.0))
    sender.predict(rows(random, 500, shift=1.0))

    assert sender.drift()["baseline"]["hash"] == answer["hash"]
    assert sender.drift()["drift_detected"] is False
    assert client.get("/v1/baselines/churn?version=1").json()["hash"] == answer["hash"]
    assert client.get("/v1/baselines/churn?version=1&format=parquet").content[:4] == b"PAR1"
    assert client.get("/v1/baselines/nobody").status_code == 404


def test_what_is_asked_of_an_unknown_model_is_not_found(client: TestClient) -> None:
    for path in ("/v1/drift/nobody", "/performance?model=nobody", "/v1/audit/nobody"):
        assert client.get(path).status_code == 404, path
    assert client.get("/performance").json() == {"models": [], "correlations": []}


def test_kinds_that_are_declared_count(runtime: Runtime, random: np.random.Generator) -> None:
    declared = Settings(
        limits=Limits(settle_seconds=0), models=(Model(name="churn", kinds={"age": "categorical"}, positive="no"),)
    )
    with TestClient(create_app(Exporter(declared, runtime))) as client:
        sender = Sender(client)
        drawn = rows(random, 400)
        drawn.age = np.floor(drawn.age / 10)
        sender.set_baseline(drawn)
        sender.predict(drawn)
        assert sender.feature("age")["kind"] == "categorical"


def test_an_alarm_stands_while_the_step_that_raised_it_looks_like_correlation(
    client: TestClient, random: np.random.Generator
) -> None:
    sender = Sender(client)
    sender.set_baseline(rows(random, 2000))
    sender.predict(rows(random, 192))
    sender.predict(rows(random, 128, shift=8.0))

    feature = sender.feature("age")
    assert feature["effective_samples"] < 100, "the step is taken for correlation by then"
    assert feature["sequential"]["detected"] is True
    assert value(client, "data_drift_detected", model="churn") == 1
    assert value(client, "ml_drift_detected", drift_type="sequential", feature="age") == 1
