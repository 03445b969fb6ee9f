"""The masker: finders put together, their finds replaced, in text and in JSON-like values."""

from __future__ import annotations

import importlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from observability.privacy import custom
from observability.privacy.scan import Finder, Scan, Spans

#: Kind → module and name of its finder, loaded when a masker is made and not when the package is imported. Where two
#: finds overlap they are masked as one, under the kind that stands first here.
_FINDERS: Mapping[str, tuple[str, str]] = {
    "api_key": ("credentials", "api_keys"),
    "email": ("network", "emails"),
    "iban": ("payment", "ibans"),
    "card": ("payment", "cards"),
    "national_id": ("identity", "national_ids"),
    "ip": ("network", "ips"),
    "phone": ("phones", "phones"),
}
#: Every built-in kind.
KINDS: tuple[str, ...] = tuple(_FINDERS)

#: Masking again finds nothing more, after this many times at most; each time masks what the one before laid bare.
_PASSES = 8
_MAX_DEPTH = 64
_JSON_START = re.compile(r"\s*[\[{]")


class MaskingError(Exception):
    """A value cannot be masked with certainty: the caller must drop it. The message does not hold the value."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """``text[start:end]`` is of ``kind``."""

    start: int
    end: int
    kind: str


class Masker:
    """Finds personal data and secrets and replaces each by its kind in brackets, as in ``[email]``.

    ``kinds`` are some of :data:`KINDS`, ``patterns`` more of the team's own, name to regular expression.
    ``max_chars`` bounds the characters of one call. Safe to use from several threads.

    Raises ``ValueError`` for an unknown kind and :class:`~observability.privacy.PatternError` for a pattern that could
    take more than linear time.
    """

    def __init__(
        self, kinds: Iterable[str] = KINDS, patterns: Mapping[str, str] | None = None, *, max_chars: int = 200_000
    ) -> None:
        wanted = set(kinds)
        if unknown := sorted(wanted - set(KINDS)):
            raise ValueError(f"unknown kind {unknown[0]!r}; there are {', '.join(KINDS)}")
        own = custom.compile_patterns(patterns or {}, KINDS)
        self._finders: dict[str, Finder] = {name: partial(_find_pattern, pattern) for name, pattern in own.items()}
        self._finders |= {kind: _load(*place) for kind, place in _FINDERS.items() if kind in wanted}
        self._rank = {kind: rank for rank, kind in enumerate(self._finders)}
        self._masks = re.compile(rf"\[(?:{'|'.join(self._finders) or '(?!)'})\]")
        self._max_chars = max_chars

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are masked, the team's own first."""
        return tuple(self._finders)

    def findings(self, text: str) -> list[Finding]:
        """What is found in ``text`` at first sight, in order, without overlaps."""
        return self._findings(text, 0)

    def text(self, value: str) -> tuple[str, dict[str, int]]:
        """``value`` masked, and how many were masked by kind; the same object if nothing was found.

        Raises :class:`MaskingError` if ``value`` is longer than ``max_chars``.
        """
        if len(value) > self._max_chars:
            raise MaskingError(f"{len(value)} characters are more than {self._max_chars}")
        counts: Counter[str] = Counter()
        return self._text(value, counts), dict(counts)

    def value(self, value: Any, key: str = "") -> tuple[Any, dict[str, int]]:
        """A JSON-like value (also tuples) masked, keys included, and how many were masked by kind.

        ``key`` is the name under which the value stands; ``phone`` or ``password`` say what a value is. A string that
        holds JSON is masked inside and stays JSON. A number becomes a string such as ``"[card]"`` where it must.
        Raises :class:`MaskingError` for what is too long or too deep, and for other types.
        """
        walk = _Walk(self, self._max_chars)
        return walk.any(value, key, 0), dict(walk.counts)

    def _text(self, text: str, counts: Counter[str], key: str = "") -> str:
        lead = f"{key}: " if key else ""
        for _ in range(_PASSES):
            found = self._findings(lead + text, len(lead))
            if not found:
                return text
            counts.update(finding.kind for finding in found)
            text = _replaced(text, found, len(lead))
        raise MaskingError(f"something is left after masking {_PASSES} times")

    def _findings(self, text: str, first: int) -> list[Finding]:
        """Findings that begin at or after ``first``, merged where they overlap."""
        scan = Scan(text)
        found = [
            Finding(start, end, kind)
            for kind, finder in self._finders.items()
            for start, end in finder(scan)
            if start >= first
        ]
        if not found:
            return found
        # A pattern that matches a mask would never come to an end.
        masks = Spans(match.span() for match in self._masks.finditer(text))
        found = [one for one in found if not masks.cover(one.start, one.end)]
        return list(self._merged(sorted(found)))

    def _merged(self, found: list[Finding]) -> Iterator[Finding]:
        pending: Finding | None = None
        for finding in found:
            if pending is None:
                pending = finding
            elif finding.start < pending.end:
                kind = min(pending.kind, finding.kind, key=self._rank.__getitem__)
                pending = Finding(pending.start, max(pending.end, finding.end), kind)
            else:
                yield pending
                pending = finding
        if pending is not None:
            yield pending


def _load(module: str, name: str) -> Finder:
    finder: Finder = getattr(importlib.import_module(f"observability.privacy.{module}"), name)
    return finder


def _find_pattern(pattern: re.Pattern[str], scan: Scan) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(scan.text):
        yield match.span()


def _replaced(text: str, found: list[Finding], offset: int) -> str:
    parts, done = [], 0
    for finding in found:
        parts += [text[done : finding.start - offset], f"[{finding.kind}]"]
        done = finding.end - offset
    parts.append(text[done:])
    return "".join(parts)


class _Walk:
    """One value and what is left of its limits."""

    def __init__(self, masker: Masker, max_chars: int) -> None:
        self._masker = masker
        self._left = self._limit = max_chars
        self.counts: Counter[str] = Counter()

    def any(self, value: Any, key: str, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise MaskingError(f"nested deeper than {_MAX_DEPTH}")
        if isinstance(value, str):
            return self._string(value, key, depth)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value, key)
        if isinstance(value, Mapping):
            return {self._key(name): self.any(item, str(name), depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)([self.any(item, key, depth + 1) for item in value])
        raise MaskingError(f"{type(value).__name__} is not a JSON type")

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise MaskingError(f"more than {self._limit} characters")

    def _key(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise MaskingError("a key is not a string")
        self._spend(len(name))
        return self._masker._text(name, self.counts)

    def _string(self, value: str, key: str, depth: int) -> str:
        self._spend(len(value))
        if _JSON_START.match(value):
            inner = _parsed(value)
            if inner is not None:
                self._left += len(value)  # what is inside is counted by itself
                before = sum(self.counts.values())
                masked = self.any(inner, key, depth + 1)
                # Untouched text stays as it was written, spaces and all.
                return value if sum(self.counts.values()) == before else json.dumps(masked, ensure_ascii=False)
        return self._masker._text(value, self.counts, key)

    def _number(self, value: int | float, key: str) -> int | float | str:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(whole, float) or not 10**5 <= whole < 10**19:
            return value
        self._spend(20)
        masked = self._masker._text(str(whole), self.counts, key)
        return value if masked == str(whole) else masked


def _parsed(text: str) -> Any:
    """The object or array in ``text``; ``None`` if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
