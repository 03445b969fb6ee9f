"""What SQLite and PostgreSQL do differently: connecting, numbering rows, and writing many at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from observability.predictions import schema

#: Number of the lock that one process has while it makes the tables: "obspredi" in bytes.
_MAKING = 0x6F62737072656469


class Database(Protocol):
    """One kind of database."""

    engine: Engine

    def prepare(self, connection: Connection) -> None:
        """Make sure, before the tables are made, that nobody else makes them now."""

    def numbers(self, connection: Connection, count: int) -> list[int]:
        """So many numbers that no row had before, growing."""

    def insert(self, connection: Connection, rows: list[tuple[Any, ...]]) -> set[int]:
        """Insert predictions (:data:`PREDICTION_COLUMNS`) with new ids; the numbers (first column) of those new."""

    def upsert_labels(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Insert labels (:data:`LABEL_COLUMNS`), or replace older ones."""

    def among(self, connection: Connection, select: str, ids: Sequence[str]) -> list[Any]:
        """The rows of ``select``, in which ``:ids`` stands for a list of ids."""

    def size_bytes(self, connection: Connection) -> int:
        """What the store takes on disk."""

    def compact(self) -> None:
        """Give back to the file system what deleted rows took."""


PREDICTION_COLUMNS = tuple(column.name for column in schema.PREDICTIONS.columns)
LABEL_COLUMNS = tuple(column.name for column in schema.LABELS.columns)
_UPDATED = ("seq", "label", "previous", "timestamp", "received", "writer")
_UPSERT = (
    "ON CONFLICT (prediction_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _UPDATED)
    + " WHERE excluded.timestamp >= labels.timestamp"
)


class SQLite:
    """A file, in write-ahead mode: readers never wait, and one process at a time writes."""

    def __init__(self, url: URL, synchronous: str, lock_seconds: float) -> None:
        self._file = Path(url.database or "")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # predictions are personal data; the files beside it get the same mode
        os.close(os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        self.engine = create_engine(url, connect_args={"timeout": lock_seconds, "cached_statements": 256})
        event.listen(self.engine, "connect", lambda connection, _record: self._connected(connection, synchronous))
        event.listen(self.engine, "begin", _begin)

    @staticmethod
    def _connected(connection: sqlite3.Connection, synchronous: str) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        for pragma in (
            "auto_vacuum = INCREMENTAL",  # of a file without tables
            "journal_mode = WAL",
            f"synchronous = {synchronous.upper()}",
            "foreign_keys = ON",
            "cache_size = -32000",
            "journal_size_limit = 67108864",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def prepare(self, connection: Connection) -> None:
        """The write transaction is the lock."""

    def numbers(self, connection: Connection, count: int) -> list[int]:
        statement = text("UPDATE prediction_store SET last_seq = last_seq + :count RETURNING last_seq")
        last = int(connection.execute(statement, {"count": count}).scalar_one())
        return list(range(last - count + 1, last + 1))

    def insert(self, connection: Connection, rows: list[tuple[Any, ...]]) -> set[int]:
        ids = [row[1] for row in rows]
        known = {row[0] for row in self.among(connection, _KNOWN, ids)}
        if known or len(set(ids)) < len(ids):
            new = []
            for row in rows:
                if row[1] not in known:
                    known.add(row[1])
                    new.append(row)
            rows = new
        if rows:
            connection.exec_driver_sql(_INSERT, rows)
        return {row[0] for row in rows}

    def upsert_labels(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        connection.exec_driver_sql(_INSERT_LABELS, rows)

    def among(self, connection: Connection, select: str, ids: Sequence[str]) -> list[Any]:
        statement = select.replace(":ids", "(SELECT value FROM json_each(?))")
        return list(connection.exec_driver_sql(statement, (orjson.dumps(list(ids)).decode(),)).fetchall())

    def size_bytes(self, connection: Connection) -> int:
        wal = self._file.with_name(self._file.name + "-wal")
        pages = connection.exec_driver_sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(pages.scalar_one()) + (wal.stat().st_size if wal.exists() else 0)

    def compact(self) -> None:
        raw = self.engine.raw_connection()
        try:
            # Each step of the statement frees pages, and all of them are one transaction: a few at a time
            raw.execute("PRAGMA incremental_vacuum(2000)").fetchall()
        finally:
            raw.close()


def _marks(count: int) -> str:
    return ", ".join("?" * count)


#: The condition that an id is one of ``:ids``.
IN_IDS = "prediction_id IN :ids"
_KNOWN = f"SELECT prediction_id FROM predictions WHERE {IN_IDS}"  # noqa: S608
_INSERT = f"INSERT INTO predictions ({', '.join(PREDICTION_COLUMNS)}) VALUES ({_marks(len(PREDICTION_COLUMNS))})"  # noqa: S608
_INSERT_LABELS = f"INSERT INTO labels ({', '.join(LABEL_COLUMNS)}) VALUES ({_marks(len(LABEL_COLUMNS))}) {_UPSERT}"  # noqa: S608


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


class PostgreSQL:
    """A server, that several processes write to."""

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})

    def prepare(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MAKING})

    def numbers(self, connection: Connection, count: int) -> list[int]:
        statement = f"SELECT nextval('{schema.NUMBERS.name}') FROM generate_series(1, :count)"  # noqa: S608
        return sorted(connection.execute(text(statement), {"count": count}).scalars())

    def insert(self, connection: Connection, rows: list[tuple[Any, ...]]) -> set[int]:
        end = "ON CONFLICT (prediction_id) DO NOTHING RETURNING seq"
        return {row[0] for row in self._write(connection, schema.PREDICTIONS, rows, end, returns=True)}

    def upsert_labels(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        self._write(connection, schema.LABELS, rows, _UPSERT, returns=False)

    def _write(
        self, connection: Connection, table: Any, rows: list[tuple[Any, ...]], end: str, *, returns: bool
    ) -> list[Any]:
        """Through a table of the session, which COPY fills: the fastest way in, and the statement has no parameters."""
        names = ", ".join(column.name for column in table.columns)
        incoming = f"incoming_{table.name}"
        make = f"CREATE TEMPORARY TABLE IF NOT EXISTS {incoming} (LIKE {table.name}) ON COMMIT DELETE ROWS"
        connection.exec_driver_sql(make)
        connection.exec_driver_sql(f"TRUNCATE {incoming}")
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {incoming} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.close()
        # in the order of ids, so that two writers of the same ids never wait for each other in a circle
        order = f"SELECT {names} FROM {incoming} ORDER BY prediction_id, seq"  # noqa: S608
        result = connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) {order} {end}")
        return list(result.fetchall()) if returns else []

    def among(self, connection: Connection, select: str, ids: Sequence[str]) -> list[Any]:
        statement = select.replace("IN :ids", "= ANY(%s)")
        return list(connection.exec_driver_sql(statement, (list(ids),)).fetchall())

    def size_bytes(self, connection: Connection) -> int:
        names = ", ".join(f"('{table.name}')" for table in schema.METADATA.sorted_tables)
        statement = f"SELECT sum(pg_total_relation_size(name::regclass)) FROM (VALUES {names}) tables (name)"  # noqa: S608
        return int(connection.exec_driver_sql(statement).scalar_one())

    def compact(self) -> None:
        """Autovacuum does."""
