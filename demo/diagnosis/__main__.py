"""``python -m demo.diagnosis``: the model and its patients."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import Any

from demo.lifeline import end_with_parent
from demo.telemetry import Telemetry

SERVICE, TEAM = "diagnosis", "clinic"


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; 0 if all was taken, 1 if something was lost, 2 without scikit-learn.

    Speaks on standard output in JSON lines, as the other services do: ``ready`` and ``done``.
    """
    parser = argparse.ArgumentParser(prog="python -m demo.diagnosis", description=__doc__)
    parser.add_argument("--exporter", required=True, help="URL of the exporter")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--per-second", type=float, default=20.0, help="predictions")
    parser.add_argument("--drift-after", type=float, default=0.0, help="seconds until the data drift; 0: never")
    parser.add_argument("--child", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    try:
        from demo.diagnosis.app import Diagnosis, Lost
    except ModuleNotFoundError as error:
        print(f"demo.diagnosis: {error}; pip install 'ai-observability[demo]'", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.child:
        end_with_parent()
    telemetry = Telemetry(SERVICE, TEAM)
    app = Diagnosis(options.exporter, options.seed, options.per_second, options.drift_after)
    lost = ""
    try:
        app.prepare()
        _say(event="ready", service=SERVICE)
        app.run(stop)
    except Lost as error:
        lost = str(error)
        print(f"demo.diagnosis: {error}", file=sys.stderr)
    finally:
        app.close()
    sent = telemetry.close()
    _say(event="done", service=SERVICE, counts=dict(app.counts), lost=lost, telemetry=sent)
    return 1 if lost or app.counts["rejected"] or sent["spans_lost"] or sent["logs_lost"] else 0


def _say(**message: Any) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
