"""Run by the interpreter of a peer: what its detectors, as they are by default, do with the same streams.

``python -m bench.alarms.others PEER STREAMS``: one line of JSON for each detector, scenario and stream.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.alarms import embeddings, streams
from bench.alarms.streams import Floats, Stream
from bench.alarms.watching import Bound, Looks, Watcher, follow, windows

#: Values between two false alarms that alibi-detect is asked for; it has no default.
RUN_LENGTH = 1000
_ONLINE_WINDOWS = [50, 200]
#: How many times fewer streams detectors see that take a millisecond for a value, or a second for a window.
_SLOW = 3


def evidently() -> list[Watcher]:
    """The test that it chooses by type and size; its report of one column gives the same and takes 75 ms."""
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest

    def watch(stream: Stream, begin: int) -> Looks:
        kind = "cat" if stream.categorical else "num"

        def series(values: Floats) -> Any:
            return pd.Series(values).astype(str) if stream.categorical else pd.Series(values)

        reference = series(stream.baseline)
        for seen, window in windows(stream, begin):
            current = series(window)
            chosen = get_stattest(reference, current, kind, None)
            yield seen, int(chosen(reference, current, kind, threshold=None).drifted)

    return [Watcher("evidently, its choice of test", watch)]


def nannyml() -> list[Watcher]:
    """Jensen–Shannon distance against three standard deviations of the chunks of the reference."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it reports each use to its makers otherwise
    import pandas as pd
    from nannyml import UnivariateDriftCalculator

    def watch(stream: Stream, begin: int) -> Looks:
        def frame(values: Floats) -> Any:
            column = pd.Series(values)
            return pd.DataFrame({"feature": column.astype(str) if stream.categorical else column})

        calculator = UnivariateDriftCalculator(column_names=["feature"], chunk_size=streams.WINDOW)
        calculator.fit(frame(stream.baseline))
        seen, rows = zip(*windows(stream, begin), strict=True)
        found = calculator.calculate(frame(np.concatenate(rows))).filter(period="analysis").to_df()
        yield from zip(seen, found["feature", "jensen_shannon", "alert"].astype(int).tolist(), strict=True)

    return [Watcher("NannyML, Jensen–Shannon", watch)]


def alibi_detect() -> list[Watcher]:
    """A test for each look, and a sequential one, which is fitted once: that takes minutes."""
    from alibi_detect.cd import CVMDriftOnline, KSDrift

    def look(stream: Stream, begin: int) -> Looks:
        detector = KSDrift(stream.baseline)
        for seen, window in windows(stream, begin):
            yield seen, int(detector.predict(window[:, None])["data"]["is_drift"])

    np.random.seed(0)  # what it draws from
    online = CVMDriftOnline(
        streams.quiet("normal", 0).baseline, ert=RUN_LENGTH, window_sizes=_ONLINE_WINDOWS, verbose=False
    )

    def each(stream: Stream, begin: int) -> Looks:
        online.reset_state()
        for at in range(max(0, begin - 2 * max(_ONLINE_WINDOWS)), len(stream.values)):
            alarm = int(online.predict(stream.values[at])["data"]["is_drift"])
            if alarm:
                online.reset_state()
            if alarm or (at + 1) % streams.STEP == 0:
                yield at + 1, alarm

    return [
        Watcher("alibi-detect KSDrift", look, Bound(share=0.05), kinds=streams.NUMERIC),
        Watcher("alibi-detect CVMDriftOnline", each, Bound(run_length=RUN_LENGTH), kinds=["normal"]),
    ]


PEERS: dict[str, Callable[[], list[Watcher]]] = {
    "evidently": evidently,
    "nannyml": nannyml,
    "alibi-detect": alibi_detect,
}


def _of_embeddings(count: int) -> None:
    """alibi-detect's MMD of windows of embeddings."""
    from alibi_detect.cd import MMDDrift

    def fit(reference: Floats) -> Callable[[Floats], bool]:
        detector = MMDDrift(reference.astype(np.float32))
        return lambda window: bool(detector.predict(window.astype(np.float32))["data"]["is_drift"])

    about = {"watcher": "alibi-detect MMDDrift", "bound": {"share": 0.05, "run_length": None}, "chances": 1.0}
    for number in range(max(count // _SLOW, 1)):
        print(json.dumps(about | embeddings.quiet(fit, number)), flush=True)
        for move in embeddings.MOVES:
            print(json.dumps(about | embeddings.moved(fit, move, number)), flush=True)


def main() -> None:
    peer, count = sys.argv[1], int(sys.argv[2])
    if peer == "alibi-detect":
        _of_embeddings(count)
    for watcher in PEERS[peer]():
        bound = {"share": watcher.bound.share, "run_length": watcher.bound.run_length}
        for scenario in watcher.scenarios():
            for number in range(max(count // _SLOW, 1) if watcher.kinds == ["normal"] else count):
                row = {"watcher": watcher.name, "scenario": scenario, "bound": bound, "chances": watcher.chances}
                print(json.dumps(row | follow(watcher, streams.stream(scenario, number))), flush=True)


if __name__ == "__main__":
    main()
