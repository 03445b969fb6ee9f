"""Arrow IPC and Parquet bodies → columns of fields: a column for each, features one by one or as a struct."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from observability.predictions.bodies import Buffer, Malformed, Refused
from observability.predictions.checks import Errors, Limits
from observability.predictions.raw import Raw, unknown_field

_FEATURE = "feature."
_PROBABILITY = "probabilities."
_SEGMENT = "segment."
_DOTTED = (_FEATURE, _PROBABILITY, _SEGMENT)
#: Fields of a prediction that a table may have as columns of their own, and the prefix of these.
_MAPPINGS = {"features": _FEATURE, "probabilities": _PROBABILITY, "segment": _SEGMENT}
_PARQUET = "parquet"
#: How pandas names what it keeps of an index without a name.
_INDEX = "__index_level_"


def read_table(body: Buffer, media: str, limits: Limits) -> pa.Table:
    """The table of an Arrow IPC stream or file, or a Parquet file.

    Raises :class:`~observability.predictions.bodies.Malformed` if it is none of them, and
    :class:`~observability.predictions.bodies.Refused` (413) if it has more rows than ``limits.items``, or takes more
    memory than sixteen times ``limits.body_bytes``: both formats compress.
    """
    source = pa.BufferReader(pa.py_buffer(body))
    try:
        table = _parquet(source, limits) if media.endswith(_PARQUET) else _ipc(source, media, limits)
        kept = [place for place, name in enumerate(table.column_names) if not name.startswith(_INDEX)]
        return table.select(kept)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # also of names
        raise Malformed(f"not {media}: {str(error).splitlines()[0]}") from error


def _parquet(source: pa.BufferReader, limits: Limits) -> pa.Table:
    file = pq.ParquetFile(source)
    _fits(file.metadata.num_rows, 0, limits)
    size = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
    _fits(file.metadata.num_rows, size, limits)
    batches, rows, size = [], 0, 0
    for batch in file.iter_batches(8192):
        rows, size = rows + batch.num_rows, size + batch.nbytes
        _fits(rows, size, limits)
        batches.append(batch)
    return pa.Table.from_batches(batches, file.schema_arrow)


def _ipc(source: pa.BufferReader, media: str, limits: Limits) -> pa.Table:
    if media.endswith("file"):
        file = pa.ipc.open_file(source)
        batches = (file.get_batch(place) for place in range(file.num_record_batches))
        schema = file.schema
    else:
        batches = stream = pa.ipc.open_stream(source)
        schema = stream.schema
    kept, rows, size = [], 0, 0
    for batch in batches:
        rows, size = rows + batch.num_rows, size + batch.nbytes
        _fits(rows, size, limits)
        kept.append(batch)
    table = pa.Table.from_batches(kept, schema)
    table.validate(full=True)  # what came over the network may point anywhere
    return table


def _fits(rows: int, size: int, limits: Limits) -> None:
    if rows > limits.items:
        raise Refused(413, "too_many_items", f"the body has {rows} rows or more, more than {limits.items}")
    if size > 16 * limits.body_bytes:
        raise Refused(413, "too_large", f"the table takes more than {16 * limits.body_bytes} bytes")


def raw_of_table(table: pa.Table, names: Sequence[str], limits: Limits) -> Raw:
    """The columns of ``table``, of which all must be fields ``names`` or ``feature.*``, ``probabilities.*`` and
    ``segment.*``. Raises :class:`~observability.predictions.bodies.Malformed` for others, as the whole table has them.
    """
    if len(set(table.column_names)) != len(table.column_names):
        raise Malformed("two columns have the same name")
    mappings = {name: prefix for name, prefix in _MAPPINGS.items() if name in names}
    for name in table.column_names:
        if name not in names and not name.startswith(tuple(mappings.values())):
            raise Malformed(f"column {name!r} {unknown_field(name, names)}")
    columns = {name: values_of(table[name]) for name in table.column_names if name in names}
    indices = range(table.num_rows)
    errors = Errors(indices, limits.errors)
    for name, prefix in mappings.items():
        dotted = {each[len(prefix) :]: values_of(table[each]) for each in table.column_names if each.startswith(prefix)}
        if dotted:
            if name in columns:
                raise Malformed(f"the table has a column {name!r} and columns {prefix}*: use one of them")
            keys = tuple(dotted)
            columns[name] = [dict(zip(keys, row, strict=True)) for row in zip(*dotted.values(), strict=True)]
    return Raw(columns, indices, errors, extended=True)


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """Python values of ``column``: times as Unix seconds, bytes as hexadecimal digits, decimals as numbers.

    Raises :class:`~observability.predictions.bodies.Malformed` for a type that has no place in a prediction.
    """
    type_ = column.type
    if pa.types.is_dictionary(type_):
        return values_of(column.cast(type_.value_type))
    if pa.types.is_timestamp(type_):
        if type_.unit == "ns":
            column = pc.floor_temporal(column, unit="microsecond")
        micros = column.cast(pa.timestamp("us", type_.tz)).cast(pa.int64())
        return [None if value is None else value / 1e6 for value in micros.to_pylist()]
    if pa.types.is_decimal(type_) or pa.types.is_float16(type_):
        return values_of(column.cast(pa.float64()))
    if pa.types.is_fixed_size_binary(type_) or pa.types.is_binary(type_):
        return [None if value is None else value.hex() for value in column.to_pylist()]
    if pa.types.is_map(type_) and pa.types.is_string(type_.key_type) and _plain(type_.item_type):
        return [None if value is None else dict(value) for value in column.to_pylist()]
    if pa.types.is_struct(type_) or _is_list(type_):
        if not all(map(_plain, _leaves(type_))):
            raise Malformed(f"a column of type {type_} is not supported")
        return list(column.to_pylist())
    if not _plain(type_):
        raise Malformed(f"a column of type {type_} is not supported")
    return list(column.to_pylist())


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _leaves(type_: pa.DataType) -> list[pa.DataType]:
    if pa.types.is_struct(type_):
        return [leaf for field in type_ for leaf in _leaves(field.type)]
    if _is_list(type_):
        return _leaves(type_.value_type)
    return [type_]


def _plain(type_: pa.DataType) -> bool:
    """Whether Python has a JSON value for each of ``type_``."""
    return bool(
        pa.types.is_null(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_integer(type_)
        or pa.types.is_float32(type_)
        or pa.types.is_float64(type_)
        or pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
    )
