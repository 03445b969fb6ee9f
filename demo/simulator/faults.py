"""When a call fails, and how: evenly spaced, so that every run of some length has exactly its share of errors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from demo.simulator.errors import Kind
from demo.simulator.text import unit

#: Share of failing calls in a demo that nobody disturbs; well below the 5 % at which HighLLMErrorRate fires.
DEFAULT_ERROR_RATIO = 0.03
#: Share of answers that the content filter cuts off (``finish_reason: content_filter``, an answer and not an error).
DEFAULT_CUT_RATIO = 0.008
#: The order in which kinds come, shared by all callers, so that the first few errors already show the common kinds.
_CHAT = (
    Kind.RATE_LIMIT_EXCEEDED,
    Kind.TIMEOUT,
    Kind.CONTENT_FILTER,
    Kind.MODEL_NOT_FOUND,
    Kind.INVALID_REQUEST,
    Kind.RATE_LIMIT_EXCEEDED,
    Kind.SERVER_ERROR,
)
_EMBEDDINGS = (Kind.RATE_LIMIT_EXCEEDED, Kind.TIMEOUT, Kind.SERVER_ERROR)


@dataclass(frozen=True, slots=True)
class Faults:
    """What is asked of the provider: share of failing calls, one kind only or the usual mix, slowness, and a prompt
    cache that remembers nothing.
    """

    error_ratio: float = DEFAULT_ERROR_RATIO
    kind: Kind | None = None
    latency_factor: float = 1.0
    cold_cache: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.error_ratio <= 1:
            raise ValueError(f"error_ratio must be between 0 and 1, not {self.error_ratio}")
        if not (math.isfinite(self.latency_factor) and self.latency_factor >= 0):
            raise ValueError(f"latency_factor must be a finite number of at least 0, not {self.latency_factor}")


class FaultPlan:
    """Decides call by call.

    For each caller, model and operation the n-th call fails when ``n * ratio`` (plus a phase from the seed) passes a
    whole number, which spaces errors as evenly as possible (Bresenham's rule). The phase puts the first error at the
    earliest after 0.7 periods, so that not even a young series shows a larger share than the one that was asked for
    by more than that rounding.
    """

    def __init__(self, seed: int, faults: Faults | None = None) -> None:
        self.seed = seed
        self.faults = faults or Faults()
        self._position: dict[tuple[str, ...], float] = {}
        self._given: Counter[str] = Counter()

    def next(self, caller: str, model: str, operation: str) -> Kind | None:
        """The fault of this call, or None if it is to succeed."""
        if not self._due(self.faults.error_ratio, "error", caller, model, operation):
            return None
        if self.faults.kind is not None:
            return self.faults.kind
        kinds: Sequence[Kind] = _EMBEDDINGS if operation == "embeddings" else _CHAT
        self._given[operation] += 1
        return kinds[(self._given[operation] - 1) % len(kinds)]

    def cut(self, caller: str, model: str) -> bool:
        """True if the content filter cuts this answer off."""
        return self._due(DEFAULT_CUT_RATIO, "cut", caller, model)

    def _due(self, ratio: float, *key: str) -> bool:
        if key not in self._position:
            self._position[key] = 0.3 * unit(self.seed, *key)
        before = self._position[key]
        self._position[key] = before + ratio
        return math.floor(before + ratio + 1e-9) > math.floor(before + 1e-9)
