"""``python -m observability.drift --baseline FILE --current FILE``: compare two tables, for people and for CI.

Exit status: 0 without drift, 1 with drift of the data set (or of any feature with ``--fail-on feature``), 2 if
something cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from observability.drift.compare import Comparison, compare
from observability.drift.corrections import BY_NAME as CORRECTIONS
from observability.drift.custom import DetectorError, load
from observability.drift.detectors import BY_NAME
from observability.predictions.baselines import Baseline, BaselineLimits, decode_baseline
from observability.predictions.bodies import Refused

_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".arrow": "application/vnd.apache.arrow.file",
    ".arrows": "application/vnd.apache.arrow.stream",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m observability.drift", description=__doc__)
    parser.add_argument("--baseline", type=Path, required=True, metavar="FILE", help="Parquet, CSV or Arrow")
    parser.add_argument("--current", type=Path, required=True, metavar="FILE", help="the same")
    parser.add_argument("--features", default="", help="only these, comma-separated")
    parser.add_argument("--kind", action="append", default=[], metavar="NAME=KIND", help="such as postcode=categorical")
    parser.add_argument("--test", choices=sorted(BY_NAME), help="for all features; each its own if left out")
    parser.add_argument("--detector", metavar="MODULE:CLASS", help="a detector of your own, or an entry point's name")
    parser.add_argument("--correction", choices=sorted(CORRECTIONS), default="holm")
    parser.add_argument("--share", type=float, default=0.5, help="drifted features that are a drift of the data set")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there instead of printing")
    parser.add_argument("--fail-on", choices=("dataset", "feature", "never"), default="dataset")
    options = parser.parse_args(arguments)
    try:
        kinds = dict(pair.split("=", 1) for pair in options.kind)
        found = compare(
            _read(options.baseline, kinds),
            _read(options.current, kinds),
            features=[name for name in options.features.split(",") if name],
            test=options.test,
            detector=load(options.detector) if options.detector else None,
            correction=options.correction,
            dataset_share=options.share,
        )
    except (OSError, ValueError, TypeError, Refused, DetectorError) as error:
        print(f"observability.drift: {error}", file=sys.stderr)
        return 2
    _write(found, options.format, options.out)
    if options.fail_on == "never":
        return 0
    drifted = found.is_drift if options.fail_on == "dataset" else any(each.is_drift for each in found.results.values())
    return 1 if drifted else 0


def _read(file: Path, kinds: dict[str, str]) -> Baseline:
    media = _TYPES.get(file.suffix.lower())
    if media is None:
        raise ValueError(f"{file}: the name ends in none of {', '.join(_TYPES)}")
    try:
        limits = BaselineLimits(bytes=2**33, rows=10_000_000, features=100_000)
        return decode_baseline(file.read_bytes(), media, limits=limits, kinds=kinds)  # type: ignore[arg-type]
    except Refused as error:
        raise ValueError(f"{file}: {error}") from error


def _write(found: Comparison, how: str, out: Path | None) -> None:
    if how == "json":
        text = json.dumps(found.to_dict(), indent=1) + "\n"
        if out is None:
            print(text, end="")
        else:
            out.write_text(text, encoding="utf-8")
        return
    table = Table(*("feature", "test", "score", "threshold", "p-value", "missing", "drift"))
    for name, result in sorted(found.results.items(), key=lambda item: (not item[1].is_drift, item[0])):
        before, now = found.missing[name]
        p_value = result.adjusted_p_value if result.adjusted_p_value is not None else result.p_value
        chance = "" if p_value is None else f"{p_value:.3g}"
        verdict = "yes" if result.is_drift else "no"
        missing = f"{before:.1%} → {now:.1%}"
        table.add_row(name, result.method, f"{result.score:.4g}", f"{result.threshold:.4g}", chance, missing, verdict)
    verdict = "drift" if found.is_drift else "no drift"
    lines = [f"{name} was left out: {reason}" for name, reason in found.left_out.items()]
    lines.append(f"{found.share:.0%} of the features drifted: {verdict} of the data set")
    if out is None:
        _print(Console(width=None if sys.stdout.isatty() else 120), table, lines)
        return
    with out.open("w", encoding="utf-8") as stream:
        _print(Console(file=stream, width=120), table, lines)


def _print(console: Console, table: Table, lines: Sequence[str]) -> None:
    console.print(table)
    for line in lines:
        console.print(line, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
