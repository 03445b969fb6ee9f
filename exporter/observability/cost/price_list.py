"""Prices of whole batches: calls in columns → US dollars in columns."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import genai_prices
import numpy as np
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelPrice, StartDateConstraint

from observability.columns import ABSENT, Bools, Coded, Floats, Ints, Text
from observability.cost.entry import Entry, Override
from observability.cost.names import Directory, is_fine_tuned
from observability.cost.reported import with_reported
from observability.cost.sheet import COST_TYPES, LINES, SOURCES, TYPES, Sheet
from observability.grouping import group_texts
from observability.records import (
    CACHE_READ,
    CACHE_READ_AUDIO,
    CACHE_WRITE,
    CACHE_WRITE_1H,
    INPUT,
    INPUT_AUDIO,
    NO_TOKENS,
    OUTPUT_AUDIO,
    UNKNOWN,
    Calls,
)
from observability.settings import Prices

#: A call that began later than this after now has a wrong clock.
CLOCK_SKEW_NS = 600_000_000_000

#: Type → its parts that have a price of their own; columns of a usage table.
_PARTS = ((INPUT_AUDIO,), (CACHE_READ_AUDIO,), (CACHE_WRITE_1H,), (OUTPUT_AUDIO,), ())
_REQUEST = COST_TYPES.index("request")
_PROVIDER = SOURCES.index("provider")
_NOTHING = Sheet(np.full((1, len(LINES)), np.nan), np.empty(0, np.int64), "price_list")


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """What n calls cost, in US dollars.

    ``usd`` has shape (n, len(COST_TYPES)), NaN where nothing is charged or known; ``total`` shape (n,) is the sum of
    each row, 0 without a price. ``source`` is one of ``SOURCES``, absent where a call has no price. ``savings``, shape
    (n,), is what tokens read from the cache would have cost more as plain input, 0 if unknown. ``unpriced``, shape
    (n,), marks calls that should have a price and have none. ``estimated``, shape (n,), marks costs that were made
    from estimated tokens.
    """

    usd: Floats
    total: Floats
    source: Text
    savings: Floats
    unpriced: Bools
    estimated: Bools


class PriceList:
    """Where prices come from: what spans brought, the overrides of the settings, the bundled price list.

    Look-ups are remembered, and the memory is bounded: names of models come from the wire.
    """

    source = "genai-prices"
    version = genai_prices.__version__

    def __init__(
        self, prices: Prices | None = None, *, snapshot: DataSnapshot | None = None, remembered: int = 4096
    ) -> None:
        settings = prices or Prices()
        self._snapshot = snapshot or get_snapshot()
        self._directory = Directory(self._snapshot.providers)
        self._overrides = tuple(map(Override.of, settings.overrides))
        self._trust_reported = settings.trust_reported
        self._entry = functools.lru_cache(maxsize=remembered)(self._look_up)

    @property
    def timestamp(self) -> float:
        """Unix time of the newest change in the price list that is in force."""
        today = datetime.now(UTC).date()
        dates = [
            each.constraint.start_date
            for provider in self._snapshot.providers
            for model in provider.models
            for each in (*(() if isinstance(model.prices, ModelPrice) else model.prices), *(model.price_variants or ()))
            if isinstance(each.constraint, StartDateConstraint) and each.constraint.start_date <= today
        ]
        newest = max(dates, default=datetime(1970, 1, 1, tzinfo=UTC).date())
        return datetime(newest.year, newest.month, newest.day, tzinfo=UTC).timestamp()

    def entry(
        self, provider: str | None, response_model: str | None, request_model: str | None, tier: str | None
    ) -> Entry:
        """The prices of a model by the names that a span gave; ``None`` or ``""`` for what it did not say."""
        return self._entry(provider, response_model, request_model, tier)

    def price(self, calls: Calls, now_ns: int | None = None) -> Priced:
        """What ``calls`` cost. ``now_ns`` is the Unix time in nanoseconds, of the system's clock if left out."""
        count = len(calls)
        sheets, rows = self._sheets(calls, time.time_ns() if now_ns is None else now_ns)
        tokens = _tokens(calls.usage)
        rates = _Rates(sheets, rows, tokens)
        usd = np.full((len(COST_TYPES), count), np.nan)
        total = np.zeros(count)
        priced = np.zeros(count, np.bool_)
        used = np.zeros(count, np.bool_)
        for line, amount in tokens.items():
            if line < TYPES:
                cost = np.multiply(amount, rates.of(line), out=usd[line])
                for part in _PARTS[line]:
                    if part in tokens:
                        cost += np.fmin(np.fmax(tokens[part], 0.0), amount) * rates.of(part)
                charged = cost == cost  # noqa: PLR0124 - not NaN
                np.add(total, cost, out=total, where=charged)
                priced |= charged
                used |= amount > 0
        succeeded = calls.error_type.codes == ABSENT
        if any(each.fee for each in sheets):
            fee = rates.of(LINES.index("request"))
            # A price that has no part in tokens is asked for whatever usage the call reported.
            only_fee = np.array([each.only_fee for each in sheets]).take(rows)
            priced |= only_fee & (used | succeeded)
            charged = priced & ~np.isnan(fee)
            np.copyto(usd[_REQUEST], fee, where=charged)
            np.add(total, fee, out=total, where=charged)

        source = np.array([SOURCES.index(each.source) for each in sheets], np.int32).take(rows)
        np.copyto(source, ABSENT, where=~priced)
        unpriced = ~priced & (used | (succeeded & (rows == 0)))
        if self._trust_reported and not np.isnan(calls.reported_cost).all():
            silent = np.logical_and.reduce([np.isnan(amount) for line, amount in tokens.items() if line < TYPES])
            told = with_reported(calls.reported_cost, used | (succeeded & silent), usd, total)
            source[told] = _PROVIDER
            unpriced[told] = False
        savings = _savings(tokens, rates, count)
        return Priced(usd.T, total, Coded(source, SOURCES), savings, unpriced, calls.estimated & (source > _PROVIDER))

    def _sheets(self, calls: Calls, now_ns: int) -> tuple[list[Sheet], Ints]:
        """The sheets of a batch, and the index of each row's; index 0 is the sheet of calls without a price."""
        columns = (calls.provider, calls.response_model, calls.request_model, calls.service_tier)
        first, group = group_texts(*columns)
        when = _times(calls, now_ns)
        earliest, latest = (int(when.min()), int(when.max())) if len(when) else (0, 0)
        sheets = [_NOTHING]
        index: dict[int, int] = {}

        def number(found: Sheet | None) -> int:
            if found is None:
                return 0
            position = index.setdefault(id(found), len(sheets))
            if position == len(sheets):
                sheets.append(found)
            return position

        of_group: list[int] = []
        changing: list[tuple[int, Entry]] = []
        for names in zip(*(column.take(first).to_list() for column in columns), strict=True):
            entry = self._entry(*names)
            if entry.steady(earliest, latest):
                of_group.append(number(entry.sheet(latest)))
            else:
                changing.append((len(of_group), entry))
                of_group.append(0)
        rows = np.array(of_group, np.int64).take(group)
        for position, entry in changing:
            mine = np.flatnonzero(group == position)
            _, starts, period = np.unique(entry.periods(when[mine]), return_index=True, return_inverse=True)
            numbers = [number(entry.sheet(int(when[mine[start]]))) for start in starts]
            rows[mine] = np.array(numbers, np.int64)[period]
        return sheets, rows

    def _look_up(
        self, provider: str | None, response_model: str | None, request_model: str | None, tier: str | None
    ) -> Entry:
        names = [name for name in (response_model, request_model) if name]
        # A fine-tuned model has its own price or none: never that of the base that the other name may say.
        searched = [name for name in names if is_fine_tuned(name)] or names
        found = (self._directory.find(provider or UNKNOWN, name) for name in searched)
        return Entry(
            (tier or "").strip().lower(),
            next((each for each in found if each is not None), None),
            tuple(each for each in self._overrides if each.matches(provider or UNKNOWN, names)),
        )


def _times(calls: Calls, now_ns: int) -> Ints:
    """When each call began, at most now: a clock that runs ahead does not see prices of the future. Shape (n,)."""
    when = calls.start_ns
    if len(when) and int(when.min()) <= 0:
        when = np.where(when > 0, when, np.where(calls.end_ns > 0, calls.end_ns, now_ns))
    if len(when) and int(when.max()) > now_ns + CLOCK_SKEW_NS:
        when = np.where(when > now_ns + CLOCK_SKEW_NS, now_ns, when)
    return when


def _tokens(usage: Ints) -> dict[int, Floats]:
    """Columns of a usage table that somebody reported, by their number; NaN where nobody did. Shapes (n,)."""
    columns = np.ascontiguousarray(usage.T)
    most, least = columns.max(axis=1, initial=NO_TOKENS), columns.min(axis=1, initial=0)
    tokens = {}
    for number in np.flatnonzero(most > NO_TOKENS).tolist():
        tokens[number] = columns[number].astype(np.float64)
        if least[number] < 0:
            tokens[number][columns[number] < 0] = np.nan
    return tokens


def _savings(tokens: Mapping[int, Floats], rates: _Rates, count: int) -> Floats:
    """What tokens read from the cache would have cost more as plain input, 0 where it is not known. Shape (n,)."""
    if CACHE_READ not in tokens:
        return np.zeros(count)
    read = tokens[CACHE_READ]
    saved = read * (rates.of(INPUT) - rates.of(CACHE_READ))
    if CACHE_READ_AUDIO in tokens:
        part = np.fmin(np.fmax(tokens[CACHE_READ_AUDIO], 0.0), read)
        saved += part * (rates.of(INPUT_AUDIO) - rates.of(CACHE_READ_AUDIO))
    return np.fmax(saved, 0.0)


class _Rates:
    """Prices per token of each row, by the whole input of its call."""

    def __init__(self, sheets: Sequence[Sheet], rows: Ints, tokens: Mapping[int, Floats]) -> None:
        self._table = np.ascontiguousarray(np.concatenate([each.rates for each in sheets]).T)
        self._of: dict[int, Floats] = {}
        levels = [len(each.starts) for each in sheets]
        offsets = np.array([0, *itertools.accumulate(level + 1 for level in levels)])
        self._rows = offsets.take(rows)
        most = max(levels)
        if not most:
            return
        starts = np.full((most, len(sheets)), np.inf)
        for position, each in enumerate(sheets):
            starts[: len(each.starts), position] = each.starts
        whole = np.zeros(len(rows))
        for line in (INPUT, CACHE_READ, CACHE_WRITE):
            if line in tokens:
                whole += np.fmax(tokens[line], 0.0)
        for level in starts:
            self._rows += whole > level.take(rows)

    def of(self, line: int) -> Floats:
        """Prices of a line of ``sheet.LINES``, shape (n,); NaN where it is not charged."""
        if line not in self._of:
            self._of[line] = self._table[line].take(self._rows)
        return self._of[line]
