"""Run by the interpreter of a peer: the CPU seconds that it takes for drift of a table, as JSON on standard output.

Standard input has one line of JSON (peer, method, rows of reference and current, features), then both tables as
float64 in C order.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


def main() -> None:
    task = json.loads(sys.stdin.buffer.readline())
    frames = []
    for rows in task["rows"]:
        data = np.frombuffer(sys.stdin.buffer.read(rows * task["features"] * 8), np.float64)
        frames.append(pd.DataFrame(data.reshape(rows, -1), columns=[f"feature {n}" for n in range(task["features"])]))
    work = {"evidently": evidently, "nannyml": nannyml}[task["peer"]](task["method"], *frames)
    work()  # imports and caches
    begin = time.process_time()
    work()
    print(json.dumps({"seconds": time.process_time() - begin}))


def evidently(method: str | None, reference: Any, current: Any) -> Callable[[], object]:
    """Its report of data drift; it keeps nothing of a reference, so that all of it is in each call."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    return lambda: Report([DataDriftPreset(method=method)]).run(current, reference).dict()


def nannyml(method: str, reference: Any, current: Any) -> Callable[[], object]:
    """Its univariate drift of the window as one chunk; the calculator is fitted beforehand."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it reports each use to its makers otherwise
    from nannyml import UnivariateDriftCalculator

    calculator = UnivariateDriftCalculator(
        column_names=list(reference.columns), continuous_methods=[method], chunk_size=len(current)
    ).fit(reference)
    return lambda: calculator.calculate(current)


if __name__ == "__main__":
    main()
