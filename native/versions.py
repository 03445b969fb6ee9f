"""Versions: ``.env`` is the one list, ``native/<module>/go.mod`` pins the same release."""

from __future__ import annotations

import re
from pathlib import Path

from native.errors import NativeError

_ASSIGNMENT = re.compile(r"^([A-Z][A-Z0-9_]*)=(\S*)$")
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def read_versions(env_file: Path) -> dict[str, str]:
    """``NAME_VERSION=value`` lines of a Compose ``.env`` file, as written there.

    Raises :class:`NativeError` if the file cannot be read or has a line that is neither comment nor assignment.
    """
    try:
        lines = env_file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NativeError(f"{env_file}: {error.strerror}; it is the stack's list of versions") from error
    values: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _ASSIGNMENT.match(text)
        if match is None:
            raise NativeError(f"{env_file}:{number}: {text!r} is not NAME=value")
        values[match[1]] = match[2]
    return values


def version_of(component: str, versions: dict[str, str]) -> str:
    """The pinned version of ``component`` without a leading ``v``, for example ``3.16.0``."""
    key = f"{component.upper()}_VERSION"
    if key not in versions:
        raise NativeError(f".env has no {key}")
    return versions[key].removeprefix("v")


def numbers(text: str) -> tuple[int, int, int] | None:
    """The first ``major.minor[.patch]`` in ``text``; ``None`` if there is none."""
    match = _NUMBERS.search(text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def module_version(go_mod: str, module: str) -> str:
    """The version that the text of a ``go.mod`` requires of ``module``, for example ``v0.316.0``.

    Raises :class:`NativeError` if it is not required there.
    """
    match = re.search(rf"^(?:require\s+|\t){re.escape(module)}\s+(v\S+)", go_mod, re.MULTILINE)
    if match is None:
        raise NativeError(f"go.mod does not require {module}")
    return match[1]


def go_needed(go_mod: str) -> tuple[int, int, int]:
    """The least Go release that the text of a ``go.mod`` asks for."""
    match = re.search(r"^go\s+(\S+)", go_mod, re.MULTILINE)
    found = numbers(match[1]) if match else None
    if found is None:
        raise NativeError("go.mod has no go line")
    return found
