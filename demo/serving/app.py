"""Predicts, posts what was predicted, and later what turned out to be true."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from typing import Any

from opentelemetry import trace

from demo.serving.disturbance import FAILING, SLOW, SLOW_SECONDS, USUALLY_FAILING, Disturbance, spoil
from demo.serving.exporter import Kind, kind_of
from demo.serving.model import Case, Model
from demo.serving.outbox import Outbox

#: Seconds between two batches of predictions.
BATCH_SECONDS = 0.5
#: Share of predictions that never get a label.
UNLABELLED = 0.1
#: Seconds that the exporter has at the end to take what is kept.
DRAIN_SECONDS = 15.0


class Serving:
    """The versions of one model side by side, each with its share of the cases.

    After ``after`` seconds ``disturbance`` begins. ``counts``: ``disturbed`` predictions, made since then, and
    ``failed`` ones.
    """

    def __init__(
        self,
        model: Model,
        outbox: Outbox,
        *,
        seed: int,
        per_second: float,
        disturbance: Disturbance = Disturbance.NONE,
        after: float = 0.0,
    ) -> None:
        self._model = model
        self._outbox = outbox
        self._draw = random.Random(seed)
        self._per_batch = max(1, round(per_second * BATCH_SECONDS))
        self._disturbance = disturbance
        self._after = after
        self._versions: tuple[str, ...] = ()
        self._labels: deque[tuple[float, dict[str, Any]]] = deque()
        self._tracer = trace.get_tracer(f"demo.{model.name}")
        self._run = f"{time.time_ns():x}"
        self._numbered = 0
        self.counts: Counter[str] = Counter()

    def prepare(self, stop: threading.Event) -> None:
        """Train, and tell what each version was accepted on, until the exporter took it or ``stop`` is set.

        Raises :class:`~demo.serving.exporter.Refused` if it never will.
        """
        self._versions = self._model.train()
        for version in self._versions:
            self._outbox.baseline(self._model.name, version, self._model.baseline(version), stop)

    def run(self, stop: threading.Event) -> None:
        """Predict until ``stop``; then send all that is known."""
        begin = due = time.monotonic()
        while not stop.is_set():
            self.batch(disturbed=time.monotonic() - begin >= self._after)
            self.tell(time.monotonic() - self._model.label_seconds)
            self._outbox.flush()
            due += BATCH_SECONDS
            stop.wait(max(0.0, due - time.monotonic()))
        self.tell(float("inf"))
        self._outbox.drain(DRAIN_SECONDS)

    def batch(self, *, disturbed: bool) -> None:
        """Some predictions for the outbox; whether the disturbance has begun."""
        now = self._disturbance if disturbed else Disturbance.NONE
        for case in self._model.draw(self._per_batch, drift=now is Disturbance.DRIFT):
            prediction = self._predict(case, now)
            self._outbox.put(kind_of(prediction), [prediction])
        if now is not Disturbance.NONE:
            self.counts["disturbed"] += self._per_batch

    def tell(self, until: float) -> None:
        """The labels of what was predicted before ``until`` (on the monotonic clock), for the outbox."""
        known: list[dict[str, Any]] = []
        while self._labels and self._labels[0][0] <= until:
            known.append({**self._labels.popleft()[1], "timestamp": time.time()})
        self._outbox.put(Kind.LABELS, known)

    def _predict(self, case: Case, now: Disturbance) -> dict[str, Any]:
        name, version = self._model.name, self._draw.choice(self._versions)
        item: dict[str, Any] = {
            "prediction_id": f"{name}-{self._run}-{self._numbered}",
            "model": name,
            "version": version,
            "segment": case.segment,
            "features": case.features,
        }
        self._numbered += 1
        if now is Disturbance.DATA_QUALITY:  # between the model, which got them whole, and whoever watches it
            item["features"] = spoil(case.features, self._model.defects, self._draw)
        slow = now is Disturbance.SLOW and self._draw.random() < SLOW
        failing = self._draw.random() < (FAILING if now is Disturbance.ERRORS else USUALLY_FAILING)
        # A slow one is one that was waiting for its turn already: nobody sleeps here, so that the others go on.
        begin = time.time_ns() - (int(SLOW_SECONDS * 1e9) if slow else 0)
        attributes = {"ml.model.name": name, "ml.model.version": version, "ml.prediction.id": item["prediction_id"]}
        span = self._tracer.start_span("ml.predict", attributes=attributes, start_time=begin)
        context = span.get_span_context()
        item["trace_id"], item["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        if failing:
            span.set_status(trace.StatusCode.ERROR, "the feature store did not answer in time")
            item["error_type"] = "FeatureStoreTimeout"
            self.counts["failed"] += 1
        else:
            item |= self._model.predict(version, case)
            if self._draw.random() >= UNLABELLED and now is not Disturbance.LABELS_MISSING:
                truth = self._model.turned(case.truth) if now is Disturbance.CONCEPT_DRIFT else case.truth
                self._labels.append((time.monotonic(), {"prediction_id": item["prediction_id"], "label": truth}))
        end = time.time_ns()
        span.end(end)
        item["timestamp"], item["latency_seconds"] = end / 1e9, (end - begin) / 1e9
        return item
