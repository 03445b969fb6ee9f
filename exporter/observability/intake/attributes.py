"""Attributes of many spans by their keys, spans of one shape together: those with the same keys in the same order.

What an instrumentation says of a kind of call has few shapes. The keys of all spans with as many attributes are
compared with the shapes that came before; what is none of these is compared with the first that is not, a few times
over, and what is left then is read key by key.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from observability.columns import Bools, Ints, Keys
from observability.hashing import HEAD, beginnings, heads, offsets_of
from observability.intake.keyvalues import Messages, Names
from observability.spans import Attribute, Attributes

#: Spans that are worth looking at together.
_FEW = 16
#: Attributes of a span beyond which it is read key by key.
_MOST = 256
#: Shapes that are looked for among spans with the same number of attributes.
_TRIES = 6


class Select(Protocol):
    """Which attributes are kept."""

    def keeps(self, key: str) -> bool:
        """Whether those with this key are, of every span."""

    def sampled(self, spans_of: Mapping[str, Sequence[Ints]], events: Ints, spans: int) -> Bools:
        """Mask of the spans whose content is looked at for its own sake; ``spans_of`` are those that have each key, in
        pieces, of ``spans`` spans, and ``events`` those that have an event.
        """

    def more(self, spans_of: Mapping[str, Sequence[Ints]], sampled: Bools) -> Mapping[str, Bools | None]:
        """Which other keys are kept, with a mask of the spans for which they are (``None``: all)."""


class _Piece(NamedTuple):
    """An attribute of some spans (ascending): which messages it is, and where the fields of its values begin."""

    span: Ints
    places: Ints
    begin: Ints


@dataclass(frozen=True, slots=True)
class _Shape:
    """The keys of a span, c of them: their ``length`` (c,) with tag and length, and their bytes as ``words`` (c, w)
    among those that ``mask`` keeps.
    """

    names: list[str]
    length: Ints
    words: Keys
    mask: Keys

    def same(self, words: Keys, sizes: Ints) -> Bools:
        """Which spans have these keys, shape (m,): ``words`` (m, c, w) are the bytes from where each of their
        attributes begins, and ``sizes`` (m, c) how many it has.
        """
        equal, whole = (words & self.mask) == self.words, sizes >= self.length
        if equal.all() and whole.all():
            return np.ones(len(words), np.bool_)
        return np.asarray(equal.reshape(len(words), -1).all(axis=1) & whole.all(axis=1))


class Shapes:
    """Shapes that came before, the last few for each number of keys; for any thread."""

    def __init__(self) -> None:
        self.names = Names()
        self._met: dict[int, list[_Shape]] = {}  # by how many keys they have

    def met(self, count: int) -> list[_Shape]:
        """Those with ``count`` keys, the last one first."""
        return self._met.get(count, [])

    def read(self, messages: Messages, words: Keys) -> _Shape | None:
        """The shape of the span with these attributes, whose first bytes are ``words``; ``None`` where one key is there
        twice, or is not told by its first bytes.
        """
        keys, begin = self.names.read(messages)
        length = begin - messages.start
        if len(keys.values) < len(messages) or (length <= 0).any() or (length > HEAD).any():
            return None
        mask = beginnings(length)
        shape = _Shape([name or "" for name in keys.to_list()], length, words & mask, mask)
        self._met[len(messages)] = [shape, *self.met(len(messages))[: _TRIES - 1]]
        return shape


@dataclass(frozen=True, slots=True)
class _Alike:
    """m spans of one shape; ``places`` (m, c) are their messages."""

    rows: Ints
    shape: _Shape
    places: Ints


def attributes(lists: pa.ListArray, shapes: Shapes, select: Select | None, events: Ints) -> tuple[Attributes, Bools]:
    """The attributes of spans, given as lists of ``KeyValue`` messages, that ``select`` wants (all if left out), and
    which spans it sampled; ``events`` are the spans that have some.

    Values are serialised ``AnyValue`` messages, empty where there is none. Raises ``DecodeError`` for a message that
    cannot be read.
    """
    messages = Messages.of(lists.values)
    pieces: dict[str, list[_Piece]] = defaultdict(list)
    values: dict[str, list[pa.BinaryArray]] = defaultdict(list)
    first = offsets_of(lists).astype(np.int64)
    alone = np.ones(len(lists), np.bool_)
    for alike in _alike(messages, first, shapes):
        names, rows = alike.shape.names, alike.rows
        alone[rows] = False
        begin = messages.start.take(alike.places) + alike.shape.length
        for column, name in enumerate(names):
            pieces[name].append(_Piece(rows, alike.places[:, column], begin[:, column]))
        kept = [column for column, name in enumerate(names) if select is None or select.keeps(name)]
        if not kept:
            continue
        by_column = np.arange(len(rows) * len(kept)).reshape(-1, len(kept)).T.reshape(-1)
        found = messages.take(alike.places[:, kept].reshape(-1)).values(begin[:, kept].reshape(-1), by_column)
        for place, column in enumerate(kept):
            values[names[column]].append(found.slice(place * len(rows), len(rows)))
    for name, piece in _one_by_one(messages, first, alone, shapes.names):
        pieces[name].append(piece)
        if select is None or select.keeps(name):
            values[name].append(messages.take(piece.places).values(piece.begin, np.arange(len(piece.span))))
    read = {name: _joined(name, pieces[name], found) for name, found in values.items()}
    sampled = np.zeros(len(lists), np.bool_)
    if select is not None:
        spans_of = {name: [each.span for each in found] for name, found in pieces.items()}
        sampled = select.sampled(spans_of, events, len(lists))
        for name, mask in select.more(spans_of, sampled).items():
            wanted = [each if mask is None else _only(each, mask) for each in pieces[name]]
            content = [messages.take(each.places).values(each.begin, np.arange(len(each.span))) for each in wanted]
            if sum(map(len, content)):
                read[name] = _joined(name, wanted, content)
    return read, sampled


def _alike(messages: Messages, first: Ints, shapes: Shapes) -> Iterator[_Alike]:
    """The spans that have many of their shape; ``first`` (n + 1,) is where the messages of each begin."""
    counts = first[1:] - first[:-1]
    for count in np.flatnonzero(np.bincount(counts, minlength=1) >= _FEW).tolist():
        if not 0 < count <= _MOST:
            continue
        rows = np.flatnonzero(counts == count)
        places = first.take(rows)[:, None] + np.arange(count)
        words = heads(messages.data, messages.start.take(places.reshape(-1))).reshape(*places.shape, -1)
        sizes = (messages.end - messages.start).take(places)
        known = shapes.met(count)
        for shape in itertools.chain(known, itertools.repeat(None, _TRIES)):
            if shape is None:
                shape = shapes.read(messages.take(places[0]), words[0])  # noqa: PLW2901
                if shape is None:
                    break
            same = shape.same(words, sizes)
            if same.all():
                yield _Alike(rows, shape, places)
                break
            if same.any():
                yield _Alike(rows[same], shape, places[same])
                rows, places, words, sizes = rows[~same], places[~same], words[~same], sizes[~same]
                if len(rows) < _FEW:
                    break


def _one_by_one(messages: Messages, first: Ints, alone: Bools, names: Names) -> Iterator[tuple[str, _Piece]]:
    """The attributes of the spans in the mask ``alone``, each by itself."""
    counts = first[1:] - first[:-1]
    places = np.flatnonzero(np.repeat(alone, counts))
    if not len(places):
        return
    span = np.repeat(np.arange(len(alone)), counts).take(places)
    keys, begin = names.read(messages.take(places))
    order = np.argsort(keys.codes, kind="stable")
    bounds = [0, *np.cumsum(np.bincount(keys.codes, minlength=len(keys.values))).tolist()]
    for name, (start, end) in zip(keys.values, itertools.pairwise(bounds), strict=True):
        rows = order[start:end]
        yield name, _Piece(span.take(rows), places.take(rows), begin.take(rows))


def _only(piece: _Piece, mask: Bools) -> _Piece:
    """That of the spans in ``mask``."""
    rows = np.flatnonzero(mask.take(piece.span))
    return _Piece(*(column.take(rows) for column in piece))


def _joined(name: str, pieces: list[_Piece], values: list[pa.BinaryArray]) -> Attribute:
    """An attribute in the order of the spans and of the places in them."""
    if len(pieces) == 1:
        return Attribute(name, pieces[0].span, values[0])
    span, places, _ = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    order = np.lexsort((places, span))
    return Attribute(name, span.take(order), pa.concat_arrays(values).take(pa.array(order)))
