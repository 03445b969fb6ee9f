"""``python -m observability.drift --baseline FILE --current FILE``: compare two tables, for people and for CI.

``--model NAME`` takes what is not given as a file from the exporter's store. Exit status: 0 without drift, 1 with drift
of the data set (or of any feature with ``--fail-on feature``), 2 if something cannot be read or compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from observability.drift import report
from observability.drift.compare import Comparison, chance, compare
from observability.drift.corrections import BY_NAME as CORRECTIONS
from observability.drift.custom import DetectorError, load
from observability.drift.detectors import BY_NAME
from observability.drift.evidently_report import EvidentlyMissing, evidently_report
from observability.drift.sources import Source, from_file, kinds_from
from observability.predictions.bodies import Refused
from observability.predictions.profiles import Kind

#: What a wrong option, file, store or feature raises.
_TOLD = (OSError, ValueError, TypeError, Refused, DetectorError)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.model is None and (options.baseline is None or options.current is None):
        parser.error("--baseline and --current are needed, or --model")
    try:
        baseline, current = _sources(options)
        found = compare(
            baseline.table,
            current.table,
            features=[name for name in options.features.split(",") if name],
            test=options.test,
            detector=load(options.detector) if options.detector else None,
            correction=options.correction,
            dataset_share=options.share,
        )
    except _TOLD as error:
        return _failed(error)
    except Exception:
        if options.detector is None:
            raise
        traceback.print_exc()  # a detector of one's own may raise anything, and Python's status for that is 1: drift
        return 2
    try:
        if options.html is not None:
            page = report.page(found, baseline.name, current.name, datetime.now(UTC))
            options.html.write_text(page, encoding="utf-8")
        if options.evidently is not None:
            theirs = evidently_report(found, baseline.table, current.table)
            options.evidently.write_text(theirs.html, encoding="utf-8")
        _write(found, options.format, options.out)
    except (OSError, EvidentlyMissing) as error:
        return _failed(error)
    if options.fail_on == "never":
        return 0
    drifted = found.is_drift if options.fail_on == "dataset" else any(each.is_drift for each in found.results.values())
    return 1 if drifted else 0


def _failed(error: Exception) -> int:
    """Tell of what is no error of this program; the exit status."""
    print(f"observability.drift: {'; '.join((str(error), *getattr(error, '__notes__', ())))}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m observability.drift", description=__doc__)
    tables = parser.add_argument_group("tables")
    tables.add_argument("--baseline", type=Path, metavar="FILE", help="Parquet, CSV or Arrow")
    tables.add_argument("--current", type=Path, metavar="FILE", help="the same")
    tables.add_argument("--model", metavar="NAME", help="baseline or newest predictions of this model, from the store")
    tables.add_argument("--version", default="", help="of the model; all versions if left out")
    tables.add_argument("--last", type=int, metavar="N", help="newest predictions; drift.window if left out")
    where = tables.add_mutually_exclusive_group()
    where.add_argument("--url", help="of the store: sqlite:////folder/file or postgresql+psycopg://…")
    where.add_argument("--state-dir", type=Path, help="folder of the exporter's data (STATE_DIR)")
    tables.add_argument("--config", help="observability.yml (OBSERVABILITY_CONFIG; ./observability.yml)")
    how = parser.add_argument_group("comparison")
    how.add_argument("--features", default="", help="only these, comma-separated")
    how.add_argument("--kind", action="append", default=[], metavar="NAME=KIND", help="such as postcode=categorical")
    how.add_argument("--test", choices=sorted(BY_NAME), help="for all features; each its own if left out")
    how.add_argument("--detector", metavar="MODULE:CLASS", help="a detector of your own, or an entry point's name")
    how.add_argument("--correction", choices=sorted(CORRECTIONS), default="holm")
    how.add_argument("--share", type=float, default=0.5, help="drifted features that are a drift of the data set")
    result = parser.add_argument_group("result")
    result.add_argument("--format", choices=("table", "json"), default="table")
    result.add_argument("--out", type=Path, metavar="FILE", help="write there instead of printing")
    result.add_argument("--html", type=Path, metavar="FILE", help="write a report with plots as well")
    result.add_argument("--evidently", type=Path, metavar="FILE", help="write Evidently's report as well (the extra)")
    result.add_argument("--fail-on", choices=("dataset", "feature", "never"), default="dataset")
    return parser


def _sources(options: argparse.Namespace) -> tuple[Source, Source]:
    """The two tables. Raises ``ValueError`` or ``OSError`` for one that cannot be had."""
    kinds = kinds_from(options.kind)
    baseline = None if options.baseline is None else from_file(options.baseline, kinds)
    current = None if options.current is None else from_file(options.current, kinds)
    if baseline is not None and current is not None:
        return baseline, current
    return _stored(options, kinds, baseline, current)


def _stored(
    options: argparse.Namespace, kinds: Mapping[str, Kind], baseline: Source | None, current: Source | None
) -> tuple[Source, Source]:
    """The tables, those that are not given from the store."""
    from observability.drift.stored import Place, Store  # whoever compares files needs no database
    from observability.predictions.store import StoreError

    try:
        store = Store(Place(options.url, options.state_dir, options.config), options.model, options.version, kinds)
        try:
            return baseline or store.baseline(), current or store.newest(options.last)
        finally:
            store.close()
    except StoreError as error:
        raise ValueError(str(error)) from error


def _write(found: Comparison, how: str, out: Path | None) -> None:
    if how == "json":
        text = json.dumps(found.to_dict(), indent=1) + "\n"
        if out is None:
            print(text, end="")
        else:
            out.write_text(text, encoding="utf-8")
        return
    table = Table(*("feature", "test", "score", "threshold", "p-value", "data quality", "drift"))
    for name in found.ordered():
        result = found.results[name]
        p_value = chance(result)
        table.add_row(
            escape(name),
            escape(result.method),
            f"{result.score:.4g}",
            f"{result.threshold:.4g}",
            "" if p_value is None else f"{p_value:.3g}",
            _quality(found.distributions[name].issue_shares),
            "yes" if result.is_drift else "no",
        )
    verdict = "drift" if found.is_drift else "no drift"
    lines = [f"{name} was left out: {reason}" for name, reason in found.left_out.items()]
    lines.append(f"{found.share:.0%} of the features drifted: {verdict} of the data set")
    if out is None:
        _print(Console(width=None if sys.stdout.isatty() else 120), table, lines)
        return
    with out.open("w", encoding="utf-8") as stream:
        _print(Console(file=stream, width=120), table, lines)


def _quality(shares: dict[str, tuple[float, float]]) -> str:
    """What is wrong with values, before and now; nothing of what is not."""
    told = (
        f"{name.replace('_', ' ')} {before:.1%} → {now:.1%}" for name, (before, now) in shares.items() if before or now
    )
    return ", ".join(told)


def _print(console: Console, table: Table, lines: Sequence[str]) -> None:
    console.print(table)
    for line in lines:
        console.print(line, highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())
