"""Snapshots of families → the page, in OpenMetrics 1.0 or in the Prometheus text format 0.0.4.

A family is written as a table of byte strings, a row for each series and a column for each piece of its lines, most of
which are the same object in all rows. It is filled column by column and joined once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import orjson
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, exposition
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from observability.catalogue import Family
from observability.columns import Floats, Ints
from observability.metrics.families import Distributions, Exemplars, Numbers, Texts, Written, go_float

#: What stands in one place of all rows: the same bytes, or those of each row.
_Column: TypeAlias = bytes | Texts

_EOF = b"# EOF\n"
#: Rows that are joined at a time: while it is done no other thread runs.
_ROWS = 1024
_WHOLE = np.array([b"%d.0" % number for number in range(4096)], np.object_)


def content_type(accept: str) -> str:
    """The content type that answers ``accept`` best; no name of ours needs any escaping."""
    chosen: str = exposition.choose_encoder(accept)[1]
    if is_openmetrics(chosen):
        escaping = chosen.partition("escaping=")[2]
        if not escaping:
            return openmetrics_exposition.CONTENT_TYPE_LATEST
        allowed = escaping == openmetrics_exposition.ALLOWUTF8
        return f"{openmetrics_exposition.CONTENT_TYPE_LATEST}; escaping={escaping if allowed else 'underscores'}"
    return chosen


def is_openmetrics(chosen: str) -> bool:
    """Whether a content type is OpenMetrics."""
    return chosen.startswith("application/openmetrics-text")


class Process:
    """What prometheus_client knows about this process and its Python."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def page(self, openmetrics: bool) -> bytes:
        """Its families, without what ends a page."""
        if openmetrics:
            text: bytes = openmetrics_exposition.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return text.removesuffix(_EOF)
        return exposition.generate_latest(self._registry)


def render(families: Iterable[Numbers | Distributions | Written], process: bytes, *, openmetrics: bool) -> bytes:
    """The whole page: ``process``, which ends its last line, and then ``families``."""
    parts = [process.removesuffix(b"\n")]
    for family in families:
        parts.append(_head(family.family, openmetrics))
        if isinstance(family, Written):
            parts.append(family.lines)
        elif len(family.labels):
            if isinstance(family, Distributions):
                columns = _histogram(family, openmetrics)
            else:
                columns = _numbers(family, openmetrics)
            parts += _rows(columns, len(family.labels))
    parts.append(b"\n" + _EOF if openmetrics else b"\n")
    return b"".join(parts)


def lines(gauge: Numbers) -> bytes:
    """The lines of a gauge, which are the same in both formats."""
    return b"".join(_rows(_numbers(gauge, openmetrics=False), len(gauge.labels)))


def go_floats(values: Floats) -> Texts:
    """Each of ``values`` (n,) as ``floatToGoString`` of prometheus_client writes it, shape (n,)."""
    texts = np.empty(len(values), np.object_)
    plain = ((values >= 1e-4) & (values < 1e6)) | (values == 0)
    if plain.any():  # here Python's and Go's shortest notation are the same, and orjson writes it six times as fast
        text = orjson.dumps(values[plain], option=orjson.OPT_SERIALIZE_NUMPY)
        texts[plain] = np.array(text[1:-1].split(b","), np.object_)
    rest = ~plain
    texts[rest] = np.array([go_float(value) for value in values[rest].tolist()], np.object_)
    return texts


def _whole(counts: Ints) -> Texts:
    """Each of ``counts`` as a float, in the same shape."""
    small = counts < len(_WHOLE)
    texts: Texts = _WHOLE[np.where(small, counts, 0)]
    if not small.all():
        texts[~small] = go_floats(counts[~small].astype(np.float64))
    return texts


def _rows(columns: Sequence[_Column], rows: int) -> Iterator[bytes]:
    for start in range(0, rows, _ROWS):
        stop = min(rows, start + _ROWS)
        table = np.empty((stop - start, len(columns)), np.object_)
        for at, column in enumerate(columns):
            table[:, at] = column if isinstance(column, bytes) else column[start:stop]
        yield b"".join(table.ravel().tolist())


def _head(family: Family, openmetrics: bool) -> bytes:
    name = family.name
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        name = _base(family)
        text = text.replace('"', r"\"")
    return f"\n# HELP {name} {text}\n# TYPE {name} {family.type}".encode()


def _base(family: Family) -> str:
    return family.name.removesuffix("_total") if family.type == "counter" else family.name


def _line(family: Family, name: str, labels: Texts, value: _Column, more: str = "") -> tuple[_Column, ...]:
    """The pieces of a line, with the line feed before it; ``more`` is a label that comes last."""
    if family.labels:
        close = f",{more}}} " if more else "} "
        return f"\n{name}{{".encode(), labels, close.encode(), value
    return f"\n{name}{{{more}}} ".encode() if more else f"\n{name} ".encode(), value


def _numbers(numbers: Numbers, openmetrics: bool) -> list[_Column]:
    family = numbers.family
    values = go_floats(numbers.values)
    if openmetrics and numbers.exemplars is not None:
        _append(values, numbers.exemplars)
    columns = [*_line(family, family.name, numbers.labels, values)]
    if openmetrics and numbers.born is not None:
        columns += _line(family, f"{_base(family)}_created", numbers.labels, numbers.born)
    return columns


def _histogram(histogram: Distributions, openmetrics: bool) -> list[_Column]:
    family = histogram.family
    counts = _whole(histogram.counts.cumsum(axis=1))
    total = counts[:, -1].copy()
    if openmetrics and histogram.exemplars is not None:
        _append(counts.reshape(-1), histogram.exemplars)
    columns: list[_Column] = []
    for at, bound in enumerate((*family.buckets, np.inf)):
        le = f'le="{go_float(bound).decode()}"'
        columns += _line(family, family.bucket, histogram.labels, counts[:, at], le)
    columns += _line(family, family.count, histogram.labels, total)
    columns += _line(family, family.sum, histogram.labels, go_floats(histogram.sums))
    if openmetrics:
        columns += _line(family, f"{family.name}_created", histogram.labels, histogram.born)
    return columns


def _append(values: Texts, exemplars: Exemplars) -> None:
    """Write the exemplars behind their values."""
    if not len(exemplars.cells):
        return
    digits = exemplars.trace_ids.astype(">u8").tobytes().hex().encode()
    traces = [digits[at : at + 32] for at in range(0, len(digits), 32)]
    times: list[Any] = [repr(each).encode() for each in exemplars.times.tolist()]
    rows = zip(values[exemplars.cells].tolist(), traces, go_floats(exemplars.values).tolist(), times, strict=True)
    texts = [b'%b # {trace_id="%b"} %b %b' % row for row in rows]
    values[exemplars.cells] = np.array(texts, np.object_)
