"""One text as the finders see it: folded, its runs of digits, and what stands before a place in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
#: At least six digits with at most three separators between two of them.
_RUN = re.compile(r"[0-9](?:[ .\-/()\t]{0,3}[0-9]){5,}")
_LONG_NUMBER = re.compile(r"[0-9]{3}")
_MASK = re.compile(r"\[[a-z][a-z0-9_]*\]")


class Scan:
    """A text of the same length as the original, with everything that several finders need worked out once."""

    def __init__(self, text: str) -> None:
        self.text = text if text.isascii() else text.translate(_FOLDINGS)

    @cached_property
    def lower(self) -> str:
        """The text in lower case; of the same length, see ``İ`` above."""
        return self.text.lower()

    @cached_property
    def runs(self) -> list[Span]:
        """Where six or more digits stand together, separators included."""
        return [match.span() for match in _RUN.finditer(self.text)]

    def before(self, start: int) -> str:
        """The words that lead up to ``start``, in lower case: up to 48 characters, back to the last number or line.

        A mask that stands there is not a word: ``[phone] 12345678`` says nothing about the second number.
        """
        words = self.lower[max(0, start - BEFORE) : start]
        words = words[words.rfind("\n") + 1 :]
        numbers = [match.end() for match in _LONG_NUMBER.finditer(words)]
        if numbers:
            words = words[numbers[-1] :]
        return _MASK.sub(" ", words) if "[" in words else words


def digits_of(text: str) -> str:
    """The digits of a number that is written with separators."""
    return "".join(character for character in text if "0" <= character <= "9")


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


_NOT_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"  # UUID
    r"|[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?"
    r"|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}(?:[T ][0-9]{2}:[0-9]{2})?"
    r"|[0-9a-fA-F]{32,128}"  # trace ids and hashes
    r")(?![0-9A-Za-z])"
)


def overlaps_identifier(scan: Scan, span: Span) -> bool:
    """Whether a UUID, a date or a hash covers a part of ``span``."""
    start, end = span
    first = max(0, start - 128)
    return any(
        match.start() < end and match.end() > start
        for match in _NOT_PERSONAL.finditer(scan.text, first, min(len(scan.text), end + 128))
    )
