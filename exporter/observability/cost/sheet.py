"""A price sheet: what each kind of token of one model costs at one time, ready for arithmetic on columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from genai_prices.types import ModelPrice, TieredPrices

from observability.catalogue import TOKEN_TYPES
from observability.columns import Floats, Ints
from observability.cost.rules import (
    CLAUDE_CACHE_READ,
    CLAUDE_CACHE_WRITE,
    CLAUDE_CACHE_WRITE_1H,
    ONE,
    LongContext,
    TierRule,
    is_claude,
)  # fmt: skip
from observability.settings import PriceOverride

Source = Literal["override", "price_list"]
#: Values of the ``source`` label of ``llm_token_cost_usd_total``.
SOURCES = ("provider", "override", "price_list")
#: Columns of a table of costs: the token types, a fee per request, and what is known as a whole only.
COST_TYPES = (*TOKEN_TYPES, "request", "total")
#: How many of them are types of tokens.
TYPES = len(TOKEN_TYPES)

#: Prices are US dollars per million tokens and per thousand requests.
_TOKENS = Decimal(1_000_000)
_REQUESTS = Decimal(1_000)

#: What has a price: the columns of ``records.USAGE``, then the fee per request.
LINES = (
    "input", "cache_read", "cache_write", "output", "reasoning",
    "cache_write_1h", "input_audio", "cache_read_audio", "output_audio", "request",
)  # fmt: skip
#: Lines that are a part of another line's tokens.
_PART_OF = {"cache_write_1h": "cache_write", "input_audio": "input", "cache_read_audio": "cache_read",
            "output_audio": "output"}  # fmt: skip
_OUTPUT_LINES = ("output", "reasoning", "output_audio")
_CACHE_LINES = ("cache_read", "cache_write", "cache_write_1h", "cache_read_audio")


@dataclass(frozen=True, slots=True)
class Steps:
    """A price by size of input: above ``starts[i - 1]`` tokens of it, ``prices[i]`` holds for all tokens of a call."""

    prices: tuple[Decimal, ...]
    starts: tuple[int, ...] = ()

    @classmethod
    def of(cls, price: Decimal | TieredPrices) -> Steps:
        if isinstance(price, Decimal):
            return cls((price,))
        return cls((price.base, *(tier.price for tier in price.tiers)), tuple(tier.start for tier in price.tiers))

    def at(self, tokens: int) -> Decimal:
        """The price for a call with ``tokens`` of input, cached or not."""
        return self.prices[sum(tokens > start for start in self.starts)]

    def times(self, factor: Decimal) -> Steps:
        return Steps(tuple(price * factor for price in self.prices), self.starts)

    def raised(self, start: int, factor: Decimal) -> Steps:
        """With ``factor`` above ``start``, if the price knows no size yet."""
        return self if self.starts else Steps((self.prices[0], self.prices[0] * factor), (start,))


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """US dollars per token of one model at one time.

    ``rates`` has shape (levels, 10): a row per size of input, a column per line, NaN where nothing is charged. The
    columns of parts (1 h cache writes, audio) hold what a token of the part costs more than one of the whole, so that
    a cost is the sum of all columns. ``starts`` has shape (levels - 1,): a call is on the level of how many starts its
    input exceeds.
    """

    rates: Floats
    starts: Ints
    source: Source

    @property
    def fee(self) -> bool:
        """Whether requests have a price."""
        return not math.isnan(self.rates[0, -1])

    @property
    def only_fee(self) -> bool:
        """Whether a call's price does not depend on its tokens."""
        return self.fee and bool(np.isnan(self.rates[0, :TYPES]).all())


def sheet(prices: Mapping[str, Steps], source: Source) -> Sheet:
    """A sheet of ``prices`` by line; a line that is missing is not charged, but as a part of its whole."""
    starts = sorted({start for steps in prices.values() for start in steps.starts})
    rows = []
    for tokens in (0, *(start + 1 for start in starts)):
        at = {line: steps.at(tokens) for line, steps in prices.items()}
        rows.append([_rate(line, at) for line in LINES])
    return Sheet(np.array(rows, np.float64), np.array(starts, np.int64), source)


def _rate(line: str, prices: Mapping[str, Decimal]) -> float:
    if line == "request":
        return float(prices[line] / _REQUESTS) if line in prices else math.nan
    if line in _PART_OF:
        whole = prices.get(_PART_OF[line], Decimal(0))
        return float((prices.get(line, whole) - whole) / _TOKENS)
    if line in prices:
        return float(prices[line] / _TOKENS)
    # A model that charges audio alone: its text is free, and the whole has a price.
    return 0.0 if any(whole == line and part in prices for part, whole in _PART_OF.items()) else math.nan


def listed_prices(prices: ModelPrice, model: str) -> dict[str, Steps]:
    """Prices by line of an entry of the price list; ``model`` is its id. Empty if tokens have no price at all.

    A kind without a price of its own costs what its kind costs. An entry without any price is a free model: the list
    has such entries for free offers only.
    """
    named = {key: Steps.of(price) for key, price in vars(prices).items() if price is not None}
    if not named:
        return dict.fromkeys(LINES[:5], Steps((Decimal(0),)))
    found: dict[str, Steps | None] = {}
    plain, out = named.get("input_mtok"), named.get("output_mtok")
    claude = plain is not None and is_claude(model)
    read = named.get("cache_read_mtok") or (_share(plain, CLAUDE_CACHE_READ if claude else ONE))
    write = named.get("cache_write_mtok") or (_share(plain, CLAUDE_CACHE_WRITE if claude else ONE))
    found["input"], found["output"] = plain, out
    found["cache_read"], found["cache_write"] = read, write
    found["cache_write_1h"] = named.get("cache_write_1h_mtok") or (
        _share(plain, CLAUDE_CACHE_WRITE_1H) if claude else None
    )
    found["reasoning"] = named.get("output_reasoning_mtok") or out
    found["input_audio"] = named.get("input_audio_mtok")
    found["cache_read_audio"] = named.get("cache_audio_read_mtok")
    found["output_audio"] = named.get("output_audio_mtok")
    found["request"] = named.get("requests_kcount")
    return {line: steps for line, steps in found.items() if steps is not None}


def override_prices(override: PriceOverride) -> dict[str, Steps]:
    """Prices by line of an override that has prices (not a discount)."""
    said = {
        "input": override.input,
        "cache_read": _else(override.cache_read, override.input),
        "cache_write": _else(override.cache_write, override.input),
        "output": override.output,
        "reasoning": _else(override.reasoning, override.output),
        "request": override.request,
    }
    prices = {line: Decimal(str(price)) for line, price in said.items() if price is not None}
    if "request" in prices:
        prices["request"] *= _REQUESTS
    return {line: Steps((price,)) for line, price in prices.items()}


def discounted(prices: Mapping[str, Steps], discount: float) -> dict[str, Steps]:
    """``prices`` less a share ``discount`` of them, 0 to 1."""
    return {line: steps.times(ONE - Decimal(str(discount))) for line, steps in prices.items()}


def in_tier(prices: Mapping[str, Steps], rule: TierRule) -> dict[str, Steps]:
    """``prices`` in a service tier; the fee per request stays."""
    factors = dict.fromkeys(LINES, rule.tokens) | dict.fromkeys(_CACHE_LINES, rule.cache) | {"request": ONE}
    return {line: steps.times(factors[line]) for line, steps in prices.items()}


def in_long_context(prices: Mapping[str, Steps], rule: LongContext) -> dict[str, Steps]:
    """``prices`` with the surcharge of ``rule``, where they know no sizes of input yet."""
    return {
        line: steps
        if line == "request"
        else steps.raised(rule.start, rule.output if line in _OUTPUT_LINES else rule.input)
        for line, steps in prices.items()
    }


def _share(steps: Steps | None, share: Decimal) -> Steps | None:
    return None if steps is None else steps.times(share)


def _else(first: float | None, second: float | None) -> float | None:
    return second if first is None else first
