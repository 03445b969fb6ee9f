"""Files of baselines → one Arrow table: Parquet, CSV and Arrow IPC, and a sample of those that are too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from observability.predictions.bodies import Buffer, Malformed, Refused, too_large

#: So that the same file always gives the same sample.
_SEED = 20_240_601
#: Rows that are looked at together.
_BATCH = 8192
#: Times that a table may be larger in memory than its file is allowed to be: Parquet and Arrow compress.
_EXPANSION = 4

_Batches: TypeAlias = Callable[[], Iterator[pa.RecordBatch]]

_PARQUET = ("application/vnd.apache.parquet", "application/x-parquet", "application/parquet")
_STREAM = "application/vnd.apache.arrow.stream"
_FILE = "application/vnd.apache.arrow.file"
_CSV = ("text/csv", "application/csv")
#: Types that say nothing: the first bytes do.
_SILENT = ("", "application/octet-stream", "application/x-www-form-urlencoded")


def read(body: Buffer, content_type: str | None, limit: int, rows: int) -> tuple[pa.Table, int]:
    """(table of at most ``rows`` rows, how many rows there were); of more, a random sample in their order.

    Raises :class:`~observability.predictions.bodies.Refused`: 413 if the table takes much more than ``limit`` bytes,
    415 for another format; :class:`~observability.predictions.bodies.Malformed` if it cannot be read.
    """
    media = (content_type or "").partition(";")[0].strip().lower()
    if media in _SILENT:
        media = _sniffed(bytes(body[:6]))
    if not len(body):
        raise Malformed("the body is empty")
    try:
        if media in _PARQUET:
            return _parquet(body, limit, rows)
        if media in (_STREAM, _FILE):
            return _ipc(body, media, limit, rows)
        if media in _CSV:
            return _csv(body, rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # also of names
        raise Malformed(f"not {media}: {str(error).splitlines()[0]}") from error
    raise Refused(
        415,
        "unsupported_media_type",
        f"Content-Type {media!r} is not supported: use {_PARQUET[0]}, {_CSV[0]}, {_STREAM} or {_FILE}",
    )


def _sniffed(start: bytes) -> str:
    if start.startswith(b"PAR1"):
        return _PARQUET[0]
    if start == b"ARROW1":
        return _FILE
    return _STREAM if start.startswith(b"\xff\xff\xff\xff") else _CSV[0]


def _parquet(body: Buffer, limit: int, rows: int) -> tuple[pa.Table, int]:
    file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(body)))
    total = file.metadata.num_rows
    return _sampled(lambda: file.iter_batches(_BATCH), file.schema_arrow, total, limit, rows), total


def _ipc(body: Buffer, media: str, limit: int, rows: int) -> tuple[pa.Table, int]:
    buffer = pa.py_buffer(body)
    if media == _FILE:
        file = pa.ipc.open_file(buffer)
        schema = file.schema

        def batches() -> Iterator[pa.RecordBatch]:
            return (file.get_batch(place) for place in range(file.num_record_batches))
    else:
        schema = pa.ipc.open_stream(buffer).schema

        def batches() -> Iterator[pa.RecordBatch]:
            return iter(pa.ipc.open_stream(buffer))

    total = 0
    for batch in batches():
        batch.validate(full=True)  # what came over the network may point anywhere
        total += batch.num_rows
    return _sampled(batches, schema, total, limit, rows), total


def _csv(body: Buffer, rows: int) -> tuple[pa.Table, int]:
    """Texts are as they stand, so that Namibia (NA) is a country; only an empty one is missing."""
    source = pa.BufferReader(pa.py_buffer(body))
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    table = pa.csv.read_csv(source, read_options=pa.csv.ReadOptions(use_threads=False), parse_options=parse)
    for position, column in enumerate(table.columns):
        if pa.types.is_string(column.type):
            empty = pc.equal(column, "")
            known = pc.if_else(empty, pa.scalar(None, column.type), column)
            table = table.set_column(position, table.field(position), known)
    return _sampled(lambda: iter(table.to_batches(_BATCH)), table.schema, table.num_rows, None, rows), table.num_rows


def _sampled(batches: _Batches, schema: pa.Schema, total: int, limit: int | None, rows: int) -> pa.Table:
    """At most ``rows`` of the ``total`` rows of ``batches``, each with the same chance, in their order."""
    chosen = None
    if total > rows:
        chosen = np.sort(np.random.default_rng(_SEED).choice(total, rows, replace=False))
    kept: list[pa.RecordBatch] = []
    size = start = 0
    for batch in batches():
        part = batch
        if chosen is not None:
            first, last = np.searchsorted(chosen, (start, start + batch.num_rows))
            part = batch.take(pa.array(chosen[first:last] - start))
        start += batch.num_rows
        size += part.nbytes
        if limit is not None and size > _EXPANSION * limit:
            raise too_large(_EXPANSION * limit)
        kept.append(part)
    return pa.Table.from_batches(kept, schema)
