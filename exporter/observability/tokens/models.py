"""What is known of a model by its name: tokenizer family, encoding, and who serves it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from observability.tokens.encodings import encoding_name

#: Anthropic: from Claude 4.7 on the same text makes "approximately 30% more tokens" than before.
NEW_CLAUDE_TOKENIZER_FACTOR = 1.3

#: (pattern on the bare name, tokenizer family, whether the family's tokenizer is the model's own and public).
_FAMILIES: tuple[tuple[re.Pattern[str], str, bool], ...] = tuple(
    (re.compile(pattern), family, own)
    for pattern, family, own in (
        (r"claude-(instant|2|1)", "claude", True),
        (r"claude", "claude", False),
        (r"^(ft:)?(gpt-4o|gpt-4\.[1-9]|gpt-oss|chatgpt-4o|codex-mini|computer-use)", "o200k", True),
        (r"^(ft:)?(gpt-5|o[134](-|$))", "o200k", True),
        (r"^(ft:)?(gpt-4|gpt-3|gpt-35|davinci-002|babbage-002|text-embedding)", "cl100k", True),
        (r"gemini|gemma|learnlm", "gemini", True),
        (r"llama-?[12](?!\d)", "llama", False),
        (r"llama-?4", "llama", False),
        (r"llama", "llama", True),
        (r"mi[sx]tral|ministral|codestral|pixtral|devstral|magistral|voxtral", "mistral", True),
        (r"deepseek", "deepseek", True),
        (r"qwen|qwq|qvq", "qwen", True),
    )
)
#: What an unknown model is counted as: the newest public vocabulary of its kind.
DEFAULT_FAMILY = "o200k"

_ENCODINGS = {"o200k": "o200k_base", "cl100k": "cl100k_base"}

_CLAUDE_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?")
_GEMINI_VERSION = re.compile(r"gemini-(\d+)")
#: ``us.anthropic.claude-…-v1:0`` (Bedrock), ``openai/…`` and longer routes, ``models/…``, ``accounts/…``.
_ROUTE = re.compile(r"^.*/|^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|deepseek|qwen|openai)\.")


@dataclass(frozen=True, slots=True)
class Model:
    """A model as far as counting its tokens goes."""

    name: str
    family: str
    #: Whether the family's coefficients were fitted to the tokenizer of this very model's generation.
    measured: bool
    #: The tiktoken encoding, if it has one.
    encoding: str | None
    #: Claude: (major, minor); Gemini: (major, 0); else ``None``.
    version: tuple[int, int] | None

    @property
    def factor(self) -> float:
        """By what the approximation of the family is multiplied."""
        newer = self.family == "claude" and self.version is not None and self.version >= (4, 7)
        return NEW_CLAUDE_TOKENIZER_FACTOR if newer else 1.0


def bare_name(model: str) -> str:
    """``model`` in lower case without the route that a gateway puts before it."""
    return _ROUTE.sub("", model.strip().lower())


@functools.lru_cache(maxsize=1024)
def model_named(model: str) -> Model:
    """The :class:`Model` of a name as requests carry it; unknown names get :data:`DEFAULT_FAMILY`, unmeasured."""
    name = bare_name(model)
    family, measured = next(
        ((family, own) for pattern, family, own in _FAMILIES if pattern.search(name)), (DEFAULT_FAMILY, False)
    )
    listed = encoding_name(name)
    encoding = listed or (_ENCODINGS.get(family) if measured else None)
    return Model(name, family, measured, encoding, _version(name))


def _version(name: str) -> tuple[int, int] | None:
    if found := _CLAUDE_VERSION.search(name):
        return int(found[1]), int(found[2] or 0)
    if found := _GEMINI_VERSION.search(name):
        return int(found[1]), 0
    return None
