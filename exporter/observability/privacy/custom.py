"""Patterns of a team's own, refused when they could take more than linear time.

``re`` backtracks and cannot be interrupted, so a pattern is looked at before it is used: everything in it must have
an end (``\\d{1,20}``, not ``\\d+``), what is repeated must have one length and no alternatives, and the number of ways
to match from one place must be small. Then the time is linear in the text.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

#: Ways to match from one place, at most; and characters of a match, at most.
MOST_WAYS = 1000
LONGEST_MATCH = 1000

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
# The parser that re.compile itself uses. It has no public name, and writing a second one would be the greater risk.
_parser: Any = importlib.import_module("re._parser")


class PatternError(ValueError):
    """A pattern or its name cannot be used; the message says why and what to write instead."""


def compile_patterns(patterns: Mapping[str, str], taken: Iterable[str]) -> dict[str, re.Pattern[str]]:
    """Name → compiled pattern. Raises :class:`PatternError` for a name or a pattern that cannot be used."""
    compiled = {}
    for name, pattern in patterns.items():
        if not _NAME.fullmatch(name) or name in taken:
            raise PatternError(f"pattern {name!r}: the name must be new, [a-z][a-z0-9_]*, at most 32 characters")
        try:
            tree = _parser.parse(pattern)
        except re.error as error:
            raise PatternError(f"pattern {name!r}: {error}") from error
        least, most = tree.getwidth()
        if least == 0:
            raise PatternError(f"pattern {name!r} matches nothing at all as well")
        if most > LONGEST_MATCH:
            raise PatternError(f"pattern {name!r} has no end: write {{1,64}} instead of + and {{0,64}} instead of *")
        ways = _ways(tree, name)
        if ways > MOST_WAYS:
            raise PatternError(f"pattern {name!r} can match in {ways} ways from one place; {MOST_WAYS} are allowed")
        compiled[name] = re.compile(pattern)
    return compiled


def _ways(tree: Any, name: str) -> int:
    """An upper bound of the ways in which ``tree`` can match from one place: a product over choices."""
    ways = 1
    for operator, argument in tree:
        ways *= _ways_of(str(operator), argument, name)
    return ways


def _ways_of(operator: str, argument: Any, name: str) -> int:
    if operator in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, most, body = argument
        if int(most) > 1 and _ways(body, name) > 1:
            raise PatternError(f"pattern {name!r} repeats something that can match in several ways")
        return int(most - least + 1) * _ways(body, name)
    if operator == "BRANCH":
        return sum(_ways(branch, name) for branch in argument[1])
    if operator == "SUBPATTERN":
        return _ways(argument[-1], name)
    if operator in {"ASSERT", "ASSERT_NOT"}:
        return _ways(argument[1], name)
    if operator == "ATOMIC_GROUP":
        return _ways(argument, name)
    if operator == "GROUPREF_EXISTS":
        return _ways(argument[1], name) + (_ways(argument[2], name) if argument[2] else 1)
    return 1
