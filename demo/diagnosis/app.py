"""Predicts, posts what was predicted, and a few seconds later what turned out to be true."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from typing import Any

import httpx
from opentelemetry import trace

from demo.diagnosis.model import CLASSES, FEATURES, Patients, Ward, baseline, train

MODEL = "diagnosis"
#: Seconds between two batches of predictions, and from a prediction to its label.
BATCH_SECONDS, LABEL_SECONDS = 0.5, 3.0
#: Share of predictions that never get a label, and of those that fail.
UNLABELLED, FAILING = 0.1, 0.004
#: Share of batches that are sent twice.
AGAIN = 0.05
#: Times that a post is tried, and the seconds before it is tried again.
TRIES, PAUSE_SECONDS = 5, 1.0


class Lost(Exception):
    """The exporter did not take something, however often it was sent."""


class Diagnosis:
    """Two versions side by side; half of the patients each."""

    def __init__(self, exporter: str, seed: int, per_second: float, drift_after: float) -> None:
        self._http = httpx.Client(base_url=exporter, timeout=10.0, trust_env=False)
        self._ward = Ward(seed)
        self._draw = random.Random(seed)
        self._per_batch = max(1, round(per_second * BATCH_SECONDS))
        self._drift_after = drift_after
        self._models: dict[str, Any] = {}
        self._labels: deque[tuple[float, dict[str, Any]]] = deque()
        self._tracer = trace.get_tracer("demo.diagnosis")
        self._run = f"{time.time_ns():x}"
        self.counts: Counter[str] = Counter()

    def prepare(self) -> None:
        """Train, and tell what each version was accepted on."""
        self._models = train(self._ward)
        for version, model in self._models.items():
            answer = self._send("PUT", f"/v1/baselines/{MODEL}?version={version}", baseline(self._ward, model))
            self.counts["baseline_rows"] += int(answer["rows"])

    def run(self, stop: threading.Event) -> None:
        """Predict until ``stop``; then send the labels that are known."""
        begin = time.monotonic()
        due = begin
        while not stop.is_set():
            self.batch(drift=0 < self._drift_after <= time.monotonic() - begin)
            self._tell(time.monotonic() - LABEL_SECONDS)
            due += BATCH_SECONDS
            stop.wait(max(0.0, due - time.monotonic()))
        self._tell(float("inf"))

    def batch(self, *, drift: bool) -> None:
        """Some predictions, posted together."""
        patients = self._ward.draw(self._per_batch, drift=drift)
        items = [self._predict(patients, row) for row in range(self._per_batch)]
        answer = self._send("POST", "/v1/predictions", items)
        if self._draw.random() < AGAIN:  # as a sender does that did not see the answer
            self._send("POST", "/v1/predictions", items)
        self.counts["predictions"] += answer["accepted"]
        self.counts["rejected"] += answer["rejected"]
        if drift:
            self.counts["drifted"] += len(items)

    def _predict(self, patients: Patients, row: int) -> dict[str, Any]:
        version = self._draw.choice(sorted(self._models))
        number = self.counts["numbered"]
        self.counts["numbered"] += 1
        item: dict[str, Any] = {
            "prediction_id": f"{MODEL}-{self._run}-{number}",
            "model": MODEL,
            "version": version,
            "segment": {"clinic": str(patients.clinic[row])},
        }
        features = dict(zip(FEATURES, patients.measured[row].tolist(), strict=True))
        features["clinic"] = str(patients.clinic[row])
        attributes = {"ml.model.name": MODEL, "ml.model.version": version, "ml.prediction.id": item["prediction_id"]}
        with self._tracer.start_as_current_span("ml.predict", attributes=attributes) as span:
            context = span.get_span_context()
            item["trace_id"], item["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
            begin = time.perf_counter()
            if self._draw.random() < FAILING:
                span.set_status(trace.StatusCode.ERROR, "the feature store did not answer in time")
                self.counts["failed"] += 1
                return {**item, "error_type": "FeatureStoreTimeout", "features": features}
            chance = float(self._models[version].predict_proba(patients.measured[row : row + 1])[0, 1])
            item["latency_seconds"] = time.perf_counter() - begin
        item["features"] = features
        item["prediction"] = CLASSES[int(chance > 0.5)]
        item["probabilities"] = {"malignant": chance, "benign": 1 - chance}
        item["timestamp"] = time.time()
        if self._draw.random() >= UNLABELLED:
            known = {"prediction_id": item["prediction_id"], "label": CLASSES[int(patients.truth[row])]}
            self._labels.append((time.monotonic(), known))
        return item

    def _tell(self, until: float) -> None:
        """Post the labels of what was predicted before ``until``."""
        known: list[dict[str, Any]] = []
        while self._labels and self._labels[0][0] <= until:
            known.append(self._labels.popleft()[1])
        if known:
            self.counts["labels"] += self._send("POST", "/v1/labels", known)["accepted"]

    def _send(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """Send until it is taken: an id makes sending twice harmless. Raises :class:`Lost` after :data:`TRIES`."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Content-Type": "application/vnd.apache.parquet"} if isinstance(body, bytes) else {}
        said = ""
        for _ in range(TRIES):
            try:
                answer = self._http.request(method, path, headers=headers, **content)
            except httpx.TransportError as error:
                said = str(error)
            else:
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    return found
                said = answer.text
                if answer.status_code not in (429, 503):
                    break
            time.sleep(PAUSE_SECONDS)
        raise Lost(f"{method} {path}: {said}")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
