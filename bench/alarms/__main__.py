"""``python -m bench.alarms``: run all, write ``bench/drift.json`` and the page ``docs/drift-benchmark.md``.

Peers are left out where they are not installed (``python -m bench.peers install``).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import peers
from bench.alarms import embeddings, page, runs, streams

RESULTS = Path(__file__).parents[1] / "drift.json"
_ROOT = Path(__file__).parents[2]
#: Streams of each scenario that a peer sees: most of them take long.
_PEER_STREAMS = 20
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--ours", action="store_true", help="keep the figures of peers from the last run")
    arguments = parser.parse_args()
    os.environ.update(_ONE_THREAD)
    theirs: list[dict[str, Any]] = []
    if not arguments.ours:
        with ThreadPoolExecutor(arguments.workers) as threads:
            theirs = [row for rows in threads.map(_peer, peers.PEERS) for row in rows]
    with ProcessPoolExecutor(arguments.workers) as pool:
        results = measured(pool, theirs)
    if arguments.ours and RESULTS.exists():
        before = json.loads(RESULTS.read_text(encoding="utf-8"))
        for part in ("features", "embeddings"):
            own = {row["detector"] for row in results[part]}
            results[part] += [row for row in before[part] if row["detector"] not in own]
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page.PAGE.write_text(page.page(results), encoding="utf-8")
    print(page.page(results))


def measured(pool: ProcessPoolExecutor, theirs: list[dict[str, Any]]) -> dict[str, Any]:
    """All figures; ``theirs`` are the rows of the peers."""
    peaks = runs.evidence(pool)
    sequential = [*runs.quiet_of(peaks), *runs.sequential_delays(pool)]
    windows = [*sequential, *runs.classic(pool), *(row for row in theirs if "move" not in row)]
    moved = [*runs.moved(pool), *(row for row in theirs if "move" in row)]
    return {
        "setup": {
            "baseline": streams.BASELINE,
            "window": streams.WINDOW,
            "step": streams.STEP,
            "looks": streams.LOOKS,
            "before": streams.BEFORE,
            "after": streams.AFTER,
            "streams": runs.STREAMS,
            "rare": runs.RARE,
            "peer_streams": _PEER_STREAMS,
        },
        "features": list(runs.summaries(windows, streams.CHANGES, streams.INDEPENDENT)),
        "run_lengths": runs.run_lengths(peaks),
        "together": runs.together(peaks),
        "concept": list(runs.summaries(runs.concept(pool), streams.WORSE, ("quiet",))),
        "embeddings": list(runs.summaries(moved, [embeddings.name(move) for move in embeddings.MOVES], ("quiet",))),
    }


def _peer(name: str) -> list[dict[str, Any]]:
    interpreter = peers.python(name)
    if interpreter is None:
        print(f"{name} is not installed, and left out")
        return []
    done = subprocess.run(
        [str(interpreter), "-W", "ignore", "-m", "bench.alarms.others", name, str(_PEER_STREAMS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        cwd=_ROOT,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    main()
