"""Canonical records, in columns: what every span becomes, whatever dialect it was written in.

Everything after the normaliser reads these and nothing else, so nothing downstream knows a dialect's names. Times are
Unix nanoseconds, durations seconds, money US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from observability.columns import Blobs, Bools, Coded, Floats, Ints, Keys, Objects, Sparse, Text, taken

UNKNOWN = "unknown"

#: Operations that are one call of a model; every other operation (agents, chains, tools) counts no call and no tokens.
CALL_OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
#: Operations of the steps around calls.
STEP_OPERATIONS = frozenset({
    "retrieval", "rerank", "execute_tool", "invoke_agent", "create_agent", "invoke_workflow", "guardrail", "evaluate",
    "mcp",
})  # fmt: skip

#: Columns of a usage table. The first five are disjoint (``catalogue.TOKEN_TYPES``); the others say what part of one
#: of them is priced differently: ``cache_write_1h`` of cache_write, ``input_audio`` of input, ``cache_read_audio`` of
#: cache_read, ``output_audio`` of output.
USAGE = (
    "input", "cache_read", "cache_write", "output", "reasoning",
    "cache_write_1h", "input_audio", "cache_read_audio", "output_audio",
)  # fmt: skip
INPUT, CACHE_READ, CACHE_WRITE, OUTPUT, REASONING = range(5)
CACHE_WRITE_1H, INPUT_AUDIO, CACHE_READ_AUDIO, OUTPUT_AUDIO = range(5, 9)
#: Tokens that nobody reported, which is not zero.
NO_TOKENS = -1

#: Columns of a table of reported costs.
REPORTED = ("input", "output", "total")

_Table = TypeVar("_Table", bound="Table")


class Table:
    """Columns of equal length; subclasses are dataclasses of them."""

    def take(self: _Table, rows: Ints | Bools | slice) -> _Table:
        """These rows, in this order."""
        if isinstance(rows, np.ndarray) and rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        changes = {each.name: _take(getattr(self, each.name), rows) for each in fields(self)}  # type: ignore[arg-type]
        return replace(self, **changes)  # type: ignore[type-var]

    @classmethod
    def concat(cls: type[_Table], parts: list[_Table]) -> _Table:
        """All rows of ``parts`` (one at least), one after the other."""
        if len(parts) == 1:
            return parts[0]
        names = [each.name for each in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: _concat([getattr(part, name) for part in parts]) for name in names})


def _take(column: Any, rows: Any) -> Any:
    if isinstance(column, Coded | Blobs | Sparse):
        return column.take(rows)
    if isinstance(column, dict):
        return {name: each.take(rows) for name, each in column.items()}
    return taken(column, rows)


def _concat(columns: list[Any]) -> Any:
    if isinstance(columns[0], Coded):
        return Coded.concat(columns)
    if isinstance(columns[0], Blobs):
        return Blobs.concat(columns)
    if isinstance(columns[0], Sparse):
        return Sparse.concat(columns)
    if isinstance(columns[0], dict):
        return {name: Coded.concat([column[name] for column in columns]) for name in columns[0]}
    return np.concatenate(columns)


@dataclass(frozen=True, slots=True)
class Calls(Table):
    """Calls of models, a row each; n rows."""

    key: Keys  # identity of the span: a hash of trace and span id
    parent: Keys  # of its parent, 0 for a root
    trace: Keys  # hash of the trace id
    scope: Text  # the instrumentation that wrote the span
    near_wire: Bools  # the span saw the HTTP answer: where two spans of one call differ, it is right
    service: Text
    provider: Text  # a value of gen_ai.provider.name
    model: Text  # the label: the model that answered, else the one asked for
    request_model: Text
    response_model: Text
    operation: Text
    error_type: Text  # absent: success
    trace_id: Keys  # (n, 2), big-endian halves
    span_id: Keys
    start_ns: Ints
    end_ns: Ints
    usage: Ints  # (n, len(USAGE)), NO_TOKENS where nobody reported
    estimated: Bools  # the usage is our estimate from the content
    reported_cost: Floats  # (n, len(REPORTED)), NaN where nobody said
    service_tier: Text  # as the provider answered: default, batch, flex, priority
    time_to_first_token: Floats  # NaN where nobody said
    streaming: Bools
    answer: Keys  # hash of the response id, 0 where nobody said
    response_id: Blobs  # as on the wire (a serialised AnyValue)
    input: Sparse  # content, where it is wanted
    output: Sparse
    prompt: Text  # name of the prompt, with its version behind an @ where there is one
    exchange: Sparse  # (input, output) of the calls that were sampled for what they are about
    dimensions: dict[str, Text] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.span_id)

    @property
    def latency(self) -> Floats:
        """Durations as the client saw them; NaN where the span's clock ran backwards. Shape (n,)."""
        return durations(self.start_ns, self.end_ns)

    @property
    def has_usage(self) -> Bools:
        """Whether any token was reported (or estimated). Shape (n,)."""
        return ~unreported(self.usage)


@dataclass(frozen=True, slots=True)
class Steps(Table):
    """What happens around calls (tools, agents, retrievals, guardrails …), a row each."""

    key: Keys
    parent: Keys
    trace: Keys
    operation: Text  # of STEP_OPERATIONS
    name: Text  # of the tool, agent, workflow, retriever, guardrail or MCP method
    service: Text
    model: Text  # that a span of an evaluation or agent names
    failed: Bools
    trace_id: Keys  # (n, 2)
    start_ns: Ints
    end_ns: Ints
    documents: Ints  # how many documents came back; -1 where nobody said
    scores: Objects  # tuple of the documents' scores

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, slots=True)
class Evaluations(Table):
    """Verdicts on answers, a row each."""

    key: Keys  # its own identity: that of the span, made different for each verdict of one span
    span: Keys  # of the span that says it
    trace: Keys
    service: Text
    model: Text
    name: Text
    label: Text  # absent: none was given
    score: Floats  # NaN: none was given
    failed: Bools
    trace_id: Keys  # (n, 2)

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, slots=True)
class Links(Table):
    """Every span, whatever it is: who is whose parent."""

    key: Keys
    parent: Keys
    trace: Keys

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, slots=True)
class Records:
    """What some spans say."""

    links: Links
    calls: Calls
    steps: Steps
    evaluations: Evaluations

    def take_traces(self, traces: Keys, *, others: bool = False) -> Records:
        """The records of these traces, or of all ``others``."""
        return Records(
            self.links.take(np.isin(self.links.trace, traces, invert=others)),
            self.calls.take(np.isin(self.calls.trace, traces, invert=others)),
            self.steps.take(np.isin(self.steps.trace, traces, invert=others)),
            self.evaluations.take(np.isin(self.evaluations.trace, traces, invert=others)),
        )

    @classmethod
    def concat(cls, parts: list[Records]) -> Records:
        """All of ``parts`` (one at least)."""
        return cls(
            Links.concat([part.links for part in parts]),
            Calls.concat([part.calls for part in parts]),
            Steps.concat([part.steps for part in parts]),
            Evaluations.concat([part.evaluations for part in parts]),
        )


def unreported(usage: Ints) -> Bools:
    """Mask of the rows of a usage table in which nobody reported any of the five types."""
    everywhere = usage[:, 0].copy()
    for place in range(1, 5):
        everywhere &= usage[:, place]  # NO_TOKENS has all bits set
    return np.asarray(everywhere == NO_TOKENS)


def durations(start_ns: Ints, end_ns: Ints) -> Floats:
    """Seconds from start to end; NaN where there is no start or the clock ran backwards."""
    return np.where((start_ns > 0) & (end_ns >= start_ns), (end_ns - start_ns) / 1e9, np.nan)
