"""Card numbers and IBANs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from observability.privacy import checks
from observability.privacy.scan import Scan, Span, digits_of

_GROUP = re.compile(r"(?<![0-9])(?<![0-9]\.)[0-9]{4}")
#: How card numbers are written, longest first: in one, 4-4-4-4(-3), 4-6-5 (American Express), 4-6-4 (Diners).
_LAYOUTS = tuple(
    re.compile(layout + r"(?![0-9]|\.[0-9])")
    for layout in (
        r"[0-9]{12,19}",
        r"[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{3}",
        r"[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}",
        r"[0-9]{4}([ .-])[0-9]{6}\1[0-9]{4,5}",
    )
)
#: Issuer ranges as (first, last, number of digits that are compared, lengths of the whole number); ISO/IEC 7812.
_ISSUERS: tuple[tuple[int, int, int, frozenset[int]], ...] = (
    (4, 4, 1, frozenset({13, 16, 19})),  # Visa
    (51, 55, 2, frozenset({16})),  # Mastercard
    (2221, 2720, 4, frozenset({16})),
    (34, 34, 2, frozenset({15})),  # American Express
    (37, 37, 2, frozenset({15})),
    (6011, 6011, 4, frozenset(range(16, 20))),  # Discover
    (644, 659, 3, frozenset(range(16, 20))),
    (300, 305, 3, frozenset(range(14, 20))),  # Diners
    (3095, 3095, 4, frozenset(range(14, 20))),
    (36, 36, 2, frozenset(range(14, 20))),
    (38, 39, 2, frozenset(range(14, 20))),
    (3528, 3589, 4, frozenset(range(16, 20))),  # JCB
    (62, 62, 2, frozenset(range(16, 20))),  # UnionPay
    (81, 81, 2, frozenset(range(16, 20))),
    (2200, 2204, 4, frozenset(range(16, 20))),  # Mir
    (60, 60, 2, frozenset({16})),  # RuPay
    (508, 508, 3, frozenset({16})),
    (9792, 9792, 4, frozenset({16})),  # Troy
    (5018, 5018, 4, frozenset(range(12, 20))),  # Maestro
    (5020, 5020, 4, frozenset(range(12, 20))),
    (5038, 5038, 4, frozenset(range(12, 20))),
    (5893, 5893, 4, frozenset(range(12, 20))),
    (6304, 6304, 4, frozenset(range(12, 20))),
    (6759, 6763, 4, frozenset(range(12, 20))),
)


def is_card(digits: str) -> bool:
    """Whether an issuer gives out numbers of this beginning and length, and the Luhn check is right."""
    length = len(digits)
    return (
        any(
            length in lengths and first <= int(digits[:compared]) <= last for first, last, compared, lengths in _ISSUERS
        )
        and len(set(digits)) > 1
        and checks.luhn(digits)
    )


def cards(scan: Scan) -> Iterator[Span]:
    """Card numbers in one or in groups; digits after a decimal point are not looked at."""
    for run in scan.runs:
        if run.digits < 12:
            continue
        done = run.start
        for group in _GROUP.finditer(scan.text, run.start, run.end):
            if group.start() < done:
                continue
            for layout in _LAYOUTS:
                match = layout.match(scan.text, group.start())
                if match and is_card(digits_of(match[0])):
                    yield match.span()
                    done = match.end()
                    break


#: Length of an IBAN by country: the SWIFT registry of ISO 13616.
_IBAN_LENGTHS = {
    **{"NO": 15, "BE": 16, "DK": 18, "FI": 18, "FK": 18, "FO": 18, "GL": 18, "NL": 18, "SD": 18, "MK": 19, "SI": 19},
    **{"AT": 20, "BA": 20, "EE": 20, "KZ": 20, "LT": 20, "LU": 20, "MN": 20, "XK": 20},
    **{"CH": 21, "HR": 21, "LI": 21, "LV": 21},
    **{"BG": 22, "BH": 22, "CR": 22, "DE": 22, "GB": 22, "GE": 22, "IE": 22, "ME": 22, "RS": 22, "VA": 22},
    **{"AE": 23, "GI": 23, "IL": 23, "IQ": 23, "OM": 23, "SO": 23, "TL": 23},
    **{"AD": 24, "CZ": 24, "ES": 24, "MD": 24, "PK": 24, "RO": 24, "SA": 24, "SE": 24, "SK": 24, "TN": 24, "VG": 24},
    **{"LY": 25, "PT": 25, "ST": 25, "IS": 26, "TR": 26, "BI": 27, "DJ": 27, "FR": 27, "GR": 27, "IT": 27, "MC": 27},
    **{"MR": 27, "SM": 27, "AL": 28, "AZ": 28, "BY": 28, "CY": 28, "DO": 28, "GT": 28, "HN": 28, "HU": 28, "LB": 28},
    **{"NI": 28, "PL": 28, "BR": 29, "EG": 29, "PS": 29, "QA": 29, "UA": 29, "JO": 30, "KW": 30, "MU": 30, "YE": 30},
    **{"MT": 31, "SC": 31, "LC": 32, "RU": 33},
}
# The check digits, looked for first because digits are rarer than letters.
_CHECK_DIGITS = re.compile(r"[0-9](?<=[A-Za-z][A-Za-z].)[0-9](?=[ -]?[A-Za-z0-9])")
_SEPARATORS = " -"


def ibans(scan: Scan) -> Iterator[Span]:
    """IBANs of a country of the registry, of its length, with the right check digits; single spaces or dashes in it."""
    text = scan.text
    if not scan.has_digits:
        return
    for digits in _CHECK_DIGITS.finditer(text):
        start = digits.start() - 2
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        if length is None or (start > 0 and text[start - 1].isascii() and text[start - 1].isalnum()):
            continue
        end = _end_of(text, start, length)
        if end and checks.iban(text[start:end].translate(_NO_SEPARATORS).upper()):
            yield start, end


_NO_SEPARATORS = str.maketrans("", "", _SEPARATORS)


def _end_of(text: str, start: int, length: int) -> int | None:
    """Where ``length`` letters and digits from ``start`` end, single separators skipped; ``None`` if they do not."""
    count, place, separated = 0, start, True
    while count < length and place < len(text):
        character = text[place]
        if character.isascii() and character.isalnum():
            count, separated = count + 1, False
        elif separated or character not in _SEPARATORS:
            return None
        else:
            separated = True
        place += 1
    following = text[place : place + 1]
    return None if count < length or (following.isascii() and following.isalnum()) else place
