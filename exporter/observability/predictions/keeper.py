"""Between HTTP and the prediction store: one thread that stores what waits, together, and then has it measured.

Whoever hands something in is answered once it is in the store, so that what was accepted survives the end of the
process at any moment.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from observability import catalogue
from observability.metrics import Metrics
from observability.predictions import retention
from observability.predictions.rows import Labels, Predictions
from observability.predictions.store import PredictionStore, StoreError
from observability.predictions.stored import Added, AddedLabels, Filter, Joined, StoredBaseline
from observability.settings import Predictions as PredictionSettings
from observability.settings import seconds

_LOG = logging.getLogger(__name__)

#: Name of the state in the store.
STATE = "monitors"
#: How often gauges are computed, the state is saved, and the store is swept, in seconds.
_REFRESH, _SAVE, _SWEEP = 1.0, 60.0, 60.0
#: Predictions that are measured again where nothing was saved, at most.
_REPLAYED = 100_000
#: How long it is waited for others after the first item of a transaction, in seconds.
_GATHER = 0.005


class Full(Exception):
    """There is no room for more."""


class Stopping(Exception):
    """Nothing more is taken."""


class Watching(Protocol):
    """Who measures what is stored."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def hashes(self, predictions: Predictions) -> list[str | None]: ...
    def observe(self, predictions: Predictions, *, replayed: bool = False) -> None: ...
    def labelled(self, joined: Joined, *, replayed: bool = False) -> None: ...
    def forget(self, model: str, version: str) -> None: ...
    def learned(self) -> list[StoredBaseline]: ...
    def begin(self, baseline: StoredBaseline) -> None: ...
    def refresh(self) -> None: ...
    def state(self) -> bytes: ...
    def restore(self, content: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one request: ``duplicates`` were known already."""

    items: int
    duplicates: int


Item: TypeAlias = Predictions | Labels | StoredBaseline


@dataclass(slots=True)
class _Job:
    item: Item
    future: Future[Kept] = field(default_factory=Future)

    @property
    def size(self) -> int:
        return 1 if isinstance(self.item, StoredBaseline) else len(self.item)


class Keeper:
    """Stores in the order in which things were handed in."""

    def __init__(
        self, store: PredictionStore, watching: Watching, metrics: Metrics, settings: PredictionSettings
    ) -> None:
        self._store = store
        self._watching = watching
        self._metrics = metrics
        self._settings = settings
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._accepting = False
        self._admission = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="keep", daemon=True)
        self._seq = 0
        self._saved_seq = 0
        self.size_bytes = 0
        self.rows: dict[str, int] = {}

    def start(self) -> None:
        """Begin to take things; what was stored before is measured again first."""
        self._accepting = True
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether what is handed in is stored."""
        return self._accepting and self._thread.is_alive()

    def waiting(self) -> int:
        """Items that wait to be stored."""
        return self._waiting

    def hand_in(self, item: Item) -> Future[Kept]:
        """Have ``item`` stored. The future raises ``StoreError`` if that fails.

        Raises :class:`Full` if too much is waiting, :class:`Stopping` at the end.
        """
        job = _Job(item)
        size = job.size
        with self._admission:
            if not self._accepting:
                raise Stopping
            if self._waiting and self._waiting + size > self._settings.queue_items:
                raise Full
            self._waiting += size
            job.future.add_done_callback(lambda _: self._done(size))
            self._queue.put(job)
        return job.future

    def _done(self, items: int) -> None:
        with self._admission:
            self._waiting -= items

    def stop(self, timeout: float) -> int:
        """Take nothing more, store what was taken within ``timeout`` seconds; returns how many items could not be."""
        with self._admission:
            self._accepting = False
        if self._thread.ident is not None:
            self._queue.put(None)
            self._thread.join(timeout)
        return self._waiting

    def _run(self) -> None:
        self._replay()
        self._watching.start()
        now = time.monotonic()
        due = {self._learn: now, self._refresh: now, self._save: now + _SAVE, self._sweep: now}
        every = {self._learn: _REFRESH, self._refresh: _REFRESH, self._save: _SAVE, self._sweep: _SWEEP}
        more = True
        while more:
            jobs = self._gather()
            more = None not in jobs
            self._keep([job for job in jobs if job is not None])
            now = time.monotonic()
            for work, at in due.items():
                if now >= at:
                    due[work] = now + every[work]
                    self._tell(work)
        self._watching.stop()
        self._tell(self._refresh)
        self._tell(self._save)

    def _gather(self) -> list[_Job | None]:
        """What waits, up to a transaction's worth; waits a little for the first."""
        jobs: list[_Job | None] = []
        size = 0
        wait = _REFRESH / 4
        while size < self._settings.commit_items:
            try:
                job = self._queue.get(timeout=wait)
            except queue.Empty:
                break
            jobs.append(job)
            if job is None:
                break
            size += job.size
            wait = _GATHER
        return jobs

    def _keep(self, jobs: Sequence[_Job]) -> None:
        """Store ``jobs`` together; if that fails, one by one, as one of them may be what the store does not take."""
        if not jobs:
            return
        try:
            self._commit(jobs)
        except Exception as error:
            if not isinstance(error, StoreError):
                _LOG.exception("items could not be stored", extra={"event": "store_failed"})
            self._failed("write", error)
            left = [job for job in jobs if not job.future.done()]
            if len(jobs) == 1:
                for job in left:
                    job.future.set_exception(error)
                return
            for job in left:
                self._keep([job])

    def _commit(self, jobs: Sequence[_Job]) -> None:
        predictions = [job for job in jobs if isinstance(job.item, Predictions)]
        labels = [job for job in jobs if isinstance(job.item, Labels)]
        baselines = [job for job in jobs if isinstance(job.item, StoredBaseline)]
        added: Added | None = None
        known: AddedLabels | None = None
        every = Predictions.concat([job.item for job in predictions]) if predictions else None  # type: ignore[misc]
        said = Labels.concat([job.item for job in labels]) if labels else None  # type: ignore[misc]
        hashes = self._watching.hashes(every) if every is not None else None
        with self._store.transaction() as transaction:
            for job in baselines:
                transaction.add_baseline(job.item)  # type: ignore[arg-type]
            if every is not None:
                added = transaction.add(every, hashes)
            if said is not None:
                known = transaction.add_labels(said)
        for job in baselines:
            self._watching.forget(job.item.model, job.item.version)  # type: ignore[union-attr,arg-type]
            job.future.set_result(Kept(1, 0))
        self._answer(predictions, added)
        for job in labels:
            job.future.set_result(Kept(job.size, 0))
        self._told(every, added, known)
        if baselines:
            self._tell(self._save_now)

    def _answer(self, jobs: Sequence[_Job], added: Added | None) -> None:
        at = 0
        for job in jobs:
            size = job.size
            new = size if added is None else int(np.count_nonzero(added.new[at : at + size]))
            job.future.set_result(Kept(size, size - new))
            at += size

    def _told(self, every: Predictions | None, added: Added | None, known: AddedLabels | None) -> None:
        """Everything is in the store: have it measured."""
        if every is not None and added is not None:
            if added.duplicates:
                self._metrics.increase(catalogue.EXPORTER_DUPLICATE_ITEMS, ("predictions",), added.duplicates)
                self._duplicates(every, added)
            if added.new.any():
                self._seq = max(self._seq, int(added.seqs.max()))
                self._watching.observe(every if added.new.all() else every.take(added.new))
            if len(added.waiting.rows):
                self._watching.labelled(_met(every, added))
        if known is not None:
            if known.duplicates:
                self._metrics.increase(catalogue.EXPORTER_DUPLICATE_ITEMS, ("labels",), known.duplicates)
            if len(known.joined):
                self._watching.labelled(known.joined)

    def _duplicates(self, every: Predictions, added: Added) -> None:
        for row in np.flatnonzero(~added.new).tolist():
            labels = (every.model[row], every.version[row] or "unknown")
            self._metrics.increase(catalogue.ML_DUPLICATE_PREDICTIONS, labels)

    def _replay(self) -> None:
        """Go on where the last process ended."""
        try:
            saved = self._store.load_state(STATE)
            if saved is not None:
                seq, content = saved
                self._watching.restore(content)
            else:  # ended before anything was saved
                seq = max(0, self._store.matching(Filter())[1] - _REPLAYED)
            for stored in self._store.tail(seq):
                self._watching.observe(stored.predictions, replayed=True)
                self._seq = int(stored.seq[-1])
            for joined in self._store.tail_labels(seq):
                self._watching.labelled(joined, replayed=True)
            self._seq = max(self._seq, seq)
        except StoreError as error:
            self._failed("read", error)

    def _tell(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreError as error:
            self._failed(work.__name__.lstrip("_"), error)
        except Exception:
            # What fails here must not end the storing of what comes later.
            _LOG.exception("%s failed", work.__name__, extra={"event": "keeper_failed"})
            self._metrics.increase(catalogue.EXPORTER_MONITOR_FAILURES, (work.__name__.lstrip("_"),))

    def _refresh(self) -> None:
        self._watching.refresh()

    def _learn(self) -> None:
        """Store baselines of first predictions."""
        for baseline in self._watching.learned():
            with self._store.transaction() as transaction:
                transaction.add_baseline(baseline)
            self._watching.begin(baseline)
            self._save_now()

    def _save(self) -> None:
        if self._seq != self._saved_seq:
            self._save_now()

    def _save_now(self) -> None:
        """After a new baseline at once, so that a restart does not compare with it what came before."""
        self._store.save_state(STATE, self._seq, self._watching.state())
        self._saved_seq = self._seq

    def _sweep(self) -> None:
        settings = self._settings
        gone = retention.sweep(
            self._store, now=time.time(), max_age_seconds=seconds(settings.retention), max_rows=settings.max_rows
        )
        for table in ("predictions", "labels", "baselines"):
            if getattr(gone, table):
                self._metrics.increase(catalogue.EXPORTER_STORE_DELETED, (table,), getattr(gone, table))
        self.size_bytes = self._store.size_bytes()
        self.rows = self._store.counts()

    def _failed(self, operation: str, error: Exception) -> None:
        self._metrics.increase(catalogue.EXPORTER_STORE_FAILURES, (operation,))
        _LOG.error("%s", error, extra={"event": "store_failed", "operation": operation})


def _met(every: Predictions, added: Added) -> Joined:
    """Predictions whose labels had come before them."""
    rows = added.waiting.rows
    part = every.take(rows)
    count = len(rows)
    none: list[Any] = [None] * count
    return Joined(
        seq=added.seqs[rows],
        prediction_id=part.prediction_id,
        model=part.model,
        version=part.version,
        timestamp=part.timestamp,
        prediction=part.prediction,
        confidence=part.confidence,
        probabilities=part.probabilities,
        segment=part.segment,
        variant=part.variant,
        error_type=part.error_type,
        writer=[""] * count,
        label=added.waiting.label,
        label_timestamp=added.waiting.timestamp,
        previous=none,
    )
