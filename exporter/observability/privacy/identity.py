"""National identity, tax and insurance numbers, as a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from observability.privacy import checks
from observability.privacy.scan import Scan, Span, digits_of, is_other_number, overlaps_identifier

_EDGE = r"(?<![0-9A-Za-z_])(?<![0-9][.\-/])"
_END = r"(?![0-9A-Za-z_]|[.\-/][0-9])"


@dataclass(frozen=True, slots=True)
class Rule:
    """One number: how it is written, whether it can be one, and the words that must stand before it if any."""

    pattern: re.Pattern[str]
    valid: Callable[[str], bool]
    words: re.Pattern[str] | None = None


def _rule(pattern: str, valid: Callable[[str], bool], words: str | None = None, *, ignore_case: bool = False) -> Rule:
    return Rule(
        re.compile(_EDGE + pattern + _END, re.IGNORECASE if ignore_case else 0),
        valid,
        re.compile(rf"(?:{words})[^\n]{{0,40}}$") if words else None,
    )


def _digits(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: check(digits_of(text))


def _compact(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: check(re.sub(r"[ .\-]", "", text))


def _any(_: str) -> bool:
    return True


def _swedish(text: str) -> bool:
    digits = digits_of(text)[-10:]
    return checks.short_date(digits[:6], "ymd") and checks.luhn(digits)


def _korean(text: str) -> bool:
    return checks.short_date(text[:6], "ymd")


def _danish(text: str) -> bool:
    return checks.short_date(text[:6], "dmy")


def _chinese(text: str) -> bool:
    return checks.is_date(int(text[6:10]), int(text[10:12]), int(text[12:14])) and checks.mod_11_2(text)


_SSN = r"(?!000|666|9)[0-9]{3}([- ]?)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}"
_SSN_WORDS = r"\bssn\b|social.security|tax.?id|taxpayer|\bw-?[29]\b|\bitin\b"
_NINO = r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"

RULES: tuple[Rule, ...] = (
    # United States: SSN with dashes, else after its name; ITIN
    _rule(r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}", _any),
    _rule(_SSN, _any, _SSN_WORDS),
    _rule(r"9[0-9]{2}-(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])-[0-9]{4}", _any),
    # United Kingdom
    _rule(_NINO + r"( ?)[0-9]{2}\1[0-9]{2}\1[0-9]{2} ?[A-D]", _any),
    _rule(_NINO + r"([ -]?)[0-9]{2}\1[0-9]{2}\1[0-9]{2}[ -]?[A-D]", _any, r"\bni\b|nino|insurance", ignore_case=True),
    # Germany: with its spaces, else after its name
    _rule(r"[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}", _digits(checks.steuer_id)),
    _rule(r"[1-9][0-9](?:[ /]?[0-9]{3}){3}", _digits(checks.steuer_id), r"steuer|idnr|\btin\b|tax|finanzamt"),
    # France
    _rule(
        r"[1-478]( ?)[0-9]{2}\1[0-9]{2}\1(?:[0-9]{2}|2[AB])\1[0-9]{3}\1[0-9]{3}\1[ /-]?[0-9]{2}",
        lambda text: checks.nir(re.sub(r"[ /-]", "", text)),
    ),
    # Spain: DNI and NIE
    _rule(r"[0-9]{8}-?[A-HJ-NP-TV-Z]", _compact(checks.dni)),
    _rule(r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", _compact(checks.dni)),
    _rule(
        r"(?:[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}|[XYZ][- ]?[0-9]{7})[- ]?[A-HJ-NP-TV-Z]",
        lambda text: checks.dni(re.sub(r"[ .\-]", "", text).zfill(9)),
        r"\bdni\b|\bnif\b|\bnie\b|documento",
        ignore_case=True,
    ),
    # Brazil
    _rule(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", _digits(checks.cpf)),
    _rule(r"[0-9]{9}-?[0-9]{2}", _digits(checks.cpf), r"\bcpf\b|documento|contribuinte"),
    # India: Aadhaar in its groups, else after its name; PAN
    _rule(r"[2-9][0-9]{3} [0-9]{4} [0-9]{4}", _digits(checks.verhoeff)),
    _rule(r"[2-9][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}", _digits(checks.verhoeff), r"aadha+r|आधार|\buidai?\b|\bkyc\b"),
    _rule(r"[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]", _any, r"\bpan\b|income tax"),
    # Netherlands, Poland, Portugal, Norway, Denmark: after their names
    _rule(r"[0-9]{4}[ .]?[0-9]{2}[ .]?[0-9]{2,3}", _digits(checks.bsn), r"\bbsn\b|burgerservice|sofi"),
    _rule(r"[0-9]{11}", checks.pesel, r"pesel"),
    _rule(r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _digits(checks.nif), r"\bnif\b|contribuinte"),
    _rule(r"[0-9]{6} ?[0-9]{5}", _digits(checks.norwegian), r"fødsels|personn|fnr"),
    _rule(r"[0-9]{6}-?[0-9]{4}", _danish, r"\bcpr\b|personn"),
    # Belgium, Sweden, Switzerland, Finland: their way of writing says enough
    _rule(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", _digits(checks.belgian)),
    _rule(r"[0-9]{11}", checks.belgian, r"rijksregister|registre national|insz|niss"),
    _rule(r"(?:19|20)?[0-9]{6}[-+][0-9]{4}", _swedish),
    _rule(r"(?:19|20)?[0-9]{10}", _swedish, r"personn|samordning"),
    _rule(r"756([.]?)[0-9]{4}\1[0-9]{4}\1[0-9]{2}", _digits(checks.ean_13)),
    _rule(r"[0-9]{6}[-+A][0-9]{3}[0-9A-FHJ-NPR-Y]", checks.hetu),
    # China, Korea, Japan
    _rule(r"[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx]", _chinese),
    _rule(r"[0-9]{6}-[1-8][0-9]{6}", _korean),
    _rule(r"[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}", _digits(checks.my_number), r"マイナンバー|個人番号|my number"),
    # Canada, Australia
    _rule(r"[1-79][0-9]{2}([ -]?)[0-9]{3}\1[0-9]{3}", _digits(checks.luhn), r"\bsin\b|social insurance"),
    _rule(r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _digits(checks.tax_file_number), r"\btfn\b|tax file"),
    # Mexico
    _rule(r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[A-Z0-9][0-9]", lambda text: checks.short_date(text[4:10], "ymd")),
    # Passports: no check digit on the page that people type from, so only after the word
    _rule(
        r"[A-Za-z]{0,2}[0-9]{6,9}", _any, r"passport|reisepass|passeport|pasaporte|passaporto|passaporte|паспорт|护照"
    ),
)

_FISCAL_LETTER = "[0-9LMNPQRSTUV]"  # a digit, or the letter that stands for it in a duplicate
_FISCAL = re.compile(
    _EDGE
    + rf"[A-Z]{{6}}{_FISCAL_LETTER}{{2}}[ABCDEHLMPRST]{_FISCAL_LETTER}{{2}}[A-Z]{_FISCAL_LETTER}{{3}}[A-Z]"
    + _END,
    re.IGNORECASE,
)
_FISCAL_DIGITS = re.compile(r"[0-9]{2}[A-Za-z][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]")
#: Characters around a run of digits that a number can also have.
_MARGIN = 12


def national_ids(scan: Scan) -> Iterator[Span]:
    """Numbers of :data:`RULES` around runs of digits, and codici fiscali, which have no such run."""
    for digits in _FISCAL_DIGITS.finditer(scan.text):
        match = _FISCAL.match(scan.text, max(0, digits.start() - 6))
        if match and checks.codice_fiscale(match[0]):
            yield match.span()
    for start, end in scan.runs:
        first, last = max(0, start - _MARGIN), min(len(scan.text), end + _MARGIN)
        for rule in RULES:
            for match in rule.pattern.finditer(scan.text, first, last):
                if _holds(rule, match, scan):
                    yield match.span()


def _holds(rule: Rule, match: re.Match[str], scan: Scan) -> bool:
    if not rule.valid(match[0]):
        return False
    if rule.words is not None:
        return rule.words.search(scan.before(match.start())) is not None
    return not is_other_number(scan, match.start()) and not overlaps_identifier(scan, match.span())
