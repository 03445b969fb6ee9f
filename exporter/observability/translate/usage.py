"""Reported token numbers → disjoint types, in columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from observability.columns import Bools, Column, Ints
from observability.records import (
    CACHE_READ,
    CACHE_READ_AUDIO,
    CACHE_WRITE,
    CACHE_WRITE_1H,
    INPUT,
    INPUT_AUDIO,
    NO_TOKENS,
    OUTPUT,
    OUTPUT_AUDIO,
    REASONING,
    USAGE,
)
from observability.vocabulary import values

#: Canonical field → what providers and frameworks call it inside usage documents, best first.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "input": (
        "prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount", "prompt_token_count",
        "input",
    ),
    "output": (
        "completion_tokens", "output_tokens", "completionTokens", "outputTokens", "candidatesTokenCount",
        "candidates_token_count", "output",
    ),
    "total": ("total_tokens", "totalTokens", "totalTokenCount", "total_token_count", "total"),
    "cache_read": (
        "cached_tokens", "cache_read_input_tokens", "cacheReadInputTokens", "cachedInputTokens", "input_cached_tokens",
        "cachedPromptTokens", "cachedContentTokenCount", "cached_content_token_count", "cache_read", "cacheReadTokens",
        "input_cache_read", "prompt_cache_hit_tokens",
    ),
    "cache_write": (
        "cache_creation_input_tokens", "cacheCreationInputTokens", "cacheWriteInputTokens", "cache_write_tokens",
        "cacheWriteTokens", "input_cache_creation", "cache_creation_tokens", "cache_creation",
    ),
    "cache_write_5m": ("ephemeral_5m_input_tokens",),
    "cache_write_1h": ("ephemeral_1h_input_tokens",),
    "reasoning": (
        "reasoning_tokens", "reasoningTokens", "thoughtsTokenCount", "thoughts_token_count", "thoughtsTokens",
        "output_reasoning_tokens", "reasoning",
    ),
}  # fmt: skip
_DEEPEST = 6


def from_document(document: Any) -> dict[str, float]:
    """Canonical field → number, from a usage object as a provider or framework writes it, wherever it is nested.

    >>> from_document({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}})
    {'input': 5.0, 'cache_read': 3.0}
    """
    leaves: dict[str, float] = {}
    _collect(document, leaves, _DEEPEST)
    found = {
        field: leaves[name]
        for field, names in _NAMES.items()
        if (name := next((name for name in names if name in leaves), None)) is not None
    }
    return found if any(found.values()) else {}


def _collect(value: Any, leaves: dict[str, float], depth: int) -> None:
    if not isinstance(value, Mapping) or not depth:
        return
    for name, inner in value.items():
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            number = values.amount(inner)
            if number is not None:
                leaves.setdefault(str(name), number)
        elif isinstance(inner, Mapping):
            _collect(inner, leaves, depth - 1)


def table(reported: Mapping[str, Column], rows: int, cache_apart: Bools | None = None) -> Ints:
    """Split reported numbers into disjoint types; shape (rows, len(USAGE)), NO_TOKENS where nobody said.

    ``reported`` holds the fields of ``vocabulary.fields.NUMBERS`` (input, output, total, cache_read …), shape (rows,),
    NaN where nobody said, or one NaN for all. The conventions define the input number as including the cache and the
    output number as including reasoning; many instrumentations report the provider's own numbers, where they may stand
    outside. Parts that exceed their whole are outside of it; a reported total decides where both would be possible.
    What a total holds beyond input and output, and nobody accounts for, is reasoning (Google's thoughts, xAI's), but
    for providers in the mask ``cache_apart``, shape (rows,), where it may be cache. Where all numbers are 0 nothing was
    reported: no call has an empty input.
    """
    given, out, total = reported["input"], reported["output"], reported["total"]
    read, long = reported["cache_read"], reported["cache_write_1h"]
    write = _first(reported["cache_write"], _sum(reported["cache_write_5m"], long))
    reasoning = reported["reasoning"]
    if np.ndim(total):
        given = _first(given, total - _zero(out))
        given = np.where(given < 0, np.nan, given)
        out = _first(out, np.where(total > given, total - given, np.nan))
    cached = _zero(read) + _zero(write)
    thought = _zero(reasoning)
    cache_outside, thought_outside = cached > given, thought > out
    if np.ndim(total):
        rest = total - (_zero(given) + _zero(out))  # what the total holds beyond input and output
        open_cache, open_thought = np.where(cache_outside, 0, cached), np.where(thought_outside, 0, thought)
        left = rest - (cached - open_cache) - (thought - open_thought)
        beside = (open_thought > 0) & ((left == open_thought) | (left == open_thought + open_cache))
        thought_outside = thought_outside | beside
        cache_outside = cache_outside | ((open_cache > 0) & (left - np.where(beside, thought, 0) == open_cache))
        if (rest > 0).any():
            rest = np.where(cache_outside, rest - cached, rest)
            unsaid = (thought == 0) & (rest > 0) & (given > 0) & ~np.isnan(reported["output"])
            if cache_apart is not None:
                unsaid &= ~cache_apart
            reasoning, thought_outside = np.where(unsaid, rest, reasoning), thought_outside | unsaid

    found: dict[int, Column] = {
        INPUT: np.where(cache_outside, given, given - cached),
        CACHE_READ: read,
        CACHE_WRITE: write,
        OUTPUT: np.where(thought_outside, out, out - thought),
        REASONING: reasoning,
    }
    nothing = ~(sum(_zero(column) for column in found.values()) > 0)
    for part, field, of in (
        (CACHE_WRITE_1H, "cache_write_1h", CACHE_WRITE),
        (CACHE_READ_AUDIO, "cache_read_audio", CACHE_READ),
        (INPUT_AUDIO, "input_audio", INPUT),
        (OUTPUT_AUDIO, "output_audio", OUTPUT),
    ):
        if np.ndim(reported[field]):
            found[part] = np.minimum(reported[field], _zero(found[of]))
    columns = np.full((rows, len(USAGE)), NO_TOKENS, np.int64)
    for place, column in found.items():
        if np.ndim(column):
            columns[:, place] = np.where(np.isnan(column) | nothing, NO_TOKENS, column)
    return columns


def _zero(column: Column) -> Column:
    """``column`` with 0 where nobody said."""
    if not np.ndim(column):
        return np.float64(0) if np.isnan(column) else column
    return np.where(column == column, column, 0.0)  # noqa: PLR0124 - NaN is not itself


def _first(*columns: Column) -> Column:
    """In each row the first number that was said."""
    result = columns[0]
    for column in columns[1:]:
        if not np.ndim(column) and np.isnan(column):
            continue
        result = np.where(np.isnan(result), column, result)
    return result


def _sum(one: Column, other: Column) -> Column:
    """The sum of what was said; NaN where neither was."""
    if not np.ndim(one) and not np.ndim(other):
        return one if np.isnan(other) else other
    total = _zero(one) + _zero(other)
    return np.where(np.isnan(one) & np.isnan(other), np.nan, total)
