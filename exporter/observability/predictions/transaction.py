"""Writing into the prediction store: everything of one transaction, or nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Connection, and_, delete, insert, select, update

from observability.predictions import jsontext
from observability.predictions.databases import IN_IDS, Database
from observability.predictions.records import JOINED_NAMES, ints, joined_rows, numbers_of, texts_of
from observability.predictions.rows import Labels, Predictions
from observability.predictions.schema import BASELINES, CONTENTS, STATES
from observability.predictions.stored import Added, AddedLabels, Joined, StoredBaseline, Waiting


class Transaction:
    """Changes that are made together; for one thread."""

    def __init__(self, connection: Connection, database: Database, writer: str, features: bool) -> None:
        self.connection = connection
        self._database = database
        self._writer = writer
        self._features = features

    def add(self, predictions: Predictions, baseline_hashes: Sequence[str | None] | None = None) -> Added:
        """Store ``predictions`` (n,); ``baseline_hashes`` (n,) say which baseline each is compared with."""
        count = len(predictions)
        if not count:
            return Added(ints(()), np.zeros(0, np.bool_), 0, Waiting(ints(()), [], np.zeros(0)))
        seqs = self._database.numbers(self.connection, count)
        inserted = self._database.insert(self.connection, self._prediction_rows(predictions, seqs, baseline_hashes))
        new = np.fromiter((seq in inserted for seq in seqs), np.bool_, count)
        numbers = np.where(new, np.array(seqs, np.int64), -1)
        places = {predictions.prediction_id[row]: row for row in np.flatnonzero(new).tolist()}
        return Added(numbers, new, count - len(inserted), self._waiting(places))

    def _prediction_rows(
        self, each: Predictions, seqs: list[int], baseline_hashes: Sequence[str | None] | None
    ) -> list[tuple[Any, ...]]:
        """In the order of the table's columns."""
        count = len(each)
        none = [None] * count
        return list(
            zip(
                seqs,
                each.prediction_id,
                each.model,
                each.version,
                each.timestamp.tolist(),
                [each.received] * count,
                [self._writer] * count,
                each.variant,
                [features.decode() for features in each.features_json] if self._features else ["{}"] * count,
                texts_of(each.prediction),
                numbers_of(each.confidence),
                none if each.probabilities.count(None) == count else texts_of(each.probabilities),
                numbers_of(each.latency_seconds),
                [orjson.dumps(segment).decode() if segment else None for segment in each.segment],
                each.trace_id,
                each.span_id,
                each.error_type,
                none if baseline_hashes is None else baseline_hashes,
                strict=True,
            )
        )

    def _waiting(self, places: dict[str, int]) -> Waiting:
        """Labels of the predictions ``places`` (id → row)."""
        select_ = f"SELECT prediction_id, label, timestamp FROM labels WHERE {IN_IDS}"  # noqa: S608
        found = self._database.among(self.connection, select_, list(places)) if places else []
        rows = sorted((places[id_], label, timestamp) for id_, label, timestamp in found)
        return Waiting(
            ints([row for row, _, _ in rows]),
            [jsontext.loads(label) for _, label, _ in rows],
            np.array([timestamp for _, _, timestamp in rows], np.float64),
        )

    def add_labels(self, labels: Labels) -> AddedLabels:
        """Store ``labels``; of several of one prediction the latest counts, and of those of one time the last."""
        latest: dict[str, tuple[float, str]] = {}
        for id_, label, timestamp in zip(
            labels.prediction_id, texts_of(labels.label), labels.timestamp.tolist(), strict=True
        ):
            if id_ not in latest or timestamp >= latest[id_][0]:
                latest[id_] = timestamp, str(label)
        known: dict[str, tuple[str, float, str | None, int]] = {}
        if latest:
            select_ = f"SELECT prediction_id, label, timestamp, previous, first_seq FROM labels WHERE {IN_IDS}"  # noqa: S608
            for id_, *more in self._database.among(self.connection, select_, list(latest)):
                known[id_] = tuple(more)
        rows: list[tuple[Any, ...]] = []
        told: dict[str, str | None] = {}
        new = 0
        numbers = self._database.numbers(self.connection, len(latest)) if latest else []
        for seq, (id_, (timestamp, label)) in zip(numbers, latest.items(), strict=True):
            if id_ not in known:
                new += 1
                told[id_] = None
                rows.append((id_, seq, seq, label, None, timestamp, labels.received, self._writer))
                continue
            old, old_timestamp, previous, first_seq = known[id_]
            if timestamp < old_timestamp or (old == label and timestamp == old_timestamp):
                continue
            if old != label:
                told[id_] = previous = old
            rows.append((id_, seq, first_seq, label, previous, timestamp, labels.received, self._writer))
        if rows:
            self._database.upsert_labels(self.connection, rows)
        joined = self._joined(told, latest)
        return AddedLabels(
            joined=joined,
            new=new,
            changed=len(told) - new,
            waiting=len(told) - len(joined),
            duplicates=len(labels) - len(told),
        )

    def _joined(self, told: dict[str, str | None], latest: dict[str, tuple[float, str]]) -> Joined:
        select_ = f"SELECT {', '.join(JOINED_NAMES)} FROM predictions WHERE {IN_IDS} ORDER BY seq"  # noqa: S608
        rows = self._database.among(self.connection, select_, list(told)) if told else []
        ids = [row[1] for row in rows]
        return joined_rows(
            rows, [latest[id_][1] for id_ in ids], [latest[id_][0] for id_ in ids], [told[id_] for id_ in ids]
        )

    def save_state(self, name: str, seq: int, content: bytes) -> None:
        """Keep ``content`` under ``name``; everything up to ``seq`` is in it."""
        values = {"seq": seq, "saved": time.time(), "content": content}
        if not self.connection.execute(update(STATES).where(STATES.c.name == name).values(values)).rowcount:
            self.connection.execute(insert(STATES).values(name=name, **values))

    def add_baseline(self, baseline: StoredBaseline) -> bool:
        """Make ``baseline`` the current one of its model and version; ``False`` if it was uploaded before."""
        same = and_(
            BASELINES.c.model == baseline.model,
            BASELINES.c.version == baseline.version,
            BASELINES.c.hash == baseline.hash,
        )
        known = self.connection.execute(select(BASELINES.c.seq).where(same)).scalar_one_or_none()
        if known is not None:
            self.connection.execute(delete(CONTENTS).where(CONTENTS.c.seq == known))
            self.connection.execute(delete(BASELINES).where(BASELINES.c.seq == known))
        (seq,) = self._database.numbers(self.connection, 1)
        self.connection.execute(
            insert(BASELINES).values(
                seq=seq,
                model=baseline.model,
                version=baseline.version,
                hash=baseline.hash,
                rows=baseline.rows,
                created=baseline.created,
                profile=jsontext.dumps(baseline.profile).decode(),
            )
        )
        self.connection.execute(insert(CONTENTS).values(seq=seq, content=baseline.content))
        return known is None
