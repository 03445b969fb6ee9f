"""The Compose file and the configs as data, with their variables filled in as Compose and the components do it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from native.versions import read_versions
from tests.support import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
#: Services that nobody gets without asking for them (``--profile``).
OPTIONAL = {"dcgm-exporter", "node-exporter", "promtail-containers"}

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Z][A-Z0-9_]*)(?:(?P<operator>:-|:\?)(?P<rest>[^}]*))?\})")


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Fill in ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}`` as Compose does; ``$$`` is a ``$``.

    Raises ``AssertionError`` for a variable that has neither value nor default.
    """

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        found = values.get(match["name"])
        if found:
            return found
        assert match["operator"] == ":-", f"{match[0]} has neither a value nor a default"
        return match["rest"]

    return _VARIABLE.sub(value, text)


def _walk(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return interpolate(node, values)
    if isinstance(node, list):
        return [_walk(item, values) for item in node]
    if isinstance(node, dict):
        return {key: _walk(item, values) for key, item in node.items()}
    return node


@cache
def versions() -> dict[str, str]:
    """``.env`` as a mapping."""
    return read_versions(ROOT / ".env")


@cache
def compose() -> dict[str, Any]:
    """``docker-compose.yml`` with the values of ``.env`` and nothing from the environment of the test."""
    document: dict[str, Any] = _walk(yaml.safe_load(COMPOSE_FILE.read_text()), versions())
    return document


@cache
def services() -> dict[str, dict[str, Any]]:
    """Service name to definition, anchors merged and variables filled in."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def bind_mounts() -> Iterator[tuple[str, str, str, str]]:
    """``(service, source, target, mode)`` of every mount whose source is a path and not a volume."""
    for name, service in services().items():
        for volume in service.get("volumes", []):
            if isinstance(volume, str):
                source, target, *mode = volume.split(":")
                if source.startswith((".", "/")):
                    yield name, source, target, mode[0] if mode else "rw"


def volume_mounts() -> Iterator[tuple[str, str, str]]:
    """``(service, volume, target)`` of every mount of a named volume."""
    for name, service in services().items():
        for volume in service.get("volumes", []):
            if isinstance(volume, dict):
                yield name, volume["source"], volume["target"]
            elif not volume.startswith((".", "/")):
                source, target, *_ = volume.split(":")
                yield name, source, target


def config(path: str) -> dict[str, Any]:
    """A YAML file of the repository as it is, variables not filled in."""
    document: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())
    return document
