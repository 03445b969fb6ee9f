"""Money: tokens of one call → US dollars by token type, from the price list of ``genai-prices``.

An unknown model has no price, which is not a price of zero: :func:`PriceList.cost` then returns ``None``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import genai_prices
from genai_prices.data_snapshot import DataSnapshot, find_provider_by_id, get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

from observability.records import UNKNOWN, LlmCall, TokenUsage

SOURCE = "price_list"
#: A fee per request, which some providers ask beside the tokens; it stands beside ``catalogue.TOKEN_TYPES``.
REQUEST_FEE = "request"

#: ``gen_ai.provider.name`` → provider id of the price list, where they differ.
PROVIDER_IDS = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}

#: Token type → keys of its price, best first: a type without a price of its own costs what its kind costs.
_PRICE_KEYS = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write": ("cache_write_mtok", "input_mtok"),
    "output": ("output_mtok",),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
}
_TOKENS_PER_PRICE = 1_000_000
_REQUESTS_PER_PRICE = 1_000


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars of one call by token type (and :data:`REQUEST_FEE`), and where the prices came from."""

    by_type: dict[str, float]
    source: str = SOURCE

    @property
    def total(self) -> float:
        return sum(self.by_type.values())


class PriceList:
    """The bundled price list, with a bounded memory of look-ups.

    The library remembers every model name for ever; names come from the wire, so the memory here is an LRU.
    """

    source = "genai-prices"
    version = genai_prices.__version__

    def __init__(self, snapshot: DataSnapshot | None = None, remembered: int = 4096) -> None:
        self._snapshot = snapshot or get_snapshot()
        self._find = functools.lru_cache(maxsize=remembered)(self._look_up)

    @property
    def providers(self) -> Sequence[Provider]:
        """Every listed provider with its models."""
        return self._snapshot.providers

    def cost(self, call: LlmCall, when: datetime) -> Cost | None:
        """What ``call`` cost at ``when`` (aware); ``None`` if it has no usage or no price list entry.

        Token prices may have tiers, which the whole input decides (cache included), as providers bill it.
        """
        model = self.model(call)
        if model is None or call.usage is None:
            return None
        costs = _by_type(call.usage, model.get_prices(when))
        return Cost(costs) if costs else None

    def model(self, call: LlmCall) -> ModelInfo | None:
        """The price list entry of the model that answered, else of the model that was asked for."""
        for name in (call.response_model, call.request_model):
            if name:
                found = self._find(call.provider, name)
                if found is not None:
                    return found
        return None

    def _look_up(self, provider: str, name: str) -> ModelInfo | None:
        providers = self._snapshot.providers
        listed = None if provider == UNKNOWN else find_provider_by_id(providers, PROVIDER_IDS.get(provider, provider))
        if listed is None:
            return self._without_provider(name.lower())
        return listed.find_model(name, all_providers=providers)

    def _without_provider(self, name: str) -> ModelInfo | None:
        """By the model's name alone, or by a route prefix such as ``openai/`` in it."""
        for listed, rest in self._candidates(name):
            found = listed.find_model(rest, all_providers=self._snapshot.providers)
            if found is not None:
                return found
        return None

    def _candidates(self, name: str) -> Iterator[tuple[Provider, str]]:
        prefix, slash, rest = name.partition("/")
        routed = find_provider_by_id(self._snapshot.providers, prefix) if slash else None
        if routed is not None:
            yield routed, rest
        for listed in self._snapshot.providers:
            if listed.model_match is not None and listed.model_match.is_match(name):
                yield listed, name


def _by_type(usage: TokenUsage, prices: ModelPrice) -> dict[str, float]:
    costs: dict[str, float] = {}
    for token_type, tokens in usage.by_type().items():
        price = next((found for key in _PRICE_KEYS[token_type] if (found := getattr(prices, key)) is not None), None)
        if price is not None:
            costs[token_type] = float(_rate(price, usage.input_total) * tokens / _TOKENS_PER_PRICE)
    fee = prices.requests_kcount
    if fee is not None:
        costs[REQUEST_FEE] = float(_rate(fee, usage.input_total) / _REQUESTS_PER_PRICE)
    return costs


def _rate(price: Decimal | TieredPrices, input_total: int) -> Decimal:
    """The price at this size of input: past a tier's start its rate applies to all tokens, not to the rest only."""
    if isinstance(price, Decimal):
        return price
    rate = price.base
    for tier in price.tiers:
        if input_total > tier.start:
            rate = tier.price
    return rate
