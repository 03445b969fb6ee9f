"""Peers that need an environment of their own: ``python -m bench.peers install [NAME …]``.

Evidently, NannyML and alibi-detect pin what others need in other versions, so each has a virtual environment in the
cache; a figure whose peer is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

#: Peer → requirements, from PyPI.
PEERS: dict[str, tuple[str, ...]] = {
    "evidently": ("evidently==0.7.23", "pandas<3"),
    "nannyml": ("nannyml==0.13.1", "statsmodels"),
    "alibi-detect": (
        "alibi-detect==0.13.0",
        "tensorflow-cpu>=2.16,<2.19",
        "tf-keras<2.19",
        "tensorflow_probability<0.26",
    ),
}


def folder(name: str) -> Path:
    """Where the environment of a peer is."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "ai-observability" / "peers" / name


def python(name: str) -> Path | None:
    """The interpreter of a peer; ``None`` if it is not installed."""
    found = folder(name) / "bin" / "python"
    return found if found.exists() else None


def install(name: str) -> None:
    """Make the environment of a peer anew. Raises ``CalledProcessError`` if that fails."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder(name)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", folder(name) / "bin/python", *PEERS[name]], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("command", choices=["install"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(PEERS)}; all if left out")
    for name in parser.parse_args().names or list(PEERS):
        print(f"installing {name}", flush=True)
        install(name)


if __name__ == "__main__":
    main()
