"""The audit trail of one prediction."""

from __future__ import annotations

import dataclasses

import orjson
import pytest

from observability.predictions.audit import document
from observability.predictions.store import PredictionStore
from tests.unit.predictions.support import NOW, item, labels, predictions
from tests.unit.predictions.test_decode import FULL


def test_a_prediction_is_told_from_what_went_in_to_what_was_true(store: PredictionStore) -> None:
    store.add(predictions(FULL), ["abc123"])
    store.add_labels(labels(("p-1", "no", 1767319445.25 + 3600)))
    found = document(store, "p-1", trace_url="http://localhost:16686/")
    assert found == {
        "prediction_id": "p-1",
        "model": "churn",
        "version": "3",
        "timestamp": "2026-01-02T02:04:05.250000Z",
        "received": "2026-09-21T14:13:20Z",
        "writer": "one",
        "baseline_hash": "abc123",
        "features": FULL["features"],
        "prediction": "yes",
        "confidence": 0.75,
        "probabilities": {"yes": 0.75, "no": 0.25},
        "latency_seconds": 0.012,
        "error_type": None,
        "variant": "B",
        "segment": {"region": "eu"},
        "label": {"value": "no", "timestamp": "2026-01-02T03:04:05.250000Z", "delay_seconds": 3600.0},
        "trace": {
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "b7ad6b7169203331",
            "url": "http://localhost:16686/trace/0af7651916cd43dd8448eb211c80319c",
        },
    }


def test_what_is_not_known_is_null(store: PredictionStore) -> None:
    store.add(predictions(item(prediction=None, error_type="timeout")))
    found = document(store, "p1", trace_url="http://jaeger")
    assert found is not None
    absent = {name for name, value in found.items() if value is None}
    assert absent == {
        "version", "baseline_hash", "prediction", "confidence", "probabilities", "latency_seconds", "variant", "label",
        "trace",
    }  # fmt: skip
    assert found["error_type"] == "timeout"


def test_an_unknown_prediction_has_no_document(store: PredictionStore) -> None:
    store.add_labels(labels(("p1", 1, NOW)))
    assert document(store, "p1") is None


@pytest.mark.parametrize(
    ("template", "link"),
    [
        (None, None),
        ("http://j/trace/{trace_id}?uiFind={span_id}", f"http://j/trace/{'a' * 32}?uiFind={'b' * 16}"),
        ("http://j", f"http://j/trace/{'a' * 32}"),
    ],
)
def test_the_link_is_made_from_a_template(store: PredictionStore, template: str | None, link: str | None) -> None:
    store.add(predictions(item(trace_id="A" * 32, span_id="B" * 16)))
    found = document(store, "p1", trace_url=template)
    assert found is not None
    assert found["trace"]["url"] == link


def test_the_document_is_json_whatever_the_features_are(store: PredictionStore) -> None:
    rows = dataclasses.replace(
        predictions(item()), features=[{}], features_json=[b'{"a":1e999,"b":[-1e999,null,1],"c":"Infinity"}']
    )
    store.add(rows)
    found = document(store, "p1")
    assert found is not None
    assert found["features"] == {"a": "Infinity", "b": ["-Infinity", None, 1], "c": "Infinity"}
    assert orjson.loads(orjson.dumps(found)) == found
