"""Money: tokens of calls → US dollars by token type.

A cost that a span brought counts first, then the overrides of ``observability.yml``, then the price list of
``genai-prices``. An unknown model has no price, which is not a price of zero.
"""

from observability.cost.price_list import CLOCK_SKEW_NS, Priced, PriceList
from observability.cost.sheet import COST_TYPES, SOURCES

__all__ = ["CLOCK_SKEW_NS", "COST_TYPES", "SOURCES", "PriceList", "Priced"]
