"""Between HTTP and the numbers: a bounded queue, and the one thread that normalises and measures."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from observability.interactions import InteractionLog
from observability.measure import Meter
from observability.normalise import normalise

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Accepted spans of one request."""

    spans: Sequence[ResourceSpans]
    count: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What :meth:`Worker.stop` had to leave behind."""

    batches: int
    spans: int


class Worker:
    """Measures batches in the order in which they were accepted."""

    def __init__(self, meter: Meter, interactions: InteractionLog | None, *, capacity: int, content: bool) -> None:
        self._meter = meter
        self._interactions = interactions
        self._content = content
        self._queue: queue.Queue[Batch | None] = queue.Queue(capacity + 1)  # one more, for the end marker
        self._capacity = capacity
        self._accepting = False
        self._admission = threading.Lock()
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
        return self._queue.unfinished_tasks == 0

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
        batches = spans = 0
        while True:
            try:
                batch = self._queue.get_nowait()
            except queue.Empty:
                return Unfinished(batches, spans)
            if batch is not None:
                batches += 1
                spans += batch.count

    def _run(self) -> None:
        while not self._abandon.is_set():
            batch = self._queue.get()
            if batch is None:
                return
            try:
                self._measure(batch)
            except Exception:
                # One bad batch must not end the measuring of all later ones: it is counted and reported instead.
                self._meter.failed(batch.count)
                _LOG.exception(
                    "a batch of %d spans could not be measured", batch.count, extra={"event": "measure_failed"}
                )
            finally:
                self._queue.task_done()

    def _measure(self, batch: Batch) -> None:
        priced = self._meter.measure(normalise(batch.spans, content=self._content))
        if self._interactions is not None:
            self._interactions.write(priced)
