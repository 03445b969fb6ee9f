"""The sidecar without HTTP: its parts, how they hang together, how they open and close."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from observability import catalogue
from observability.cost import PriceList
from observability.interactions import InteractionLog
from observability.ledger import Ledger
from observability.measure import Meter
from observability.metrics import Metrics
from observability.notifications import Notifications
from observability.settings import Runtime, Settings
from observability.worker import Worker

_LOG = logging.getLogger(__name__)

#: Values of ``exporter_rejected_total{reason}`` for traces.
REJECTIONS = (
    "malformed_span", "malformed_body", "unsupported_media_type", "unsupported_encoding", "too_large", "queue_full",
    "shutting_down",
)  # fmt: skip


class Exporter:
    """Everything between a decoded batch and the metrics page."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        """Open the files. Raises ``LedgerError`` or ``OSError`` naming the one that cannot be used."""
        limits = settings.limits
        self.settings = settings
        self.runtime = runtime
        self.ledger = Ledger(runtime.ledger_file, limits.daily_cost_days)
        self.metrics = Metrics(
            label_values=limits.label_values,
            label_length=limits.label_length,
            readings={
                catalogue.LLM_DAILY_COST: self.ledger.daily,
                catalogue.LLM_BUDGET_LIMIT: self._limits,
                catalogue.LLM_BUDGET_SPENT: self._spent,
                catalogue.EXPORTER_QUEUE: self._waiting,
            },
        )
        self.metrics.guard.reserve("service", (budget.service for budget in settings.budgets if budget.service))
        self.metrics.guard.reserve("model", (budget.model for budget in settings.budgets if budget.model))
        for _service, _request_model, model in self.ledger.models():
            self.metrics.guard.fold("model", model)
        for signal in ("traces", "notifications"):
            self.metrics.touch(catalogue.EXPORTER_RECEIVED, (signal,))
        for reason in REJECTIONS:
            self.metrics.touch(catalogue.EXPORTER_REJECTED, ("traces", reason))
        self.notifications = Notifications(self.metrics, limits.notifications)
        self._interactions: InteractionLog | None = None
        if settings.interactions.enabled:
            self._interactions = InteractionLog(
                runtime.interactions_file,
                self.metrics,
                max_bytes=settings.interactions.max_bytes,
                backups=settings.interactions.backups,
            )
        self.worker = Worker(
            Meter(self.metrics, self.ledger, PriceList()),
            self._interactions,
            capacity=limits.queue_batches,
            content=settings.interactions.content,
        )

    def start(self) -> None:
        """Begin to measure."""
        self.worker.start()
        _LOG.info("ready to measure", extra={"event": "started", "state_dir": str(self.runtime.state_dir)})

    def stop(self) -> None:
        """Finish what was accepted within ``limits.shutdown_seconds``, say what was not, close the files."""
        left = self.worker.stop(self.settings.limits.shutdown_seconds)
        if left.batches:
            _LOG.error(
                "%d spans in %d accepted batches could not be measured in %g s",
                left.spans, left.batches, self.settings.limits.shutdown_seconds,
                extra={"event": "lost", "spans": left.spans, "batches": left.batches},
            )  # fmt: skip
        if self._interactions is not None:
            self._interactions.close()
        self.ledger.close()
        _LOG.info("stopped", extra={"event": "stopped", "lost_spans": left.spans})

    def _limits(self) -> Mapping[tuple[str, ...], float]:
        return {(budget.name,): budget.limit_usd for budget in self.settings.budgets}

    def _spent(self) -> Mapping[tuple[str, ...], float]:
        return {(budget.name,): self.ledger.spent(budget) for budget in self.settings.budgets}

    def _waiting(self) -> Mapping[tuple[str, ...], float]:
        return {("measure",): self.worker.waiting()}
