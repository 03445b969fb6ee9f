"""``python -m bench [NAME ...]``: run the named groups (all by default)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import drift, flat, intake, lag, mmd, monitoring, predictions, predictions_flat, render, stack
from bench.result import Result

GROUPS: dict[str, Callable[[], list[Result]]] = {
    "intake": intake.run,
    "lag": lag.run,
    "flat": flat.run,
    "render": render.run,
    "drift": drift.run,
    "mmd": mmd.run,
    "monitoring": monitoring.run,
    "predictions": predictions.run,
    "predictions_flat": predictions_flat.run,
    "stack": stack.run,
}
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="NAME", help=f"of: {', '.join(GROUPS)}; all if left out")
    chosen = parser.parse_args().groups or list(GROUPS)
    unknown = sorted(set(chosen) - set(GROUPS))
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(GROUPS)}")

    results = [result for name in chosen for result in GROUPS[name]()]
    rows = [result.as_row() for result in results]
    if RESULTS.exists():
        # A partial run replaces only its own figures.
        ours = {row["name"] for row in rows}
        rows = [row for row in json.loads(RESULTS.read_text()) if row["name"] not in ours] + rows
    RESULTS.write_text(json.dumps(sorted(rows, key=lambda row: row["name"]), indent=2) + "\n")

    table = Table(*("name", "value", "unit", "peer", "ratio", "goal", "met"))
    for row in rows:
        table.add_row(
            *(
                "" if row[key] is None else str(row[key])
                for key in ("name", "value", "unit", "peer", "ratio", "goal", "met")
            )
        )
    Console().print(table)


if __name__ == "__main__":
    main()
