"""Attributes of many spans → canonical fields, a column at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from observability.columns import ABSENT, Blobs, Coded, Floats, Ints, Keys, Text
from observability.hashing import hashes_of, offsets_of
from observability.intake import anyvalue
from observability.spans import Attribute, Spans
from observability.vocabulary import fields, indexed, operations, values
from observability.vocabulary.meaning import meaning_of

#: Bytes of a serialised ``AnyValue`` that is the empty text.
_EMPTY_TEXT = 2


class Reader:
    """Reads the attributes of ``spans``; n rows each."""

    def __init__(self, spans: Spans) -> None:
        self.spans = spans
        self._rows: Ints = np.arange(len(spans))
        self._by_field: dict[str, list[tuple[fields.Rule, Attribute]]] = defaultdict(list)
        self._texts: dict[str, Text] = {}
        self._columns: dict[str, Text] = {}
        self.elements: dict[str, list[tuple[indexed.Element, Attribute]]] = defaultdict(list)
        self.untranslated: Counter[str] = Counter()
        for name, attribute in spans.attributes.items():
            meaning = meaning_of(name)
            for rule in meaning.rules:
                self._by_field[rule.field].append((rule, attribute))
            if meaning.element is not None:
                self.elements[meaning.element.field].append((meaning.element, attribute))
            if meaning.untranslated is not None:
                self.untranslated[meaning.untranslated] += len(attribute.span)
        for found in self._by_field.values():
            found.sort(key=lambda each: each[0].rank)

    def __contains__(self, field: str) -> bool:
        return field in self._by_field

    def named(self, name: str) -> Text:
        """The attribute ``name`` as a column of texts."""
        attribute = self.spans.attributes.get(name)
        return Coded.absent(len(self.spans)) if attribute is None else self._text(attribute)

    def texts(self, field: str) -> Text:
        """A field of :data:`fields.TEXTS`."""
        column = self._texts.get(field)
        if column is None:
            column = Coded.absent(len(self.spans))
            for _, attribute in self._by_field.get(field, ()):
                found = self._text(attribute)
                column = column.filled(found) if column.values else found
            self._texts[field] = column
        return column

    def identifiers(self, field: str) -> tuple[Keys, Blobs]:
        """A field whose texts all differ: their hashes, 0 where nobody said, and they as serialised ``AnyValue``s."""
        hashes = np.zeros(len(self.spans), np.uint64)
        rows = np.full(len(self.spans), ABSENT, np.int64)
        said = [pa.array([], pa.binary())]
        start = 0
        for _, attribute in self._by_field.get(field, ()):
            found = hashes_of(attribute.value)
            offsets = offsets_of(attribute.value)
            there = (offsets[1:] - offsets[:-1] > _EMPTY_TEXT) & (hashes.take(attribute.span) == 0)
            span = attribute.span[there]
            hashes[span] = found[there]
            rows[span] = start + np.flatnonzero(there)
            said.append(attribute.value)
            start += len(attribute.value)
        return hashes, Blobs(rows, pa.concat_arrays(said))

    def numbers(self, field: str) -> Floats:
        """A field of :data:`fields.NUMBERS`: NaN where nobody said, and never negative."""
        column: Floats | None = None
        for rule, attribute in self._by_field.get(field, ()):
            found = self.read_numbers(attribute)
            bad = ~((found >= 0) & (found < values.LARGEST))
            if bad.any():
                found[bad] = np.nan
            if rule.factor != 1:
                found *= rule.factor
            if column is None and self._everywhere(attribute):
                column = found
                continue
            if column is None:
                column = np.full(len(self.spans), np.nan)
            open_ = np.isnan(column[attribute.span])
            column[attribute.span[open_]] = found[open_]
        return np.full(len(self.spans), np.nan) if column is None else column

    @staticmethod
    def read_numbers(attribute: Attribute) -> Floats:
        """The numbers of an attribute, NaN where it has none; shape of its spans."""
        found, others = anyvalue.numbers(attribute.value)
        for place in np.flatnonzero(others).tolist():
            read = values.number(anyvalue.python_value(attribute.value[place].as_py()))
            if read is not None:
                found[place] = read
        return found

    def flags(self, field: str) -> Ints:
        """A field of :data:`fields.FLAGS`: 1 true, 0 false, -1 where nobody said."""
        column = np.full(len(self.spans), -1, np.int64)
        for _, attribute in self._by_field.get(field, ()):
            read = anyvalue.parsed(attribute.value, lambda raw: values.boolean(anyvalue.python_value(raw)))
            table = np.array([*(int(value) for value in read.values), -1], np.int64)
            rows = attribute.span
            column[rows] = np.where(column[rows] < 0, table[read.codes], column[rows])
        return column

    def objects(self, field: str) -> dict[int, list[Mapping[str, Any]]]:
        """A field of :data:`fields.OBJECTS`: row → the objects found there, best first."""
        found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for _, attribute in self._by_field.get(field, ()):
            encoded = attribute.value.dictionary_encode()
            objects = [values.mapping(anyvalue.python_value(raw)) for raw in encoded.dictionary.to_pylist()]
            for row, index in zip(attribute.span.tolist(), encoded.indices.to_pylist(), strict=True):
                parsed = objects[index]
                if parsed:
                    found[row].append(parsed)
        return found

    def anything(self, field: str, rows: Ints) -> Iterator[tuple[int, Any]]:
        """(row, value) of a field of :data:`fields.CONTENT` for those of ``rows`` that have it, the best name each."""
        wanted = np.zeros(len(self.spans), np.bool_)
        wanted[rows] = True
        for _, attribute in self._by_field.get(field, ()):
            for place in np.flatnonzero(wanted[attribute.span]).tolist():
                row = int(attribute.span[place])
                value = anyvalue.python_value(attribute.value[place].as_py())
                if value is not None and wanted[row]:
                    wanted[row] = False
                    yield row, value

    def listed(self, field: str, rows: Ints) -> dict[int, dict[int, dict[str, Any]]]:
        """A list that was flattened into attributes: row → index → leaf → value, for those of ``rows`` that have it."""
        wanted = np.zeros(len(self.spans), np.bool_)
        wanted[rows] = True
        found: dict[int, dict[int, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
        for element, attribute in self.elements.get(field, ()):
            for place in np.flatnonzero(wanted[attribute.span]).tolist():
                value = anyvalue.python_value(attribute.value[place].as_py())
                found[int(attribute.span[place])][element.place][element.leaf] = value
        return found

    def lengths(self, field: str) -> Ints:
        """How many elements each row has in a flattened list; -1 where it has no such list."""
        column = np.full(len(self.spans), -1, np.int64)
        for element, attribute in self.elements.get(field, ()):
            column[attribute.span] = np.maximum(column[attribute.span], element.place + 1)
        return column

    def operation(self) -> Text:
        """The canonical operation of each span, as the best of the attributes that say one has it; else absent."""
        column: Text = Coded.absent(len(self.spans))
        for name in operations.NAMES:
            if name not in self.spans.attributes:
                continue
            said = self.named(name)
            found = said.map([operations.operation(name, value) for value in said.values])
            column = column.filled(found) if column.values else found
        return column

    def _everywhere(self, attribute: Attribute) -> bool:
        """Whether every span has it, once."""
        return len(attribute.span) == len(self._rows) and bool((attribute.span == self._rows).all())

    def _text(self, attribute: Attribute) -> Text:
        column = self._columns.get(attribute.key)
        if column is None:
            column = self._columns[attribute.key] = self._read_text(attribute)
        return column

    def _read_text(self, attribute: Attribute) -> Text:
        read: Text = anyvalue.parsed(attribute.value, lambda raw: values.text(anyvalue.python_value(raw)))
        if self._everywhere(attribute):
            return read
        codes = np.full(len(self.spans), ABSENT, np.int32)
        codes[attribute.span] = read.codes
        return Coded(codes, read.values)
