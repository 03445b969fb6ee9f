"""Decisions that the corpus does not show: what is masked, what is left, and why."""

from __future__ import annotations

import pytest

from observability.privacy import Masker, checks

MASKER = Masker()
PEM = "-----BEGIN RSA PRIVATE KEY-----"
LINE = "MIIEowIBAAKCAQEAx4UbaDzY5xjW6hc9jwN0mX33XpTDVW7"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # a card number with a wrong check digit, or of no issuer, is not masked
        ("4111111111111112", "4111111111111112"),
        ("9111111111111113", "9111111111111113"),
        # groups of another number before it, the security code behind it
        ("1234 4111 1111 1111 1111", "1234 [card]"),
        ("4111 1111 1111 1111 737", "[card] 737"),
        ("card,cvv\n4111111111111111,737", "card,cvv\n[card],737"),
        # full-width and Arabic digits, no-break spaces, long dashes
        ("４１１１１１１１１１１１１１１１", "[card]"),
        ("٤١١١١١١١١١١١١١١١", "[card]"),
        ("4111\u00a01111\u00a01111\u00a01111", "[card]"),
        ("4111–1111–1111–1111", "[card]"),
        # the fraction of a number
        ("score 0.4111111111111111", "score 0.4111111111111111"),
        # addresses: everybody's own machine, masks, versions, chapters
        ("127.0.0.1 ::1 0.0.0.0 255.255.255.0", "127.0.0.1 ::1 0.0.0.0 255.255.255.0"),
        ("10.0.0.1 and 2001:db8::1", "[ip] and [ip]"),
        ("version 10.4.2.1, not 10.4.2.0", "version 10.4.2.1, not 10.4.2.0"),
        ("see chapter 3.4.5.6", "see chapter 3.4.5.6"),
        ("1.2.3.4", "[ip]"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        ("at 12:34:56 and std::vector", "at 12:34:56 and std::vector"),
        ("::ffff:192.0.2.128", "[ip]"),
        # a number after another that was announced
        ("tel. 4155550132 or 4155550199", "tel. [phone] or [phone]"),
        ("tel. 4155550132. Order 4155550199", "tel. [phone]. Order 4155550199"),
        ("+49 30 23125 771 12", "[phone] 12"),
        ("+12125550187 400", "[phone] 400"),
        ("3+4915112345677", "3+4915112345677"),
        # private keys: whole, cut off, and only spoken of
        (f"a {PEM}\n{LINE}\n-----END RSA PRIVATE KEY----- b", "a [api_key] b"),
        (f"a {PEM}\n{LINE}\n{LINE}", "a [api_key]"),
        (f"what does {PEM} mean?", f"what does {PEM} mean?"),
        # the password in a URL alone, and code that names a secret
        ("postgres://app:s3cr3t@db.example.com/x", "postgres://app:[api_key]@db.example.com/x"),
        ("password=$PASSWORD token={{ token }}", "password=$PASSWORD token={{ token }}"),
        ('password = "correcthorse"', 'password = "[api_key]"'),
        ("the password is required", "the password is required"),
        ('{\\"api_key\\": \\"abcdef123456\\"}', '{\\"api_key\\": \\"[api_key]\\"}'),
        # accounts of version control are not persons
        ("git@github.com:team/app.git", "git@github.com:team/app.git"),
        ("請寄到jane@example.com謝謝", "請寄到[email]謝謝"),
        ("(x @ w.mean()) a@b.mean()", "(x @ w.mean()) a@b.mean()"),
    ],
)
def test_what_is_masked_and_what_is_left(text: str, masked: str) -> None:
    assert MASKER.text(text)[0] == masked


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        # published examples
        (checks.luhn, "4111111111111111", "4111111111111121"),
        (checks.iban, "GB82WEST12345698765432", "GB82WEST12345698765423"),
        (checks.mod_11_10, "86095742719", "86095742718"),
        (checks.steuer_id, "86095742719", "86095742791"),
        (checks.verhoeff, "2363", "2364"),
        (checks.cpf, "11144477735", "11144477753"),
        (checks.cpf, "52998224725", "99999999999"),
        (checks.nir, "255081416802538", "255081416802539"),
        (checks.dni, "12345678Z", "12345678A"),
        (checks.dni, "X1234567L", "Y1234567L"),
        (checks.codice_fiscale, "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
        (checks.bsn, "111222333", "111222334"),
        (checks.pesel, "44051401359", "44051401358"),
        (checks.belgian, "85073003328", "85073003329"),
        (checks.hetu, "131052-308T", "131052-308U"),
        (checks.mod_11_2, "11010519491231002X", "110105194912310021"),
        (checks.ean_13, "7569217076985", "7569217076984"),
        (checks.tax_file_number, "123456782", "123456789"),
        (checks.my_number, "123456789018", "123456789012"),
        (checks.nif, "501964843", "501964842"),
    ],
)
def test_check_digits_of_published_examples(check: object, right: str, wrong: str) -> None:
    assert callable(check)
    assert check(right) is True
    assert check(wrong) is False
