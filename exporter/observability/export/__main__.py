"""``python -m observability.export``: predictions with their labels, from the store into a file."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from observability import settings
from observability.export.shape import Shape
from observability.export.writers import SUFFIXES, replacing, writer
from observability.predictions.location import store_url
from observability.predictions.store import PredictionStore, StoreError, sqlite_url
from observability.predictions.stored import Filter

#: Rows that are in memory at once, and in a row group of Parquet.
CHUNK = 10_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGO = re.compile(r"(\d+)([smhdw])")

_Advance: TypeAlias = Callable[[int], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 when the file is written (also one without rows), 2 for a wrong option or an unusable store."""
    parser = _parser()
    options = parser.parse_args(arguments)
    out: Path = options.out
    if out.suffix not in SUFFIXES:
        parser.error(f"--out: {out.name} ends with none of {' '.join(SUFFIXES)}")
    try:
        if out.exists() and not options.force:
            raise OSError(f"{out} exists: --force replaces it")
        if not out.parent.is_dir():
            raise OSError(f"{out.parent} is not a folder")
        store = PredictionStore(_url(options), writer="export", create=False)
        try:
            rows = export(store, _filter(options), out, quiet=options.quiet)
        finally:
            store.close()
    except (StoreError, settings.SettingsError, OSError) as error:
        print(f"observability.export: {error}", file=sys.stderr)
        return 2
    if not options.quiet:
        note = "" if rows else ": nothing in the store matches"
        print(f"{out}: {rows} predictions{note}", file=sys.stderr)
    return 0


def export(store: PredictionStore, wanted: Filter, out: Path, *, quiet: bool = True) -> int:
    """Write the predictions that are ``wanted`` into ``out``, replacing it; how many there were.

    The store is read twice, first for the columns, in chunks of :data:`CHUNK` rows: memory does not grow with their
    number. Says on stderr which columns have values of several types, and became texts. Raises
    :class:`~observability.predictions.store.StoreError` and ``OSError``; the file is then as it was.
    """
    looked_at, last = store.matching(wanted)
    wanted = replace(wanted, last_seq=last)
    columns_first = out.suffix in (".parquet", ".csv")
    shape, rows = Shape(), 0
    with _progress(looked_at * (2 if columns_first else 1), quiet) as advance:
        if columns_first:
            for chunk in store.rows(wanted, CHUNK):
                shape.see(chunk)
                advance(len(chunk))
            for name, types in shape.mixed().items():
                print(f"observability.export: {name}: {' and '.join(types)} became texts", file=sys.stderr)
        with replacing(out) as temporary:
            target = writer(temporary, out.suffix, shape)
            try:
                for chunk in store.rows(wanted, CHUNK):
                    if len(chunk):
                        target.write(chunk)
                    rows += len(chunk)
                    advance(len(chunk))
            finally:
                target.close()
    return rows


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[_Advance]:
    """A bar on stderr, or a line now and then where stderr is no terminal."""
    if quiet:
        yield lambda _rows: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("exporting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("exporting", total=total)
            yield lambda rows: progress.advance(task, rows)
            progress.update(task, completed=total)
    else:
        yield _Lines(total)


class _Lines:
    """Says every few seconds how far it is."""

    def __init__(self, total: int, every: float = 5.0) -> None:
        self._total, self._every = total, every
        self._done, self._said = 0, time.monotonic()

    def __call__(self, rows: int) -> None:
        self._done += rows
        now = time.monotonic()
        if now - self._said >= self._every and self._total:
            self._said = now
            share = min(1.0, self._done / self._total)
            print(f"observability.export: {share:.0%}", file=sys.stderr, flush=True)


def _url(options: argparse.Namespace) -> str:
    if options.url:
        return str(options.url)
    runtime = settings.Runtime.from_environ()
    if options.state_dir:
        return sqlite_url(replace(runtime, state_dir=options.state_dir).predictions_file)
    return store_url(settings.load(options.config).predictions, runtime)


def _filter(options: argparse.Namespace) -> Filter:
    return Filter(
        since=options.since,
        until=options.until,
        model=options.model,
        version=options.version,
        segment=tuple(options.segment),
        labelled=True if options.labelled else False if options.unlabelled else None,
        failed=True if options.errors else None,
    )


def _moment(text: str) -> float:
    """Unix seconds of RFC 3339, of a date (its begin in UTC), or of so long ago."""
    if ago := _AGO.fullmatch(text):
        return time.time() - int(ago[1]) * _UNITS[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither like 24h or 7d, nor a date or time") from error
    if moment.tzinfo is None:
        if len(text) > 10:
            raise argparse.ArgumentTypeError(f"{text!r} has no time zone: {text}Z is UTC")
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def _segment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not like region=eu")
    return key, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m observability.export",
        description="Predictions with their labels, from the store into a file. Times: 24h or 7d ago, 2025-11-20, "
        "or 2025-11-20T12:00:00Z.",
    )
    parser.add_argument("--out", type=Path, required=True, help=f"file to write; {' '.join(SUFFIXES)} say the format")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="predictions made then or later")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="predictions made before")
    parser.add_argument("--model", help="only of this model")
    parser.add_argument("--version", help="only of this version of it")
    parser.add_argument(
        "--segment", type=_segment, action="append", default=[], metavar="KEY=VALUE", help="repeat it for more"
    )
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument("--labelled", action="store_true", help="only those with a label")
    labels.add_argument("--unlabelled", action="store_true", help="only those without")
    parser.add_argument("--errors", action="store_true", help="only those that failed")
    parser.add_argument("--force", action="store_true", help="replace the file")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="of the store: sqlite:////folder/file or postgresql+psycopg://…")
    where.add_argument("--state-dir", type=Path, help="folder of the exporter's data (STATE_DIR)")
    where.add_argument("--config", help="observability.yml (OBSERVABILITY_CONFIG; ./observability.yml)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
