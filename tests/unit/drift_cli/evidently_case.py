"""What the monitor finds in two tables, run with the interpreter that has Evidently; prints JSON."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import observability

ROOT = Path(__file__).parents[3]
NASTY = "</script><script>alert(1)</script>"


def tables(rows: int) -> tuple[pa.Table, pa.Table]:
    """A quiet and a drifted table (rows, 4): ``age`` drifted, the others did not."""
    random = np.random.default_rng(1)

    def made(shift: float) -> pa.Table:
        return pa.table(
            {
                "age": random.normal(40 + shift, 10, rows),
                "country": pa.array(random.choice(["DE", "FR"], rows).tolist()).dictionary_encode(),
                "vip": random.random(rows) < 0.3,
                NASTY: random.normal(0, 1, rows),
            }
        )

    return made(0.0), made(10.0)


def main() -> None:
    found: dict[str, Any] = {}
    for rows in (400, 2000):
        baseline, current = tables(rows)
        report = observability.EvidentlyDriftMonitor(baseline).detect(current)
        found[str(rows)] = {**report.to_dict(), "scores": report.scores}
        frames = observability.EvidentlyDriftMonitor(baseline.to_pandas(), drift_share=0.25).detect(current.to_pandas())
        found[f"{rows} frames"] = {**frames.to_dict(), "scores": frames.scores}
    found["escaped"] = NASTY not in report.html and r"\u003c/script>\u003cscript>alert(1)" in report.html
    try:
        observability.EvidentlyDriftMonitor(baseline).detect(current.drop_columns(["age"]))
    except KeyError as error:
        found["lacking"] = str(error)
    (block,) = re.findall(r"```py\n(.*?)```", (ROOT / "docs" / "drift-cli.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, "docs/drift-cli.md", "exec"), {"reference_data": baseline, "current_data": current})  # noqa: S102
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
