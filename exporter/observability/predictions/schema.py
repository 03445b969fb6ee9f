"""Tables of the prediction store, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
)

#: Of this form of the tables; a store of a later one is not opened.
VERSION = 1

METADATA = MetaData()
#: Only ``INTEGER`` is the row's own number in SQLite.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

#: Where the numbers of rows come from in PostgreSQL, where several processes write.
NUMBERS = Sequence("prediction_store_seq", metadata=METADATA)

#: One row: the version, and the last number given in SQLite, which must not be given again when its row is deleted.
STORE = Table(
    "prediction_store",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("last_seq", _NUMBER, nullable=False),
)

#: Times are Unix seconds; ``seq`` grows in the order of arrival at each ``writer``.
PREDICTIONS = Table(
    "predictions",
    METADATA,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("prediction_id", Text, nullable=False, unique=True),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("timestamp", Double, nullable=False),
    Column("received", Double, nullable=False),
    Column("writer", Text, nullable=False),
    Column("variant", Text),
    Column("features", Text, nullable=False),
    Column("prediction", Text),
    Column("confidence", Double),
    Column("probabilities", Text),
    Column("latency_seconds", Double),
    Column("segment", Text),
    Column("trace_id", Text),
    Column("span_id", Text),
    Column("error_type", Text),
    Column("baseline_hash", Text),
    Index("predictions_by_time", "timestamp", "seq"),
)

#: ``seq`` is that of the last change, ``first_seq`` of the first arrival; ``previous`` the label before that change.
LABELS = Table(
    "labels",
    METADATA,
    Column("prediction_id", Text, primary_key=True),
    Column("seq", _NUMBER, nullable=False),
    Column("first_seq", _NUMBER, nullable=False),
    Column("label", Text, nullable=False),
    Column("previous", Text),
    Column("timestamp", Double, nullable=False),
    Column("received", Double, nullable=False),
    Column("writer", Text, nullable=False),
    Index("labels_by_seq", "seq"),
)

#: The one with the greatest ``seq`` of a model and version is the current one.
BASELINES = Table(
    "baselines",
    METADATA,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("rows", _NUMBER, nullable=False),
    Column("created", Double, nullable=False),
    Column("profile", Text, nullable=False),
    UniqueConstraint("model", "version", "hash"),
)

#: Parquet of a baseline, apart from what is read often.
CONTENTS = Table(
    "baseline_contents",
    METADATA,
    Column(
        "seq",
        _NUMBER,
        ForeignKey(BASELINES.c.seq, ondelete="CASCADE", onupdate="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("content", LargeBinary, nullable=False),
)

#: What a process wants to find again after a restart: everything up to ``seq`` is in ``content``.
STATES = Table(
    "states",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("seq", _NUMBER, nullable=False),
    Column("saved", Double, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
