"""Check digits. Every function takes ASCII text of the right length and says whether its check digits are right."""

from __future__ import annotations

from datetime import date

_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_VERHOEFF_PERMUTATION = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right is doubled, the digit sum is a multiple of ten."""
    values = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_LUHN_DOUBLED[value] for value in values[1::2])) % 10 == 0


def mod_97(text: str) -> bool:
    """ISO/IEC 7064 MOD 97-10 of digits and upper-case letters (A = 10); right when the remainder is 1."""
    return int("".join(str(int(character, 36)) for character in text)) % 97 == 1


def iban(text: str) -> bool:
    """ISO 13616: country and check digits moved to the end, then MOD 97-10."""
    return mod_97(text[4:] + text[:4])


def mod_11_10(digits: str) -> bool:
    """ISO/IEC 7064 MOD 11,10, which the German Steuer-ID uses."""
    check = 5
    for digit in digits:
        check = (((check or 10) * 2) % 11 + int(digit)) % 10
    return check == 1


def mod_11_2(text: str) -> bool:
    """ISO/IEC 7064 MOD 11-2 with X for ten: the Chinese identity number."""
    check = 0
    for character in text[:-1]:
        check = (check + int(character)) * 2 % 11
    last = 10 if text[-1] in "Xx" else int(text[-1])
    return (check + last) % 11 == 1


def verhoeff(digits: str) -> bool:
    """Verhoeff's check (dihedral group of order ten), as in the Aadhaar number."""
    check = 0
    for position, digit in enumerate(reversed(digits)):
        check = _dihedral(check, _VERHOEFF_PERMUTATION[position % 8][int(digit)])
    return check == 0


def _dihedral(first: int, second: int) -> int:
    """The product of two elements of the dihedral group of order ten; 5 to 9 are the reflections."""
    if first < 5:
        return (first + second) % 5 + (5 if second >= 5 else 0)
    return (first - second) % 5 + (0 if second >= 5 else 5)


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of each digit times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def ean_13(digits: str) -> bool:
    """GS1's check digit, which the Swiss AHV number uses."""
    return weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def cpf(digits: str) -> bool:
    """Brazilian CPF: two digits modulo 11; numbers of one repeated digit are not given out."""
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = weighted(digits[:length], tuple(range(length + 1, 1, -1)))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


def steuer_id(digits: str) -> bool:
    """German Steuer-ID: MOD 11,10, no leading zero, and in the first ten digits one digit two or three times only."""
    if digits[0] == "0" or not mod_11_10(digits):
        return False
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    return counts[-1] in {2, 3} and counts[-2] == 1


def nir(text: str) -> bool:
    """French NIR with its key: 97 minus the number modulo 97; 2A and 2B (Corsica) count as 19 and 18."""
    number, key = text[:-2].upper(), text[-2:]
    number = number.replace("2A", "19").replace("2B", "18")
    if not number.isdecimal() or not (1 <= int(number[3:5]) <= 12 or 20 <= int(number[3:5]) <= 42):
        return False
    return 97 - int(number) % 97 == int(key)


_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def dni(text: str) -> bool:
    """Spanish DNI and NIE (X, Y, Z stand for 0, 1, 2): the letter is the number modulo 23."""
    text = text.upper()
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == text[-1]


_TEN = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_FISCAL_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (*_TEN, *_TEN, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def codice_fiscale(text: str) -> bool:
    """Italian codice fiscale: the letter is a sum by position modulo 26 (D.M. 23.12.1976)."""
    text = text.upper()
    total = sum(_FISCAL_ODD[character] for character in text[0:15:2])
    total += sum(int(c) if c.isdecimal() else ord(c) - 65 for c in text[1:15:2])
    return chr(65 + total % 26) == text[15]


def bsn(digits: str) -> bool:
    """Dutch BSN, eight or nine digits: the eleven test with weights 9…2 and −1."""
    digits = digits.zfill(9)
    return int(digits) > 0 and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def pesel(digits: str) -> bool:
    """Polish PESEL: weights 1 3 7 9, and a date whose month carries the century."""
    if weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10:
        return False
    month = int(digits[2:4])
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[month // 20]
    return is_date(century + int(digits[:2]), month % 20, int(digits[4:6]))


def belgian(digits: str) -> bool:
    """Belgian national register number: 97 minus the first nine digits modulo 97, with a 2 before them since 2000."""
    key = int(digits[9:])
    since_2000 = int(digits[:2]) < 50 and key == 97 - int("2" + digits[:9]) % 97
    return since_2000 or key == 97 - int(digits[:9]) % 97


_HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def hetu(text: str) -> bool:
    """Finnish personal identity code: date, three digits, and their number modulo 31."""
    text = text.upper()
    return short_date(text[:6], "dmy") and _HETU_LETTERS[int(text[:6] + text[7:10]) % 31] == text[10]


def my_number(digits: str) -> bool:
    """Japanese individual number: weights 2…7 from the right, modulo 11."""
    total = weighted(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
    return int(digits[11]) == (0 if total % 11 <= 1 else 11 - total % 11)


def nif(digits: str) -> bool:
    """Portuguese NIF: weights 9…2, modulo 11."""
    check = 11 - weighted(digits[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return int(digits[8]) == (0 if check >= 10 else check)


def norwegian(digits: str) -> bool:
    """Norwegian fødselsnummer: two check digits modulo 11."""
    return (
        weighted(digits[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
        and weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def tax_file_number(digits: str) -> bool:
    """Australian TFN, nine digits: weights 1 4 3 7 5 8 6 9 10, modulo 11."""
    return weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def short_date(digits: str, order: str) -> bool:
    """Whether six digits are a date in ``order`` (``ymd`` or ``dmy``) of this or the last century."""
    parts = {part: int(digits[index * 2 : index * 2 + 2]) for index, part in enumerate(order)}
    return is_date(1900 + parts["y"], parts["m"], parts["d"]) or is_date(2000 + parts["y"], parts["m"], parts["d"])


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the calendar has this day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
