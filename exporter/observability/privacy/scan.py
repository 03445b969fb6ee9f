"""One text as the finders see it: folded, its runs of digits, and what stands before a place in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

#: What a finder yields: where it starts and ends in the text.
Span = tuple[int, int]
Finder = Callable[["Scan"], Iterator[Span]]

#: Characters of context before a number that are looked at.
BEFORE = 48


#: The zero of every decimal script of the basic plane but ASCII and the full-width forms; one to nine follow it.
_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐᥆᧐᪀᪐᭐᮰᱀᱐꘠꣐꤀꧐꧰꩐꯰"


def _foldings() -> dict[int, str]:
    """One character for one: digits of every script, full-width forms, the spaces and dashes of word processors."""
    table = {ord(zero) + digit: str(digit) for zero in _ZEROS for digit in range(10)}
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
    table |= dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-")
    table[ord("İ")] = "I"  # the only letter whose lower case is two characters
    return table


_FOLDINGS = _foldings()
_FOLDED = re.compile(f"[{re.escape(''.join(map(chr, sorted(_FOLDINGS))))}]")
#: At least six digits with at most three separators between two of them.
_RUN = re.compile(r"[0-9](?:[ .\-/()\t]{0,3}[0-9]){5,}")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]{5,}")
_UP_TO_NUMBER = re.compile(r".*[0-9]{3}", re.DOTALL)
_DIGIT = re.compile(r"[0-9]")
_MASK = re.compile(r"\[[a-z][a-z0-9_]*\]")


def _fold(match: re.Match[str]) -> str:
    return _FOLDINGS[ord(match[0])]


@dataclass(frozen=True, slots=True)
class Run:
    """Digits that stand together: ``text[start:end]`` of a scan, how many digits, and whether nothing is between."""

    start: int
    end: int
    text: str
    digits: int

    @property
    def solid(self) -> bool:
        return self.digits == len(self.text)


class Spans:
    """Spans in order that do not overlap, asked in logarithmic time."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = list(spans)
        self._starts = [start for start, _ in self._spans]

    def overlap(self, start: int, end: int) -> bool:
        """Whether one of them has a part of ``start`` to ``end``."""
        index = bisect_right(self._starts, end - 1) - 1
        return index >= 0 and self._spans[index][1] > start

    def cover(self, start: int, end: int) -> bool:
        """Whether one of them has all of ``start`` to ``end``."""
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and self._spans[index][1] >= end


class Scan:
    """A text of the same length as the original, with everything that several finders need worked out once."""

    def __init__(self, text: str) -> None:
        self.text = text if text.isascii() else _FOLDED.sub(_fold, text)
        self._words: dict[tuple[str, ...], bool] = {}

    @cached_property
    def has_digits(self) -> bool:
        return _DIGIT.search(self.text) is not None

    def has_any(self, words: tuple[str, ...]) -> bool:
        """Whether one of the words, in lower case, stands anywhere in the text; much cheaper than a pattern."""
        found = self._words.get(words)
        if found is None:
            found = self._words[words] = any(word in self.lower for word in words)
        return found

    @cached_property
    def lower(self) -> str:
        """The text in lower case; of the same length, see ``İ`` above."""
        return self.text.lower()

    @cached_property
    def runs(self) -> list[Run]:
        """Where six or more digits stand together; not decimal fractions, nor what a date, UUID or hash covers."""
        found: list[Run] = []
        if not self.has_digits:
            return found
        for match in _RUN.finditer(self.text):
            start, end = match.span()
            text = match[0]
            if "." in text and _DECIMAL.fullmatch(text):
                continue
            if not self.identifiers.cover(start, end):
                found.append(Run(start, end, text, len(digits_of(text))))
        return found

    @cached_property
    def identifiers(self) -> Spans:
        """UUIDs, dates and hashes, which have digits and are no numbers of persons."""
        return Spans(match.span() for match in _IDENTIFIER.finditer(self.text))

    def before(self, start: int) -> str:
        """The words that lead up to ``start``, in lower case: up to 48 characters, back to the last number or line.

        A mask that stands there is not a word: ``[phone] 12345678`` says nothing about the second number.
        """
        words = self.lower[max(0, start - BEFORE) : start]
        words = words[words.rfind("\n") + 1 :]
        number = _UP_TO_NUMBER.match(words)
        if number:
            words = words[number.end() :]
        return _MASK.sub(" ", words) if "[" in words else words


_NOT_DIGITS = re.compile(r"[^0-9]+")


def digits_of(text: str) -> str:
    """The digits of a number that is written with separators."""
    return text if text.isdecimal() else _NOT_DIGITS.sub("", text)


#: Numbers that look like telephone or identity numbers and say themselves that they are something else.
_OTHER_NUMBER = re.compile(
    r"(?:order|bestell|commande|pedido|ordin|invoice|rechnung|factu|fattur|faktur|track|ticket|sku|isbn|issn|ean\b|upc"
    r"|gtin|imei|serial|seriennum|batch|\blot\b|\bpart\b|artikel|article|art\.|kundennum|vertrag|refer|referência"
    r"|commit|version|build|\bpid\b|\btid\b|zamówien|заказ|订单|注文|주문|ऑर्डर|protocolo|aktenzeichen|case|docket"
    r"|issue|sequence|seq\b|offset|invoic|\bpo\b|transaction|routing|timestamp|epoch)"
    r"[^0-9\n]{0,24}$"
)


def is_other_number(scan: Scan, start: int) -> bool:
    """Whether the words before say that the number is an order, an invoice, a version or the like."""
    return _OTHER_NUMBER.search(scan.before(start)) is not None


# Each alternative begins with its characters and looks back afterwards: a search for a character class is fast.
_IDENTIFIER = re.compile(
    r"[0-9a-fA-F](?<![0-9A-Za-z].)(?:"
    r"[0-9a-fA-F]{7}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"  # UUID
    r"|(?<=[0-9])[0-9]{3}[-/.][0-9]{2}[-/.][0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?Z?"
    r"|(?<=[0-9])[0-9]?[-/.][0-9]{1,2}[-/.][0-9]{4}(?:[T ][0-9]{2}:[0-9]{2})?"
    r"|[0-9a-fA-F]{31,127}"  # trace ids and hashes
    r")(?![0-9A-Za-z])"
)
