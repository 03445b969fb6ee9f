"""National identity, tax and insurance numbers, as a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from observability.privacy import checks
from observability.privacy.scan import Run, Scan, Span, digits_of, is_other_number

_EDGE = r"(?<![0-9A-Za-z_])(?<![0-9][.\-/])"
_END = r"(?![0-9A-Za-z_]|[.\-/][0-9])"


@dataclass(frozen=True, slots=True)
class Rule:
    """One number: how it is written, whether it can be one, and the words that must stand before it if any.

    ``least`` and ``most`` digits, and the ``separators`` that are always among them, are looked at first.
    """

    pattern: re.Pattern[str]
    valid: Callable[[str], bool]
    least: int
    most: int
    separators: str
    words: re.Pattern[str] | None

    def fits(self, run: Run) -> bool:
        """Whether the run can hold this number at all."""
        if run.digits < self.least or (run.solid and run.digits > self.most):
            return False
        return not self.separators or all(separator in run.text for separator in self.separators)


def _rule(
    pattern: str,
    valid: Callable[[str], bool],
    digits: int | tuple[int, int],
    words: str | None = None,
    *,
    separators: str = "",
    ignore_case: bool = False,
) -> Rule:
    least, most = (digits, digits) if isinstance(digits, int) else digits
    return Rule(
        re.compile(_EDGE + pattern + _END, re.IGNORECASE if ignore_case else 0),
        valid,
        least,
        most,
        separators,
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
    _rule(r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}", _any, 9, separators="-"),
    _rule(_SSN, _any, 9, _SSN_WORDS),
    _rule(r"9[0-9]{2}-(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])-[0-9]{4}", _any, 9, separators="-"),
    # United Kingdom
    _rule(_NINO + r"( ?)[0-9]{2}\1[0-9]{2}\1[0-9]{2} ?[A-D]", _any, 6),
    _rule(
        _NINO + r"([ -]?)[0-9]{2}\1[0-9]{2}\1[0-9]{2}[ -]?[A-D]", _any, 6, r"\bni\b|nino|insurance", ignore_case=True
    ),
    # Germany: with its spaces, else after its name
    _rule(r"[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}", _digits(checks.steuer_id), 11, separators=" "),
    _rule(r"[1-9][0-9](?:[ /]?[0-9]{3}){3}", _digits(checks.steuer_id), 11, r"steuer|idnr|\btin\b|tax|finanzamt"),
    # France; the letter of a Corsican department parts the digits in two
    _rule(
        r"[1-478]( ?)[0-9]{2}\1[0-9]{2}\1(?:[0-9]{2}|2[AB])\1[0-9]{3}\1[0-9]{3}\1[ /-]?[0-9]{2}",
        lambda text: checks.nir(re.sub(r"[ /-]", "", text)),
        (6, 15),
    ),
    # Spain: DNI and NIE
    _rule(r"[0-9]{8}-?[A-HJ-NP-TV-Z]", _compact(checks.dni), 8),
    _rule(r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", _compact(checks.dni), 7),
    _rule(
        r"(?:[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}|[XYZ][- ]?[0-9]{7})[- ]?[A-HJ-NP-TV-Z]",
        lambda text: checks.dni(re.sub(r"[ .\-]", "", text).zfill(9)),
        (7, 8),
        r"\bdni\b|\bnif\b|\bnie\b|documento",
        ignore_case=True,
    ),
    # Brazil
    _rule(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", _digits(checks.cpf), 11, separators=".-"),
    _rule(r"[0-9]{9}-?[0-9]{2}", _digits(checks.cpf), 11, r"\bcpf\b|documento|contribuinte"),
    # India: Aadhaar in its groups, else after its name; PAN
    _rule(r"[2-9][0-9]{3} [0-9]{4} [0-9]{4}", _digits(checks.verhoeff), 12, separators=" "),
    _rule(r"[2-9][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}", _digits(checks.verhoeff), 12, r"aadha+r|आधार|\buidai?\b|\bkyc\b"),
    # Netherlands, Poland, Portugal, Norway, Denmark: after their names
    _rule(r"[0-9]{4}[ .]?[0-9]{2}[ .]?[0-9]{2,3}", _digits(checks.bsn), (8, 9), r"\bbsn\b|burgerservice|sofi"),
    _rule(r"[0-9]{11}", checks.pesel, 11, r"pesel"),
    _rule(r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _digits(checks.nif), 9, r"\bnif\b|contribuinte"),
    _rule(r"[0-9]{6} ?[0-9]{5}", _digits(checks.norwegian), 11, r"fødsels|personn|fnr"),
    _rule(r"[0-9]{6}-?[0-9]{4}", _danish, 10, r"\bcpr\b|personn"),
    # Belgium, Sweden, Switzerland, Finland: their way of writing says enough
    _rule(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", _digits(checks.belgian), 11, separators=".-"),
    _rule(r"[0-9]{11}", checks.belgian, 11, r"rijksregister|registre national|insz|niss"),
    _rule(r"(?:19|20)?[0-9]{6}[-+][0-9]{4}", _swedish, (6, 12)),
    _rule(r"(?:19|20)?[0-9]{10}", _swedish, (10, 12), r"personn|samordning"),
    _rule(r"756([.]?)[0-9]{4}\1[0-9]{4}\1[0-9]{2}", _digits(checks.ean_13), 13),
    _rule(r"[0-9]{6}[-+A][0-9]{3}[0-9A-FHJ-NPR-Y]", checks.hetu, (6, 10)),
    # China, Korea, Japan
    _rule(r"[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx]", _chinese, (17, 18)),
    _rule(r"[0-9]{6}-[1-8][0-9]{6}", _korean, 13, separators="-"),
    _rule(r"[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}", _digits(checks.my_number), 12, r"マイナンバー|個人番号|my number"),
    # Canada, Australia
    _rule(r"[1-79][0-9]{2}([ -]?)[0-9]{3}\1[0-9]{3}", _digits(checks.luhn), 9, r"\bsin\b|social insurance"),
    _rule(r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _digits(checks.tax_file_number), 9, r"\btfn\b|tax file"),
    # Mexico
    _rule(r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[A-Z0-9][0-9]", lambda text: checks.short_date(text[4:10], "ymd"), 6),
    # Passports: no check digit on the page that people type from, so only after the word
    _rule(r"[A-Za-z]{0,2}[0-9]{6,9}", _any, (6, 9), r"passport|reisepass|passeport|pasaporte|passapor|паспорт|护照"),
)
_WITHOUT_WORDS = tuple(rule for rule in RULES if rule.words is None)
# One of these is in each of the words above.
_STEMS = (
    *(
        "ssn",
        "social",
        "tax",
        "w2",
        "w-2",
        "w9",
        "w-9",
        "itin",
        "ni",
        "insurance",
        "steuer",
        "idnr",
        "tin",
        "finanzamt",
    ),
    *("dni", "nif", "nie", "documento", "cpf", "contribuinte", "aadha", "आधार", "uida", "kyc", "bsn", "burgerservice"),
    *("sofi", "pesel", "fødsels", "personn", "fnr", "cpr", "rijksregister", "registre", "insz", "niss", "samordning"),
    *("マイナンバー", "個人番号", "my number", "sin", "tfn", "pass", "pasaporte", "паспорт", "护照"),
)
_ANY_WORDS = re.compile("|".join(rule.words.pattern.rpartition("[^")[0] for rule in RULES if rule.words))

_FISCAL = re.compile(
    _EDGE + "[A-Z]{6}[0-9]{2}[ABCDEHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]" + _END,
    re.IGNORECASE,
)
# A letter stands between the digits, so they are no run; with the letters of a duplicate it is not found.
_FISCAL_DIGITS = re.compile(r"[0-9](?<=[A-Za-z].)[0-9][A-Za-z][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]")
#: Characters around a run of digits that a number can also have.
_MARGIN = 12


def national_ids(scan: Scan) -> Iterator[Span]:
    """Numbers of :data:`RULES` around runs of digits, and codici fiscali, which have no such run."""
    if not scan.has_digits:
        return
    for digits in _FISCAL_DIGITS.finditer(scan.text):
        match = _FISCAL.match(scan.text, max(0, digits.start() - 6))
        if match and checks.codice_fiscale(match[0]):
            yield match.span()
    for run in scan.runs:
        first, last = max(0, run.start - _MARGIN), min(len(scan.text), run.end + _MARGIN)
        announced = scan.has_any(_STEMS) and _ANY_WORDS.search(scan.before(run.start)) is not None
        for rule in RULES if announced else _WITHOUT_WORDS:
            if rule.fits(run):
                for match in rule.pattern.finditer(scan.text, first, last):
                    if _holds(rule, match, scan):
                        yield match.span()


def _holds(rule: Rule, match: re.Match[str], scan: Scan) -> bool:
    if not rule.valid(match[0]):
        return False
    if rule.words is not None:
        return rule.words.search(scan.before(match.start())) is not None
    return not is_other_number(scan, match.start()) and not scan.identifiers.overlap(*match.span())
