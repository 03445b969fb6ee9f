"""Errors of many libraries → the closed vocabulary ``catalogue.ERROR_TYPES``.

Evidence is looked at from strong to weak: what kind of answer it was at all (a content filter and an unknown model
come as plain 400 and 404), then error classes and HTTP status codes, then the words of messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

ErrorType = Literal[
    "rate_limit_exceeded", "invalid_request", "timeout", "content_filter", "model_not_found", "authentication",
    "server_error", "other",
]  # fmt: skip

#: HTTP status → error type; other 4xx are invalid requests, other 5xx server errors.
STATUS_CODES: dict[int, ErrorType] = {
    401: "authentication",
    403: "authentication",
    404: "model_not_found",
    408: "timeout",
    429: "rate_limit_exceeded",
    504: "timeout",
}


def _table(*rows: tuple[ErrorType, str]) -> tuple[tuple[ErrorType, re.Pattern[str]], ...]:
    return tuple((error_type, re.compile(pattern, re.IGNORECASE)) for error_type, pattern in rows)


#: More telling than the class of the error: looked for in all evidence first.
_TELLING = _table(
    ("content_filter", r"content[_ -]?(filter|policy|management)|responsible[_ ]?ai|safety[_ ]?(filter|setting|block)"),
    ("model_not_found", r"model[_ ]not[_ ]found|model .{0,80}(does not exist|not found)|no such model|unknown model"),
)
#: Names of error classes and error codes, and the words of messages.
_CLASSES = _table(
    (
        "rate_limit_exceeded",
        r"rate[_ -]?limit|too[_ ]?many[_ ]?requests|throttl|resource[_ ]?exhausted|insufficient_quota|quota exceeded",
    ),
    ("timeout", r"time[d]?[_ -]?out|deadline[_ ]?exceeded"),
    (
        "authentication",
        r"authenti|unauthori[sz]ed|permission[_ ]?denied|forbidden|invalid[_ ]api[_ ]key|access[_ ]?denied|credential",
    ),
    ("model_not_found", r"not[_ ]?found"),
    (
        "server_error",
        r"internal[_ ]?server|server[_ ]?error|service[_ ]?unavailable|overloaded|bad[_ ]gateway|internal[_ ]?failure"
        r"|api[_ ]?connection|connect(ion)?[_ ]?(error|refused|reset)|unavailable",
    ),
    (
        "invalid_request",
        r"bad[_ ]?request|invalid[_ ]?(request|argument|parameter)|unprocessable|validation|context[_ ]length|conflict",
    ),
)
_CODE_IN_TEXT = re.compile(r"(?:error code|status(?: code)?|http(?:/\d(?:\.\d)?)?)\D{0,3}([45]\d\d)\b", re.IGNORECASE)
_CODE = re.compile(r"\s*([45]\d\d)(?:\.0)?\s*")


def classify(kinds: Iterable[str | None], messages: Iterable[str | None]) -> ErrorType:
    """The error type that the evidence speaks for, ``other`` if it speaks for none.

    ``kinds``: error classes, codes and HTTP status codes, strongest first; ``messages``: free text.
    """
    strong = [kind for kind in kinds if kind]
    weak = [message[:2000] for message in messages if message]
    for error_type, pattern in _TELLING:
        if any(pattern.search(text) for text in (*strong, *weak)):
            return error_type
    for kind in strong:
        found = _code(_CODE.fullmatch(kind)) or _named(kind)
        if found:
            return found
    for message in weak:
        found = _code(_CODE_IN_TEXT.search(message)) or _named(message)
        if found:
            return found
    return "other"


def _code(match: re.Match[str] | None) -> ErrorType | None:
    if match is None:
        return None
    status = int(match.group(1))
    return STATUS_CODES.get(status) or ("invalid_request" if status < 500 else "server_error")


def _named(text: str) -> ErrorType | None:
    return next((error_type for error_type, pattern in _CLASSES if pattern.search(text)), None)
