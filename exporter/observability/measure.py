"""Canonical records → numbers: the one place that knows which record moves which family."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from observability import catalogue
from observability.budgets import Budgets
from observability.catalogue import Family
from observability.columns import Bools, Coded, Floats, Ints, Keys, Text
from observability.cost import COST_TYPES, Priced
from observability.cost.price_list import PriceList
from observability.estimates import estimated
from observability.grouping import group_texts
from observability.identity import Resolved
from observability.ledger import Ledger
from observability.measure_steps import measure_evaluations, measure_steps
from observability.metrics import Metrics
from observability.models import Answering
from observability.records import OUTPUT, REASONING, Calls, Evaluations
from observability.spending import spendings

_SUCCESS, _ERROR = "success", "error"


class Meter:
    """Counts records; for one thread."""

    def __init__(self, metrics: Metrics, ledger: Ledger, budgets: Budgets, prices: PriceList) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._budgets = budgets
        self._prices = prices
        self._answering = Answering(ledger.models())
        metrics.set(catalogue.EXPORTER_PRICE_LIST, (prices.source, prices.version), 1)
        metrics.set(catalogue.EXPORTER_PRICE_LIST_TIMESTAMP, (), prices.timestamp)

    def measure(self, resolved: Resolved) -> tuple[Calls, Priced]:
        """Put ``resolved`` into the families and the ledger; returns the calls, as they are named, and their costs."""
        calls = self._answering.named(resolved.calls)
        for reason, spans in resolved.duplicates.items():
            if spans:
                self._metrics.increase(catalogue.EXPORTER_DUPLICATES, (reason,), spans)
        if len(resolved.steps):
            measure_steps(self._metrics, resolved.steps, resolved.inside)
            self._lag(resolved.steps.end_ns)
        self.evaluations(resolved.evaluations)
        priced = self._prices.price(calls)
        if len(calls):
            self._calls(calls)
            self._costs(calls, priced)
            self._without_usage(calls, priced)
            self._lag(calls.end_ns)
        return calls, priced

    def evaluations(self, evaluations: Evaluations) -> None:
        """Put verdicts into their families."""
        if len(evaluations):
            measure_evaluations(self._metrics, evaluations)

    def untranslated(self, attributes: Counter[str]) -> None:
        """Count attributes of GenAI namespaces that no table understands."""
        for name, times in attributes.items():
            self._metrics.increase(catalogue.EXPORTER_UNTRANSLATED, (name,), times)

    def failed(self, items: int) -> None:
        """Count ``items`` that were accepted and could not be measured."""
        self._metrics.increase(catalogue.EXPORTER_REJECTED, ("traces", "measure_failed"), items)

    def _calls(self, calls: Calls) -> None:
        metrics = self._metrics
        failed = calls.error_type.present
        by_call = _Groups(calls.service, calls.provider, calls.model, calls.operation)
        for status, rows in ((_SUCCESS, ~failed), (_ERROR, failed)):  # both exist from the first call on, so that
            by_call.add(metrics, catalogue.LLM_REQUESTS, (status,), rows.astype(np.float64))  # rate() sees the first
        ids = by_call.series(metrics, catalogue.LLM_REQUEST_LATENCY).take(by_call.group)
        metrics.observe_many(catalogue.LLM_REQUEST_LATENCY, ids, calls.latency, calls.trace_id)
        self._streams(calls, by_call)
        if failed.any():
            _Groups(calls.service, calls.provider, calls.model, calls.operation, calls.error_type).add(
                metrics, catalogue.LLM_ERRORS, (), np.ones(len(calls)), failed, calls
            )
        by_model = _Groups(calls.service, calls.provider, calls.model)
        for place, token_type in enumerate(catalogue.TOKEN_TYPES):
            tokens = np.ascontiguousarray(calls.usage[:, place])
            by_model.add(metrics, catalogue.LLM_TOKEN_USAGE, (token_type,), tokens, tokens >= 0)
        for name, values in calls.dimensions.items():
            if values.values:
                by_value = _Groups(Coded.constant(name, len(calls)), values)
                for status, rows in ((_SUCCESS, ~failed), (_ERROR, failed)):
                    by_value.add(metrics, catalogue.LLM_DIMENSION_REQUESTS, (status,), rows, values.present)

    def _streams(self, calls: Calls, by_call: _Groups) -> None:
        metrics = self._metrics
        if calls.streaming.any():
            by_model = _Groups(calls.service, calls.provider, calls.model)
            by_model.add(metrics, catalogue.LLM_STREAMING_REQUESTS, (), calls.streaming, calls.streaming)
        first_token = calls.time_to_first_token
        if np.isnan(first_token).all():
            return
        ids = by_call.series_of(metrics, catalogue.LLM_TIME_TO_FIRST_TOKEN, ~np.isnan(first_token))
        metrics.observe_many(catalogue.LLM_TIME_TO_FIRST_TOKEN, *_picked(ids, first_token, calls))
        output = np.maximum(calls.usage[:, OUTPUT], 0) + np.maximum(calls.usage[:, REASONING], 0)
        rest = calls.latency - first_token
        pace = np.where((output > 1) & (rest >= 0), rest / np.maximum(output - 1, 1), np.nan)
        if not np.isnan(pace).all():
            ids = by_call.series_of(metrics, catalogue.LLM_TIME_PER_OUTPUT_TOKEN, ~np.isnan(pace))
            metrics.observe_many(catalogue.LLM_TIME_PER_OUTPUT_TOKEN, *_picked(ids, pace, calls))

    def _costs(self, calls: Calls, priced: Priced) -> None:
        metrics = self._metrics
        by_source = _Groups(calls.service, calls.provider, calls.model)
        for source in priced.source.values:
            rows = priced.source.equals(source)
            if not rows.any():
                continue
            for place, cost_type in enumerate(COST_TYPES):
                usd = priced.usd[:, place]
                by_source.add(metrics, catalogue.LLM_TOKEN_COST, (cost_type, source), usd, rows & ~np.isnan(usd))
        if priced.savings.any():
            by_source.add(metrics, catalogue.LLM_CACHE_SAVINGS, (), np.maximum(priced.savings, 0), priced.savings > 0)
        if priced.unpriced.any():
            _Groups(calls.provider, calls.model).add(
                metrics, catalogue.LLM_UNPRICED_REQUESTS, (), priced.unpriced, priced.unpriced
            )
        self._book(calls, priced)

    def _without_usage(self, calls: Calls, priced: Priced) -> None:
        """Calls whose usage nobody reported: counted, and estimated where they brought content."""
        silent = ~calls.has_usage & ~calls.error_type.present
        if not silent.any():
            return
        guessed = estimated(calls)
        metrics = self._metrics
        known = np.isin(calls.key, guessed.key)
        by_model = _Groups(calls.service, calls.provider, calls.model)
        for word, rows in (("true", silent & known), ("false", silent & ~known)):
            by_model.add(metrics, catalogue.LLM_REQUESTS_WITHOUT_USAGE, (word,), rows, rows)
        if not len(guessed):
            return
        by_model = _Groups(guessed.service, guessed.provider, guessed.model)
        for place, token_type in enumerate(catalogue.TOKEN_TYPES):
            tokens = guessed.usage[:, place]
            by_model.add(metrics, catalogue.LLM_ESTIMATED_TOKENS, (token_type,), tokens.astype(np.float64), tokens >= 0)
        unpaid = np.flatnonzero(np.isin(guessed.key, calls.key[~priced.source.present]))  # a cost that was sent counts
        guessed = guessed.take(unpaid)
        if len(guessed):
            costs = self._prices.price(guessed)
            _Groups(guessed.service, guessed.provider, guessed.model).add(
                metrics, catalogue.LLM_ESTIMATED_COST, (), costs.total, costs.estimated & (costs.total > 0)
            )
            self._book(guessed, costs)

    def _book(self, calls: Calls, priced: Priced) -> None:
        """What is kept by day, budget and dimension."""
        booked = spendings(calls, priced, self._metrics.guard.fold)
        self._ledger.add(booked)
        for budget, usd in self._budgets.charge(booked).items():
            if usd > 0:
                self._metrics.increase(catalogue.LLM_BUDGET_SPENDING, (budget,), usd)
        paid = priced.total > 0
        for name, values in calls.dimensions.items():
            if values.values:
                by_value = _Groups(Coded.constant(name, len(calls)), values)
                by_value.add(self._metrics, catalogue.LLM_DIMENSION_COST, (), priced.total, paid & values.present)

    def _lag(self, end_ns: Ints) -> None:
        lag = np.maximum(time.time() - end_ns / 1e9, 0.0)
        ids = self._metrics.series(catalogue.EXPORTER_LAG, [()], np.array([len(lag)]))
        self._metrics.observe_many(catalogue.EXPORTER_LAG, np.repeat(ids, len(lag)), lag)


class _Groups:
    """Rows by the combination of some columns, which are the first labels of a family."""

    def __init__(self, *columns: Text) -> None:
        self.first, self.group = group_texts(*columns)
        taken = [column.take(self.first).to_list() for column in columns]
        self.labels: list[tuple[str, ...]] = [tuple(value or "" for value in row) for row in zip(*taken, strict=True)]

    def series(self, metrics: Metrics, family: Family, more: Sequence[str] = ()) -> Ints:
        """The series of each combination with the labels ``more``."""
        return metrics.series(family, [(*labels, *more) for labels in self.labels], self._counts)

    def series_of(self, metrics: Metrics, family: Family, rows: Bools) -> Ints:
        """The series of each row (-1 for rows that are not in ``rows``), of the combinations that have such rows."""
        counts = np.bincount(self.group[rows], minlength=len(self.first))
        used = np.flatnonzero(counts)
        ids = np.full(len(self.first), -1, np.int64)
        ids[used] = metrics.series(family, [self.labels[place] for place in used.tolist()], counts[used])
        return np.where(rows, ids.take(self.group), -1)

    @cached_property
    def _counts(self) -> Ints:
        """Rows of each combination."""
        return np.bincount(self.group, minlength=len(self.first))

    def _sums(self, amounts: Floats | Ints | Bools) -> Floats:
        """The sum of ``amounts`` over the rows of each combination."""
        return np.bincount(self.group, amounts, len(self.first)).astype(np.float64, copy=False)

    def add(
        self,
        metrics: Metrics,
        family: Family,
        more: Sequence[str],
        amounts: Floats | Ints | Bools,
        rows: Bools | None = None,
        exemplars: Calls | None = None,
    ) -> None:
        """Add the sum of ``amounts`` over ``rows`` (all if left out) to a counter, of combinations with such rows."""
        if rows is not None and not rows.any():
            return
        if rows is None or rows.all():
            counts, sums = self._counts, self._sums(amounts)
        else:
            counts = np.bincount(self.group[rows], minlength=len(self.first))
            sums = self._sums(np.where(rows, amounts, 0))
        used = np.flatnonzero(counts)
        ids = metrics.series(family, [(*self.labels[place], *more) for place in used.tolist()], counts[used])
        trace_ids = None
        if exemplars is not None:
            last = np.zeros(len(self.first), np.int64)
            chosen = np.arange(len(self.group)) if rows is None else np.flatnonzero(rows)
            last[self.group.take(chosen)] = chosen
            trace_ids = exemplars.trace_id[last[used]]
        metrics.add(family, ids, sums[used], trace_ids)


def _picked(ids: Ints, values: Floats, calls: Calls) -> tuple[Ints, Floats, Keys]:
    """Only the rows that have a series."""
    rows = np.flatnonzero(ids >= 0)
    if len(rows) == len(ids):
        return ids, values, calls.trace_id
    return ids[rows], values[rows], calls.trace_id[rows]
