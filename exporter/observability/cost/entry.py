"""One model as it was called: which prices hold for it, and from when to when."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import numpy as np
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TimeOfDateConstraint,
)  # fmt: skip

from observability.columns import Ints
from observability.cost import rules
from observability.cost.names import bare
from observability.cost.sheet import (
    Sheet,
    Steps,
    discounted,
    in_long_context,
    in_tier,
    listed_prices,
    override_prices,
    sheet,
)  # fmt: skip
from observability.settings import PriceOverride

_DAY_NS = 86_400_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Service tiers that cost the standard prices.
_STANDARD = frozenset({"", "auto", "default", "on_demand", "on-demand", "scale", "standard", "standard_only"})
#: Service tier → what the price list calls it.
_CONTEXTS = {"batch": {"processing": "batch"}, "fast": {"service_tier": "fast", "speed": "fast"}}


def nanoseconds(when: datetime) -> int:
    """Unix time of ``when``; one without a zone is UTC."""
    return (_aware(when) - _EPOCH) // timedelta(microseconds=1) * 1000


@dataclass(frozen=True, slots=True)
class Override:
    """An override of the settings, compiled."""

    said: PriceOverride
    pattern: re.Pattern[str]
    since: datetime

    @classmethod
    def of(cls, said: PriceOverride) -> Override:
        pattern = ".*".join(re.escape(part) for part in said.model.strip().lower().split("*"))
        return cls(said, re.compile(pattern), _EPOCH if said.since is None else _aware(said.since))

    def matches(self, provider: str, names: Sequence[str]) -> bool:
        """Whether it speaks of a model that has one of ``names``, with or without a route before it."""
        if self.said.provider is not None and self.said.provider.lower() != provider.lower():
            return False
        return any(self.pattern.fullmatch(form) for name in names for form in bare(name))


@dataclass(slots=True, eq=False)
class Entry:
    """A model at a provider in a service tier, with every price it ever had.

    ``found`` is the provider that bills for it and its entry in the price list, if it has one; ``overrides`` those that
    match, the first one counts.
    """

    tier: str
    found: tuple[Provider, ModelInfo] | None
    overrides: tuple[Override, ...]
    _dates: list[int] = field(init=False)
    _times: list[int] = field(init=False)
    _sheets: dict[int, Sheet | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.tier in _STANDARD:
            self.tier = ""
        dates = {each.since for each in self.overrides} - {_EPOCH}
        times: set[time] = set()
        if self.found is not None:
            for constraint in self._constraints():
                if isinstance(constraint, StartDateConstraint):
                    dates.add(datetime.combine(constraint.start_date, time(), UTC))
                elif isinstance(constraint, TimeOfDateConstraint):
                    times |= {constraint.start_time, constraint.end_time}
            dates |= self._rule_dates()
        self._dates = sorted(map(nanoseconds, dates))
        self._times = sorted({_of_day(each) for each in times})

    def periods(self, when: Ints) -> Ints:
        """Number of the time of unchanging prices that each Unix time in nanoseconds lies in; same shape."""
        dated = np.searchsorted(self._dates, when, side="right") * (len(self._times) + 1)
        return np.asarray(dated + np.searchsorted(self._times, when % _DAY_NS, side="right"), np.int64)

    def steady(self, first: int, last: int) -> bool:
        """Whether the prices are the same from ``first`` to ``last`` (Unix nanoseconds)."""
        if not self._dates and not self._times:
            return True
        return (not self._times or first // _DAY_NS == last // _DAY_NS) and self._period(first) == self._period(last)

    def sheet(self, when_ns: int) -> Sheet | None:
        """The prices at a Unix time in nanoseconds; ``None`` if the model has none."""
        period = self._period(when_ns) if self._dates or self._times else 0
        try:
            return self._sheets[period]
        except KeyError:
            return self._sheets.setdefault(period, self._sheet(_EPOCH + timedelta(microseconds=when_ns // 1000)))

    def _period(self, when_ns: int) -> int:
        of_day = bisect_right(self._times, when_ns % _DAY_NS) if self._times else 0
        return bisect_right(self._dates, when_ns) * (len(self._times) + 1) + of_day

    def _sheet(self, when: datetime) -> Sheet | None:
        override = next((each.said for each in self.overrides if each.since <= when), None)
        if override is not None and override.discount is None:
            return sheet(override_prices(override), "override")
        if self.found is None:
            return None
        prices = _listed(*self.found, self.tier, when)
        if override is not None and override.discount is not None:
            return sheet(discounted(prices, override.discount), "override")
        return sheet(prices, "price_list")

    def _constraints(self) -> Iterator[StartDateConstraint | TimeOfDateConstraint]:
        assert self.found is not None  # noqa: S101 - the caller asked
        _, model = self.found
        priced: list[ConditionalPrice | PriceVariant] = [] if isinstance(model.prices, ModelPrice) else [*model.prices]
        if self.tier:
            priced += model.price_variants or ()
        for each in priced:
            if each.constraint is not None:
                yield each.constraint

    def _rule_dates(self) -> set[datetime]:
        assert self.found is not None  # noqa: S101 - the caller asked
        host, model = self.found
        dates = set()
        if (tier := rules.TIERS.get((host.id, self.tier))) is not None:
            dates.add(tier.since)
        for rule in rules.LONG_CONTEXTS:
            if rule.model.search(model.id):
                dates |= {rule.since, rule.until}
        return dates


def _listed(host: Provider, model: ModelInfo, tier: str, when: datetime) -> dict[str, Steps]:
    prices = _in_tier(host, model, tier, when)
    rule = rules.long_context(model.id, when)
    return prices if rule is None else in_long_context(prices, rule)


def _in_tier(host: Provider, model: ModelInfo, tier: str, when: datetime) -> dict[str, Steps]:
    standard = listed_prices(model.get_prices(when), model.id)
    if not tier:
        return standard
    context = _CONTEXTS.get(tier, {"service_tier": tier})
    # The tiers of another provider whose prices the host takes over are not the host's own.
    own = any(each is model for each in host.models)
    variants = [
        each
        for each in (model.price_variants or () if own else ())
        if all(context.get(key) == value for key, value in each.when.items())
    ]
    if any(each.constraint is None or each.constraint.active(when) for each in variants):
        return listed_prices(model.get_prices(when, context), model.id)
    rule = rules.TIERS.get((host.id, tier))
    if rule is None or when < rule.since:
        return standard
    verified = [
        datetime.combine(each.constraint.start_date, time(), UTC)
        for each in variants
        if isinstance(each.constraint, StartDateConstraint)
    ]
    if not verified:
        return in_tier(standard, rule)
    # The list knows the tier from the day on which somebody verified it; before, it cost the same share.
    then = listed_prices(model.get_prices(min(verified)), model.id)
    tiered = listed_prices(model.get_prices(min(verified), context), model.id)
    shares = {
        line: tiered[line].prices[0] / steps.prices[0]
        for line, steps in then.items()
        if line in tiered and steps.prices[0]
    }
    return {line: steps.times(shares.get(line, rules.ONE)) for line, steps in standard.items()}


def _of_day(when: time) -> int:
    at = datetime.combine(_EPOCH.date(), when, when.tzinfo or UTC).astimezone(UTC)
    return nanoseconds(at) % _DAY_NS


def _aware(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
