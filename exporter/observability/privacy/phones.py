"""Telephone numbers: with a country code, in the national ways of writing, or after a word that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from observability.privacy.scan import Run, Scan, Span, digits_of, is_other_number

#: Country codes (ITU-T E.164) → least and most digits after them, where that is narrower than 6 to 12.
_NATIONAL_LENGTHS = {
    **{"1": (10, 10), "7": (10, 10), "30": (10, 10), "31": (9, 9), "32": (8, 9), "33": (9, 9), "34": (9, 9)},
    **{"36": (8, 9), "39": (6, 11), "40": (9, 9), "41": (9, 9), "43": (7, 12), "44": (9, 10), "45": (8, 8)},
    **{"46": (7, 10), "47": (8, 8), "48": (9, 9), "49": (6, 11), "52": (10, 10), "54": (10, 11), "55": (10, 11)},
    **{"60": (8, 10), "61": (9, 9), "62": (8, 12), "63": (8, 10), "64": (8, 10), "65": (8, 8), "66": (8, 9)},
    **{"81": (9, 10), "82": (8, 10), "84": (9, 10), "86": (10, 11), "90": (10, 10), "91": (10, 10), "92": (9, 10)},
    **{"351": (9, 9), "353": (7, 9), "358": (6, 10), "420": (9, 9), "421": (9, 9), "852": (8, 8), "971": (8, 9)},
    **{"972": (8, 9), "966": (8, 9), "380": (9, 9)},
}
_CODES = frozenset(
    map(
        str,
        (
            *(1, 7, 20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67), 81, 82, 84),
            *(86, *range(90, 96), 98, 211, 212, 213, 216, 218, *range(220, 259), *range(260, 270), 290, 291),
            *(*range(297, 300), *range(350, 360), *range(370, 379), 380, 381, 382, 383, 385, 386, 387, 389, 420, 421),
            *(423, *range(500, 510), *range(590, 600), 670, *range(672, 684), *range(685, 693), 800, 808, 850, 852),
            *(853, 855, 856, 870, 880, 881, 882, 883, 886, 888, *range(960, 969), *range(970, 978), 979, 992, 993),
            *(994, 995, 996, 998),
        ),
    )
)


_INTERNATIONAL = re.compile(r"(?<![0-9A-Za-z+])(?:\+ ?|00)[1-9](?:[ .\-/()]{0,3}[0-9]){6,17}(?![0-9])")
_EDGE = r"(?<![0-9A-Za-z_])(?<![0-9][.\-/:,])"
_END = r"(?![0-9A-Za-z_]|[.\-/:,][0-9])"
#: Ways of writing that need no word before them.
_NATIONAL = tuple(
    re.compile(_EDGE + layout + _END)
    for layout in (
        r"(?:1[ .-]?)?\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .-][0-9]{4}",  # North America
        r"(?:1[.-])?[2-9](?!11)[0-9]{2}([.-])[2-9](?!11)[0-9]{2}\1[0-9]{4}",
        r"\([1-9][0-9]\) ?9?[0-9]{4}-[0-9]{4}",  # Brazil
        r"8[ -]?\([0-9]{3}\)[ -]?[0-9]{3}[ -][0-9]{2}[ -][0-9]{2}",  # Russia
        r"1[3-9][0-9]([ -])[0-9]{4}\1[0-9]{4}",  # China, mobile
        r"\(0[1-9][0-9]{0,4}\)[ -]?[0-9]{2,8}(?:[ -][0-9]{2,6}){0,3}",
    )
)
#: With the zero before an area: 030 23125 014, 0171-3920012, 06 39 98 12 34, 089/2312599, 070-174 06 05
_TRUNK = re.compile(
    _EDGE
    + r"0[1-9][0-9]{0,4}(?:(?: ?[/-] ?)[0-9]{2,8}(?: [0-9]{2,4}){0,3}|([ .-])[0-9]{2,8}(?:\1[0-9]{2,6}){0,4})"
    + _END
)
_ANY = re.compile(r"(?<![0-9A-Za-z_+])[(+]?[0-9](?:[ .\-/()]{0,2}[0-9]){6,14}(?![0-9A-Za-z_])")
_PAIRS = re.compile(r"[0-9]{2}([ .-])[0-9]{2}(?:\1[0-9]{2})*")

#: Words that announce a telephone number, in the lower case of many languages.
_WORDS = re.compile(
    r"(?:phone|\btel\b|tél|telef|\bfon\b|mobile|mobil\b|móvil|movil|mobiel|cellul|celular|\bcell\b|handy|\bfax|whatsapp"
    r"|\bsms\b|hotline|rufnummer|rückruf|anrufen|ruf mich|appele|joindre au|joignable|portable|llám|llam[ae]|ligue"
    r"|\bbel (?:mij|me|ons)|\bring (?:mig|me|us)|call (?:me|us|him|her|them|back)|text me|reach (?:me|us)|dial\b"
    r"|contact (?:number|no)|puhelin|dzwoni|тел|звон|номер|电话|手机|電話|携帯|전화|휴대|फोन|फ़ोन|मोबाइल|هاتف|جوال|τηλ"
    r"|điện thoại|โทร|\bmsisdn\b|\bcallback\b)"
    r"[^\n]{0,32}$"
)

# One of these is in each of the words above.
_STEMS = (
    *("phone", "tel", "tél", "fon", "mobi", "móvil", "movil", "cell", "celular", "handy", "fax", "whatsapp", "sms"),
    *("hotline", "ruf", "appele", "joi", "portable", "llam", "llám", "ligue", "bel ", "ring ", "call", "text me"),
    *(
        "reach ",
        "dial",
        "contact ",
        "puhelin",
        "dzwoni",
        "тел",
        "звон",
        "номер",
        "电话",
        "手机",
        "電話",
        "携帯",
        "전화",
    ),
    *("휴대", "फोन", "फ़ोन", "मोबाइल", "هاتف", "جوال", "τηλ", "điện thoại", "โทร", "msisdn"),
)


def phones(scan: Scan) -> Iterator[Span]:
    """Telephone numbers; a run of digits without separators counts only after a word that announces it."""
    text, last_end = scan.text, -100
    for run in scan.runs:
        if run.digits < 7:
            continue
        first = run.start
        while first > max(0, run.start - 3) and text[first - 1] in "+( ":
            first -= 1
        # Two characters more, so that the patterns see what follows the run.
        for span in _in_run(scan, run, first, min(len(text), run.end + 2), last_end):
            last_end = span[1]
            yield span


def _in_run(scan: Scan, run: Run, first: int, end: int, last_end: int) -> Iterator[Span]:
    text, done = scan.text, first
    if "+" in text[first : run.start] or run.text.startswith("00") or " 00" in run.text:
        for span in _international(scan, first, end):
            done = span[1]
            yield span
    if not run.solid:
        for find in (_national, _trunk):
            for span in find(scan, done, end):
                if not scan.identifiers.overlap(*span):
                    done = span[1]
                    yield span
    joined = 0 <= first - last_end <= 8 and "\n" not in text[last_end:first]
    if not joined and (not scan.has_any(_STEMS) or _WORDS.search(scan.before(run.start)) is None):
        return
    for match in _ANY.finditer(text, done, end):
        if not is_other_number(scan, match.start()) and not scan.identifiers.overlap(*match.span()):
            yield match.span()


def _international(scan: Scan, first: int, end: int) -> Iterator[Span]:
    for match in _INTERNATIONAL.finditer(scan.text, first, end):
        plus = match[0][0] == "+"
        if not plus and (is_other_number(scan, match.start()) or not _written_as_number(scan, match)):
            continue
        length = _international_length(match[0])
        if length:
            yield match.start(), match.start() + length


def _written_as_number(scan: Scan, match: re.Match[str]) -> bool:
    """Whether two zeros begin a country code: there are separators or a word before; else it is any number."""
    return not match[0].isdecimal() or _WORDS.search(scan.before(match.start())) is not None


def _international_length(text: str) -> int | None:
    """How many characters from the start are one number of its country; ``None`` if none are."""
    places = [index for index, character in enumerate(text) if "0" <= character <= "9"]
    digits = digits_of(text)
    skip = 0 if text[0] == "+" else 2
    code = next((digits[skip : skip + n] for n in (1, 2, 3) if digits[skip : skip + n] in _CODES), None)
    if code is None:
        return None
    least, most = _NATIONAL_LENGTHS.get(code, (6, 12))
    before = skip + len(code)
    if code not in {"39", "7"} and digits[before : before + 1] == "0":
        before += 1  # +49 (0)30
    national = len(digits) - before
    if code == "1" and digits[before : before + 1] in {"0", "1"}:
        return None
    if national <= most:
        return places[-1] + 1 if national >= least else None
    # More digits than the country has: the last ones may be the next number, if a space stands before them.
    for count in range(most, least - 1, -1):
        last, following = places[before + count - 1], places[before + count]
        if following - last > 1:
            return last + 1
    return None


def _national(scan: Scan, first: int, end: int) -> Iterator[Span]:
    for layout in _NATIONAL:
        for match in layout.finditer(scan.text, first, end):
            if not is_other_number(scan, match.start()):
                yield match.span()


def _trunk(scan: Scan, first: int, end: int) -> Iterator[Span]:
    for match in _TRUNK.finditer(scan.text, first, end):
        digits = digits_of(match[0])
        pairs = _PAIRS.fullmatch(match[0]) is not None
        fits = len(digits) == 10 if pairs else 9 <= len(digits) <= 11
        # Groups after a number and a space are the rest of that number: 1000 0806 8973 49
        before = scan.text[max(0, match.start() - 2) : match.start()]
        goes_on = match[1] == " " == before[1:] and before[0].isdecimal()
        if fits and not goes_on and not is_other_number(scan, match.start()):
            yield match.span()
