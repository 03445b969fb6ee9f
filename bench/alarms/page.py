"""The page docs/drift-benchmark.md, from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.alarms import streams
from bench.alarms.watching import Bound

PAGE = Path(__file__).parents[2] / "docs" / "drift-benchmark.md"

Row = dict[str, Any]

_INTRODUCTION = """\
# How often drift detectors cry wolf, and how late they see a wolf

Written by `make bench-drift`, which repeats all of it (peers: `python -m bench.peers install` first). Every detector
is as it is by default, ours and those of others.

A baseline has {baseline:,} values. After it comes a stream, at which a detector looks every {step} values. A detector
of windows sees the newest {window}; a sequential one takes the values as they come. A **quiet** stream goes on as the
baseline did, for {looks:,} looks. A stream that **changes** does so after {before:,} quiet values, and is followed
for {after:,} more.

A test at 5 % promises that one look in twenty alarms by chance, so that {looks:,} looks are all but certain to: that
is no fault of the test, it is what it is made for, and why no alert of this project goes by one. Its alarms after a
change come early because some would have come anyway. The two tables belong together.
"""

_QUIET = """
## Quiet streams: false alarms

*Looks* is the share of looks that alarm, over the kinds whose values are independent of one another; *promised* is
what the detector says of that, and *kept* whether it is so (to two standard errors, as streams differ). Then the
share of streams with one alarm or more in {looks:,} looks. {streams} streams of each kind; {rare} for the sequential
test, whose false alarms are rare; {peer_streams} for the detectors of others, a third of that for those that take
seconds. *Correlated* values (each 0.6 of the one before) are nothing that tests of windows promise anything about.
"""

_DELAYS = """
## Streams that change: median delay

Values from the change to the first alarm, of half of the streams; "–" where half were not found within {after:,}.
"""

_RUN_LENGTHS = """
## What the sequential test promises

An alarm comes by chance after `drift.average_run_length` values on average or later, and in T values with a
probability of T divided by it at most. At the default nothing is to be seen of that, so the same evidence is compared
with lower settings too: streams of {values:,} quiet values that alarmed.
"""

_TOGETHER = """
### Features judged together

Ten features of one model, of independent quiet streams of all kinds, by the rule that the exporter goes by (e-BH over
the largest evidence so far). Which share of a model's alarms is false, on average: where nothing drifts that is the
share of models with an alarm, where half of the features drift (and alarm) it says how many others they take along.
That it stays below T divided by the run length, times the share of features that do not drift, is proven for evidence
of one moment, and measured here for the largest so far.
"""

_CONCEPT = """
## Errors of a model: concept drift

Errors of 10 % in a baseline of {baseline:,} labels, looked at every {step} labels; the promise of the e-detector is
at its default of 100,000 labels, which the exporter sets to `drift.average_run_length`. That of the error window is
one of each label (two standard deviations of a normal mean), that of ADWIN one of each time it compares (every 32
labels).
"""

_EMBEDDINGS = """
## Embeddings

A reference of {reference:,} embeddings of {dimensions} dimensions, and windows of {window} new ones; the mean moves
by so many standard deviations of one dimension, in a direction that is not an axis. Delay in embeddings.
`EmbeddingDriftDetector` asks four tests (centroid, cosine, MMD, domain classifier) and promises 1 % of them together.
"""


def page(results: Row) -> str:
    """The page for ``results``, as ``bench/drift.json`` has them."""
    from bench.alarms import embeddings

    setup = results["setup"]
    values = streams.STEP * ((streams.WINDOW + streams.STEP * (streams.LOOKS - 1)) // streams.STEP)
    about = {"reference": embeddings.REFERENCE, "dimensions": embeddings.DIMENSIONS, "window": embeddings.WINDOW}
    parts = [
        _INTRODUCTION.format(**setup),
        _QUIET.format(**setup),
        _quiet(results["features"], list(streams.QUIET)),
        _DELAYS.format(**setup),
        _delays(results["features"], list(streams.CHANGES)),
        _RUN_LENGTHS.format(values=values),
        _run_lengths(results["run_lengths"], "kind", "streams", "alarmed"),
        _TOGETHER,
        _run_lengths(results["together"], "drifted", "models", "false alarms"),
        _CONCEPT.format(**setup),
        _both(results["concept"], list(streams.WORSE)),
        _EMBEDDINGS.format(**about),
        _both(results["embeddings"], [embeddings.name(move) for move in embeddings.MOVES]),
    ]
    return "".join(parts)


def _quiet(rows: Sequence[Row], kinds: Sequence[str]) -> str:
    head = ("detector", "looks", "promised", "kept", *kinds)
    return _table(
        head,
        (
            (row["detector"], *_kept(row), *(_percent(row["streams_with_an_alarm"].get(kind)) for kind in kinds))
            for row in rows
        ),
    )


def _delays(rows: Sequence[Row], changes: Sequence[str]) -> str:
    return _table(
        ("detector", *changes), ((row["detector"], *(_delay(row, change) for change in changes)) for row in rows)
    )


def _both(rows: Sequence[Row], changes: Sequence[str]) -> str:
    head = ("detector", "looks", "promised", "kept", "quiet streams with an alarm", *changes)
    return _table(
        head,
        (
            (
                row["detector"],
                *_kept(row),
                _percent(row["streams_with_an_alarm"]["quiet"]),
                *(_delay(row, change) for change in changes),
            )
            for row in rows
        ),
    )


def _run_lengths(rows: Sequence[Row], first: str, counted: str, found: str) -> str:
    title = "kind" if first == "kind" else "drifting features"
    return _table(
        (title, "average run length", counted, found, "promised at most"),
        (
            (
                str(row[first]),
                f"{row['run_length']:,.0f}",
                str(row["of"]),
                f"{_percent(row['found'])} ± {_percent(2 * row['error'])}",
                _percent(row["promised"]),
            )
            for row in rows
        ),
    )


def _kept(row: Row) -> tuple[str, str, str]:
    kept = {True: "yes", False: "**no**", None: ""}[row["within"]]
    return _percent(row["false_alarm_share_of_looks"]), Bound(**row["bound"]).text, kept


def _delay(row: Row, change: str) -> str:
    if change not in row["median_delay"]:
        return ""
    delay = row["median_delay"][change]
    return "–" if delay is None else f"{delay:,.0f}"


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return f"{share * 100:.2g} %" if share < 0.1 else f"{share * 100:.0f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n" + "\n".join(lines) + "\n"
