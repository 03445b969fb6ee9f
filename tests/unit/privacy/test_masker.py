"""The masker: what holds for any text, values of JSON, limits, patterns of a team's own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from observability.privacy import KINDS, Masker, MaskingError, PatternError
from tests.unit.privacy import samples

MASKER = Masker()
MAIL, CARD, IBAN = "jane.roe@example.com", "4111111111111111", "DE89370400440532013000"


def squeeze(text: str) -> str:
    return re.sub(r"[ -]", "", text)


# ---- any text -------------------------------------------------------------------------------------------------------


def around(value: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    """A value and a text that has it somewhere."""
    return st.builds(
        lambda before, left, found, right, after: (found, f"{before}{left}{found}{right}{after}"),
        samples.texts.filter(lambda text: not text[-1:].isalnum() and text[-1:] not in set(".-_+%'@:/")),
        samples.edges,
        value,
        samples.edges.filter(bool),
        samples.texts,
    )


@settings(max_examples=400, deadline=None)
@given(around(samples.cards))
def test_no_card_number_survives_anywhere_in_a_text(drawn: tuple[str, str]) -> None:
    number, text = drawn
    masked, counts = MASKER.text(text)
    assert number not in masked
    assert counts


@settings(max_examples=400, deadline=None)
@given(around(samples.ibans))
def test_no_iban_survives_anywhere_in_a_text(drawn: tuple[str, str]) -> None:
    number, text = drawn
    masked, counts = MASKER.text(text)
    assert number not in masked
    assert counts


@settings(max_examples=400, deadline=None)
@given(around(samples.emails))
def test_no_email_address_survives_anywhere_in_a_text(drawn: tuple[str, str]) -> None:
    address, text = drawn
    masked, counts = MASKER.text(text)
    assert address not in masked
    assert counts


@settings(max_examples=500, deadline=None)
@given(st.lists(samples.texts | samples.cards | samples.ibans | samples.emails | samples.edges).map("".join))
@example("a@b.com4111111111111111")
@example("password=[email]a@b.com")
@example("[phone] 12345678 tel 12345678")
def test_masking_twice_is_masking_once(text: str) -> None:
    masked, _ = MASKER.text(text)
    assert MASKER.text(masked) == (masked, {})


@settings(max_examples=300, deadline=None)
@given(samples.texts)
def test_a_text_without_findings_is_the_same_object(text: str) -> None:
    masked, counts = MASKER.text(text)
    assert (masked is text) == (not MASKER.findings(text)) == (not counts)


@settings(max_examples=300, deadline=None)
@given(st.lists(samples.texts | samples.cards | samples.emails | samples.edges).map("".join))
def test_what_is_not_found_is_kept_as_it_is(text: str) -> None:
    found = MASKER.findings(text)
    kept, done = [], 0
    for one in found:
        assert done <= one.start < one.end <= len(text)
        kept.append(text[done : one.start])
        done = one.end
    kept.append(text[done:])
    assert Masker(()).text(text) == (text, {})
    assert sum(map(len, kept)) == len(text) - sum(one.end - one.start for one in found)


#: Each is repeated to 200,000 characters. With a pattern that goes back over what it has read, one would take minutes.
ADVERSARIAL = (
    *(
        "a",
        "@",
        "a@",
        "a@b.",
        "a-",
        "1",
        "1 ",
        "1.",
        "12-",
        "+",
        "+1",
        "( 1",
        "4444 ",
        "4111-",
        ":",
        "a:",
        "::1",
        "1.1.1.1.",
    ),
    *(
        "://a:",
        "://a:b",
        "password=",
        "password is ",
        'password="',
        "api_key:",
        "token ",
        "bearer ",
        "bearer a1",
        "[email]",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- AAAAAAAAAAAAAAAAAAAA\n",
        "eyJ",
        "eyJ-",
        "eyJaaaaaaaa.",
        "sk-",
    ),
    *(
        "sk-a1",
        "xoxb-",
        "DE12",
        "DE12 ",
        "GB12 NWBK ",
        "12345678-1234-1234-1234-",
        "0123456789abcdef",
        "2024-01-01 ",
        "123-45-",
    ),
    *(
        "AAAAAA11A11A111",
        "123456789:AA",
        "phone 1234567 ",
        "order 4111 ",
        "01 ",
        "0171 ",
        '\\\\\\"password',
        "İ",
        "４",
        "tel 1 2 3 ",
    ),
)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("unit", ADVERSARIAL)
def test_no_input_makes_it_go_back_over_what_it_has_read(unit: str) -> None:
    text = (unit * (200_000 // len(unit) + 1))[:200_000]
    masked, _ = MASKER.text(text)
    assert MASKER.text(masked) == (masked, {})


# ---- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "masked", "counts"),
    [
        (None, None, {}),
        (True, True, {}),
        (12, 12, {}),
        (4111111111111111, "[card]", {"card": 1}),
        (4111111111111111.0, "[card]", {"card": 1}),
        (1760000000123456789, 1760000000123456789, {}),
        ([MAIL, {"a": [CARD]}], ["[email]", {"a": ["[card]"]}], {"email": 1, "card": 1}),
        ((MAIL, 1), ("[email]", 1), {"email": 1}),
        ({MAIL: 1}, {"[email]": 1}, {"email": 1}),
        ({"phone": 4155550132}, {"phone": "[phone]"}, {"phone": 1}),
        ({"created": 4155550132}, {"created": 4155550132}, {}),
        ({"password": "hunter22"}, {"password": "[api_key]"}, {"api_key": 1}),
        ({"ssn": "457123456"}, {"ssn": "[national_id]"}, {"national_id": 1}),
        ({"usage": {"input_tokens": 123456}}, {"usage": {"input_tokens": 123456}}, {}),
        (0.4111111111111111, 0.4111111111111111, {}),
    ],
)
def test_a_value_is_masked_inside(value: Any, masked: Any, counts: dict[str, int]) -> None:
    assert MASKER.value(value) == (masked, counts)


def test_json_in_a_string_is_masked_inside_and_stays_json() -> None:
    inner = json.dumps({"role": "user", "content": f"I am {MAIL}", "card": 4111111111111111, "n": 1.5})
    masked, counts = MASKER.value(json.dumps([{"arguments": inner}]))
    arguments = json.loads(json.loads(masked)[0]["arguments"])
    assert arguments == {"role": "user", "content": "I am [email]", "card": "[card]", "n": 1.5}
    assert counts == {"email": 1, "card": 1}


def test_json_without_findings_keeps_its_spaces() -> None:
    text = '{ "a" :  [1, 2] }'
    masked, counts = MASKER.value(text)
    assert masked is text
    assert counts == {}


def test_a_broken_json_string_is_masked_as_text() -> None:
    assert MASKER.value('{"to": "' + MAIL) == ('{"to": "[email]', {"email": 1})


@pytest.mark.parametrize("value", [{1, 2}, object(), b"x", {"a": {1: 2}}, [[object()]]])
def test_a_value_that_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(MaskingError):
        MASKER.value(value)


def test_a_value_that_is_too_deep_is_refused_also_inside_a_string() -> None:
    deep: Any = MAIL
    for _ in range(80):
        deep = [deep]
    with pytest.raises(MaskingError, match="deeper"):
        MASKER.value(deep)
    with pytest.raises(MaskingError, match="deeper"):
        MASKER.value(json.dumps(deep))


def test_json_that_is_deeper_than_the_parser_can_go_is_masked_as_text() -> None:
    masked, counts = MASKER.value("[" * 50_000 + MAIL)
    assert masked.endswith("[[email]")
    assert counts == {"email": 1}


def test_more_characters_than_allowed_are_refused_in_a_text_and_in_all_texts_together() -> None:
    small = Masker(max_chars=100)
    assert small.text("x" * 100) == ("x" * 100, {})
    with pytest.raises(MaskingError, match="101 characters"):
        small.text("x" * 101)
    with pytest.raises(MaskingError, match="more than 100"):
        small.value(["x" * 60, "y" * 60])


def test_an_error_does_not_hold_the_value() -> None:
    with pytest.raises(MaskingError) as caught:
        Masker(max_chars=5).text(MAIL)
    assert MAIL not in str(caught.value)


# ---- kinds and patterns of one's own --------------------------------------------------------------------------------


def test_only_the_kinds_that_are_asked_for_are_masked() -> None:
    assert Masker(["card"]).text(f"{MAIL} {CARD}") == (f"{MAIL} [card]", {"card": 1})
    with pytest.raises(ValueError, match="unknown kind 'cards'"):
        Masker(["cards"])


def test_a_pattern_of_ones_own_comes_before_the_built_in_kinds() -> None:
    masker = Masker(patterns={"employee": r"EMP-[0-9]{6}", "inhouse": r"[a-z.]{1,40}@example\.com"})
    assert masker.kinds[:2] == ("employee", "inhouse")
    assert masker.text(f"EMP-123456 is {MAIL}") == ("[employee] is [inhouse]", {"employee": 1, "inhouse": 1})


def test_a_pattern_that_matches_a_mask_comes_to_an_end() -> None:
    assert Masker(patterns={"word": "email"}).text(f"{MAIL} email") == ("[email] [word]", {"email": 1, "word": 1})


def test_finds_that_overlap_are_masked_as_one() -> None:
    masker = Masker(["email"], {"left": "xx[a-z]{3}", "right": "[a-z]{2}yy"})
    assert masker.text("1 xxabcdyy 2") == ("1 [left] 2", {"left": 1})


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a+)+$", "no end"),
        (r"\d+", "no end"),
        (r"(?:a|aa){1,30}b", "several ways"),
        (r"(?:a{0,5}){1,9}b", "several ways"),
        (r"[0-9]{1,100}[0-9]{1,100}x", "10000 ways"),
        (r"a{0,5}", "nothing at all"),
        (r"(", "unterminated|missing"),
    ],
)
def test_a_pattern_that_could_take_long_is_refused_and_says_why(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        Masker(patterns={"own": pattern})


@pytest.mark.parametrize("name", ["email", "Own", "1x", "", "a b", "x" * 33])
def test_a_pattern_needs_a_name_that_can_stand_in_brackets(name: str) -> None:
    with pytest.raises(PatternError, match="name"):
        Masker(patterns={name: "abc"})


def test_every_kind_is_in_the_list() -> None:
    assert set(KINDS) == {"email", "phone", "card", "iban", "ip", "national_id", "api_key"}
