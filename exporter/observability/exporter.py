"""The sidecar without HTTP: its parts, how they hang together, how they open and close."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Mapping
from datetime import timedelta

from observability import catalogue
from observability.budgets import KEPT_DAYS, Budgets
from observability.conversations.allowance import Allowance
from observability.conversations.gauges import ConversationGauges
from observability.conversations.watcher import Conversations
from observability.cost.price_list import PriceList
from observability.identity import Resolver
from observability.interactions import InteractionLog
from observability.ledger import Ledger
from observability.measure import Meter
from observability.metrics import Metrics
from observability.monitoring.gauges import Gauges
from observability.monitoring.monitors import Monitors
from observability.notifications import Notifications
from observability.pipeline import Pipeline
from observability.predictions.keeper import Keeper
from observability.predictions.location import store_url
from observability.predictions.store import PredictionStore
from observability.privacy import Masker
from observability.settings import Privacy, Runtime, Settings, seconds
from observability.settle import Settling
from observability.spending import today
from observability.translate.calls import Wanted
from observability.translate.selection import Selection
from observability.worker import Worker

_LOG = logging.getLogger(__name__)

#: Values of ``exporter_rejected_total{reason}`` for traces.
REJECTIONS = (
    "malformed_span", "malformed_body", "unsupported_media_type", "unsupported_encoding", "too_large", "queue_full",
    "shutting_down",
)  # fmt: skip
#: Values of ``exporter_rejected_total{reason}`` for predictions and labels.
ITEM_REJECTIONS = (
    "invalid_item", "malformed_body", "unsupported_media_type", "unsupported_encoding", "too_large", "queue_full",
    "shutting_down", "store_failed",
)  # fmt: skip


class Exporter:
    """Everything between a decoded batch and the metrics page."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        """Open the files and the store of predictions.

        Raises ``LedgerError``, ``StoreError`` or ``OSError`` naming the one that cannot be used.
        """
        limits = settings.limits
        self.settings = settings
        self.runtime = runtime
        self.ledger = Ledger(
            runtime.ledger_file, limits.daily_cost_days, settings.budgets, rows_per_day=limits.ledger_rows_per_day
        )
        self.store = PredictionStore(
            store_url(settings.predictions, runtime, runtime.secrets_dir),
            writer=runtime.instance or socket.gethostname(),
            synchronous=settings.predictions.synchronous,
            features=settings.predictions.features,
        )
        gauges, conversation_gauges = Gauges(), ConversationGauges()
        self.budgets = Budgets(settings.budgets, self.ledger.rows(today() - timedelta(days=KEPT_DAYS)))
        self.metrics = Metrics(
            label_values=limits.label_values,
            label_length=limits.label_length,
            labels=settings.labels,
            series_per_family=limits.series_per_family,
            idle_seconds=seconds(limits.idle_series),
            readings={
                catalogue.LLM_DAILY_COST: self.ledger.daily,
                catalogue.LLM_BUDGET_LIMIT: self.budgets.limits,
                catalogue.LLM_BUDGET_SPENT: self.budgets.spent,
                catalogue.LLM_BUDGET_START: self.budgets.starts,
                catalogue.LLM_BUDGET_END: self.budgets.ends,
                catalogue.EXPORTER_QUEUE: self._waiting,
                catalogue.EXPORTER_STORE_ROWS: lambda: {
                    (name,): float(rows) for name, rows in self.keeper.rows.items()
                },
                catalogue.EXPORTER_STORE_BYTES: lambda: {
                    (self.store.url.partition(":")[0].partition("+")[0],): float(self.keeper.size_bytes)
                },
                **gauges.readings(),
                **conversation_gauges.readings(),
            },
        )
        for budget in settings.budgets:  # what a budget names must not be folded
            named = {"service": budget.service, "model": budget.model, "provider": budget.provider, **budget.where}
            for label, value in named.items():
                if value is not None:
                    self.metrics.guard.reserve(label, (value,))
        for _service, _request_model, model in self.ledger.models():
            self.metrics.guard.fold("model", model)
        for budget in settings.budgets:  # at zero before the first dollar, so that rate() sees it
            self.metrics.touch(catalogue.LLM_BUDGET_SPENDING, (budget.name,))
        for signal in ("traces", "logs", "notifications", "predictions", "labels"):
            self.metrics.touch(catalogue.EXPORTER_RECEIVED, (signal,))
        for signal in ("predictions", "labels"):
            self.metrics.touch(catalogue.EXPORTER_DUPLICATE_ITEMS, (signal,))
            for reason in ITEM_REJECTIONS:
                self.metrics.touch(catalogue.EXPORTER_REJECTED, (signal, reason))
        for operation in ("read", "write", "save", "sweep"):
            self.metrics.touch(catalogue.EXPORTER_STORE_FAILURES, (operation,))
        for part in ("counters", "drift", "performance", "gauges", "state"):
            self.metrics.touch(catalogue.EXPORTER_MONITOR_FAILURES, (part,))
        for reason in REJECTIONS:
            self.metrics.touch(catalogue.EXPORTER_REJECTED, ("traces", reason))
        self.notifications = Notifications(self.metrics, limits.notifications)
        self._interactions: InteractionLog | None = None
        if settings.interactions.enabled:
            self._interactions = InteractionLog(
                runtime.interactions_file, self.metrics, settings.interactions, _masker(settings.privacy)
            )
        kept = settings.privacy.content != "drop"
        wanted = Wanted(
            content=kept and settings.interactions.enabled and settings.interactions.content,
            estimates=kept,
            dimensions=settings.dimensions,
        )
        allowance = (
            Allowance(settings.conversations.max_per_second) if kept and settings.conversations.enabled else None
        )
        self.selection = Selection(wanted.names, content=wanted.content, allowance=allowance)
        turn = threading.Lock()
        self.conversations: Conversations | None = None
        if allowance is not None:
            self.conversations = Conversations(settings, self.metrics, self.store, conversation_gauges, turn, allowance)
        self.worker = Worker(
            Pipeline(
                Settling(limits.settle_seconds, limits.settling_spans),
                Resolver(limits.remembered_calls),
                Meter(self.metrics, self.ledger, self.budgets, PriceList(settings.prices)),
                self._interactions,
                wanted,
                self.conversations,
            ),
            capacity=limits.queue_batches,
            settle_seconds=limits.settle_seconds,
            turn=turn,
        )

        self.monitors = Monitors(settings, self.metrics, self.store, gauges)
        self.keeper = Keeper(self.store, self.monitors, self.metrics, settings.predictions)

    def start(self) -> None:
        """Begin to measure."""
        self.keeper.start()
        if self.conversations is not None:
            self.conversations.start()
        self.worker.start()
        _LOG.info("ready to measure", extra={"event": "started", "state_dir": str(self.runtime.state_dir)})

    def stop(self) -> None:
        """Finish what was accepted within ``limits.shutdown_seconds``, say what was not, close the files."""
        left = self.worker.stop(self.settings.limits.shutdown_seconds)
        if left.batches:
            _LOG.error(
                "%d items in %d accepted batches could not be measured in %g s",
                left.items, left.batches, self.settings.limits.shutdown_seconds,
                extra={"event": "lost", "items": left.items, "batches": left.batches},
            )  # fmt: skip
        unstored = self.keeper.stop(self.settings.limits.shutdown_seconds)
        if unstored:
            _LOG.error(
                "%d predictions and labels were not stored", unstored, extra={"event": "lost", "items": unstored}
            )
        if self.conversations is not None:
            self.conversations.stop(self.settings.limits.shutdown_seconds)
        if self._interactions is not None:
            self._interactions.close()
        self.ledger.close()
        self.store.close()
        _LOG.info("stopped", extra={"event": "stopped", "lost_items": left.items})

    def _waiting(self) -> Mapping[tuple[str, ...], float]:
        waiting = {"measure": self.worker.waiting(), "keep": self.keeper.waiting()}
        if self.conversations is not None:
            waiting["conversations"] = self.conversations.waiting()
        return {(name,): float(items) for name, items in waiting.items()}


def _masker(privacy: Privacy) -> Masker | None:
    """What makes content harmless; ``None`` where it is kept as it is, or none is kept."""
    if privacy.content != "mask":
        return None
    return privacy.masker()
