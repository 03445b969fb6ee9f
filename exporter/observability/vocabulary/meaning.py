"""What the name of an attribute stands for, in all tables at once."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from observability.vocabulary import fields, indexed, namespaces, operations

_RULES = fields.rules()
_LONGEST_NAME = 128


class Meaning(NamedTuple):
    """``rules`` that it fills fields by, the list ``element`` that it is, or its ``untranslated`` name."""

    rules: tuple[fields.Rule, ...]
    element: indexed.Element | None
    untranslated: str | None


@lru_cache(maxsize=20_000)
def meaning_of(name: str) -> Meaning:
    """The meaning of the attribute ``name``; nothing at all for one of no use."""
    rules = _RULES.get(name, ())
    element = None if rules else indexed.element(name)
    strange = not rules and element is None and name not in operations.NAMES and namespaces.untranslated(name)
    return Meaning(rules, element, indexed.unnumbered(name)[:_LONGEST_NAME] if strange else None)
