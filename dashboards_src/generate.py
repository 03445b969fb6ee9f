"""``python -m dashboards_src.generate``: writes ``grafana/dashboards/ai-observability/*.json``, or checks them."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from dashboards_src import agents, cost, drift, llm, models, overview
from dashboards_src.grafana import render
from observability.settings import Settings, SettingsError, load

#: The folder in Grafana is named after this one (``foldersFromFilesStructure``).
FOLDER = "ai-observability"
DEFAULT_OUT = Path("grafana/dashboards")


def documents(settings: Settings) -> dict[str, str]:
    """Path below the output folder to the JSON text of every dashboard."""
    boards = {
        "overview": overview,
        "llm": llm,
        "cost": cost,
        "agents": agents,
        "models": models,
        "drift": drift,
    }
    return {f"{FOLDER}/{name}.json": render(board.build(settings)) for name, board in boards.items()}


def write(documents: dict[str, str], out: Path) -> list[Path]:
    """Write what changed and remove generated files that no longer exist; returns the paths that were touched."""
    touched = []
    for path in _orphans(documents, out):
        path.unlink()
        touched.append(path)
    for name, text in documents.items():
        path = out / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            touched.append(path)
    return touched


def stale(documents: dict[str, str], out: Path) -> list[str]:
    """A unified diff for every file that is not what would be generated; empty when all are fresh."""
    diffs = []
    for name, text in documents.items():
        path = out / name
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found != text:
            diffs.append(_diff(path, found, text))
    diffs.extend(_diff(path, path.read_text(encoding="utf-8"), "") for path in _orphans(documents, out))
    return diffs


def _orphans(documents: dict[str, str], out: Path) -> list[Path]:
    return [path for path in sorted((out / FOLDER).glob("*.json")) if f"{FOLDER}/{path.name}" not in documents]


def _diff(path: Path, found: str, expected: str) -> str:
    lines = difflib.unified_diff(
        found.splitlines(keepends=True),
        expected.splitlines(keepends=True),
        f"{path} (on disk)",
        f"{path} (generated)",
        n=2,
    )
    return "".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dashboards_src.generate", description=__doc__)
    parser.add_argument("--config", help="observability.yml (default: $OBSERVABILITY_CONFIG, else ./observability.yml)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the dashboards (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 with a diff if a file is stale")
    options = parser.parse_args(arguments)
    try:
        built = documents(load(options.config))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        diffs = stale(built, options.out)
        for diff in diffs:
            print(diff, file=sys.stderr)
        if diffs:
            print(f"{len(diffs)} stale dashboard file(s); run: python -m dashboards_src.generate", file=sys.stderr)
        return 1 if diffs else 0
    for path in write(built, options.out):
        print(f"changed {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
