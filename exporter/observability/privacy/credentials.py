"""API keys, tokens, private keys and passwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from observability.privacy.scan import Scan, Span

# Characters that are rare enough in prose to ask for before asking for each literal with one.
_RARE = "_-"
_EDGE = r"(?<![A-Za-z0-9_])"
_W = "[A-Za-z0-9_-]"

#: A literal that every key of a provider holds → how the key is written. The literal is looked for first, which is
#: much cheaper than the pattern.
_PREFIXED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (literal, re.compile((_EDGE if literal[0].isalnum() else "") + pattern))
    for literal, pattern in (
        ("sk-", rf"sk-{_W}{{20,256}}"),  # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), Langfuse (sk-lf-)
        ("pk-lf-", r"pk-lf-[0-9a-f-]{36}"),
        ("AKIA", r"AKIA[0-9A-Z]{16}"),  # AWS: long-lived, temporary
        ("ASIA", r"ASIA[0-9A-Z]{16}"),
        ("AIza", rf"AIza{_W}{{35}}"),  # Google
        ("GOCSPX-", rf"GOCSPX-{_W}{{20,64}}"),
        ("ya29.", rf"ya29\.{_W}{{20,512}}"),
        ("ghp_", r"ghp_[A-Za-z0-9]{30,255}"),  # GitHub
        ("gho_", r"gho_[A-Za-z0-9]{30,255}"),
        ("ghu_", r"ghu_[A-Za-z0-9]{30,255}"),
        ("ghs_", r"ghs_[A-Za-z0-9]{30,255}"),
        ("ghr_", r"ghr_[A-Za-z0-9]{30,255}"),
        ("github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
        ("glpat-", rf"glpat-{_W}{{20,64}}"),  # GitLab
        ("xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),  # Slack
        ("xapp-", r"xapp-[A-Za-z0-9-]{10,250}"),
        ("hooks.slack.com", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,100}"),
        ("k_live_", r"[srp]k_live_[A-Za-z0-9]{16,128}"),  # Stripe
        ("k_test_", r"[srp]k_test_[A-Za-z0-9]{16,128}"),
        ("whsec_", r"whsec_[A-Za-z0-9+/=]{24,128}"),
        ("hf_", r"hf_[A-Za-z0-9]{30,64}"),  # Hugging Face
        ("gsk_", r"gsk_[A-Za-z0-9]{32,64}"),  # Groq
        ("xai-", r"xai-[A-Za-z0-9]{40,128}"),
        ("pplx-", r"pplx-[A-Za-z0-9]{32,64}"),
        ("r8_", r"r8_[A-Za-z0-9]{37}"),  # Replicate
        ("nvapi-", rf"nvapi-{_W}{{60,80}}"),
        ("lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),  # LangSmith
        ("tvly-", rf"tvly-{_W}{{20,64}}"),
        ("dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),  # Databricks
        ("npm_", r"npm_[A-Za-z0-9]{36}"),
        ("pypi-AgE", rf"pypi-AgE{_W}{{50,250}}"),
        ("SG.", rf"SG\.{_W}{{22}}\.{_W}{{43}}"),  # SendGrid
        ("SK", r"SK[0-9a-f]{32}"),  # Twilio
        ("shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),  # Shopify
        ("glsa_", r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}"),  # Grafana
        ("hvs.", rf"hvs\.{_W}{{24,128}}"),  # Vault
        ("ATATT3", r"ATATT3[A-Za-z0-9_=-]{150,250}"),  # Atlassian
        ("dop_v1_", r"dop_v1_[0-9a-f]{64}"),  # DigitalOcean
        ("ntn_", r"ntn_[A-Za-z0-9]{40,64}"),  # Notion
        ("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
        ("eyJ", rf"eyJ{_W}{{8,1024}}\.{_W}{{8,16384}}\.{_W}{{0,2048}}"),  # JSON Web Token
        (":AA", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),  # Telegram
    )
)


_BY_CHARACTER = {
    character: [entry for entry in _PREFIXED if next((rare for rare in _RARE if rare in entry[0]), "") == character]
    for character in (*_RARE, "")
}


def api_keys(scan: Scan) -> Iterator[Span]:
    """Keys by their form, private keys in PEM, passwords in URLs, and what stands after ``password=`` and the like."""
    text = scan.text
    for character, prefixed in _BY_CHARACTER.items():
        if character in text:
            for literal, pattern in prefixed:
                if literal in text:
                    for match in pattern.finditer(text):
                        if literal != "sk-" or _is_random(match[0][3:]):
                            yield match.span()
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)
    if "://" in text:
        yield from _in_urls(text)
    yield from _after_words(scan)


def _is_random(text: str) -> bool:
    """Whether this is a made-up string and not words joined with dashes: digits, and capitals or many digits."""
    digits = sum(map(str.isdecimal, text))
    return digits >= 2 and (digits >= 6 or any(map(str.isupper, text)))


_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
# Lines of base64, with line ends that may be escaped; possessive, so it never goes back.
_BODY = re.compile(r"(?:(?:\\{1,4}[nr]|\s){0,4}[A-Za-z0-9+/=]{16,}+)++(?:(?:\\{1,4}[nr]|\s){1,4}[A-Za-z0-9+/=]{1,64})?")
_FOOT = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")


def _private_keys(text: str) -> Iterator[Span]:
    """From BEGIN to END; of a key that was cut off, the lines that are there."""
    done, foot = 0, _FOOT.search(text)
    for head in _BEGIN.finditer(text):
        if head.start() < done:
            continue
        if foot and foot.start() < head.end():
            foot = _FOOT.search(text, head.end())
        body = _BODY.match(text, head.end())
        if foot:
            done = foot.end()
        elif body:
            done = body.end()
        else:
            continue
        yield head.start(), done


_USER_PASSWORD = re.compile(r"://[^\s/:@\"'<>]{0,64}:([^\s/@\"'<>\[\]]{3,256})@")


def _in_urls(text: str) -> Iterator[Span]:
    for match in _USER_PASSWORD.finditer(text):
        if not match[1].startswith(("$", "{", "<", "%")):
            yield match.span(1)


#: Words after which a password stands, which need not have any digit if it is in quotes, by a part that they share.
_PASSWORD_WORDS: dict[str, tuple[str, ...]] = {
    "pass": ("password", "passwd", "passwort", "passphrase", "mot de passe"),
    "contrase": ("contraseña", "contrasena"),
    **{word: (word,) for word in ("pwd", "kennwort", "senha", "wachtwoord", "salasana", "adgangskode")},
}
_PASSWORD_WORDS_BEYOND_ASCII: dict[str, tuple[str, ...]] = {
    word: (word,) for word in ("hasło", "пароль", "密码", "パスワード", "비밀번호", "lösenord", "şifre")
}
#: Words after which a key stands, which is long and has letters and digits.
_KEY_WORDS: dict[str, tuple[str, ...]] = {
    "key": (
        *("api_key", "apikey", "api-key", "api key", "secret_key", "secret-key", "secretkey", "secret key"),
        *("access_key", "access-key", "accesskey", "access key", "account_key", "accountkey", "private_key"),
        *("encryption_key", "signing_key"),
    ),
    **{word: (word,) for word in ("secret", "token", "credential")},
}
#: At most one quote (escaped inside JSON in JSON), a connector, a quote. Group 1: the opening quote.
_CONNECTOR = re.compile(
    r"s?\\{0,3}[\"'`]?[\s\u00a0]{0,3}(?::=|=>|==?|:|\b(?:is|is now|ist|lautet|est|es|é|è)\b)[\s\u00a0]{0,3}"
    r"(\\{0,3}[\"'`])?"
)
_QUOTED = {quote: re.compile(rf"[^{re.escape(quote)}\\\n]{{4,256}}") for quote in "\"'`"}
_BARE = re.compile(r"[^\s\"'`,;<>\\\[\]{}()|&]{4,512}")
_PLACEHOLDER = re.compile(
    r"(?i)(?:x{3,}|\*+|\.{2,}|-+|_+|n/?a|your[\w-]*|my[_-][\w-]*|example[\w-]*|changeme|placeholder|redacted|secret|password"
    r"|null|none|nil|true|false|undefined|str|string|text|int|bool|bytes|optional|required|any|input|hidden|value)[.!?:]*"
)
#: settings.api_key, os.environ, self._token: code that names a secret and does not hold it.
_CODE = re.compile(
    r"[$%{<(]|(?:os|env|process|self|this|config|settings|secrets|vault|request|getpass)\b"
    r"|[A-Za-z_]+(?:\.[A-Za-z_]+)+$"
)


#: Value, whether it is in quotes, and whether it comes after "is" and not "=" → whether it can be a secret.
Check = Callable[[str, bool, bool], bool]


def _after_words(scan: Scan) -> Iterator[Span]:
    lower = scan.lower
    tables = [(_PASSWORD_WORDS, _is_password), (_KEY_WORDS, _is_key)]
    if not lower.isascii():
        tables.append((_PASSWORD_WORDS_BEYOND_ASCII, _is_password))
    for table, check in tables:
        for part, words in table.items():
            if part in lower:
                for word in words:
                    yield from _values_after(scan, word, check)
    if "bearer " in lower or "basic " in lower:
        for match in _SCHEME.finditer(lower):
            if _is_scheme_value(scan.text[match.start(1) : match.end(1)]):
                yield match.span(1)


_SCHEME = re.compile(r"(?<![a-z0-9])(?:bearer|basic) {1,3}([a-z0-9._~+/-]{12,4096}={0,2})")


def _is_scheme_value(value: str) -> bool:
    letters = any(map(str.isalpha, value))
    return letters and (any(map(str.isdecimal, value)) or (len(value) >= 20 and value != value.lower()))


def _values_after(scan: Scan, word: str, check: Check) -> Iterator[Span]:
    place = scan.lower.find(word)
    while place >= 0:
        place += len(word)
        span = _value_after(scan.text, place, check)
        if span:
            yield span
        place = scan.lower.find(word, place)


def _value_after(text: str, place: int, check: Check) -> Span | None:
    connector = _CONNECTOR.match(text, place, place + 24)
    if not connector:
        return None
    quote = connector[1]
    start = connector.end()
    value = _QUOTED[quote[-1]].match(text, start) if quote else _BARE.match(text, start)
    if not value:
        return None
    found = value[0] if quote else value[0].rstrip(".:")
    if text[start + len(found) : start + len(found) + 1] in {"(", "["} or _PLACEHOLDER.fullmatch(found):
        return None
    if _CODE.match(found):
        return None
    spoken = connector[0].strip(" \"'`\\")[-1:].isalpha()
    return (start, start + len(found)) if check(found, bool(quote), spoken) else None


def _is_password(value: str, quoted: bool, spoken: bool) -> bool:
    """``spoken``: after "is" and not "=", where any word may follow: "the password is required"."""
    telling = any(not character.isalpha() and character != "_" for character in value)
    if spoken or not quoted:
        return telling and len(value) >= 6 and " " not in value
    return len(value) >= 4 and " " not in value


def _is_key(value: str, _quoted: bool, _spoken: bool) -> bool:
    return (
        len(value) >= 10
        and " " not in value
        and any(map(str.isalpha, value))
        and sum(map(str.isdecimal, value)) >= 2
        and "://" not in value
    )
