"""HTML and SVG that is escaped unless it was made here."""

from __future__ import annotations

import html

#: Elements without content, which HTML writes without an end.
_VOID = frozenset({"meta"})


class Markup(str):
    """Text that is HTML already; any other is escaped."""

    __slots__ = ()


def element(name: str, /, *children: str | None, **attributes: str | float | None) -> Markup:
    """An element of HTML or SVG. Attributes are written with hyphens for underscores, ``class_`` without its own;
    children and attributes that are ``None`` are left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str | None) -> Markup:
    """Children one after the other."""
    return Markup("".join(each if isinstance(each, Markup) else html.escape(each) for each in children if each))


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
