"""Columns against lists of their values; hashes of pieces against the pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.columns import ABSENT, Blobs, Coded, Sparse, Text
from observability.hashing import HEAD, hashes_of, word_at

several = settings(deadline=None, max_examples=100)
TEXTS = st.lists(st.none() | st.sampled_from(["a", "b", "c", ""]), max_size=12)
BYTES = st.lists(st.none() | st.binary(max_size=4), max_size=12)
OBJECTS = st.lists(st.none() | st.lists(st.integers(0, 3), max_size=2), max_size=12)


def blobs(values: list[bytes | None]) -> Blobs:
    return Blobs.absent(len(values)).changed({row: value for row, value in enumerate(values) if value is not None})


def sparse(values: list[Any]) -> Sparse:
    return Sparse(len(values), {row: value for row, value in enumerate(values) if value is not None})


def listed(column: Any) -> list[Any]:
    return [column[row] for row in range(len(column))]


KINDS = [(TEXTS, Text.of, Coded), (BYTES, blobs, Blobs), (OBJECTS, sparse, Sparse)]


@pytest.mark.parametrize(("values", "made", "kind"), KINDS)
@several
@given(data=st.data())
def test_rows_are_taken_by_index_mask_and_slice(values: Any, made: Any, kind: Any, data: st.DataObject) -> None:
    found = data.draw(values)
    column = made(found)
    assert listed(column) == found
    rows = data.draw(st.lists(st.integers(0, len(found) - 1), max_size=20)) if found else []
    assert listed(column.take(np.array(rows, np.int64))) == [found[row] for row in rows]
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found))), np.bool_)
    assert listed(column.take(mask)) == [value for value, kept in zip(found, mask.tolist(), strict=True) if kept]
    start, end = data.draw(st.integers(-3, 13)), data.draw(st.integers(-3, 13))
    assert listed(column.take(slice(start, end))) == found[start:end]


@pytest.mark.parametrize(("values", "made", "kind"), KINDS)
@several
@given(data=st.data())
def test_rows_stand_one_after_the_other(values: Any, made: Any, kind: Any, data: st.DataObject) -> None:
    parts = data.draw(st.lists(values, min_size=1, max_size=4))
    columns = [made(part) for part in parts]
    kept = [data.draw(st.lists(st.integers(0, len(part) - 1), max_size=3)) if part else [] for part in parts]
    few = [column.take(np.array(rows, np.int64)) for column, rows in zip(columns, kept, strict=True)]
    assert listed(kind.concat(columns)) == [value for part in parts for value in part]
    assert listed(kind.concat(few)) == [part[row] for part, rows in zip(parts, kept, strict=True) for row in rows]


def test_bytes_that_no_row_has_are_let_go() -> None:
    column = blobs([b"x" * 1000] * 100).take(np.array([7]))
    assert Blobs.concat([column, column]).data.nbytes < 10_000
    assert listed(Blobs.concat([column, column])) == [b"x" * 1000] * 2


def test_values_that_change_leave_the_old_column_as_it_was() -> None:
    old = blobs([b"a", None, b"c"])
    assert listed(old.changed({1: b"B", 2: b"C"})) == [b"a", b"B", b"C"]
    assert listed(old) == [b"a", None, b"c"]


@several
@given(TEXTS)
def test_a_value_is_asked_for_once(values: list[str | None]) -> None:
    column, asked = Text.of(values), []

    def test(value: str) -> bool:
        asked.append(value)
        return value > "a"

    found = column.which(test, absent=True)
    assert found.tolist() == [value is None or value > "a" for value in values]
    assert len(asked) == len(set(asked))
    assert ABSENT == -1


PIECES = st.lists(
    st.binary(max_size=12) | st.binary(min_size=HEAD - 9, max_size=HEAD + 9) | st.binary(max_size=400), max_size=30
)


@several
@given(PIECES)
def test_equal_pieces_have_equal_hashes_and_others_have_others(pieces: list[bytes]) -> None:
    hashes = hashes_of(pa.array(pieces, pa.binary())).tolist()
    assert len(set(zip(pieces, hashes, strict=True))) == len(set(pieces)) == len(set(hashes))
    assert 0 not in hashes
    backwards = hashes_of(pa.array([b"in front", *pieces[::-1]], pa.binary())).tolist()
    assert backwards[:0:-1] == hashes


@pytest.mark.parametrize("one", [b"", b"a", b"k" * 47, b"k" * 48, b"k" * 56, b"k" * 130])
def test_a_piece_is_told_from_one_with_zeros_at_its_end(one: bytes) -> None:
    pieces = [one + bytes(count) for count in range(20)]
    assert len(set(hashes_of(pa.array(pieces, pa.binary())).tolist())) == 20


def test_keys_with_a_bit_changed_in_two_words_have_another_hash() -> None:
    one = bytes(32)
    other = bytes([0] * 7 + [0x80] + [0] * 7 + [0x80] + [0] * 16)
    first, second = hashes_of(pa.array([one, other], pa.binary())).tolist()
    assert first != second


def test_words_at_the_end_of_a_buffer_are_filled_with_zeros() -> None:
    data = np.arange(1, 12, dtype=np.uint8)
    found = word_at(data, np.array([0, 3, 4, 10]))
    assert [int(word).to_bytes(8, "little") for word in found] == [
        bytes(range(1, 9)), bytes(range(4, 12)), bytes([*range(5, 12), 0]), bytes([11, *bytes(7)]),
    ]  # fmt: skip
