"""``python -m demo``: see :mod:`demo.launcher`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from demo.children import ChildError
from demo.gateway import GatewayError, stack_from_environment
from demo.launcher import Demo, Faults, Options
from demo.serving.disturbance import Disturbance
from demo.simulator.app import parse_faults
from demo.tally import Evenly

#: Names for the settings that people ask for most (``make demo DEMO_FAULTS=errors``).
PRESETS: dict[str, Faults] = {
    "none": Faults({"error_ratio": 0.0}, tool_error_ratio=0.0, models=Disturbance.NONE),
    "errors": Faults({"error_ratio": 0.5}),
    "rate-limits": Faults({"error_ratio": 0.5, "kind": "rate_limit_exceeded"}),
    "timeouts": Faults({"error_ratio": 0.2, "kind": "timeout"}),
    "content-filter": Faults({"error_ratio": 0.2, "kind": "content_filter"}),
    "slow": Faults({"latency_factor": 20.0}),
    "cold-cache": Faults({"cold_cache": True}),
    "tools": Faults(tool_error_ratio=0.6),
    "careless-names": Faults(careless_names=True),
    "prompt-drift": Faults(other_topic=True, models=Disturbance.NONE),
    "no-drift": Faults(models=Disturbance.NONE),
    **{
        each.value: Faults(models=each)
        for each in (
            Disturbance.CONCEPT_DRIFT,
            Disturbance.DATA_QUALITY,
            Disturbance.SLOW,
            Disturbance.ERRORS,
            Disturbance.LABELS_MISSING,
        )
    },
}


def faults(text: str) -> Faults:
    """``error_ratio=0.5,kind=timeout`` or a preset's name as faults; raises argparse.ArgumentTypeError."""
    if text in PRESETS:
        return PRESETS[text]
    settings: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"{part!r} is neither key=value nor one of {', '.join(PRESETS)}")
        settings[key.strip()] = value.strip()
    try:
        tools = settings.pop("tool_error_ratio", None)
        ratio = None if tools is None else Evenly(float(tools)).share
        parse_faults(settings)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return Faults({**settings}, tool_error_ratio=ratio)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 if it ran and all its telemetry was handed over, 1 if not, 2 for a wrong option."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Three LLM apps, a local simulator of hosted models, and two models: real telemetry for the stack.",
        epilog="--faults takes error_ratio=, kind=, latency_factor=, cold_cache=, tool_error_ratio= (comma-separated) "
        f"or a preset: {', '.join(PRESETS)}.",
    )
    parser.add_argument("--seconds", type=float, default=os.environ.get("DEMO_SECONDS") or 0, help="0: until Ctrl-C")
    parser.add_argument("--faults", type=faults, default=os.environ.get("DEMO_FAULTS") or None)
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write what happened to FILE, as JSON")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=3, help="of each service")
    parser.add_argument("--think", type=float, default=0.5, help="mean seconds between a worker's interactions")
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds that an app waits for the provider")
    parser.add_argument("--latency-scale", type=float, default=1.0, help="multiplies the provider's latencies")
    options = parser.parse_args(arguments)
    if options.seconds < 0:
        parser.error("--seconds must not be negative")
    try:
        return Demo(Options(**vars(options)), stack_from_environment()).run()
    except (GatewayError, ChildError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
