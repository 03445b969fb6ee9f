"""Canonical records → numbers: the one place that knows which record moves which family."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from observability import catalogue
from observability.cost import Cost, PriceList
from observability.ledger import Ledger, Spending, today
from observability.metrics import Metrics
from observability.records import LlmCall, Records, Retrieval

#: A call that ended later than this after now has a wrong clock.
_CLOCK_SKEW = timedelta(minutes=10)
_REMEMBERED_MODELS = 4096


class Meter:
    """Counts records; for one thread."""

    def __init__(self, metrics: Metrics, ledger: Ledger, prices: PriceList) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._prices = prices
        self._answering: OrderedDict[tuple[str, str], str] = OrderedDict()
        for service, request_model, model in ledger.models():
            self._remember(service, request_model, model)
        metrics.set(catalogue.EXPORTER_PRICE_LIST, (prices.source, prices.version), 1)

    def measure(self, records: Records) -> list[tuple[LlmCall, Cost | None]]:
        """Put ``records`` into the families and the ledger; returns each call with its cost."""
        priced = [(call, self._call(call)) for call in map(self._with_model, records.calls)]
        for retrieval in records.retrievals:
            self._retrieval(retrieval)
        self._ledger.add(self._spendings(priced))
        return priced

    def failed(self, spans: int) -> None:
        """Count ``spans`` that were accepted and could not be measured."""
        self._metrics.increase(catalogue.EXPORTER_REJECTED, ("traces", "measure_failed"), spans)

    def _with_model(self, call: LlmCall) -> LlmCall:
        """A call that nothing answered gets the model that last answered for the one asked for.

        Errors and abandoned streams know only the name asked for (``gpt-4o``), answers the exact one
        (``gpt-4o-2024-08-06``): under two names no ratio of errors to requests by model would be right.
        """
        if not call.request_model:
            return call
        if call.response_model:
            self._remember(call.service, call.request_model, call.response_model)
            return call
        answering = self._answering.get((call.service, call.request_model))
        return replace(call, model=answering) if answering else call

    def _remember(self, service: str, request_model: str, model: str) -> None:
        self._answering[service, request_model] = model
        self._answering.move_to_end((service, request_model))
        if len(self._answering) > _REMEMBERED_MODELS:
            self._answering.popitem(last=False)

    def _call(self, call: LlmCall) -> Cost | None:
        metrics = self._metrics
        labels = (call.service, call.provider, call.model, call.operation)
        exemplar = {"trace_id": call.trace_id}
        for status in ("success", "error"):  # both exist from the first call on, so that rate() sees the first error
            metrics.touch(catalogue.LLM_REQUESTS, (*labels, status))
        metrics.increase(catalogue.LLM_REQUESTS, (*labels, call.status))
        if call.error_type is not None:
            metrics.increase(catalogue.LLM_ERRORS, (*labels, call.error_type), exemplar=exemplar)
        latency = call.latency_seconds
        if latency is not None:
            metrics.observe(catalogue.LLM_REQUEST_LATENCY, labels, latency, exemplar)
        if call.time_to_first_token_seconds is not None:
            metrics.observe(catalogue.LLM_TIME_TO_FIRST_TOKEN, labels, call.time_to_first_token_seconds, exemplar)
        if call.usage is not None:
            for token_type, tokens in call.usage.by_type().items():
                metrics.increase(
                    catalogue.LLM_TOKEN_USAGE, (call.service, call.provider, call.model, token_type), tokens
                )
        self._lag(call.end_ns)
        return self._cost(call)

    def _cost(self, call: LlmCall) -> Cost | None:
        cost = self._prices.cost(call, datetime.fromtimestamp(call.start_ns / 1e9, UTC))
        if cost is not None:
            for token_type, usd in cost.by_type.items():
                self._metrics.increase(
                    catalogue.LLM_TOKEN_COST, (call.service, call.provider, call.model, token_type, cost.source), usd
                )
        elif (call.usage is not None or call.error_type is None) and self._prices.model(call) is None:
            self._metrics.increase(catalogue.LLM_UNPRICED_REQUESTS, (call.provider, call.model))
        return cost

    def _retrieval(self, retrieval: Retrieval) -> None:
        latency = retrieval.latency_seconds
        if latency is not None:
            self._metrics.observe(
                catalogue.RAG_RETRIEVAL_LATENCY,
                (retrieval.service, retrieval.retriever),
                latency,
                {"trace_id": retrieval.trace_id},
            )
        self._lag(retrieval.end_ns)

    def _lag(self, end_ns: int) -> None:
        self._metrics.observe(catalogue.EXPORTER_LAG, (), max(0.0, time.time() - end_ns / 1e9))

    def _spendings(self, priced: Iterable[tuple[LlmCall, Cost | None]]) -> Iterable[Spending]:
        fold = self._metrics.guard.fold
        for call, cost in priced:
            if cost is not None and cost.total > 0:
                yield Spending(
                    day=_day(call),
                    service=fold("service", call.service),
                    request_model=fold("model", call.request_model) if call.request_model else "",
                    model=fold("model", call.model),
                    usd=cost.total,
                )


def _day(call: LlmCall) -> date:
    """The UTC day on which the call ended; today for a clock that runs ahead or was never set."""
    ended = datetime.fromtimestamp(call.end_ns / 1e9, UTC)
    if call.end_ns <= 0 or ended > datetime.now(UTC) + _CLOCK_SKEW:
        return today()
    return ended.date()
