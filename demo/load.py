"""The load generator: runs one app's interactions in a few threads until it is told to stop."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from demo.lifeline import end_with_parent
from demo.tally import Tally
from demo.telemetry import Telemetry

#: Share of the executions of a tool that fail in a demo that nobody disturbs; below the 20 % of LLMToolErrors.
TOOL_ERROR_RATIO = 0.1

#: Trace ids that a service remembers for its summary; of a longer run the newest.
REMEMBERED = 5000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished interaction: its trace, and the kind of error that the user got to feel (None if it went well)."""

    trace_id: str
    error: str | None
    models: tuple[str, ...]
    streamed: bool


class App(Protocol):
    """What the load generator drives; ``tally`` is what the app counts of its own doings."""

    tally: Tally

    def prepare(self) -> None:
        """What has to be done once before the first interaction."""

    def interact(self, number: int, draw: random.Random) -> Outcome:
        """One interaction with a user; ``draw`` decides all that is random in it."""


@dataclass(slots=True)
class Results:
    """What happened so far; all access is under ``lock``."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    interactions: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    traces: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)
    crash: BaseException | None = None

    def add(self, outcome: Outcome) -> None:
        """Count ``outcome``; the newest of each kind is kept as a sample."""
        with self.lock:
            self.interactions += 1
            self.traces.append(outcome.trace_id)
            if outcome.error:
                self.errors[outcome.error] += 1
            kind = outcome.error or ("streamed" if outcome.streamed else "answered")
            self.samples[kind] = {"trace_id": outcome.trace_id, "models": list(outcome.models)}


def parser(service: str) -> argparse.ArgumentParser:
    """Options that every service understands."""
    made = argparse.ArgumentParser(prog=f"python -m demo.{service}")
    made.add_argument("--base-url", required=True, help="of the OpenAI-compatible provider, with its /v1")
    made.add_argument("--seed", type=int, default=7)
    made.add_argument("--workers", type=int, default=3, help="interactions that run at the same time")
    made.add_argument("--think", type=float, default=0.5, help="mean seconds between two interactions of a worker")
    made.add_argument("--timeout", type=float, default=3.0, help="seconds that a call to the provider may take")
    made.add_argument("--latency-scale", type=float, default=1.0, help="multiplies how long tools take")
    made.add_argument("--tool-error-ratio", type=float, default=TOOL_ERROR_RATIO, help="share of tool calls that fail")
    made.add_argument("--careless-names", action="store_true", help="give tools a new name for each call")
    made.add_argument("--other-topic-after", type=float, default=0, help="seconds until users ask of another topic")
    made.add_argument("--interactions", type=int, default=0, help="stop by itself after so many; 0: never")
    made.add_argument("--child", action="store_true", help="end when standard input ends")
    return made


def run(service: str, options: argparse.Namespace, telemetry: Telemetry, make_app: Callable[[], App]) -> int:
    """Drive the app until SIGTERM, SIGINT or ``--interactions``; then finish what runs, flush and say what was done.

    Speaks on standard output in JSON lines: ``ready`` once the app is prepared, and ``done`` at the end. Returns the
    exit code: 1 if the app crashed or telemetry was lost.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    if options.child:
        end_with_parent()
    results = Results()
    numbers = itertools.count()

    def work() -> None:
        try:
            while not stop.is_set():
                number = next(numbers)
                if options.interactions and number >= options.interactions:
                    return
                draw = random.Random(f"{options.seed}/{service}/{number}")
                results.add(app.interact(number, draw))
                stop.wait(draw.expovariate(1 / options.think) if options.think else 0)
        except BaseException as error:  # a bug in the app: reported by the main thread, and the end of the run
            results.crash = error
            stop.set()

    app = make_app()
    app.prepare()
    say(event="ready", service=service)
    workers = [threading.Thread(target=work, name=f"worker-{index}") for index in range(options.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        # Not a plain join: Python runs signal handlers only between the main thread's bytecodes.
        while worker.is_alive():
            worker.join(0.2)
    sent = telemetry.close()
    say(
        event="done",
        service=service,
        interactions=results.interactions,
        errors=dict(sorted(results.errors.items())),
        traces=list(results.traces),
        samples=results.samples,
        counts=app.tally.as_json(),
        telemetry=sent,
    )
    if results.crash is not None:
        raise results.crash
    return 1 if sent["spans_lost"] or sent["logs_lost"] else 0


def say(**message: Any) -> None:
    """One JSON line for the launcher."""
    try:
        print(json.dumps(message), flush=True)
    except BrokenPipeError:
        # The launcher is gone, so nobody listens; else Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
