"""The tables of a comparison, from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from observability.predictions.baselines import Baseline, BaselineLimits, decode_baseline
from observability.predictions.bodies import Refused
from observability.predictions.profiles import KINDS, Kind

_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".arrow": "application/vnd.apache.arrow.file",
    ".arrows": "application/vnd.apache.arrow.stream",
}
#: Of what a command line reads: its user has the files.
LIMITS = BaselineLimits(bytes=2**33, rows=10_000_000, features=100_000)


@dataclass(frozen=True)
class Source:
    """A table, and a name for people."""

    name: str
    table: Baseline


def kinds_from(pairs: list[str]) -> dict[str, Kind]:
    """Feature → kind, of texts ``name=kind``. Raises ``ValueError`` for one that is none."""
    kinds: dict[str, Kind] = {}
    for pair in pairs:
        name, equals, kind = pair.rpartition("=")
        if not equals or kind not in KINDS:
            raise ValueError(f"--kind {pair} is not NAME=KIND; kinds are: {', '.join(KINDS)}")
        kinds[name] = kind
    return kinds


def from_file(file: Path, kinds: Mapping[str, Kind]) -> Source:
    """A file of Parquet, CSV or Arrow. Raises ``ValueError`` if it is none of them, ``OSError`` if it is not there."""
    media = _TYPES.get(file.suffix.lower())
    if media is None:
        raise ValueError(f"{file}: the name ends in none of {', '.join(_TYPES)}")
    try:
        return Source(file.name, decode_baseline(file.read_bytes(), media, limits=LIMITS, kinds=kinds))
    except Refused as error:
        raise ValueError(f"{file}: {error}") from error
