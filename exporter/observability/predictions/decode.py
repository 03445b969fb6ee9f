"""Bodies of ``/v1/predictions`` and ``/v1/labels`` → canonical records; what is wrong with one item costs only that.

JSON (an object, an array, or an object a line), Arrow IPC and Parquet. A column is checked as a whole, so that a row
costs microseconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np
import orjson

from observability.columns import Floats, Ints
from observability.predictions import checks, features, jsontext
from observability.predictions.bodies import Buffer, Malformed, Refused, decompressed
from observability.predictions.checks import Errors, Limits
from observability.predictions.decode_arrow import raw_of_table, read_table
from observability.predictions.raw import Raw, unknown_field
from observability.predictions.rows import Labels, Predictions, class_names

_Rows = TypeVar("_Rows", Predictions, Labels)

JSON = frozenset(("", "application/json", "text/json"))
LINES = frozenset(
    ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines")
)
ARROW = frozenset(
    (
        "application/vnd.apache.arrow.stream",
        "application/vnd.apache.arrow.file",
        "application/vnd.apache.parquet",
        "application/x-parquet",
    )
)

_PREDICTION = (
    "prediction_id",
    "model",
    "version",
    "timestamp",
    "features",
    "prediction",
    "confidence",
    "probabilities",
    "latency_seconds",
    "variant",
    "segment",
    "trace_id",
    "span_id",
    "error_type",
)
_LABEL = ("prediction_id", "label", "timestamp")
_DEFAULTS = Limits()


@dataclass(frozen=True, slots=True)
class Decoded(Generic[_Rows]):
    """The good items of one body.

    ``items`` (n,) are their places in it. ``rejected`` items had errors, ``errors`` tells them: mappings of ``index``
    (the place of the item), ``pointer`` (RFC 6901, in the item) and ``detail``, as members of problem details
    (RFC 9457); at most ``limits.errors``. ``generated`` items had no id, and got one. Several may have one id: the
    store takes the first of them.
    """

    rows: _Rows
    items: Ints
    rejected: int
    errors: list[dict[str, Any]]
    generated: int = 0


def decode_predictions(
    body: Buffer,
    content_type: str | None,
    *,
    content_encoding: str | None = None,
    limits: Limits = _DEFAULTS,
    now: float | None = None,
) -> Decoded[Predictions]:
    """The predictions of ``body``.

    ``now`` is the Unix time of its arrival. Raises :class:`~observability.predictions.bodies.Refused` (413 above
    ``limits.items`` or ``limits.body_bytes``, 415 for an unknown content type or encoding) and its
    :class:`~observability.predictions.bodies.Malformed` (400) if the body is not what its content type says.
    """
    now = time.time() if now is None else now
    raw = _raw(body, content_type, content_encoding, limits, _PREDICTION)
    return predictions_of(raw, limits, now)


def decode_labels(
    body: Buffer,
    content_type: str | None,
    *,
    content_encoding: str | None = None,
    limits: Limits = _DEFAULTS,
    now: float | None = None,
) -> Decoded[Labels]:
    """The labels of ``body``; raises as :func:`decode_predictions`. One id may come several times: corrections."""
    now = time.time() if now is None else now
    raw = _raw(body, content_type, content_encoding, limits, _LABEL)
    errors, column = raw.errors, raw.column
    labels = Labels(
        prediction_id=checks.texts(
            column("prediction_id"), "prediction_id", errors, limits.name_length, required=True, integers=True
        ),
        label=checks.outcomes(column("label"), "label", errors, limits.text_length, lambda _: False),
        timestamp=checks.times(column("timestamp"), "timestamp", errors, now, limits.future_seconds),
        received=now,
    )
    items = np.array(raw.indices, np.int64)
    if len(errors):
        good = errors.good()
        labels, items = labels.take(good), items[good]
    return Decoded(labels, items, len(errors) + raw.rejected, _told(raw, limits))


def predictions_of(raw: Raw, limits: Limits, now: float) -> Decoded[Predictions]:
    """Check and complete the columns of predictions; ``now`` is the Unix time of their arrival."""
    errors, column = raw.errors, raw.column
    name = partial(checks.texts, errors=errors, limit=limits.name_length)
    ids = name(column("prediction_id"), "prediction_id", integers=True)
    generated = [row for row, value in enumerate(ids) if not value]
    if generated:
        ids = list(ids)
        for row, new in zip(generated, new_ids(len(generated), now), strict=True):
            ids[row] = new
    error_type = name(column("error_type"), "error_type")
    prediction = checks.outcomes(
        column("prediction"), "prediction", errors, limits.text_length, lambda row: bool(error_type[row])
    )
    probabilities = features.probabilities(column("probabilities"), "probabilities", errors, limits)
    confidence = checks.confidences(column("confidence"), "confidence", errors)
    rows = features.features(column("features"), "features", errors, limits)
    predictions = Predictions(
        prediction_id=ids,
        model=name(column("model"), "model", required=True),
        version=[value or "" for value in name(column("version"), "version", integers=True)],
        timestamp=checks.times(column("timestamp"), "timestamp", errors, now, limits.future_seconds),
        received=now,
        features=rows,
        features_json=[b""] * len(ids),
        prediction=prediction,
        confidence=confidence,
        probabilities=probabilities,
        latency_seconds=checks.numbers(
            column("latency_seconds"), "latency_seconds", errors, low=0.0, high=float("inf")
        ),
        variant=name(column("variant"), "variant", integers=True),
        segment=features.segments(column("segment"), "segment", errors, limits),
        trace_id=checks.hexadecimal(column("trace_id"), "trace_id", errors, 32),
        span_id=checks.hexadecimal(column("span_id"), "span_id", errors, 16),
        error_type=[value or None for value in error_type],
    )
    return _completed(predictions, raw, limits, len(generated))


def _completed(predictions: Predictions, raw: Raw, limits: Limits, generated: int) -> Decoded[Predictions]:
    """Without bad rows; with what follows from the rest of a row."""
    errors = raw.errors
    items = np.array(raw.indices, np.int64)
    if len(errors):
        good = errors.good()
        predictions, items = predictions.take(good), items[good]
    dumps = jsontext.dumps if raw.extended else orjson.dumps
    whole = replace(
        predictions, confidence=_confidence(predictions), features_json=list(map(dumps, predictions.features))
    )
    return Decoded(whole, items, len(errors) + raw.rejected, _told(raw, limits), generated)


def _confidence(predictions: Predictions) -> Floats:
    """(n,) as given, else the probability of the predicted class, else of the likeliest."""
    given = predictions.confidence
    if predictions.probabilities.count(None) == len(predictions):
        return given
    found = given.copy()
    for row in np.flatnonzero(np.isnan(given)).tolist():
        classes = predictions.probabilities[row]
        if classes:
            prediction = predictions.prediction[row]
            known = classes.get(prediction) if type(prediction) is str else None
            if known is None:
                named = (classes[name] for name in class_names(prediction) if name in classes)
                known = next(named, None)
            found[row] = max(classes.values()) if known is None else known
    return found


def _told(raw: Raw, limits: Limits) -> list[dict[str, Any]]:
    told = [*raw.refused, *raw.errors.told()]
    return sorted(told, key=lambda error: int(error["index"]))[: limits.errors]


def new_ids(count: int, now: float) -> list[str]:
    """So many new ids that sort by time: UUIDs of version 7 (RFC 9562, section 5.7) of the Unix time ``now``."""
    prefix = int(now * 1000) << 80
    random = os.urandom(10 * count)
    ids = []
    for start in range(0, 10 * count, 10):
        tail = int.from_bytes(random[start : start + 10], "big")
        number = prefix | tail & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
        text = f"{number:032x}"
        ids.append(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
    return ids


def _raw(
    body: Buffer, content_type: str | None, content_encoding: str | None, limits: Limits, names: tuple[str, ...]
) -> Raw:
    """The columns of ``body``, whose fields are ``names``."""
    media = (content_type or "").partition(";")[0].strip().lower()
    if media not in JSON | LINES | ARROW:
        raise Refused(
            415,
            "unsupported_media_type",
            f"Content-Type {media!r} is not supported: use application/json, application/x-ndjson, "
            "application/vnd.apache.arrow.stream or application/vnd.apache.parquet",
        )
    plain = decompressed(body, content_encoding, limits.body_bytes)
    if not len(plain):
        raise Malformed("the body is empty", 0, 1)
    if media in ARROW:
        return raw_of_table(read_table(plain, media, limits), names, limits)
    return _raw_of_items(_lines(plain, limits) if media in LINES else _json(plain, limits), names, limits)


class _Bad:
    """A line that is not JSON."""

    def __init__(self, error: orjson.JSONDecodeError) -> None:
        self.detail = f"is not JSON: {error.msg}, at character {error.pos + 1} of its line"


def _json(body: Buffer, limits: Limits) -> list[Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = bytes(body)
        first, _, rest = text.strip().partition(b"\n")
        if rest and first.rstrip()[-1:] == b"}" and _is_json(first):
            return _lines(text, limits)
        before = error.doc[: error.pos] if isinstance(error.doc, str) else ""
        raise Malformed(
            f"not JSON: {error.msg}, line {error.lineno} column {error.colno}", len(before.encode()), error.lineno
        ) from error
    items = document if type(document) is list else [document]
    _few(len(items), limits)
    return items


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _lines(body: Buffer, limits: Limits) -> list[Any]:
    """The value of each line that is not blank; a :class:`_Bad` for one that is not JSON."""
    lines = [line for line in bytes(body).split(b"\n") if line and not line.isspace()]
    _few(len(lines), limits)
    try:
        return list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return [_line(line) for line in lines]


def _line(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _Bad(error)


def _few(items: int, limits: Limits) -> None:
    if items > limits.items:
        raise Refused(413, "too_many_items", f"the body has {items} items, more than {limits.items}")


def _raw_of_items(items: list[Any], names: tuple[str, ...], limits: Limits) -> Raw:
    indices: Sequence[int] = range(len(items))
    refused: list[dict[str, Any]] = []
    rejected = 0
    if not set(map(type, items)) <= {dict}:
        indices = [place for place, item in enumerate(items) if type(item) is dict]
        others = [place for place, item in enumerate(items) if type(item) is not dict]
        rejected = len(others)
        for place in others[: limits.errors]:
            item = items[place]
            detail = item.detail if isinstance(item, _Bad) else f"must be an object, not {checks.kind(item)}"
            refused.append({"index": place, "pointer": "", "detail": detail})
        items = [items[place] for place in indices]
    errors = Errors(indices, limits.errors)
    shapes = set(map(tuple, items))
    found = set().union(*shapes)
    if unknown := found.difference(names):
        for row, item in enumerate(items):
            for key in item.keys() & unknown:
                detail = "" if errors.full else unknown_field(key, names)  # looking for what is like it takes long
                errors.add(row, checks.pointer(key), detail)
    if len(shapes) == 1:
        columns = dict(zip(shapes.pop(), map(list, zip(*map(dict.values, items), strict=True)), strict=True))
    else:
        columns = {name: [item.get(name) for item in items] for name in names if name in found}
    return Raw(columns, indices, errors, rejected, refused)
