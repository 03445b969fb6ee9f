"""E-mail and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from observability.privacy.scan import Scan, Span

# Letters of the scripts that are used in addresses; not those that are written without spaces, where the words
# before an address (請寄到a@example.com) would be taken for a part of it.
_LETTERS = "A-Za-zÀ-ɏͰ-ӿ"
_LOCAL_BACKWARDS = re.compile(rf"[{_LETTERS}0-9.%+'_-]{{1,64}}")
_LABEL = rf"[{_LETTERS}0-9](?:[{_LETTERS}0-9-]{{0,61}}[{_LETTERS}0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}[{_LETTERS}]{{2,24}}")
_DOMAIN_LENGTH = 255
#: File names such as logo@2x.png.
_FILE_ENDINGS = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "css", "html", "json", "yaml", "yml", "txt", "pdf", "zip"}
)
#: What follows a product of matrices in Python: (x @ w.mean())
_METHODS = frozenset(
    {"mean", "sum", "dot", "transpose", "view", "reshape", "permute", "float", "half", "inverse", "conj", "copy"}
)
#: Accounts of version control, not of persons: git@github.com:team/project.git
_TOOL_ACCOUNTS = frozenset({"git", "hg", "svn"})


def emails(scan: Scan) -> Iterator[Span]:
    """Addresses with a domain of at least two labels. Looked for around each ``@``, so the time is linear."""
    text = scan.text
    at = text.find("@")
    while at >= 0:
        span = _email(text, at)
        if span:
            yield span
        at = text.find("@", at + 1)


def _email(text: str, at: int) -> Span | None:
    local = _LOCAL_BACKWARDS.match(text[max(0, at - 64) : at][::-1])
    domain = _DOMAIN.match(text, at + 1, at + 1 + _DOMAIN_LENGTH)
    if not local or not domain:
        return None
    end = domain.end()
    last = domain[0].rpartition(".")[2].lower()
    if last in _FILE_ENDINGS or (last in _METHODS and text[end : end + 1] == "("):
        return None
    name = local[0][::-1]
    start = at - len(name.lstrip("'.%+-"))
    if text[max(0, start - 1) : start] == ":" and "://" in text[max(0, start - 72) : start]:
        return None  # a password in a URL, which is another kind
    if start == at or (name in _TOOL_ACCOUNTS and text[end : end + 1] in {":", "/"}):
        return None
    return start, end


_V4 = re.compile(r"[0-9](?<![0-9A-Za-z.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9]|-[A-Za-z])")
_V6_CORE = re.compile(r":[0-9A-Fa-f]{0,4}:")
_V6 = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?<=:)[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?![0-9A-Za-z:])")
_HEX = "0123456789abcdefABCDEF"
#: Words before a dotted quad that is no address: a version, a chapter.
_VERSION = re.compile(
    r"(?:\bv|version|\bver\.|release|build|driver|firmware|バージョン|版本|chapter|section|figure|kapitel|abschnitt|§"
    r"|chapitre|capítulo|kernel|upgrade to|==|[~^>@]=?|[a-z]/)[\s\"'(:=v]{0,4}$"
)


def ips(scan: Scan) -> Iterator[Span]:
    """IPv4 and IPv6 addresses; not the loopback and 0.0.0.0, which are everybody's, and not version numbers."""
    text = scan.text
    if not scan.has_digits:
        return
    if text.count(".") >= 3:
        version: re.Match[str] | None = None
        for match in _V4.finditer(text):
            if _VERSION.search(scan.lower[max(0, match.start() - 24) : match.start()]):
                version = match
            elif not (version and _is_next_version(version, match)) and _is_personal(match[0]):
                yield match.span()
    if text.count(":") >= 2:
        done = 0
        for core in _V6_CORE.finditer(text):
            start = core.start()
            while start > max(done, core.start() - 4) and text[start - 1] in _HEX:
                start -= 1
            found = _V6.match(text, start) if start >= done else None
            # "::" in code is shorter than any address that says something.
            if found and not text[max(0, start - 1) : start].isalnum() and sum(map(str.isalnum, found[0])) >= 4:
                done = found.end()
                if _is_personal(found[0]):
                    yield found.span()


def _is_next_version(version: re.Match[str], match: re.Match[str]) -> bool:
    """Whether a quad soon after a version is one too: ``version 10.4.2.1 fixes it, 10.4.2.0 does not``."""
    return match.start() - version.end() <= 48 and match[0].split(".")[:2] == version[0].split(".")[:2]


def _is_personal(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # 255.255.255.0 and the like are masks; ipaddress calls them reserved.
    return not (parsed.is_loopback or parsed.is_unspecified or (parsed.version == 4 and parsed.is_reserved))
