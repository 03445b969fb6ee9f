"""Between HTTP and the numbers: a bounded queue, and the one thread that translates, settles and measures."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass
from typing import TypeAlias

from observability.intake.wire import Body
from observability.pipeline import Pipeline
from observability.records import Evaluations

_LOG = logging.getLogger(__name__)

#: How many times within ``settle_seconds`` it is looked whether traces have settled.
_LOOKS = 4


#: Spans that are translated together at most: enough for the work per batch not to matter.
_TOGETHER = 8192

#: Accepted items of one request: spans, or the evaluations among its log records.
Batch: TypeAlias = Body | Evaluations


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What :meth:`Worker.stop` had to leave behind."""

    batches: int
    items: int


class Worker:
    """Measures batches in the order in which they were accepted."""

    def __init__(
        self, pipeline: Pipeline, *, capacity: int, settle_seconds: float, turn: threading.Lock | None = None
    ) -> None:
        """``turn`` is one that others who work beside it hold too."""
        self._pipeline = pipeline
        self._queue: queue.Queue[Batch | None] = queue.Queue(capacity + 1)  # one more, for the end marker
        self._capacity = capacity
        self._tick = max(settle_seconds / _LOOKS, 0.001)
        self._gather = settle_seconds / _LOOKS  # spans wait for others of their trace anyway
        self._accepting = False
        self._measuring = False  # what waits no more is being counted
        self._admission = threading.Lock()
        #: Who has work for numpy holds it: that gives the interpreter's lock away with every operation, and threads
        #: that take it from one another spend more time on that than they gain by running at once.
        self.turn = turn or threading.Lock()
        self._abandon = threading.Event()
        self._thread = threading.Thread(target=self._run, name="measure", daemon=True)

    def start(self) -> None:
        self._accepting = True
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether accepted batches are being measured."""
        return self._accepting and self._thread.is_alive()

    @property
    def accepting(self) -> bool:
        return self._accepting

    @property
    def full(self) -> bool:
        return self._queue.qsize() >= self._capacity

    @property
    def idle(self) -> bool:
        """Whether everything that was accepted is measured."""
        return self._queue.unfinished_tasks == 0 and not self._pipeline.waiting and not self._measuring

    def waiting(self) -> int:
        """Batches in the queue."""
        return self._queue.qsize()

    def put(self, batch: Batch) -> bool:
        """Accept ``batch``: it will be measured, unless the process is killed. ``False`` if there is no room."""
        with self._admission:
            if not self._accepting or self.full:
                return False
            self._queue.put_nowait(batch)
            return True

    def stop(self, seconds: float) -> Unfinished:
        """Accept nothing more, finish what was accepted within ``seconds``; returns what could not be finished."""
        with self._admission:
            self._accepting = False
        if not self._thread.is_alive():
            return self._left()
        self._queue.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._abandon.set()
            self._thread.join()  # the batch in hand is finished: half a batch would be counted twice when resent
        return self._left()

    def _left(self) -> Unfinished:
        batches = items = 0
        while True:
            try:
                batch = self._queue.get_nowait()
            except queue.Empty:
                return Unfinished(batches, items)
            if batch is not None:
                batches += 1
                items += len(batch)

    def _run(self) -> None:
        looked = time.monotonic()
        more = True
        while more and not self._abandon.is_set():
            batches = self._next(self._tick if self._pipeline.waiting else None)
            more = None not in batches
            try:
                with self.turn:
                    self._take([batch for batch in batches if isinstance(batch, Body)])
                self._judge([batch for batch in batches if isinstance(batch, Evaluations)])
            finally:
                for _ in batches:
                    self._queue.task_done()
            now = time.monotonic()
            if now - looked >= self._tick:
                looked = now
                with self.turn:
                    self._measure(everything=False)
        self._measure(everything=True)

    def _next(self, wait: float | None) -> list[Batch | None]:
        """What comes within a tick after the first batch, which is waited for; up to :data:`_TOGETHER` items."""
        batches: list[Batch | None] = []
        items, until = 0, None
        while items < _TOGETHER:
            if until is not None:
                wait = max(until - time.monotonic(), 0.0)
            try:
                batch = self._queue.get(timeout=wait) if wait is None or wait > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            batches.append(batch)
            if batch is None or self._abandon.is_set():
                break
            items += len(batch)
            until = time.monotonic() + self._gather if until is None else until
        return batches

    def _take(self, bodies: list[Body]) -> None:
        """Translate ``bodies`` together; if that fails, one by one, so that only the bad one is lost."""
        if not bodies:
            return
        try:
            self._pipeline.take(bodies, time.monotonic())
        except Exception:
            # One bad batch must not end the measuring of all later ones: it is counted and reported instead.
            if len(bodies) > 1:
                for body in bodies:
                    self._take([body])
                return
            self._pipeline.failed(len(bodies[0]))
            _LOG.exception("a batch of %d spans could not be read", len(bodies[0]), extra={"event": "measure_failed"})

    def _judge(self, verdicts: list[Evaluations]) -> None:
        for batch in verdicts:
            try:
                self._pipeline.evaluations(batch)
            except Exception:
                self._pipeline.failed(len(batch))
                _LOG.exception("%d evaluations could not be counted", len(batch), extra={"event": "measure_failed"})

    def _measure(self, *, everything: bool) -> None:
        waiting = self._pipeline.waiting
        self._measuring = waiting > 0
        try:
            self._pipeline.measure(time.monotonic(), everything=everything)
        except Exception:
            # The same: what settled is lost and counted, what comes later is measured.
            lost = max(waiting - self._pipeline.waiting, 0)
            self._pipeline.failed(lost)
            _LOG.exception("%d spans could not be measured", lost, extra={"event": "measure_failed"})
        finally:
            self._measuring = False
