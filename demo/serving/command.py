"""The command that serves one model: ``python -m demo.diagnosis`` and ``python -m demo.progression``."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from demo.lifeline import end_with_parent
from demo.load import say
from demo.serving.disturbance import Disturbance
from demo.telemetry import Telemetry


def main(name: str, team: str, load: Callable[[int], Any], arguments: list[str] | None = None) -> int:
    """Serve the :class:`~demo.serving.model.Model` that ``load`` makes of a seed, until SIGTERM or SIGINT.

    Returns 0 if all was taken, 1 if something was lost, 2 without scikit-learn (``load`` imports it). Speaks on
    standard output in JSON lines, as the other services do: ``ready`` and ``done``.
    """
    parser = argparse.ArgumentParser(prog=f"python -m demo.{name}")
    parser.add_argument("--exporter", required=True, help="URL of the exporter")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--per-second", type=float, default=20.0, help="predictions")
    parser.add_argument("--disturbance", type=Disturbance, default=Disturbance.NONE, choices=list(Disturbance))
    parser.add_argument("--after", type=float, default=0.0, help="seconds until the disturbance begins")
    parser.add_argument("--child", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    try:
        import httpx

        from demo.serving.app import Serving
        from demo.serving.exporter import TIMEOUT_SECONDS, Exporter, Refused
        from demo.serving.outbox import Outbox

        model = load(options.seed)
    except ModuleNotFoundError as error:
        print(f"demo.{name}: {error}; pip install 'ai-observability[demo]'", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.child:
        end_with_parent()

    def tell(message: str) -> None:
        print(f"{name}: {message}", file=sys.stderr, flush=True)

    telemetry = Telemetry(name, team)
    with httpx.Client(base_url=options.exporter, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        outbox = Outbox(Exporter(http), tell, draw=random.Random(options.seed))
        serving = Serving(
            model,
            outbox,
            seed=options.seed,
            per_second=options.per_second,
            disturbance=options.disturbance,
            after=options.after,
        )
        try:
            serving.prepare(stop)
            say(event="ready", service=name)
            serving.run(stop)
        except Refused as error:  # of a baseline: nothing that is posted later would be compared with anything
            outbox.refusal = str(error)
            tell(str(error))
    sent = telemetry.close()
    counts = {**serving.counts, **outbox.counts}
    say(event="done", service=name, counts=counts, refusal=outbox.refusal, telemetry=sent)
    lost = outbox.refusal or any(counts.get(each) for each in ("rejected", "lost_predictions", "lost_labels"))
    return 1 if lost or sent["spans_lost"] or sent["logs_lost"] else 0
