"""Spans around calls (tools, agents, retrievals, guardrails, MCP requests) → :class:`observability.records.Steps`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from observability.columns import Bools, Coded, Ints, Keys, Objects, Text
from observability.records import UNKNOWN, Steps
from observability.translate.calls import service
from observability.translate.events import Told
from observability.translate.reader import Reader
from observability.vocabulary import values

#: Operation → the field that names what was at work.
_NAMES = {
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "workflow",
    "retrieval": "retriever",
    "rerank": "request_model",
    "guardrail": "guardrail",
    "evaluate": "evaluation",
    "mcp": "mcp_method",
}
_MCP = "mcp"


def steps(reader: Reader, operation: Text, rows: Ints, said: Mapping[int, Told], keys: Mapping[str, Keys]) -> Steps:
    """The steps in ``rows`` of the reader's spans."""
    if not len(rows):
        return none()
    spans = reader.spans
    found, scores = _documents(reader, rows)
    return Steps(
        key=keys["key"][rows],
        parent=keys["parent"][rows],
        trace=keys["trace"][rows],
        operation=operation.take(rows),
        name=_names(reader, operation, rows),
        service=service(spans).take(rows),
        model=reader.texts("response_model").filled(reader.texts("request_model")).take(rows),
        failed=_failed(reader, said)[rows],
        trace_id=spans.trace_id[rows],
        start_ns=spans.start_ns[rows],
        end_ns=spans.end_ns[rows],
        documents=found,
        scores=scores,
    )


def none() -> Steps:
    """No step."""
    text: Text = Coded.absent(0)
    keys, numbers = np.empty(0, np.uint64), np.empty(0, np.int64)
    return Steps(
        key=keys, parent=keys, trace=keys, operation=text, name=text, service=text, model=text,
        failed=np.empty(0, np.bool_), trace_id=np.empty((0, 2), np.uint64), start_ns=numbers, end_ns=numbers,
        documents=numbers, scores=np.empty(0, np.object_),
    )  # fmt: skip


def requests_of_mcp(reader: Reader, said: Mapping[int, Told], keys: Mapping[str, Keys]) -> Steps | None:
    """Every span that names an MCP method, as a request; such a span may be a tool's execution besides."""
    method = reader.texts("mcp_method")
    rows = np.flatnonzero(method.present)
    if not len(rows):
        return None
    return steps(reader, Text.constant(_MCP, len(reader.spans)), rows, said, keys)


def _names(reader: Reader, operation: Text, rows: Ints) -> Text:
    """What was at work, else the span's name without its operation (``execute_tool search`` is ``search``)."""
    column = Text.absent(len(reader.spans))
    for value in operation.values:
        field = _NAMES.get(value)
        if field is not None:
            column = column.where(~operation.equals(value), reader.texts(field))
    names = reader.spans.name
    short = names.map([_without_operation(name) or None for name in names.values])
    return column.take(rows).filled(short.take(rows)).filled(Text.constant(UNKNOWN, len(rows)))


def _without_operation(name: str) -> str:
    first, _, rest = name.strip().partition(" ")
    return rest if rest and first in _NAMES else name.strip()


def _failed(reader: Reader, said: Mapping[int, Told]) -> Bools:
    spans = reader.spans
    failed = spans.status.which(lambda status: status.failed)
    failed |= reader.flags("mcp_failed") == 1
    failed |= ~np.isnan(reader.numbers("mcp_error"))
    for row, told in said.items():
        if told.exceptions:
            failed[row] = True
    return np.asarray(failed)


def _documents(reader: Reader, rows: Ints) -> tuple[Ints, Objects]:
    """How many documents each of ``rows`` brought (-1: nobody said), and their scores."""
    count = reader.lengths("documents")[rows]
    if "documents_count" in reader:
        said = reader.numbers("documents_count")[rows]
        count = np.where((count < 0) & (said >= 0), said, count).astype(np.int64)
    scores = np.full(len(rows), None, np.object_)
    place = {int(row): index for index, row in enumerate(rows.tolist())}
    for row, elements in reader.listed("documents", rows).items():
        scores[place[row]] = _scores(list(elements.values()), "document.score")
    for row, value in reader.anything("documents", rows):
        documents = values.document(value)
        if isinstance(documents, list):
            count[place[row]] = len(documents)
            scores[place[row]] = _scores([each for each in documents if isinstance(each, dict)], "score")
    return count, scores


def _scores(documents: list[dict[str, Any]], leaf: str) -> tuple[float, ...] | None:
    found = tuple(score for each in documents if (score := values.number(each.get(leaf))) is not None)
    return found or None
