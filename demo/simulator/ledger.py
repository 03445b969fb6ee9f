"""What was really served, counted where it happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from demo.simulator.models import find_model

#: Disjoint kinds of token: their sum is what a bill is made of.
TOKEN_TYPES = ("input", "cache_read", "output", "reasoning")


@dataclass(slots=True)
class Usage:
    """Token counts as the API reports them: ``prompt`` includes ``cached``, ``completion`` includes ``reasoning``."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0

    def disjoint(self) -> dict[str, int]:
        """The same tokens by :data:`TOKEN_TYPES`."""
        return {
            "input": self.prompt - self.cached,
            "cache_read": self.cached,
            "output": self.completion - self.reasoning,
            "reasoning": self.reasoning,
        }


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

    def _row(self, service: str, model: str, operation: str) -> Row:
        row = self._rows.setdefault((service, model, operation), Row())
        row.requests += 1
        return row

    def succeeded(
        self,
        service: str,
        model: str,
        operation: str,
        usage: Usage,
        *,
        finish_reason: str | None = None,
        streamed: bool = False,
    ) -> None:
        """Count an answer that was served to its end."""
        row = self._row(service, model, operation)
        row.success += 1
        row.streamed += streamed
        row.tokens.update(usage.disjoint())
        if finish_reason:
            row.finish_reasons[finish_reason] += 1

    def failed(self, service: str, model: str, operation: str, kind: str) -> None:
        """Count a call that ended in an error of ``kind``."""
        self._row(service, model, operation).errors[kind] += 1

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
