"""Attributes of many spans → canonical fields, a column at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from observability.columns import ABSENT, Coded, Floats, Ints, Objects, Text, missing
from observability.intake import wire
from observability.spans import Spans
from observability.vocabulary import fields, indexed, operations, values
from observability.vocabulary.meaning import meaning_of

#: Bytes of a serialised ``AnyValue`` that is the empty text.
_EMPTY_TEXT = 2


class Reader:
    """Reads the attributes of ``spans``; n rows each."""

    def __init__(self, spans: Spans) -> None:
        self.spans = spans
        attributes = spans.attributes
        codes = attributes.key.codes
        narrow = codes.astype(np.int16) if len(attributes.key.values) < 2**15 else codes  # sorted by radix
        self._order = np.argsort(narrow, kind="stable")
        self._ends = np.cumsum(np.bincount(codes, minlength=len(attributes.key.values)))
        self._names = {name: code for code, name in enumerate(attributes.key.values)}
        self._by_field: dict[str, list[tuple[fields.Rule, int]]] = defaultdict(list)
        self._texts: dict[str, Text] = {}
        self._columns: dict[int, Text] = {}
        self.elements: dict[str, list[tuple[indexed.Element, int]]] = defaultdict(list)
        self.untranslated: Counter[str] = Counter()
        for name, code in self._names.items():
            meaning = meaning_of(name)
            for rule in meaning.rules:
                self._by_field[rule.field].append((rule, code))
            if meaning.element is not None:
                self.elements[meaning.element.field].append((meaning.element, code))
            if meaning.untranslated is not None:
                self.untranslated[meaning.untranslated] += len(self._positions(code))
        for found in self._by_field.values():
            found.sort(key=lambda each: each[0].rank)

    def __contains__(self, field: str) -> bool:
        return field in self._by_field

    def named(self, name: str) -> Text:
        """The attribute ``name`` as a column of texts."""
        code = self._names.get(name)
        return Coded.absent(len(self.spans)) if code is None else self._text(code)

    def texts(self, field: str) -> Text:
        """A field of :data:`fields.TEXTS`."""
        column = self._texts.get(field)
        if column is None:
            column = Coded.absent(len(self.spans))
            for _, code in self._by_field.get(field, ()):
                found = self._text(code)
                column = column.filled(found) if column.values else found
            self._texts[field] = column
        return column

    def identifiers(self, field: str) -> Objects:
        """A field whose texts all differ, as serialised ``AnyValue``s, ``None`` where nobody said."""
        column = np.full(len(self.spans), None, np.object_)
        for _, code in self._by_field.get(field, ()):
            positions = self._positions(code)
            raw = self._raw(positions)
            said = np.asarray(raw.to_numpy(zero_copy_only=False), np.object_)
            said[np.asarray(pc.binary_length(raw)) <= _EMPTY_TEXT] = None
            rows = self.spans.attributes.span[positions]
            open_ = missing(column[rows])
            column[rows[open_]] = said[open_]
        return column

    def numbers(self, field: str) -> Floats:
        """A field of :data:`fields.NUMBERS`: NaN where nobody said, and never negative."""
        column = np.full(len(self.spans), np.nan)
        for rule, code in self._by_field.get(field, ()):
            rows, found = self.read_numbers(code)
            found = np.where((found >= 0) & (found < values.LARGEST), found, np.nan) * rule.factor
            open_ = np.isnan(column[rows])
            column[rows[open_]] = found[open_]
        return column

    def read_numbers(self, code: int) -> tuple[Ints, Floats]:
        """The rows that have the attribute with this code, and its number (NaN where it is none)."""
        positions = self._positions(code)
        raw = self._raw(positions)
        found, others = wire.numbers(raw)
        for place in np.flatnonzero(others).tolist():
            read = values.number(wire.python_value(raw[place].as_py()))
            if read is not None:
                found[place] = read
        return self.spans.attributes.span[positions], found

    def flags(self, field: str) -> Ints:
        """A field of :data:`fields.FLAGS`: 1 true, 0 false, -1 where nobody said."""
        column = np.full(len(self.spans), -1, np.int64)
        for _, code in self._by_field.get(field, ()):
            positions = self._positions(code)
            read = wire.parsed(self._raw(positions), lambda raw: values.boolean(wire.python_value(raw)))
            table = np.array([*(int(value) for value in read.values), -1], np.int64)
            rows = self.spans.attributes.span[positions]
            column[rows] = np.where(column[rows] < 0, table[read.codes], column[rows])
        return column

    def objects(self, field: str) -> dict[int, list[Mapping[str, Any]]]:
        """A field of :data:`fields.OBJECTS`: row → the objects found there, best first."""
        found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for _, code in self._by_field.get(field, ()):
            positions = self._positions(code)
            encoded = self._raw(positions).dictionary_encode()
            objects = [values.mapping(wire.python_value(raw)) for raw in encoded.dictionary.to_pylist()]
            rows = self.spans.attributes.span[positions]
            for row, index in zip(rows.tolist(), encoded.indices.to_pylist(), strict=True):
                parsed = objects[index]
                if parsed:
                    found[row].append(parsed)
        return found

    def anything(self, field: str, rows: Ints) -> Iterator[tuple[int, Any]]:
        """(row, value) of a field of :data:`fields.CONTENT` for those of ``rows`` that have it, the best name each."""
        wanted = np.zeros(len(self.spans), np.bool_)
        wanted[rows] = True
        for _, code in self._by_field.get(field, ()):
            positions = self._positions(code)
            positions = positions[wanted[self.spans.attributes.span[positions]]]
            for position in positions.tolist():
                row = int(self.spans.attributes.span[position])
                value = wire.python_value(self.spans.attributes.value[position].as_py())
                if value is not None and wanted[row]:
                    wanted[row] = False
                    yield row, value

    def listed(self, field: str, rows: Ints) -> dict[int, dict[int, dict[str, Any]]]:
        """A list that was flattened into attributes: row → index → leaf → value, for those of ``rows`` that have it."""
        wanted = np.zeros(len(self.spans), np.bool_)
        wanted[rows] = True
        found: dict[int, dict[int, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
        for element, code in self.elements.get(field, ()):
            for position in self._positions(code).tolist():
                row = int(self.spans.attributes.span[position])
                if wanted[row]:
                    value = wire.python_value(self.spans.attributes.value[position].as_py())
                    found[row][element.place][element.leaf] = value
        return found

    def lengths(self, field: str) -> Ints:
        """How many elements each row has in a flattened list; -1 where it has no such list."""
        column = np.full(len(self.spans), -1, np.int64)
        for element, code in self.elements.get(field, ()):
            rows = self.spans.attributes.span[self._positions(code)]
            column[rows] = np.maximum(column[rows], element.place + 1)
        return column

    def operation(self) -> Text:
        """The canonical operation of each span, as the best of the attributes that say one has it; else absent."""
        column: Text = Coded.absent(len(self.spans))
        for name in operations.NAMES:
            if name not in self._names:
                continue
            said = self.named(name)
            found = said.map([operations.operation(name, value) for value in said.values])
            column = column.filled(found) if column.values else found
        return column

    def _positions(self, code: int) -> Ints:
        end = int(self._ends[code])
        return self._order[int(self._ends[code - 1]) if code else 0 : end]

    def _raw(self, positions: Ints) -> pa.BinaryArray:
        return self.spans.attributes.value.take(pa.array(positions))

    def _text(self, code: int) -> Text:
        column = self._columns.get(code)
        if column is None:
            column = self._columns[code] = self._read_text(code)
        return column

    def _read_text(self, code: int) -> Text:
        positions = self._positions(code)
        read: Text = wire.parsed(self._raw(positions), lambda raw: values.text(wire.python_value(raw)))
        codes = np.full(len(self.spans), ABSENT, np.int32)
        codes[self.spans.attributes.span[positions]] = read.codes
        return Coded(codes, read.values)
