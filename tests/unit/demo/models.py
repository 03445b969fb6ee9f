"""Models of the demo and a whole exporter."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from demo.diagnosis.model import Diagnosis
from demo.progression.model import Progression
from demo.serving.app import Serving
from demo.serving.disturbance import Disturbance
from demo.serving.exporter import Exporter as Client
from demo.serving.outbox import Outbox
from observability.app import create_app
from observability.exporter import Exporter
from observability.settings import Limits, Runtime, Settings
from tests.support import poll
from tests.unit.demo.support import served_at

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
OF_MODELS = re.compile(r"(# TYPE )?(ml_(?!feature_bin|reference_bin)|data_drift)")
#: Predictions of one batch.
BATCH = 200


@contextmanager
def running_exporter(folder: Path, port: int = 0) -> Iterator[httpx.Client]:
    """A whole exporter with its store in ``folder``, on ``port`` or a free one; yields a client of it."""
    runtime = Runtime(state_dir=folder / "state", log_dir=folder / "logs", instance="test")
    app = create_app(Exporter(Settings(limits=Limits(settle_seconds=0)), runtime))
    with served_at(app, port) as url, httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        yield client


def samples(client: httpx.Client, name: str, **labels: str) -> list[Any]:
    """The samples ``name`` of the metrics page that have ``labels``."""
    return [each for each in page(client) if each.name == name and labels.items() <= each.labels.items()]


def page(client: httpx.Client) -> list[Any]:
    """Every sample of the metrics page that speaks of models, but for the bins of features, which are many."""
    lines = client.get("/metrics", headers=OPENMETRICS).text.splitlines()
    told = [line for line in lines if OF_MODELS.match(line)]
    text = "\n".join((*told, "# EOF\n"))
    return [
        sample
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
    ]


class Served:
    """One model, prepared; what it posts goes to ``client`` at once, and so do the labels."""

    def __init__(
        self,
        client: httpx.Client,
        model: type[Diagnosis] | type[Progression],
        disturbance: Disturbance = Disturbance.NONE,
        seed: int = 7,
    ) -> None:
        self.client = client
        self.model = model(seed)
        self.said: list[str] = []
        self.outbox = Outbox(Client(client), self.said.append, draw=random.Random(seed))
        self.serving = Serving(self.model, self.outbox, seed=seed, per_second=2 * BATCH, disturbance=disturbance)
        self.serving.prepare(threading.Event())

    def send(self, batches: int, *, disturbed: bool = False) -> None:
        """So many batches of :data:`BATCH` predictions; returns when they are measured."""
        for _ in range(batches):
            self.serving.batch(disturbed=disturbed)
            self.serving.tell(float("inf"))
            self.outbox.flush()
        poll("all is measured", self._measured, every=0.02)
        self.client.get("/performance").raise_for_status()  # computes the gauges anew

    def _measured(self) -> bool:
        """What is stored is acknowledged first and measured then."""
        found = page(self.client)
        return all(
            sum(each.value for each in found if each.name == name and each.labels["model"] == self.model.name)
            == self.outbox.counts[what]
            for name, what in (("ml_predictions_total", "predictions"), ("ml_labels_total", "labels"))
        )

    def detected(self, drift_type: str) -> dict[tuple[str, str], bool]:
        """(version, feature) → whether that drift is detected."""
        found = samples(self.client, "ml_drift_detected", drift_type=drift_type, model=self.model.name)
        return {(each.labels["version"], each.labels["feature"]): each.value == 1 for each in found}
