"""A model to watch: rows that are drawn alike for a baseline and for traffic."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Runtime, Settings

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
JSON = {"Content-Type": "application/json"}


@contextmanager
def running(settings: Settings, runtime: Runtime, *, until: str | None = None) -> Iterator[TestClient]:
    """A whole exporter; ``until`` is a path that it answers once what was stored before is measured again."""
    with TestClient(create_app(Exporter(settings, runtime))) as client:
        end = time.monotonic() + 30
        while until is not None and client.get(until).status_code == 404:
            assert time.monotonic() < end, "nothing was restored"
        yield client


def post(client: TestClient, path: str, items: list[dict[str, Any]]) -> None:
    """Predictions or labels, all of them good; they are measured when this returns."""
    # what is stored is measured before anything else is stored
    for where, body in ((path, items), ("/v1/labels", [{"prediction_id": "nobody's", "label": "yes"}])):
        answer = client.post(where, content=orjson.dumps(body), headers=JSON)
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == len(body)


def samples(client: TestClient, name: str, **labels: str) -> list[Any]:
    text = client.get("/metrics", headers=OPENMETRICS).text
    return [
        sample
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def value(client: TestClient, name: str, **labels: str) -> float:
    (sample,) = samples(client, name, **labels)
    return float(sample.value)


@dataclass
class Rows:
    """Features, and the probability of ``yes`` with what came true."""

    age: Any
    country: Any
    chance: Any
    truth: Any


def rows(random: np.random.Generator, count: int, *, shift: float = 0.0, flip: bool = False) -> Rows:
    """``shift`` moves the age by so many standard deviations; with ``flip`` the truth is the other way round."""
    age = random.normal(40 + 10 * shift, 10, count)
    chance = 1 / (1 + np.exp(-(age - 40) / 10))
    truth = random.random(count) < (1 - chance if flip else chance)
    return Rows(age, random.choice(["DE", "FR", "US"], count, p=[0.5, 0.3, 0.2]), chance, truth)


def baseline(drawn: Rows) -> bytes:
    """As Parquet, with predictions and labels."""
    table = pa.table(
        {
            "age": drawn.age,
            "country": drawn.country,
            "prediction": np.where(drawn.chance > 0.5, "yes", "no"),
            "label": np.where(drawn.truth, "yes", "no"),
            "probabilities.yes": drawn.chance,
            "probabilities.no": 1 - drawn.chance,
        }
    )
    output = io.BytesIO()
    pq.write_table(table, output)
    return output.getvalue()


class Sender:
    """Sends predictions and labels of the model ``churn``, with ids that count up."""

    def __init__(self, client: TestClient, version: str = "1") -> None:
        self.client = client
        self.version = version
        self.sent = 0

    def set_baseline(self, drawn: Rows) -> dict[str, Any]:
        answer = self.client.put(
            f"/v1/baselines/churn?version={self.version}", content=baseline(drawn), headers=PARQUET
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def predict(self, drawn: Rows, *, batch: int = 200) -> list[str]:
        """The ids of what was sent."""
        count = len(drawn.age)
        ids = [f"{self.version}-{self.sent + at}" for at in range(count)]
        items = [
            {
                "prediction_id": ids[at],
                "model": "churn",
                "version": self.version,
                "features": {"age": float(drawn.age[at]), "country": str(drawn.country[at])},
                "prediction": "yes" if drawn.chance[at] > 0.5 else "no",
                "probabilities": {"yes": float(drawn.chance[at]), "no": 1 - float(drawn.chance[at])},
                "latency_seconds": 0.01,
                "segment": {"region": "north" if at % 2 else "south"},
                "trace_id": f"{self.sent + at + 1:032x}",
            }
            for at in range(count)
        ]
        for start in range(0, count, batch):
            post(self.client, "/v1/predictions", items[start : start + batch])
        self.sent += count
        return ids

    def label(self, ids: list[str], drawn: Rows) -> None:
        items = [
            {"prediction_id": id_, "label": "yes" if truth else "no"}
            for id_, truth in zip(ids, drawn.truth.tolist(), strict=True)
        ]
        post(self.client, "/v1/labels", items)

    def drift(self) -> dict[str, Any]:
        answer = self.client.get("/v1/drift/churn")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = next(
            each for each in answer.json()["versions"] if (each["version"] or "") == self.version
        )
        return found

    def feature(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in self.drift()["features"] if each["feature"] == name)
        return found

    def performance(self) -> dict[str, Any]:
        answer = self.client.get("/performance", params={"model": "churn", "version": self.version})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["models"][0]
        return found
