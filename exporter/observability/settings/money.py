"""What calls cost and may cost."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from observability.settings.base import Name, Strict


class Budget(Strict):
    """Money that a selection of calls may cost in a UTC period."""

    name: Name
    limit_usd: float = Field(gt=0)
    period: Literal["day", "week", "month"] = Field(default="day", description="UTC; a week begins on Monday")
    service: Name | None = Field(default=None, description="only this service; all if left out")
    model: Name | None = Field(default=None, description="only this model; all if left out")
    provider: Name | None = Field(default=None, description="only this provider; all if left out")
    where: dict[Name, str] = Field(
        default_factory=dict, description="only calls with these values of dimensions, such as {team: search}"
    )


class Dimension(Strict):
    """An attribute that calls may be told apart by, such as a team or a tenant: money and calls are kept by it."""

    name: Name
    attributes: tuple[str, ...] = Field(
        default=(), description="span or resource attributes that hold it, best first; the name itself if left out"
    )
    services: dict[Name, str] = Field(
        default_factory=dict, description="the value of services that do not send it, such as {rag-assistant: search}"
    )


class PriceOverride(Strict):
    """Prices of a model in US dollars per million tokens, in place of the price list's."""

    model: str = Field(description="name of the model; * stands for any characters")
    provider: Name | None = Field(default=None, description="only from this provider (gen_ai.provider.name)")
    since: datetime | None = Field(default=None, description="calls before this time keep the price list's; UTC")
    input: float | None = Field(default=None, ge=0, description="of plain input tokens")
    cache_read: float | None = Field(default=None, ge=0, description="of tokens read from the cache; else input")
    cache_write: float | None = Field(default=None, ge=0, description="of tokens written to the cache; else input")
    output: float | None = Field(default=None, ge=0, description="of output tokens")
    reasoning: float | None = Field(default=None, ge=0, description="of reasoning tokens; else output")
    request: float | None = Field(default=None, ge=0, description="US dollars per request")
    discount: float | None = Field(
        default=None, ge=0, lt=1, description="share off the price list's prices, in place of prices of its own"
    )

    @model_validator(mode="after")
    def _says_a_price(self) -> PriceOverride:
        prices = (self.input, self.cache_read, self.cache_write, self.output, self.reasoning, self.request)
        if (self.discount is None) == all(price is None for price in prices):
            raise ValueError("either prices or a discount, and one of them")
        if self.discount is None and self.input is None and self.output is None and self.request is None:
            raise ValueError("input, output or request is needed")
        return self


class Prices(Strict):
    """Where prices come from, after a cost that the provider or the app sent."""

    overrides: tuple[PriceOverride, ...] = Field(default=(), description="the first that matches counts")
    trust_reported: bool = Field(default=True, description="whether a cost that a span brings is taken as it is")
