"""Numbers drawn at random with right check digits, made with other code than the one under test."""

from __future__ import annotations

import string

from hypothesis import strategies as st

_DIGITS = st.text("0123456789", min_size=20, max_size=20)


def luhn_digit(digits: str) -> str:
    """The digit that makes ``digits`` right: every second one from the right doubled, its digits added."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += sum(map(int, str(doubled)))
    return str(-total % 10)


def _card(issuer: tuple[str, int], digits: str, separator: str) -> str:
    prefix, length = issuer
    body = (prefix + digits)[: length - 1]
    number = body + luhn_digit(body)
    if not separator:
        return number
    sizes = (4, 6, 5) if length == 15 else (4, 4, 4, 4)
    groups, start = [], 0
    for size in sizes:
        groups.append(number[start : start + size])
        start += size
    return separator.join(groups)


ISSUERS = [
    ("4", 16),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("3530", 16),
]
cards = st.builds(_card, st.sampled_from(ISSUERS), _DIGITS, st.sampled_from(["", " ", "-"]))

#: Country → how the account number is written: n a digit, a a capital.
ACCOUNTS = {
    "DE": "n" * 18,
    "GB": "aaaa" + "n" * 14,
    "FR": "n" * 23,
    "NL": "aaaa" + "n" * 10,
    "ES": "n" * 20,
    "IT": "a" + "n" * 22,
    "PL": "n" * 24,
    "NO": "n" * 11,
    "CH": "n" * 17,
    "PT": "n" * 21,
    "BE": "n" * 12,
    "AT": "n" * 16,
    "IE": "aaaa" + "n" * 14,
}


@st.composite
def _ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(sorted(ACCOUNTS)))
    account = "".join(
        draw(st.sampled_from(string.ascii_uppercase if kind == "a" else string.digits)) for kind in ACCOUNTS[country]
    )
    as_number = "".join(str(string.digits.find(c) if c.isdigit() else ord(c) - 55) for c in account + country + "00")
    number = f"{country}{98 - int(as_number) % 97:02d}{account}"
    if draw(st.booleans()):
        number = " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    return number


ibans = _ibans()

_WORD = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)
emails = st.builds(
    lambda local, join, more, host, top: f"{local}{join}{more}@{host}.{top}",
    _WORD,
    st.sampled_from([".", "_", "-", "+"]),
    _WORD,
    st.text(string.ascii_lowercase, min_size=1, max_size=20),
    st.sampled_from(["com", "org", "co.uk", "de", "info", "museum"]),
)

#: What may stand beside a value: not a letter or digit (it would be another word), not a decimal point.
edges = st.sampled_from(["", " ", "\n", "\t", '"', "'", "(", ")", ",", ";", ":", "<", ">", "|", "!", "?", "、", "。"])
texts = st.text(max_size=200)
