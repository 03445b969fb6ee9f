"""Verdicts in telemetry → :class:`observability.records.Evaluations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from observability.columns import Coded, Keys, Text
from observability.records import Evaluations
from observability.translate.calls import service
from observability.translate.events import Told
from observability.translate.reader import Reader
from observability.vocabulary import events, values

_ODD = 0x9E3779B97F4A7C15
_64_BITS = 2**64


def evaluations(reader: Reader, said: Mapping[int, Told], keys: Mapping[str, Keys]) -> Evaluations:
    """``gen_ai.evaluation.result`` events of spans, and OpenInference evaluations among their attributes."""
    found: list[tuple[int, int, str, float | None, str | None, bool]] = []
    for row, told in said.items():
        for place, each in enumerate(told.evaluations):
            name = values.text(each.get(events.EVALUATION_NAME))
            if name is not None:
                failed = values.text(each.get("error.type")) is not None
                found.append((row, place, name, _score(each), _label(each), failed))
    if reader.elements.get("evaluations"):
        for row, elements in reader.listed("evaluations", np.arange(len(reader.spans))).items():
            for place, leaves in elements.items():
                said_ = {leaf.partition(".")[2]: value for leaf, value in leaves.items()}
                name = values.text(said_.get("name"))
                if name is not None:
                    score = values.number(said_.get("score"))
                    found.append((row, place + 1000, name, score, values.text(said_.get("label")), False))
    if not found:
        return none()
    rows = np.array([row for row, *_ in found], np.int64)
    model = reader.texts("response_model").filled(reader.texts("request_model"))
    return Evaluations(
        key=np.array([(int(keys["key"][row]) + (place + 1) * _ODD) % _64_BITS for row, place, *_ in found], np.uint64),
        span=keys["key"][rows],
        trace=keys["trace"][rows],
        service=service(reader.spans).take(rows),
        model=model.take(rows),
        name=Text.of([name for _, _, name, *_ in found]),
        label=Text.of([label for *_, label, _ in found]),
        score=np.array([np.nan if score is None else score for _, _, _, score, *_ in found], np.float64),
        failed=np.array([failed for *_, failed in found], np.bool_),
        trace_id=reader.spans.trace_id[rows],
    )


def none() -> Evaluations:
    """No verdict."""
    text: Text = Coded.absent(0)
    keys = np.empty(0, np.uint64)
    return Evaluations(
        key=keys, span=keys, trace=keys, service=text, model=text, name=text, label=text, score=np.empty(0),
        failed=np.empty(0, np.bool_), trace_id=np.empty((0, 2), np.uint64),
    )  # fmt: skip


def _score(said: Mapping[str, Any]) -> float | None:
    return next(
        (score for name in events.EVALUATION_SCORE if (score := values.number(said.get(name))) is not None), None
    )


def _label(said: Mapping[str, Any]) -> str | None:
    return next((label for name in events.EVALUATION_LABEL if (label := values.text(said.get(name))) is not None), None)
