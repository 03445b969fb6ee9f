"""Baselines: the data that a model's predictions are compared with, uploaded as Parquet, CSV or Arrow.

Whatever the format, a baseline becomes one table in a canonical form: features are columns ``feature.<name>`` of a few
types, and the hash is that of their content, not of the file.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from observability.predictions.baseline_files import read
from observability.predictions.bodies import Buffer, Malformed, decompressed
from observability.predictions.profiles import Kind, kinds_of, profile
from observability.predictions.stored import Source, StoredBaseline

_FEATURE = "feature."
_PROBABILITY = "probabilities."
#: Columns that are no features.
_SPECIAL = ("prediction", "label", "confidence", "timestamp")
#: Prefixes of columns that hold the probability of a class.
_PROBABILITIES = (_PROBABILITY, "proba_")
#: How pandas names what it keeps of an index without a name.
_INDEX = "__index_level_"
#: In the metadata of a column whose sender declared it categorical.
_DECLARED = {b"kind": b"categorical"}


@dataclass(frozen=True, slots=True)
class BaselineLimits:
    """Bounds of an uploaded baseline; ``bytes`` is after decompression, of more than ``rows`` a sample is kept."""

    bytes: int = 200_000_000
    rows: int = 100_000
    features: int = 500
    name_length: int = 256
    embedding_length: int = 4096


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline of n rows.

    ``features`` (name → column (n,) of bool, int64, double, large_string or large_list of double) are of ``kinds``.
    ``prediction`` and ``label`` are bool, int64, double or large_string, ``confidence``, ``timestamp`` (Unix seconds)
    and ``probabilities`` (class → column) double; ``None`` or empty if they are not there. ``hash`` is the SHA-256 of
    the content: of names, types and values, whatever the file's format, compression and division. ``content`` is
    the same table in Parquet. ``total_rows`` is how many were sent; if they are more than n, these are a sample.
    """

    features: dict[str, pa.ChunkedArray]
    kinds: dict[str, Kind]
    prediction: pa.ChunkedArray | None
    label: pa.ChunkedArray | None
    confidence: pa.ChunkedArray | None
    timestamp: pa.ChunkedArray | None
    probabilities: dict[str, pa.ChunkedArray]
    rows: int
    total_rows: int
    hash: str
    content: bytes = field(repr=False)

    @property
    def sampled(self) -> bool:
        """Whether only a part of what was sent is kept."""
        return self.rows < self.total_rows

    def profile(self) -> dict[str, Any]:
        """``rows``, ``total_rows``, ``sampled``, the other ``columns``, and :func:`profiles.profile` of each of
        ``features``.
        """
        others = {name: getattr(self, name) for name in _SPECIAL}
        return {
            "rows": self.rows,
            "total_rows": self.total_rows,
            "sampled": self.sampled,
            "columns": [name for name, column in others.items() if column is not None],
            "classes": list(self.probabilities),
            "features": {name: profile(column, self.kinds[name]) for name, column in self.features.items()},
        }

    def stored(self, model: str, version: str, now: float | None = None, source: Source = "posted") -> StoredBaseline:
        """As the store keeps it."""
        created = time.time() if now is None else now
        profile = {"source": source, **self.profile()}
        return StoredBaseline(model, version, self.hash, self.rows, created, profile, self.content)


def decode_baseline(
    body: Buffer,
    content_type: str | None,
    *,
    content_encoding: str | None = None,
    limits: BaselineLimits = BaselineLimits(),
    kinds: Mapping[str, Kind] | None = None,
) -> Baseline:
    """The baseline of an uploaded ``body``: Parquet, CSV with a header, or Arrow IPC.

    Columns ``prediction``, ``label``, ``confidence``, ``timestamp`` and ``probabilities.<class>`` (or
    ``proba_<class>``, or a struct ``probabilities``) are what they say; all others are features. Where columns are
    named ``feature.<name>``, or there is a struct ``features``, only these are, and the rest is left out: what
    ``python -m observability.export`` writes is a baseline. ``kinds`` declares kinds that values do not tell.

    Raises :class:`~observability.predictions.bodies.Refused`: 413 above ``limits.bytes``, 415 for another format;
    :class:`~observability.predictions.bodies.Malformed` if it is not a usable table, with the reason.
    """
    plain = decompressed(body, content_encoding, limits.bytes)
    table, total = read(plain, content_type, limits.bytes, limits.rows)
    return baseline_of(table, limits, kinds, total)


def baseline_of(
    table: pa.Table, limits: BaselineLimits, kinds: Mapping[str, Kind] | None = None, total_rows: int | None = None
) -> Baseline:
    """The baseline of ``table``, whose columns are those of :func:`decode_baseline` and which is a sample of
    ``total_rows``; raises :class:`~observability.predictions.bodies.Malformed` as that."""
    return _baseline(_canonical(table, limits), table.num_rows if total_rows is None else total_rows, kinds or {})


def load_baseline(content: bytes, kinds: Mapping[str, Kind] | None = None, total_rows: int | None = None) -> Baseline:
    """The baseline of ``content``, as :class:`Baseline` has it. Raises ``ValueError`` for a kind that does not fit."""
    table = pq.read_table(io.BytesIO(content))
    return _baseline(table, table.num_rows if total_rows is None else total_rows, kinds or {})


def _baseline(table: pa.Table, total: int, kinds: Mapping[str, Kind]) -> Baseline:
    columns = {name: table[name] for name in table.column_names}
    features = {name[len(_FEATURE) :]: column for name, column in columns.items() if name.startswith(_FEATURE)}
    declared = frozenset(
        each.name[len(_FEATURE) :] for each in table.schema if (each.metadata or {}).get(b"kind") == b"categorical"
    )
    try:
        known = kinds_of(features, kinds, declared)
    except ValueError as error:
        raise Malformed(str(error)) from error
    output = io.BytesIO()
    pq.write_table(table, output, compression="zstd")
    return Baseline(
        features=features,
        kinds=known,
        **{name: columns.get(name) for name in _SPECIAL},
        probabilities={
            name[len(_PROBABILITY) :]: column for name, column in columns.items() if name.startswith(_PROBABILITY)
        },
        rows=table.num_rows,
        total_rows=total,
        hash=content_hash(table),
        content=output.getvalue(),
    )


def _canonical(table: pa.Table, limits: BaselineLimits) -> pa.Table:
    """``table`` with canonical names and types, features last, in the order they came."""
    named: dict[str, tuple[pa.ChunkedArray, bool]] = {}
    columns = list(_flattened(table))
    explicit = any(name.startswith(_FEATURE) for name, _ in columns)
    for name, column in columns:
        target = _target(name)
        if explicit and target.startswith(_FEATURE) and not name.startswith(_FEATURE):
            continue
        if target in named:
            raise Malformed(f"two columns are {target!r}")
        named[target] = _typed(name, target, column, limits)
    features = [name for name in named if name.startswith(_FEATURE)]
    if len(features) > limits.features:
        raise Malformed(f"has {len(features)} features, more than {limits.features}")
    if not named:
        raise Malformed("has no column")
    if not table.num_rows:
        raise Malformed("has no row")
    order = [*sorted(name for name in named if not name.startswith(_FEATURE)), *features]
    fields = [pa.field(name, named[name][0].type, metadata=_DECLARED if named[name][1] else None) for name in order]
    return pa.table([named[name][0] for name in order], schema=pa.schema(fields))


def _flattened(table: pa.Table) -> Iterable[tuple[str, pa.ChunkedArray]]:
    """Columns, those of the structs ``features`` and ``probabilities`` one by one."""
    for position, name in enumerate(table.column_names):
        column = table.column(position)
        prefix = {"features": _FEATURE, "probabilities": _PROBABILITY}.get(name)
        if prefix and pa.types.is_struct(column.type):
            fields = [column.type.field(place).name for place in range(column.type.num_fields)]
            for place, part in enumerate(column.flatten()):
                yield prefix + fields[place], part
        elif not name.startswith(_INDEX):
            yield name, column


def _target(name: str) -> str:
    if name in _SPECIAL or name.startswith((_FEATURE, _PROBABILITY)):
        return name
    for prefix in _PROBABILITIES:
        if name.startswith(prefix) and len(name) > len(prefix):
            return _PROBABILITY + name[len(prefix) :]
    return _FEATURE + name


def _typed(name: str, target: str, column: pa.ChunkedArray, limits: BaselineLimits) -> tuple[pa.ChunkedArray, bool]:
    """``column`` in a canonical type, and whether its sender declared it categorical."""
    if not target.removeprefix(_FEATURE) or len(target) > limits.name_length + len(_FEATURE):
        raise Malformed(f"the name of column {name[:40]!r} is empty or has more than {limits.name_length} characters")
    declared = bool(pa.types.is_dictionary(column.type))
    if declared:
        column = column.cast(column.type.value_type)
    feature = target.startswith(_FEATURE)
    try:
        typed = _cast(column)
        if typed is None or (not feature and pa.types.is_large_list(typed.type)):
            raise Malformed(f"column {name!r} has the type {column.type}, which is not supported")
        if target == "timestamp" and pa.types.is_large_string(typed.type):
            typed = _seconds(typed.cast(pa.timestamp("us", "UTC")))
        if target in ("confidence", "timestamp") or target.startswith(_PROBABILITY):
            typed = typed.cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise Malformed(f"column {name!r}: {str(error).splitlines()[0]}") from error
    if (target == "confidence" or target.startswith(_PROBABILITY)) and not _are_probabilities(typed):
        raise Malformed(f"column {name!r} has values that are not between 0 and 1")
    if pa.types.is_large_list(typed.type):
        _same_length(name, typed, limits)
    return typed, declared and feature


def _cast(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """``column`` as bool, int64, double, large_string or large_list of double; ``None`` if it is none of these."""
    type_ = column.type
    if pa.types.is_boolean(type_):
        return column
    if (
        pa.types.is_uint64(type_)
        or pa.types.is_decimal(type_)
        or pa.types.is_floating(type_)
        or pa.types.is_null(type_)
    ):
        return column.cast(pa.float64(), safe=False)
    if pa.types.is_integer(type_):
        return column.cast(pa.int64())
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return column.cast(pa.large_string())
    if pa.types.is_date(type_):
        return _seconds(column.cast(pa.timestamp("us")))
    if pa.types.is_timestamp(type_):
        return _seconds(column.cast(pa.timestamp("us", type_.tz), safe=False))
    is_list = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    if is_list and (pa.types.is_integer(type_.value_type) or pa.types.is_floating(type_.value_type)):
        return column.cast(pa.large_list(pa.float64()), safe=False)
    return None


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Microseconds as Unix seconds."""
    return pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6)


def _are_probabilities(column: pa.ChunkedArray) -> bool:
    inside = pc.and_(pc.greater_equal(column, -1e-6), pc.less_equal(column, 1 + 1e-6))
    return bool(pc.all(pc.or_kleene(inside, pc.is_nan(column)), skip_nulls=True).as_py() is not False)


def _same_length(name: str, column: pa.ChunkedArray, limits: BaselineLimits) -> None:
    lengths = pc.min_max(pc.list_value_length(column)).as_py()
    if lengths["min"] != lengths["max"] or lengths["min"] == 0:
        raise Malformed(f"the lists of column {name!r} have between {lengths['min']} and {lengths['max']} numbers")
    if lengths["max"] is not None and lengths["max"] > limits.embedding_length:
        raise Malformed(f"the lists of column {name!r} have {lengths['max']} numbers, more than the limit")
    flat = pc.list_flatten(column)
    if flat.null_count or pc.any(pc.invert(pc.is_finite(flat))).as_py():
        raise Malformed(f"the lists of column {name!r} have numbers that are missing or not finite")


def content_hash(table: pa.Table) -> str:
    """SHA-256, in hexadecimal digits, of the names, types and values of ``table``, in a canonical type each.

    The order of columns does not count, that of rows does.
    """
    digest = hashlib.sha256()
    for name in sorted(table.column_names):
        column = table[name]
        # Parquet has another name for the items of a list
        type_ = pa.large_list(pa.float64()) if pa.types.is_large_list(column.type) else column.type
        digest.update(f"{len(name.encode())}:{name}:{type_}:{len(column)}:".encode())
        digest.update(np.packbits(np.asarray(column.is_null().to_numpy(), np.bool_)).tobytes())
        for part in _bytes_of(column):
            digest.update(part)
    return digest.hexdigest()


def _bytes_of(column: pa.ChunkedArray) -> Iterable[bytes]:
    """The values of ``column``, whatever lies where one is missing."""
    type_ = column.type
    if pa.types.is_large_list(type_):
        yield np.asarray(pc.list_value_length(column).fill_null(0).to_numpy(), np.int64).tobytes()
        yield from _bytes_of(pc.list_flatten(column))
    elif pa.types.is_large_string(type_):
        filled = column.fill_null("")
        yield np.asarray(pc.binary_length(filled).to_numpy(), np.int64).tobytes()
        for chunk in filled.chunks:
            yield from (text.encode() for text in chunk.to_pylist())
    elif pa.types.is_boolean(type_):
        yield np.packbits(np.asarray(column.fill_null(False).to_numpy(), np.bool_)).tobytes()
    else:
        values = np.array(column.fill_null(0).to_numpy())
        if values.dtype == np.float64:
            values[np.isnan(values)] = np.nan  # there are many, and two zeros
            values += 0.0
        yield values.tobytes()
