"""Canonical records: what every span becomes, whatever dialect it was written in.

Everything after the normaliser reads these and nothing else, so nothing downstream knows a dialect's names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["success", "error"]

#: Operations that are one call of a model; every other operation (agents, chains, tools) counts no call and no tokens.
CALL_OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
RETRIEVAL_OPERATION = "retrieval"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call by disjoint type; ``None`` means that nobody reported the number, which is not zero."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None

    @classmethod
    def from_totals(
        cls,
        input_total: int | None,
        cache_read: int | None,
        cache_write: int | None,
        output_total: int | None,
        reasoning: int | None,
    ) -> TokenUsage | None:
        """Split reported totals into disjoint types; ``None`` if nothing was reported.

        OpenTelemetry and OpenInference define the input total as including the cache and the output total as
        including reasoning. Some instrumentations report the provider's own numbers, where those stand outside:
        parts that exceed their total cannot be inside it, so the total is then kept as it is.
        """
        if input_total is None and output_total is None and cache_read is None and cache_write is None:
            if reasoning is None:
                return None
            return cls(reasoning=reasoning)
        return cls(
            input=_outside(input_total, (cache_read or 0) + (cache_write or 0)),
            cache_read=cache_read,
            cache_write=cache_write,
            output=_outside(output_total, reasoning or 0),
            reasoning=reasoning,
        )

    def by_type(self) -> dict[str, int]:
        """The reported types only, named as ``catalogue.TOKEN_TYPES``."""
        named = (
            ("input", self.input),
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("output", self.output),
            ("reasoning", self.reasoning),
        )
        return {name: count for name, count in named if count is not None}

    @property
    def input_total(self) -> int:
        """All input tokens, cached or not; the number that price tiers look at."""
        return (self.input or 0) + (self.cache_read or 0) + (self.cache_write or 0)

    @property
    def output_total(self) -> int:
        """All output tokens, reasoning included."""
        return (self.output or 0) + (self.reasoning or 0)

    @property
    def detail(self) -> int:
        """How many types were reported: of two reports of one call the one with more detail is kept."""
        return len(self.by_type())


def _outside(total: int | None, parts: int) -> int | None:
    if total is None or parts > total:
        return total
    return total - parts


@dataclass(frozen=True, slots=True)
class LlmCall:
    """One call of a model. Times are Unix nanoseconds, durations seconds, identifiers lower-case hex."""

    service: str
    provider: str
    model: str
    request_model: str | None
    response_model: str | None
    operation: str
    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int
    error_type: str | None = None
    usage: TokenUsage | None = None
    time_to_first_token_seconds: float | None = None
    streaming: bool | None = None
    response_id: str | None = None
    input: object = None
    output: object = None

    @property
    def status(self) -> Status:
        return "success" if self.error_type is None else "error"

    @property
    def latency_seconds(self) -> float | None:
        """Duration as the client saw it; ``None`` where the span's clock ran backwards."""
        return _duration(self.start_ns, self.end_ns)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One retrieval of documents. Times are Unix nanoseconds."""

    service: str
    retriever: str
    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int

    @property
    def latency_seconds(self) -> float | None:
        return _duration(self.start_ns, self.end_ns)


def _duration(start_ns: int, end_ns: int) -> float | None:
    if start_ns <= 0 or end_ns < start_ns:
        return None
    return (end_ns - start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Records:
    """What one batch of spans says."""

    calls: tuple[LlmCall, ...] = ()
    retrievals: tuple[Retrieval, ...] = ()
