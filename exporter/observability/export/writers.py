"""Files of an export: Parquet, CSV and JSON lines; whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from observability.export.shape import Shape, text_of
from observability.predictions import jsontext
from observability.predictions.audit import moment
from observability.predictions.stored import Stored

#: Endings of files, by what is written into them.
SUFFIXES = (".parquet", ".csv", ".jsonl", ".ndjson")


class Writer(Protocol):
    """Writes chunks of an export, one after the other."""

    def write(self, stored: Stored) -> None:
        """Write these rows."""

    def close(self) -> None:
        """Write what belongs at the end."""


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A new file beside ``file`` that takes its place when this ends well, and is removed otherwise."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(file)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def writer(file: Path, suffix: str, shape: Shape) -> Writer:
    """Writes into ``file`` in the format of ``suffix``, one of :data:`SUFFIXES`."""
    if suffix == ".parquet":
        return _Parquet(file, shape)
    return _Csv(file, shape) if suffix == ".csv" else _Lines(file)


class _Parquet:
    def __init__(self, file: Path, shape: Shape) -> None:
        self._shape = shape
        self._writer = pq.ParquetWriter(file, shape.schema(), compression="zstd")

    def write(self, stored: Stored) -> None:
        self._writer.write_table(self._shape.table(stored))

    def close(self) -> None:
        self._writer.close()


class _Csv:
    """Times in RFC 3339, embeddings in JSON."""

    def __init__(self, file: Path, shape: Shape) -> None:
        self._shape = shape
        self._writer = pyarrow.csv.CSVWriter(file, _flat(pa.Table.from_batches([], shape.schema())).schema)

    def write(self, stored: Stored) -> None:
        self._writer.write_table(_flat(self._shape.table(stored)))

    def close(self) -> None:
        self._writer.close()


def _flat(table: pa.Table) -> pa.Table:
    """``table`` with texts for what CSV has no form for."""
    for position, field in enumerate(table.schema):
        column = table.column(position)
        if pa.types.is_timestamp(field.type):
            column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        elif pa.types.is_list(field.type):
            texts = [None if value is None else text_of(value) for value in column.to_pylist()]
            column = pa.chunked_array([pa.array(texts, pa.string())])
        table = table.set_column(position, field.name, column)
    return table


class _Lines:
    """An object a line, with the names of ``POST /v1/predictions``; what a row does not have is left out."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("wb")

    def write(self, stored: Stored) -> None:
        self._file.write(b"".join(jsontext.dumps(row) + b"\n" for row in _objects(stored)))

    def close(self) -> None:
        self._file.close()


def _objects(stored: Stored) -> Iterator[dict[str, object]]:
    each = stored.predictions
    for row in range(len(stored)):
        found = {
            "prediction_id": each.prediction_id[row],
            "model": each.model[row],
            "version": each.version[row] or None,
            "timestamp": moment(float(each.timestamp[row])),
            "received": moment(float(stored.received[row])),
            "features": each.features[row],
            "prediction": each.prediction[row],
            "confidence": _known(float(each.confidence[row])),
            "probabilities": each.probabilities[row],
            "label": stored.label[row],
            "label_timestamp": moment(float(stored.label_timestamp[row])) if stored.labelled[row] else None,
            "latency_seconds": _known(float(each.latency_seconds[row])),
            "error_type": each.error_type[row],
            "variant": each.variant[row],
            "segment": each.segment[row] or None,
            "trace_id": each.trace_id[row],
            "span_id": each.span_id[row],
            "baseline_hash": stored.baseline_hash[row],
            "writer": stored.writer[row],
        }
        yield {name: value for name, value in found.items() if value is not None}


def _known(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - NaN
