"""The Go toolchain: found, new enough, and enough disk for it to work with."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from native.errors import NativeError
from native.versions import numbers

GIB = 1024**3


@dataclass(frozen=True)
class Go:
    """An installed Go toolchain. ``version`` is (major, minor, patch); ``caches`` are the folders it fills."""

    path: Path
    version: tuple[int, int, int]
    fetches_newer: bool
    caches: tuple[Path, ...]


def find_go(environ: Mapping[str, str], wanted_for: str) -> Go:
    """The ``go`` on ``PATH``. Raises :class:`NativeError`, naming what it is wanted for, if there is none."""
    found = shutil.which("go", path=environ.get("PATH"))
    if found is None:
        raise NativeError(
            f"{wanted_for} has to be built, and there is no Go on PATH. Install Go (https://go.dev/dl/), put the "
            "binary itself on PATH, or use Docker (make up ENGINE=docker)."
        )
    # Not in a module: there a too old Go would already refuse, or fetch another, because of its go.mod.
    done = subprocess.run(
        [found, "env", "-json", "GOVERSION", "GOTOOLCHAIN", "GOMODCACHE", "GOCACHE", "GOTMPDIR"],
        cwd="/",
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise NativeError(f"{found} env failed: {done.stderr.strip() or done.returncode}")
    values = json.loads(done.stdout)
    version = numbers(values.get("GOVERSION", ""))
    if version is None:
        # Before Go 1.16 there is no GOVERSION, and nothing here builds with those.
        raise NativeError(f"{found} does not say its version; Go 1.21 or newer is needed to build {wanted_for}")
    caches = [
        values.get("GOMODCACHE"),
        values.get("GOCACHE"),
        values.get("GOTMPDIR") or environ.get("TMPDIR") or tempfile.gettempdir(),
    ]
    toolchain = values.get("GOTOOLCHAIN") or "auto"
    return Go(
        path=Path(found),
        version=version,
        fetches_newer=version >= (1, 21, 0) and toolchain.endswith(("auto", "path")),
        caches=tuple(Path(cache) for cache in caches if cache),
    )


def require(go: Go, needed: tuple[int, int, int], wanted_for: str) -> str | None:
    """Check that ``go`` can build something that asks for ``needed``.

    Returns a line to show when Go will fetch a newer toolchain by itself, else ``None``.
    Raises :class:`NativeError` when it is too old and may not.
    """
    if go.version >= needed:
        return None
    have, want = (".".join(map(str, version)) for version in (go.version, needed))
    if go.fetches_newer:
        return f"Go {have} is older than {want}, which {wanted_for} needs: the go command fetches that one itself"
    raise NativeError(
        f"{wanted_for} needs Go {want} or newer, and {go.path} is {have} (GOTOOLCHAIN does not allow it to fetch "
        "another). Install a newer Go (https://go.dev/dl/) or set GOTOOLCHAIN=auto."
    )


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def require_disk(folders: tuple[Path, ...], bytes_needed: int, wanted_for: str) -> None:
    """Raise :class:`NativeError` if a file system that holds one of ``folders`` has less free than that."""
    checked: set[int] = set()
    for folder in map(_existing, folders):
        device = folder.stat().st_dev
        if device in checked:
            continue
        checked.add(device)
        free = shutil.disk_usage(folder).free
        if free < bytes_needed:
            raise NativeError(
                f"no disk for building {wanted_for}: it takes about {bytes_needed / GIB:.1f} GiB, and {folder} has "
                f"{free / GIB:.1f} GiB free. Free some, or point GOMODCACHE, GOCACHE and XDG_CACHE_HOME elsewhere."
            )
