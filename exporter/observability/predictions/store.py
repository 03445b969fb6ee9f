"""The prediction store: every prediction and label that was accepted, in SQLite or PostgreSQL.

One thread writes, any thread reads. A prediction is known by its id: the same one again is not an error and changes
nothing. Of several labels of one prediction the one with the latest timestamp counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, and_, func, insert, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from observability.predictions import jsontext
from observability.predictions.databases import IN_IDS, Database, PostgreSQL, SQLite
from observability.predictions.records import JOINED, STORED, baseline_row, joined_rows, stored_rows, taken
from observability.predictions.rows import Labels, Predictions
from observability.predictions.schema import BASELINES, CONTENTS, LABELS, METADATA, PREDICTIONS, STATES, STORE, VERSION
from observability.predictions.stored import Added, AddedLabels, Filter, Joined, Stored, StoredBaseline
from observability.predictions.transaction import Transaction

#: Rows that are read at once.
CHUNK = 5000
#: Parameters of a URL that nobody must see.
_SECRETS = ("password", "sslpassword")


class StoreError(RuntimeError):
    """The store cannot be used; the message names it, without its password."""


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file."""
    return URL.create("sqlite", database=str(file)).render_as_string()


class PredictionStore:
    """Predictions, labels, baselines, and states of whoever measures them."""

    def __init__(
        self,
        url: str,
        *,
        writer: str,
        synchronous: str = "normal",
        features: bool = True,
        create: bool = True,
        lock_seconds: float = 10.0,
    ) -> None:
        """Open the store of ``url`` (``sqlite:///file`` or ``postgresql+psycopg://…``), or ``create`` its tables.

        ``writer`` names this process among those that write to one database. ``synchronous`` of SQLite: ``normal``
        survives the end of the process at any moment, ``full`` a power cut as well; ``lock_seconds`` is how long it
        waits for another process that writes into the same file. Without ``features`` these are not kept.

        Raises :class:`StoreError` if the store cannot be used, or is of a later version.
        """
        self.writer = writer
        self._features = features
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError) as error:
            raise StoreError("the URL of the prediction store is no URL of SQLAlchemy") from error
        self.url = parsed.difference_update_query(_SECRETS).render_as_string(hide_password=True)
        self._secrets = [str(each) for each in (parsed.password, *map(parsed.query.get, _SECRETS)) if each]
        self._driver_errors: tuple[type[Exception], ...] = ()
        with self._failures("cannot be opened"):
            try:
                self._database = _database(parsed, synchronous, create, lock_seconds)
            except (OSError, ImportError) as error:  # no folder, no driver
                raise StoreError(self._message("cannot be opened", error)) from error
            self._driver_errors = (self._database.engine.dialect.loaded_dbapi.Error,)
            try:
                self._open(create)
            except BaseException:
                self._database.engine.dispose()
                raise

    def _open(self, create: bool) -> None:
        if create:
            self._create()
            return
        with self._database.engine.connect() as connection, connection.begin():
            if not self._made(connection):
                raise StoreError(f"{self.url}: there is no prediction store")

    def _made(self, connection: Connection) -> bool:
        """Whether the tables are there. Raises :class:`StoreError` if they are of another version."""
        if not self._database.engine.dialect.has_table(connection, STORE.name):
            return False
        version = int(connection.execute(select(func.max(STORE.c.version))).scalar_one())
        if version != VERSION:
            raise StoreError(f"{self.url}: written by another version (schema {version}, not {VERSION})")
        return True

    def _create(self) -> None:
        with self._database.engine.connect().execution_options(writes=True) as connection, connection.begin():
            self._database.prepare(connection)
            if not self._made(connection):
                METADATA.create_all(connection)
                connection.execute(insert(STORE).values(version=VERSION, last_seq=0))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything that is done with the transaction is in the store when this ends, or nothing of it.

        Raises :class:`StoreError` if the database fails; the next transaction tries again.
        """
        with (
            self._failures("cannot be written"),
            self._database.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield Transaction(connection, self._database, self.writer, self._features)

    def add(self, predictions: Predictions, baseline_hashes: Sequence[str | None] | None = None) -> Added:
        """:meth:`Transaction.add` in a transaction of its own."""
        with self.transaction() as transaction:
            return transaction.add(predictions, baseline_hashes)

    def add_labels(self, labels: Labels) -> AddedLabels:
        """:meth:`Transaction.add_labels` in a transaction of its own."""
        with self.transaction() as transaction:
            return transaction.add_labels(labels)

    def save_state(self, name: str, seq: int, content: bytes) -> None:
        """:meth:`Transaction.save_state` in a transaction of its own."""
        with self.transaction() as transaction:
            transaction.save_state(name, seq, content)

    def load_state(self, name: str) -> tuple[int, bytes] | None:
        """(seq, content) as they were saved last; ``None`` if nothing was."""
        with self.reading() as connection:
            row = connection.execute(select(STATES.c.seq, STATES.c.content).where(STATES.c.name == name)).one_or_none()
        return None if row is None else (int(row.seq), bytes(row.content))

    def tail(self, after_seq: int, writer: str | None = None, limit: int = CHUNK) -> Iterator[Stored]:
        """What ``writer`` (this one) stored after ``after_seq``, oldest first, at most ``limit`` rows at once."""
        mine = PREDICTIONS.c.writer == (self.writer if writer is None else writer)
        while True:
            found = self._stored(and_(PREDICTIONS.c.seq > after_seq, mine), (PREDICTIONS.c.seq,), limit)
            if not len(found):
                return
            yield found
            after_seq = int(found.seq[-1])

    def tail_labels(self, after_seq: int, writer: str | None = None, limit: int = CHUNK) -> Iterator[Joined]:
        """Predictions and labels that came together after ``after_seq``: what :meth:`add` and :meth:`add_labels` told
        ``writer`` (this one) since, at most ``limit`` rows at once.

        A label that was corrected several times since comes once, with its last value; ``previous`` is then the one
        before that.
        """
        writer = self.writer if writer is None else writer
        later = and_(LABELS.c.writer == writer, LABELS.c.seq > PREDICTIONS.c.seq)
        before = and_(PREDICTIONS.c.writer == writer, LABELS.c.seq < PREDICTIONS.c.seq)
        for mine, seq in ((before, PREDICTIONS.c.seq), (later, LABELS.c.seq)):
            last = after_seq
            while True:
                statement = (
                    select(
                        *JOINED,
                        LABELS.c.label,
                        LABELS.c.timestamp.label("label_timestamp"),
                        LABELS.c.previous,
                        LABELS.c.first_seq,
                        seq.label("met"),
                    )
                    .join(LABELS, LABELS.c.prediction_id == PREDICTIONS.c.prediction_id)
                    .where(and_(seq > last, mine))
                    .order_by(seq)
                    .limit(limit)
                )
                with self.reading() as connection:
                    rows = connection.execute(statement).all()
                if not rows:
                    break
                last = int(rows[-1].met)
                known = [None if row.first_seq > after_seq or row.previous is None else row.previous for row in rows]
                yield joined_rows(
                    [row[: len(JOINED)] for row in rows],
                    [row.label for row in rows],
                    [row.label_timestamp for row in rows],
                    known,
                )

    def rows(self, wanted: Filter, chunk: int = CHUNK) -> Iterator[Stored]:
        """The predictions that are ``wanted``, in the order of their timestamps, at most ``chunk`` at once.

        Nothing is locked between chunks; what is stored meanwhile with an earlier timestamp is left out.
        """
        conditions = _conditions(wanted)
        time_, seq = PREDICTIONS.c.timestamp, PREDICTIONS.c.seq
        after: ColumnElement[bool] | None = None
        while True:
            here = conditions if after is None else [*conditions, after]
            found = self._stored(and_(True, *here), (time_, seq), chunk)
            if len(found):
                last_time, last_seq = float(found.predictions.timestamp[-1]), int(found.seq[-1])
                after = and_(time_ >= last_time, (time_ > last_time) | (seq > last_seq))
                kept = [row for row, segment in enumerate(found.predictions.segment) if _has(segment, wanted.segment)]
                yield found if len(kept) == len(found) else taken(found, kept)
            if len(found) < chunk:
                return

    def newest(self, wanted: Filter, count: int, chunk: int = CHUNK) -> list[Stored]:
        """The last ``count`` predictions that are ``wanted``, in the order in which they were stored, in parts of at
        most ``chunk``; ``wanted.segment`` is not looked at."""
        parts: list[Stored] = []
        conditions = _conditions(wanted)
        while count > 0:
            found = self._stored(and_(True, *conditions), (PREDICTIONS.c.seq.desc(),), min(count, chunk))
            if not len(found):
                break
            parts.append(taken(found, list(range(len(found) - 1, -1, -1))))
            conditions = [*_conditions(wanted), PREDICTIONS.c.seq < int(found.seq[-1])]
            count -= len(found)
        return parts[::-1]

    def matching(self, wanted: Filter) -> tuple[int, int]:
        """(how many predictions :meth:`rows` looks at, the number of the last that is stored, 0 of none)."""
        joined = PREDICTIONS.join(LABELS, LABELS.c.prediction_id == PREDICTIONS.c.prediction_id, isouter=True)
        counted = PREDICTIONS if wanted.labelled is None else joined
        statement = select(func.count()).select_from(counted).where(and_(True, *_conditions(wanted)))
        with self.reading() as connection:
            last = connection.execute(select(func.max(PREDICTIONS.c.seq))).scalar_one()
            return int(connection.execute(statement).scalar_one()), int(last or 0)

    def find(self, prediction_id: str) -> Stored | None:
        """One prediction; ``None`` if there is none with that id."""
        found = self._stored(PREDICTIONS.c.prediction_id == prediction_id, (PREDICTIONS.c.seq,), 1)
        return found if len(found) else None

    def label_for(self, ids: Sequence[str]) -> dict[str, Any]:
        """Id → label, of those that have one, whether their prediction is here or not."""
        with self.reading() as connection:
            rows = self._database.among(connection, f"SELECT prediction_id, label FROM labels WHERE {IN_IDS}", ids)  # noqa: S608
        return {row[0]: jsontext.loads(row[1]) for row in rows}

    def baseline(self, model: str, version: str, content_hash: str | None = None) -> StoredBaseline | None:
        """The current baseline, or the one with that hash; ``None`` if there is none."""
        statement = (
            select(*BASELINES.c, CONTENTS.c.content)
            .join(CONTENTS, CONTENTS.c.seq == BASELINES.c.seq)
            .where(BASELINES.c.model == model, BASELINES.c.version == version)
            .order_by(BASELINES.c.seq.desc())
            .limit(1)
        )
        if content_hash is not None:
            statement = statement.where(BASELINES.c.hash == content_hash)
        with self.reading() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else baseline_row(row, bytes(row.content))

    def baselines(self) -> list[StoredBaseline]:
        """The current baseline of each model and version, newest last, with an empty ``content``."""
        newest = select(func.max(BASELINES.c.seq)).group_by(BASELINES.c.model, BASELINES.c.version)
        statement = select(BASELINES).where(BASELINES.c.seq.in_(newest)).order_by(BASELINES.c.seq)
        with self.reading() as connection:
            return [baseline_row(row, b"") for row in connection.execute(statement)]

    def counts(self) -> dict[str, int]:
        """Rows of ``predictions``, ``labels`` and ``baselines``; takes time that grows with them."""
        tables = (PREDICTIONS, LABELS, BASELINES)
        with self.reading() as connection:
            return {
                table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for table in tables
            }

    def size_bytes(self) -> int:
        """What the store takes on disk."""
        with self.reading() as connection:
            return self._database.size_bytes(connection)

    def compact(self) -> None:
        """Give a part of what deleted rows took back to the file system; a short time of work."""
        with self._failures("cannot be written"):
            self._database.compact()

    def close(self) -> None:
        """Close all connections."""
        self._database.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from. Raises :class:`StoreError` if the database fails."""
        with self._failures("cannot be read"), self._database.engine.connect() as connection, connection.begin():
            yield connection

    def _stored(self, condition: ColumnElement[bool], order: tuple[Any, ...], limit: int) -> Stored:
        statement = (
            select(*STORED)
            .join(LABELS, LABELS.c.prediction_id == PREDICTIONS.c.prediction_id, isouter=True)
            .where(condition)
            .order_by(*order)
            .limit(limit)
        )
        with self.reading() as connection:
            return stored_rows(connection.execute(statement).all())

    @contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(self._message(what, error.orig or error)) from error
        except SQLAlchemyError as error:
            raise StoreError(self._message(what, error)) from error
        except self._driver_errors as error:
            raise StoreError(self._message(what, error)) from error

    def _message(self, what: str, error: BaseException) -> str:
        reason = " ".join(str(error).split())
        for secret in self._secrets:
            reason = reason.replace(secret, "***")
        return f"{self.url}: {what}: {reason}"


def _database(url: URL, synchronous: str, create: bool, lock_seconds: float) -> Database:
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:":
            raise StoreError("the prediction store needs a file: sqlite:////folder/file")
        if synchronous not in ("normal", "full"):
            raise StoreError(f"synchronous is normal or full, not {synchronous!r}")
        if not create and not Path(url.database).exists():
            raise StoreError(f"{url.database}: there is no prediction store")
        return SQLite(url, synchronous, lock_seconds)
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return PostgreSQL(url.set(drivername="postgresql+psycopg"))
    raise StoreError(f"the prediction store is sqlite or postgresql+psycopg, not {url.drivername}")


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(PREDICTIONS.c.timestamp >= wanted.since)
    if wanted.until is not None:
        found.append(PREDICTIONS.c.timestamp < wanted.until)
    if wanted.model is not None:
        found.append(PREDICTIONS.c.model == wanted.model)
    if wanted.version is not None:
        found.append(PREDICTIONS.c.version == wanted.version)
    if wanted.last_seq is not None:
        found.append(PREDICTIONS.c.seq <= wanted.last_seq)
    if wanted.segment:
        found.append(PREDICTIONS.c.segment.is_not(None))
    if wanted.labelled is not None:
        label = LABELS.c.prediction_id
        found.append(label.is_not(None) if wanted.labelled else label.is_(None))
    if wanted.failed is not None:
        error = PREDICTIONS.c.error_type
        found.append(error.is_not(None) if wanted.failed else error.is_(None))
    return found


def _has(segment: dict[str, str], wanted: tuple[tuple[str, str], ...]) -> bool:
    return all(segment.get(key) == value for key, value in wanted)
