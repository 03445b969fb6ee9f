"""What was really served, counted where it happened."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from demo.simulator.models import find_model

#: Disjoint kinds of token: their sum is what a bill is made of.
TOKEN_TYPES = ("input", "cache_read", "cache_write", "output", "reasoning")
#: Latest calls that are kept one by one.
CALLS_KEPT = 10_000


@dataclass(slots=True)
class Usage:
    """Token counts, whole: ``prompt`` includes ``cached`` and ``written``, ``completion`` includes ``reasoning``.

    ``cached`` were read from the provider's prompt cache, ``written`` into it; ``for_an_hour`` says that they stay
    there for an hour and not for five minutes.
    """

    prompt: int = 0
    cached: int = 0
    written: int = 0
    completion: int = 0
    reasoning: int = 0
    for_an_hour: bool = False

    def disjoint(self) -> dict[str, int]:
        """The same tokens by :data:`TOKEN_TYPES`."""
        return {
            "input": self.prompt - self.cached - self.written,
            "cache_read": self.cached,
            "cache_write": self.written,
            "output": self.completion - self.reasoning,
            "reasoning": self.reasoning,
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it was asked: ``requested`` is the model's name in the request, ``model`` our name for it."""

    caller: str
    provider: str
    operation: str
    model: str
    requested: str
    streaming: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """One finished request, for ``GET /admin/calls``.

    ``usage_reported`` is false where the answer told the client no token counts; ``error`` is the kind of fault.
    An answer whose client went away before its end has HTTP status 200 and the error ``timeout``.
    """

    seq: int
    provider: str
    op: str
    model_requested: str
    model_response: str | None
    streaming: bool
    usage_reported: bool
    input_total: int
    cache_read: int
    cache_write: int
    output_total: int
    reasoning: int
    http_status: int
    error: str | None
    tool_calls_requested: int


@dataclass(slots=True)
class Row:
    """Counts of one service, model (by the name asked for) and operation."""

    requests: int = 0
    success: int = 0
    streamed: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    finish_reasons: Counter[str] = field(default_factory=Counter)


class Ledger:
    """Finished calls; used from one event loop only, so without a lock."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._calls: deque[Served] = deque(maxlen=CALLS_KEPT)
        self._seq = 0

    def _row(self, call: Call) -> Row:
        row = self._rows.setdefault((call.caller, call.model, call.operation), Row())
        row.requests += 1
        return row

    def _keep(
        self, call: Call, usage: Usage, status: int, *, told: bool = False, error: str | None = None, tools: int = 0
    ) -> None:
        found = find_model(call.model)
        self._calls.append(
            Served(
                seq=self._seq,
                provider=call.provider,
                op=call.operation,
                model_requested=call.requested,
                model_response=found.snapshot if found and status == 200 else None,
                streaming=call.streaming,
                usage_reported=told,
                input_total=usage.prompt,
                cache_read=usage.cached,
                cache_write=usage.written,
                output_total=usage.completion,
                reasoning=usage.reasoning,
                http_status=status,
                error=error,
                tool_calls_requested=tools,
            )
        )
        self._seq += 1

    def succeeded(
        self, call: Call, usage: Usage, *, finish_reason: str | None = None, told: bool = True, tools: int = 0
    ) -> None:
        """Count an answer that was served to its end; ``told`` says whether the client learnt its token counts."""
        row = self._row(call)
        row.success += 1
        row.streamed += call.streaming
        row.tokens.update(usage.disjoint())
        if finish_reason:
            row.finish_reasons[finish_reason] += 1
        self._keep(call, usage, 200, told=told, tools=tools)

    def failed(self, call: Call, kind: str, status: int) -> None:
        """Count a call that ended in an error of ``kind``; ``status`` is 200 if the answer had begun."""
        self._row(call).errors[kind] += 1
        self._keep(call, Usage(), status, error=kind)

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """The latest calls one by one (:class:`Served`), from number ``since`` on."""
        return [asdict(each) for each in self._calls if each.seq >= since]

    def as_json(self) -> dict[str, Any]:
        """``{"rows": [...], "totals": {...}}``; one row per service, model and operation, and their sums."""
        rows = [
            {
                "service": service,
                "model": model,
                "response_model": found.snapshot if (found := find_model(model)) else None,
                "operation": operation,
                "requests": row.requests,
                "success": row.success,
                "streamed": row.streamed,
                "errors": dict(sorted(row.errors.items())),
                "tokens": {kind: row.tokens[kind] for kind in TOKEN_TYPES},
                "finish_reasons": dict(sorted(row.finish_reasons.items())),
            }
            for (service, model, operation), row in sorted(self._rows.items())
        ]
        errors: Counter[str] = Counter()
        tokens: Counter[str] = Counter()
        for row in self._rows.values():
            errors.update(row.errors)
            tokens.update(row.tokens)
        return {
            "rows": rows,
            "totals": {
                "requests": sum(row.requests for row in self._rows.values()),
                "success": sum(row.success for row in self._rows.values()),
                "errors": dict(sorted(errors.items())),
                "tokens": {kind: tokens[kind] for kind in TOKEN_TYPES},
            },
        }
