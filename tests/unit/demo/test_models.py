"""The demo's models against a whole exporter: quiet while nothing happens, and found out when something does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import httpx
import numpy as np
import pytest

from demo.diagnosis import model as diagnosis
from demo.diagnosis.model import Diagnosis
from demo.progression import model as progression
from demo.progression.model import Progression
from demo.serving.disturbance import FAILING, SLOW, SLOW_SECONDS, Defect, Disturbance
from tests.unit.demo.models import BATCH, Served, running_exporter, samples

Kind: TypeAlias = type[Diagnosis] | type[Progression]
BOTH = pytest.mark.parametrize("model", [Diagnosis, Progression])
DRIFTING = {Diagnosis: diagnosis.DRIFTING, Progression: progression.DRIFTING}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with running_exporter(tmp_path) as running:
        yield running


@BOTH
@pytest.mark.parametrize("seed", [7, 8, 9])
def test_a_quiet_model_raises_nothing(client: httpx.Client, model: Kind, seed: int) -> None:
    served = Served(client, model, seed=seed)
    for _ in range(5):
        served.send(3)
        assert [each.value for each in samples(client, "data_drift_detected")] == [0]
        assert len(served.detected("sequential")) > 12
        assert not any(served.detected("sequential").values())
        assert not any(served.detected("concept").values())
    assert sum(each.value for each in samples(client, "ml_drift_alarms_total")) == 0
    assert served.outbox.counts["predictions"] == 15 * BATCH
    assert served.serving.counts["disturbed"] == 0


@BOTH
def test_a_drift_is_found_in_the_features_that_drift_and_in_no_other(client: httpx.Client, model: Kind) -> None:
    served = Served(client, model, Disturbance.DRIFT)
    served.send(10)
    assert not any(served.detected("sequential").values())

    served.send(5, disturbed=True)

    found = {where for where, yes in served.detected("sequential").items() if yes and not where[1].startswith("@")}
    assert found == {(version, feature) for version in ("1", "2") for feature in DRIFTING[model]}
    assert [each.value for each in samples(client, "data_drift_detected")] == [1]
    assert served.serving.counts["disturbed"] == 5 * BATCH


@BOTH
def test_a_turned_concept_is_told_by_the_labels_and_by_no_feature(client: httpx.Client, model: Kind) -> None:
    served = Served(client, model, Disturbance.CONCEPT_DRIFT)
    served.send(6)
    served.send(6, disturbed=True)
    assert served.detected("concept") == {("1", "@error"): True, ("2", "@error"): True}
    assert not any(served.detected("sequential").values())


@BOTH
def test_each_defect_is_counted_for_its_feature_and_for_no_other(client: httpx.Client, model: Kind) -> None:
    served = Served(client, model, Disturbance.DATA_QUALITY)
    served.send(5, disturbed=True)
    assert served.outbox.counts["rejected"] == 0

    counted: dict[tuple[str, str], float] = {}
    for each in samples(client, "ml_data_quality_issues_total"):
        key = (each.labels["issue"], each.labels["feature"])
        counted[key] = counted.get(key, 0) + each.value

    for defect, feature in served.model.defects.items():
        assert 0.07 < counted[defect.value, feature] / (5 * BATCH) < 0.13, defect
    others = {
        key: count
        for key, count in counted.items()
        if key not in {(d.value, f) for d, f in served.model.defects.items()}
    }
    # a value beyond the baseline's range is met now and then without any defect
    assert all(count < 0.01 * 5 * BATCH for count in others.values()), others


def test_every_defect_has_a_feature_of_its_own() -> None:
    for model in (Diagnosis, Progression):
        assert set(model.defects) == set(Defect)
        assert len(set(model.defects.values())) == len(Defect)


def test_slow_ones_are_told_as_slow_and_nobody_waits_for_them(client: httpx.Client) -> None:
    served = Served(client, Diagnosis, Disturbance.SLOW)
    served.send(5, disturbed=True)
    for each in samples(client, "ml_prediction_latency_seconds_count"):
        labels = {"version": each.labels["version"]}
        quick = sum(each.value for each in samples(client, "ml_prediction_latency_seconds_bucket", le="0.5", **labels))
        assert 0.5 * SLOW < 1 - quick / each.value < 2 * SLOW
    assert (
        sum(each.value for each in samples(client, "ml_prediction_latency_seconds_sum"))
        > 0.5 * SLOW * 1000 * SLOW_SECONDS
    )


def test_failing_ones_are_counted_as_such(client: httpx.Client) -> None:
    served = Served(client, Diagnosis, Disturbance.ERRORS)
    served.send(5, disturbed=True)
    failed = sum(each.value for each in samples(client, "ml_predictions_total", status="error"))
    assert failed == served.serving.counts["failed"]
    assert 0.5 * FAILING < failed / (5 * BATCH) < 2 * FAILING


def test_labels_stop_and_predictions_go_on(client: httpx.Client) -> None:
    served = Served(client, Progression, Disturbance.LABELS_MISSING)
    served.send(2)
    before = served.outbox.counts["labels"]
    assert 0.8 < before / (2 * BATCH) < 0.95, "a tenth never gets one"
    served.send(2, disturbed=True)
    assert served.outbox.counts["labels"] == before
    assert served.outbox.counts["predictions"] == 4 * BATCH


def test_the_regression_has_errors_estimated_errors_segments_and_a_baseline(client: httpx.Client) -> None:
    served = Served(client, Progression)
    served.send(8)
    for version in ("1", "2"):
        for metric in ("mae", "rmse", "r2"):
            (real,) = samples(client, "ml_model_accuracy", version=version, metric_type=metric)
            (before,) = samples(client, "ml_model_accuracy_baseline", version=version, metric_type=metric)
            assert real.value == pytest.approx(before.value, rel=0.2)
        (lower,) = samples(client, "ml_model_accuracy_estimated_lower", version=version, metric_type="mae")
        (upper,) = samples(client, "ml_model_accuracy_estimated_upper", version=version, metric_type="mae")
        (real,) = samples(client, "ml_model_accuracy", version=version, metric_type="mae")
        assert lower.value < real.value < upper.value
        ages = samples(client, "ml_segment_accuracy", version=version, segment="age", metric_type="mae")
        assert {each.labels["value"] for each in ages} == {"under 40", "40 to 59", "60 and older"}


@BOTH
def test_patients_of_one_seed_are_the_same_ones(model: Kind) -> None:
    one, again, other = (model(seed).draw(50) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_what_is_turned_is_as_far_from_the_mean_on_the_other_side() -> None:
    patients = Progression(1)
    truths = [case.truth for case in patients.draw(500)]
    turned = [patients.turned(truth) for truth in truths]
    assert np.corrcoef(np.array(truths, np.float64), turned)[0, 1] == pytest.approx(-1)
    assert Diagnosis(1).turned("benign") == "malignant"
    assert Diagnosis(1).turned("malignant") == "benign"
