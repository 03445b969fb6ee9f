"""Between the measuring of spans and the watching of their texts: a bounded queue, and a thread of its own.

Texts are in memory only while they wait here; what is kept of them, also in the saved state, are numbers.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from observability import catalogue
from observability.columns import Ints
from observability.conversations.allowance import Allowance
from observability.conversations.gauges import ConversationGauges
from observability.conversations.stream import Exchange, Key, Stream
from observability.conversations.texts import answer_of, prompt_of
from observability.drift.embedders import Embedder, load_embedder
from observability.metrics import Metrics
from observability.monitoring.state import pack, unpack
from observability.predictions.store import PredictionStore, StoreError
from observability.privacy import Masker, MaskingError
from observability.records import UNKNOWN, Calls
from observability.settings import Settings, seconds

_LOG = logging.getLogger(__name__)

#: Values of ``exporter_conversations_total{outcome}``.
OUTCOMES = ("measured", "sampled_out", "queue_full", "too_many_streams", "not_masked", "no_text", "failed")
#: Layout of the saved state: another one is not read.
_LAYOUT = 1
#: Calls that are looked at together at most, and how many times as long as for spans to settle it is waited for so
#: many: numbers of many texts at once cost a fraction of those of one.
_TOGETHER, _TICKS, _LEAST_TICK = 128, 2.0, 0.05
#: How often the state is saved, and the gauges of streams that are silent are looked at, in seconds.
_SAVE = _LOOK = 60.0


class _Call(NamedTuple):
    """What spans say of one call: who, and the content as it was recorded; ``embed``: its embeddings are looked at."""

    key: Key
    asked: Any
    answered: Any
    embed: bool = False


class Conversations:
    """:meth:`offer` is for one thread, and never waits; the others are for any."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        store: PredictionStore,
        gauges: ConversationGauges,
        turn: threading.Lock,
        allowance: Allowance,
    ) -> None:
        """``turn`` is held while numbers are computed, ``allowance`` is what calls were sampled by."""
        own = settings.conversations
        self._settings = settings
        self._metrics = metrics
        self._store = store
        self._gauges = gauges
        self._turn = turn
        self._allowance = allowance
        self._masker: Masker | None = settings.privacy.masker() if settings.privacy.content == "mask" else None
        self._tick = max(_TICKS * settings.limits.settle_seconds, _LEAST_TICK)
        self._embedding: Allowance | None = None
        if own.embeddings_per_second:
            self._embedding = Allowance(own.embeddings_per_second, saved=max(self._tick, 1.0))
        self._idle_seconds = seconds(settings.limits.idle_series)
        self._queue: queue.Queue[_Call | None] = queue.Queue(own.queue_calls + 1)  # one more, for the end marker
        self._capacity = own.queue_calls
        self._streams: dict[Key, Stream] = {}
        self._lock = threading.Lock()
        self._touched: set[tuple[str, ...]] = set()
        self._changed = False
        self._thread = threading.Thread(target=self._run, name="conversations", daemon=True)
        for outcome in OUTCOMES:
            metrics.touch(catalogue.EXPORTER_CONVERSATIONS, (outcome,))

    @cached_property
    def _embedder(self) -> Embedder | None:
        name = self._settings.drift.embedder
        try:
            return load_embedder(name)
        except (ImportError, ValueError, TypeError) as error:
            _LOG.warning("prompts are watched without embeddings: %s", error, extra={"event": "no_embedder"})
            return None

    @property
    def _state_name(self) -> str:
        return f"conversations of {self._store.writer}"

    def start(self) -> None:
        """Go on with what was saved, and begin to look at texts."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Finish what was taken within ``timeout`` seconds, and save what was learned."""
        if self._thread.ident is not None:
            try:
                self._queue.put(None, timeout=timeout)
            except queue.Full:
                _LOG.error("the last texts were not looked at", extra={"event": "conversations_lost"})
                return
            self._thread.join(timeout)

    def waiting(self) -> int:
        """Calls that wait to be looked at."""
        return self._queue.qsize()

    @property
    def idle(self) -> bool:
        """Whether everything that was taken is looked at."""
        return self._queue.unfinished_tasks == 0

    def offer(self, calls: Calls) -> None:
        """Take the sampled ones among ``calls``, as many as there is room for."""
        for row, (asked, answered) in calls.exchange.values.items():
            key = Key(*(self._label(each[row]) for each in (calls.service, calls.model, calls.prompt)))
            if self._queue.qsize() >= self._capacity:
                self._count("queue_full", 1)
            else:
                self._queue.put_nowait(_Call(key, asked, answered))

    def _label(self, value: str | None) -> str:
        return (value or UNKNOWN)[: self._settings.limits.label_length]

    def _count(self, outcome: str, calls: int) -> None:
        if calls:
            self._metrics.increase(catalogue.EXPORTER_CONVERSATIONS, (outcome,), calls)

    def _run(self) -> None:
        self._restore()
        save_at = look_at = time.monotonic() + _SAVE
        more = True
        while more:
            calls = self._gather()
            more = None not in calls
            self._take([call for call in calls if call is not None])
            if calls or time.monotonic() >= look_at:
                self._refresh()
                look_at = time.monotonic() + _LOOK
            for _ in calls:
                self._queue.task_done()
            if not more or time.monotonic() >= save_at:
                self._save()
                save_at = time.monotonic() + _SAVE

    def _gather(self) -> list[_Call | None]:
        """What comes within a tick, at most so many as are looked at together."""
        calls: list[_Call | None] = []
        until = time.monotonic() + self._tick
        while len(calls) < _TOGETHER:
            try:
                calls.append(self._queue.get(timeout=max(until - time.monotonic(), 0.001)))
            except queue.Empty:
                break
            if calls[-1] is None:
                break
        return calls

    def _take(self, calls: Sequence[_Call]) -> None:
        by_key: dict[Key, list[_Call]] = {}
        for call in self._some_embedded(calls):
            by_key.setdefault(call.key, []).append(call)
        for key, found in by_key.items():
            try:
                with self._lock, self._turn:
                    self._take_of(key, found)
            except Exception as error:
                # What fails here costs these calls and no other ones. The message is not written: it may hold text.
                self._count("failed", len(found))
                _LOG.error(
                    "the texts of %d calls could not be looked at: %s", len(found), type(error).__name__,
                    extra={"event": "conversations_failed", "service": key.service, "model": key.model},
                )  # fmt: skip

    def _take_of(self, key: Key, calls: Sequence[_Call]) -> None:
        outcomes: Counter[str] = Counter()
        stream = self._of(key)
        if stream is None:
            self._count("too_many_streams", len(calls))
            return
        exchanges = [each for call in calls if (each := self._exchange(call, outcomes)) is not None]
        stream.used = time.monotonic()
        if exchanges:
            stream.take(exchanges)
            outcomes["measured"] += len(exchanges)
            self._changed = True
        for outcome, count in outcomes.items():
            self._count(outcome, count)

    def _exchange(self, call: _Call, outcomes: Counter[str]) -> Exchange | None:
        """The texts of ``call``, masked as everything that the exporter keeps."""
        try:
            exchange = Exchange(
                self._harmless(prompt_of(call.asked)), self._harmless(answer_of(call.answered)), call.embed
            )
        except MaskingError:
            outcomes["not_masked"] += 1
            return None
        if exchange.prompt is None and exchange.answer is None:
            outcomes["no_text"] += 1
            return None
        return exchange

    def _harmless(self, text: str | None) -> str | None:
        return text if text is None or self._masker is None else self._masker.text(text)[0]

    def _some_embedded(self, calls: Sequence[_Call]) -> Sequence[_Call]:
        """``calls``, with those marked whose texts are embedded: chosen among all, whichever stream they are of."""
        if self._embedding is None or not calls:
            return calls
        rows: Ints = np.arange(len(calls))
        chosen = set(self._embedding.some_of(rows).tolist())
        return [call._replace(embed=at in chosen) for at, call in enumerate(calls)]

    def _of(self, key: Key) -> Stream | None:
        """The stream of ``key``; where there is no room, a new one takes the place of one that is silent for long."""
        stream = self._streams.get(key)
        if stream is not None:
            return stream
        if len(self._streams) >= self._settings.conversations.max_streams:
            oldest = min(self._streams.values(), key=lambda each: each.used)
            if time.monotonic() - oldest.used < self._idle_seconds:
                return None
            del self._streams[oldest.key]
        self._streams[key] = self._new(key)
        return self._streams[key]

    def _new(self, key: Key) -> Stream:
        return Stream(
            key,
            self._settings.drift,
            self._settings.conversations.baseline_calls,
            lambda: self._embedder,
            used=time.monotonic(),
        )

    def streams(self) -> list[dict[str, Any]]:
        """What is watched, as a document."""
        with self._lock:
            return [each.document() for each in self._streams.values()]

    def forget(self, service: str, model: str, prompt: str) -> bool:
        """Learn the baseline of these calls anew; ``False`` if there are no such calls."""
        with self._lock:
            found = self._streams.pop(Key(service, model, prompt), None)
            if found is None:
                return False
            self._changed = True
            self._touched = {labels for labels in self._touched if labels[:3] != found.key}
            self._gauges.show(self._streams.values())
            return True

    def _refresh(self) -> None:
        """Compute the gauges anew."""
        self._count("sampled_out", self._allowance.refused())
        with self._lock, self._turn:
            now = time.monotonic()
            heard = [each for each in self._streams.values() if now - each.used < self._idle_seconds]
            for stream in heard:
                stream.refresh()
                self._flush(stream)
            self._gauges.show(heard)

    def _flush(self, stream: Stream) -> None:
        """Counters begin at zero before the first alarm, so that ``rate`` sees it."""
        for side, monitor in stream.monitors:
            labels = (*stream.key, side, monitor.name)
            if labels not in self._touched:
                self._touched.add(labels)
                self._metrics.touch(catalogue.LLM_TEXT_DRIFT_ALARMS, labels)
        for place, count in stream.alarms.items():
            self._metrics.increase(catalogue.LLM_TEXT_DRIFT_ALARMS, (*stream.key, *place), count)
        stream.alarms.clear()

    def state(self) -> bytes:
        """All that was learned."""
        with self._lock:
            return pack({"layout": _LAYOUT, "streams": [each.to_state() for each in self._streams.values()]})

    def _save(self) -> None:
        if not self._changed:
            return
        self._changed = False
        try:
            self._store.save_state(self._state_name, 0, self.state())
        except StoreError as error:
            self._changed = True
            self._metrics.increase(catalogue.EXPORTER_STORE_FAILURES, ("save",))
            _LOG.error("%s", error, extra={"event": "store_failed", "operation": "save"})

    def _restore(self) -> None:
        """Go on where the last process ended. What cannot be read is told and learned anew."""
        try:
            saved = self._store.load_state(self._state_name)
            state = None if saved is None else unpack(saved[1])
        except (StoreError, ValueError, KeyError) as error:
            _LOG.error("what was learned of prompts cannot be read: %s", error, extra={"event": "state_skipped"})
            return
        if state is None or state["layout"] != _LAYOUT:
            return
        for each in state["streams"][: self._settings.conversations.max_streams]:
            stream = self._new(Key(*each["key"]))
            try:
                stream.from_state(each)
            except (ValueError, KeyError) as error:
                _LOG.warning("prompts are learned anew: %s", error, extra={"event": "state_skipped"})
                continue
            with self._lock:
                self._streams[stream.key] = stream
        self._refresh()
